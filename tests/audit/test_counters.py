"""What is counted outside the database: a cache that hangs holds up nobody, and nothing that was counted is lost."""

import threading
from datetime import UTC, datetime
from uuid import uuid4

import pytest

from audit.primitives import counters
from audit.primitives.counters import Tally

AT = datetime(2026, 11, 26, 9, 30, tzinfo=UTC)
HOUR = AT.replace(minute=0)


def test_whoever_counts_does_not_wait_for_another_s_cache(monkeypatch: pytest.MonkeyPatch) -> None:
    tally, given = Tally(f"test-hangs-{uuid4()}"), counters._increment_cache
    asked, answers = threading.Event(), threading.Event()

    def slow(key: str, n: int) -> bool:
        asked.set()
        assert answers.wait(10)
        return given(key, n)

    monkeypatch.setattr(counters, "_increment_cache", slow)
    first = threading.Thread(target=tally.count, kwargs={"at": AT})
    first.start()
    assert asked.wait(10)
    others = [threading.Thread(target=tally.count, kwargs={"at": AT}) for _ in range(3)]
    for other in others:
        other.start()
    for other in others:
        other.join(10)
    assert first.is_alive()
    assert not any(other.is_alive() for other in others)
    answers.set()
    first.join(10)
    tally.hand_over()
    assert tally.by_hour(now=AT) == {HOUR: 4}


def test_what_could_not_be_given_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    tally, given = Tally(f"test-fails-{uuid4()}"), counters._increment_cache

    def fails(key: str, n: int) -> bool:
        raise OSError(key, n)

    monkeypatch.setattr(counters, "_increment_cache", fails)
    with pytest.raises(OSError, match="test-fails"):
        tally.count(at=AT)
    monkeypatch.setattr(counters, "_increment_cache", given)
    tally.count(at=AT)
    assert tally.by_hour(now=AT) == {HOUR: 2}
