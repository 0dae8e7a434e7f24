"""Stops that failed with us, counted outside the database: it may be the database that fails.

Each web process counts into the cache, by hour of the clock; what the cache did not take waits in the process for the
next stop, failed or not. A task reads the hours and opens the incident (`support.clocks`).
"""

from collections import Counter as Tally
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from threading import Lock

from django.core.cache import cache
from prometheus_client import Counter

HOUR = timedelta(hours=1)
LOOK_BACK_HOURS = 24
KEPT_S = 48 * 3600
STOPS_FAILED = Counter("whereabouts_stops_failed", "Stops that ended in an error of ours.", registry=None)

_lock = Lock()
_waiting: Tally[str] = Tally()


def count(*, at: datetime) -> None:
    """One more stop failed."""
    STOPS_FAILED.inc()
    with _lock:
        _waiting[_key(at)] += 1
    hand_over()


def hand_over() -> None:
    """Give the cache what this process has counted and could not give it yet."""
    if not _waiting:
        return
    with _lock:
        for key, n in list(_waiting.items()):
            if _given(key, n):
                del _waiting[key]


def by_hour(*, now: datetime) -> Mapping[datetime, int]:
    """How many stops failed, by the hours of the last day in which any did."""
    this_hour = now.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
    hours = {_key(hour): hour for n in range(LOOK_BACK_HOURS) for hour in [this_hour - n * HOUR]}
    return {hours[key]: int(found) for key, found in cache.get_many(list(hours)).items()}


def _given(key: str, n: int) -> bool:
    """Whether the cache has it now. One that is away says that all is well: only what it gives back shows."""
    cache.add(key, 0, KEPT_S)
    try:
        cache.incr(key, n)
    except ValueError:
        return False
    return cache.get(key) is not None


def _key(at: datetime) -> str:
    return f"stops-failed:{at.astimezone(UTC):%Y-%m-%dT%H}"
