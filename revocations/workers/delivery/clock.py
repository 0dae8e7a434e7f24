"""Time as a task sees it."""

import time
from datetime import datetime, timedelta


class Clock:
    """The moment a task began, running on: the database's and tests' time, never this machine's own."""

    def __init__(self, now: datetime) -> None:
        self._began, self._now = time.monotonic(), now

    def now(self) -> datetime:
        return self._now + self.get_elapsed()

    def get_elapsed(self) -> timedelta:
        return timedelta(seconds=time.monotonic() - self._began)
