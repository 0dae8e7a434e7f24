"""A store of objects beside the test (`tests.store`), and what is told to it."""

import json
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import pytest
from django.db import connections
from pytest_django import Settings

from partners.clients import http, s3
from tests.forks import PROJECT, Forked
from tests.store import KEY_ID, REGION

SECRET = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"


@dataclass
class Running:
    """The store's program."""

    port: int

    @property
    def url(self) -> str:
        """Its bucket."""
        return f"http://127.0.0.1:{self.port}/stops"

    def told(self, *faults: str) -> dict[str, Any]:
        """Tell it what goes wrong next; what it holds (key: versions), and what it was asked since last time."""
        return self._told("_faults", json.dumps(faults).encode())

    def holds(self, key: str, body: bytes) -> None:
        """Somebody else puts an object there, over any that is; nothing: takes it out."""
        self._told(f"_objects/{key}", body)

    def _told(self, path: str, body: bytes) -> dict[str, Any]:
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}/{path}", body)
        with urllib.request.urlopen(request) as answer:
            said: dict[str, Any] = json.load(answer)
        return said


@contextmanager
def running() -> Iterator[Running]:
    """One with nothing in it."""
    with Forked([sys.executable, "-m", "tests.store", SECRET], cwd=PROJECT, stdout=subprocess.PIPE) as program:
        assert program.stdout is not None
        try:
            yield Running(int(program.stdout.readline()))
        finally:
            program.kill()


@contextmanager
def checkpoints_stored(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[Running]:
    """A store into which checkpoints go, and nothing else; it is spoken to outside transactions alone."""
    to_a_store = http.store

    def outside_transactions(**asked: Any) -> http.Reply:
        assert not any(one.in_atomic_block for one in connections.all(initialized_only=True))
        return to_a_store(**asked)

    monkeypatch.setattr(http, "store", outside_transactions)
    monkeypatch.setattr(s3, "PAUSES_S", (0.0, 0.0))
    with running() as made:
        settings.DOOR_OUT_LOOPBACK = True
        settings.CHECKPOINT_BACKEND = "partners.clients.checkpoint_s3.S3Place"
        settings.CHECKPOINT_DIR = "/nonexistent"
        settings.CHECKPOINT_S3_URL = f"{made.url}/carrier/signed"
        settings.CHECKPOINT_S3_REGION, settings.CHECKPOINT_S3_KEY_ID = REGION, KEY_ID
        settings.CHECKPOINT_S3_SECRET = SECRET
        yield made
