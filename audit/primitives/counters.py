"""What is counted outside the database, because it may be the database that fails, or a page that must not wait.

Each process counts into the cache, by hour of the clock; what the cache did not take waits in the process for the next
time. Who reads the hours opens the incident.
"""

from collections import Counter
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from threading import Lock

from django.core.cache import cache

HOUR = timedelta(hours=1)
LOOK_BACK_HOURS = 24
KEPT_S = 48 * 3600


class Tally:
    """How often something happened, by hour, shared between processes. Nothing of whom it happened to."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._lock, self._handing_over = Lock(), Lock()
        self._waiting: Counter[str] = Counter()

    def count(self, *, at: datetime) -> None:
        """Once more."""
        with self._lock:
            self._waiting[self._key(at)] += 1
        self.hand_over()

    def hand_over(self) -> None:
        """Give the cache what this process has counted and could not give it yet.

        One does it at a time, and nobody waits for them: a cache that hangs must not hold up what is counted.
        """
        if not self._waiting or not self._handing_over.acquire(blocking=False):
            return
        try:
            with self._lock:
                left, self._waiting = self._waiting, Counter()
            try:
                for key, n in list(left.items()):
                    if _increment_cache(key, n):
                        del left[key]
            finally:
                with self._lock:
                    self._waiting.update(left)
        finally:
            self._handing_over.release()

    def forget(self) -> None:
        """Let go of what waits in this process."""
        with self._lock:
            self._waiting.clear()

    def by_hour(self, *, now: datetime) -> Mapping[datetime, int]:
        """Return how often, by the hours of the last day in which it happened."""
        this_hour = now.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
        hours = {self._key(hour): hour for n in range(LOOK_BACK_HOURS) for hour in [this_hour - n * HOUR]}
        found = cache.get_many(list(hours)).items()
        return {hours[key]: count for key, count in found if isinstance(count, int)}

    def _key(self, at: datetime) -> str:
        return f"{self._name}:{at.astimezone(UTC):%Y-%m-%dT%H}"


def _increment_cache(key: str, n: int) -> bool:
    """Whether the cache has it now. One that is away says that all is well: only what it gives back shows."""
    cache.add(key, 0, KEPT_S)
    try:
        cache.incr(key, n)
    except ValueError:
        return False
    return isinstance(cache.get(key), int)
