"""Downloads that go on and on: readers wait behind them, and nobody who wants to stop does."""

import os
import socket
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

import pytest
from django.utils import timezone
from pytest_django import Settings

from accounts.primitives.sealing import seal_bytes
from disclosures.models import Archive, ArchivePart
from tests.factories import a_line
from tests.faults.fixtures import Server
from tests.faults.programs import START_WITHIN_S, Programs, until
from tests.people import Browser, sign_in, user_of

FILE = "/settings/archive/whereabouts.zip"
# More than all the buffers between the two hold.
PARTS, PART = 24, os.urandom(1024 * 1024)


@pytest.fixture
def reader(committed_db: None, settings: Settings) -> Browser:
    """Somebody with a large file to take."""
    settings.SMS_BACKEND, settings.ANSWER_SECONDS = "accounts.clients.texts.MemoryBackend", 0.0
    line, now = a_line(), timezone.now()
    browser = sign_in(line)
    archive = Archive.objects.create(
        id=uuid.uuid4(), line_id=line.pk, user_id=user_of(line).pk, language="en", state=Archive.State.READY,
        asked_at=now, as_of=now, size=PARTS * len(PART), expires_at=now + timedelta(hours=1),
    )  # fmt: skip
    sealed = seal_bytes(PART)
    for number in range(PARTS):
        ArchivePart.objects.create(archive=archive, number=number, sealed=sealed)
    return browser


@pytest.fixture
def port(reader: Browser) -> Iterator[int]:
    """A web process of four threads, of which one is for readers."""
    # The demo's would want its static files collected.
    programs = Programs.usual(more={"READING_LIMIT": "1", "WHEREABOUTS_DEMO": "0"})
    try:
        programs.web().wait()
        yield programs.web_port
    finally:
        programs.end()


@contextmanager
def downloading(port: int, reader: Browser) -> Iterator[None]:
    """The file has begun to come, and whoever asked reads no more of it. At the end they hang up."""
    with socket.create_connection(("127.0.0.1", port), timeout=30) as caller:
        cookies = "; ".join(f"{name}={one.value}" for name, one in reader.client.cookies.items())
        caller.sendall(f"GET {FILE} HTTP/1.1\r\nHost: 127.0.0.1\r\nCookie: {cookies}\r\n\r\n".encode())
        assert caller.recv(12) == b"HTTP/1.1 200"
        yield


def status(port: int, path: str) -> int:
    return Server(port).ask(path, b"", "text/html", method="GET").status


def test_a_download_keeps_a_readers_place_until_whoever_takes_it_hangs_up(port: int, reader: Browser) -> None:
    for _ in range(2):
        with downloading(port, reader):
            assert [status(port, path) for path in ("/help/", "/stop/", "/help/")] == [503, 200, 503]
        until(lambda: status(port, "/help/") == 200, START_WITHIN_S)
