"""A web process that met a closed gate looks at the archive once at a time, however long the look takes."""

import threading
from queue import SimpleQueue

import pytest
from django.db import OperationalError

from consent.workers import archive_comparison

LONG = 20.0


class Slow:
    """Looks that end when they are told to, each as it is told."""

    def __init__(self) -> None:
        self.begun: SimpleQueue[str] = SimpleQueue()
        self.ends: SimpleQueue[Exception | None] = SimpleQueue()

    def look(self) -> None:
        self.begun.put(threading.current_thread().name)
        error = self.ends.get(timeout=LONG)
        if error is not None:
            raise error

    def end(self, error: Exception | None = None) -> None:
        self.ends.put(error)
        for one in threading.enumerate():
            if one.name == "look-at-archive":
                one.join(LONG)


@pytest.mark.parametrize("error", [None, OperationalError("the server is away")])
def test_the_next_look_begins_when_the_last_is_over(error: Exception | None, monkeypatch: pytest.MonkeyPatch) -> None:
    slow, looker = Slow(), archive_comparison._ComparisonThread()
    monkeypatch.setattr(archive_comparison, "compare_archive", slow.look)
    monkeypatch.setattr(archive_comparison, "AGAIN_AFTER_S", 0.0)
    looker.soon()
    assert slow.begun.get(timeout=LONG) == "look-at-archive"
    for _ in range(3):
        looker.soon()
    running = [one for one in threading.enumerate() if one.name == "look-at-archive"]
    slow.end(error)
    assert (len(running), slow.begun.empty()) == (1, True)
    looker.soon()
    assert slow.begun.get(timeout=LONG) == "look-at-archive"
    slow.end()
