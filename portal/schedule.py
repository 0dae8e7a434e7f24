"""When beat sends which job."""

import time
from datetime import timedelta
from typing import Any

from celery.beat import Scheduler

from portal import heartbeats

LONGER_THAN_ANY_INTERVAL = timedelta(days=366)


class Schedule(Scheduler):
    """Every job of `CELERY_BEAT_SCHEDULE` once at the start, then at its interval. Keeps nothing on disk.

    Each job finds in the database what is to be done, so that one too many does no harm. A file of last times does: a
    beat that was killed may leave it locked or broken, and the next one would not start; and a job that runs once a day
    would never run where beat is started anew more often than that.
    """

    _said_at = 0.0

    def setup_schedule(self) -> None:
        """Read the settings, as if no job had run for long."""
        super().setup_schedule()
        for entry in self.schedule.values():
            entry.last_run_at = entry.default_now() - LONGER_THAN_ANY_INTERVAL

    def tick(self, *args: Any, **options: Any) -> Any:
        """Send what is due, and say every few seconds that beat lives."""
        if time.monotonic() - self._said_at > heartbeats.EVERY_S:
            heartbeats.note(process="beat")
            self._said_at = time.monotonic()
        return super().tick(*args, **options)
