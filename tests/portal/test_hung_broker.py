"""A broker that hangs holds up nobody who asks whether we are ready."""

import signal
import socket
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from pathlib import Path

import pytest
from django.utils import timezone
from pytest_django import Settings

from consent.gate.deciding import Opening
from portal import health
from portal.embedded import cluster
from support.queries.pending_tickets import Canary
from tools.demo.processes import free_port

ASKING = 8
PATIENCE_S = 20


@pytest.fixture
def valkey(tmp_path: Path) -> Iterator[tuple[subprocess.Popen[str], int]]:
    port = free_port(0)
    command = [str(cluster.valkey_binary()), "--port", str(port), "--bind", "127.0.0.1", "--dir", str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as started:
        assert started.stdout is not None
        assert any("Ready to accept connections" in line for line in started.stdout)
        yield started, port
        started.kill()


def test_a_frozen_broker_is_called_down_and_everybody_gets_an_answer(
    valkey: tuple[subprocess.Popen[str], int], settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    process, port = valkey
    settings.CELERY_BROKER_URL = f"redis://127.0.0.1:{port}/0"
    monkeypatch.setattr(health, "_oldest_due_s", lambda _at: 0.0)
    monkeypatch.setattr(health, "_unarchived_s", lambda _at: 0.0)
    monkeypatch.setattr(health, "read_opening", lambda: Opening(is_open=True, why="", may_reopen=False))
    monkeypatch.setattr("support.queries.pending_tickets.canary", lambda *, at: Canary("ok"))
    monkeypatch.setattr("disclosures.workers.retention.missing_months", lambda *, now: [])
    assert health.readiness(at=timezone.now()).broker == "ok"
    process.send_signal(signal.SIGSTOP)
    # Another name for the same place: what was seen a moment ago says nothing of it.
    settings.CELERY_BROKER_URL = f"redis://127.0.0.1:{port}/1"
    try:
        with ThreadPoolExecutor(ASKING) as threads:
            asked = [threads.submit(health.readiness, at=timezone.now()) for _ in range(ASKING)]
            done, waiting = wait(asked, timeout=PATIENCE_S)
            assert not waiting
            assert {one.result().broker for one in done} == {"down"}
    finally:
        process.send_signal(signal.SIGCONT)


def asked_of(silent: socket.socket) -> int:
    """How many connections wait for an answer."""
    try:
        silent.accept()[0].close()
    except BlockingIOError:
        return 0
    return 1 + asked_of(silent)


@pytest.mark.parametrize("scheme", ["redis", "amqp"])
def test_one_that_answers_nothing_is_looked_at_once_for_everybody(scheme: str, settings: Settings) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"{scheme}://127.0.0.1:{silent.getsockname()[1]}/0"
        with ThreadPoolExecutor(ASKING) as threads:
            done, waiting = wait([threads.submit(health.broker.state, url) for _ in range(ASKING)], timeout=PATIENCE_S)
            assert not waiting
            assert {one.result() for one in done} == {"down"}
        silent.settimeout(0)
        assert asked_of(silent) <= 4
