"""The image's health check knows each kind of process by its command, and when it does not work."""

import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
from pytest_django import Settings

from portal import heartbeats
from tests.portal.processes import PROJECT

UVICORN = ("/opt/whereabouts/.venv/bin/python", "/opt/whereabouts/.venv/bin/uvicorn", "--host", "0.0.0.0")
CELERY = ("/opt/whereabouts/.venv/bin/python", "/opt/whereabouts/.venv/bin/celery", "--app", "portal")


class Page(BaseHTTPRequestHandler):
    status = 200

    def do_GET(self) -> None:
        self.send_response(self.status if self.path == "/healthz" else 404)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *args: object) -> None:
        """Quiet."""


@pytest.fixture
def port() -> Iterator[int]:
    with HTTPServer(("127.0.0.1", 0), Page) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server.server_port
        server.shutdown()
        thread.join()


def checked(folder: Path, *command: str, init: bool = False) -> tuple[int, str]:
    """What the check says in a container that runs this, with an init of its own or without."""
    for number, words in (("1", ("/sbin/catatonit", "--", *command) if init else command), ("7", command)):
        (folder / "proc" / number).mkdir(parents=True, exist_ok=True)
        (folder / "proc" / number / "cmdline").write_text("\0".join([*words, ""]))
    done = subprocess.run(
        [sys.executable, "portal/health_check.py", folder / "proc"], cwd=PROJECT, env={"DATA_DIR": str(folder)},
        capture_output=True, text=True, check=False, timeout=30,
    )  # fmt: skip
    return done.returncode, done.stderr.strip()


def test_pages_and_the_gate_must_answer_at_their_port(
    port: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for init in (False, True):
        assert checked(tmp_path, *UVICORN, "--port", str(port), init=init) == (0, "")
    monkeypatch.setattr(Page, "status", 503)
    assert checked(tmp_path, *UVICORN, "--port", str(port)) == (1, f"/healthz at {port}: 503")
    code, said = checked(tmp_path, *UVICORN, "--port", "1")
    assert (code, said.startswith("/healthz at 1: ")) == (1, True)


@pytest.mark.parametrize(("kind", "lately"), [("worker", 300), ("beat", 120)])
def test_beat_and_a_worker_must_have_got_something_through(
    kind: str, lately: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, settings: Settings
) -> None:
    assert checked(tmp_path, *CELERY, kind) == (1, f"{kind} has given no sign of life yet")
    settings.DATA_DIR = tmp_path
    monkeypatch.setattr("portal.heartbeats.cache.set", lambda *_, **__: None)
    heartbeats.record_heartbeat(process=kind)
    assert checked(tmp_path, *CELERY, kind) == (0, "")
    then = time.time() - lately - 5
    os.utime(tmp_path / f"heartbeat-{kind}", (then, then))
    code, said = checked(tmp_path, *CELERY, kind)
    assert (code, said.startswith(f"{kind} gave its last sign of life {str(lately)[:2]}")) == (1, True)


def test_a_container_without_any_of_ours_is_not_well(tmp_path: Path) -> None:
    assert checked(tmp_path, "/bin/sh") == (1, "no process of ours runs here")
