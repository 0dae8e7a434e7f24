"""When beat sends which job."""

import logging
from datetime import timedelta
from typing import Any

from celery.beat import ScheduleEntry, Scheduler
from kombu import Connection
from kombu.exceptions import OperationalError
from kombu.utils.objects import cached_property

from portal import heartbeats

LONGER_THAN_ANY_INTERVAL = timedelta(days=366)
# So long after a job could not be sent the next is tried, ever longer while none can.
PAUSE_S, LONGEST_PAUSE_S = 1.0, 8.0
# So long RabbitMQ may take to say that it has a job. Without that what was written to a dead connection counts as sent.
CONFIRMED_WITHIN_S = 5.0
logger = logging.getLogger(__name__)


class Schedule(Scheduler):
    """Every job of `CELERY_BEAT_SCHEDULE` once at the start, then at its interval. Keeps nothing on disk.

    Each job finds in the database what is to be done, so that one too many does no harm. A file of last times does: a
    beat that was killed may leave it locked or broken, and the next one would not start; and a job that runs once a day
    would never run where beat is started anew more often than that.
    """

    _has_failed = False
    _pause_s = PAUSE_S

    def setup_schedule(self) -> None:
        """Read the settings, as if no job had run for long."""
        super().setup_schedule()
        for entry in self.schedule.values():
            entry.options = {**(entry.options or {}), "confirm_timeout": CONFIRMED_WITHIN_S}
            _make_due(entry)

    @cached_property
    def connection(self) -> Connection:
        """To the broker, for as long as nothing fails over it."""
        made = self.app.connection_for_write()
        if made.transport_cls == "amqp":
            made.transport_options = {**(made.transport_options or {}), "confirm_publish": True}
        return made

    def tick(self, *args: Any, **options: Any) -> Any:
        """Send what is due. Where that fails the job stays due, and is sent over a new connection."""
        if not self._connect():
            return self._lengthen_pause()
        self._has_failed = False
        wait = super().tick(*args, **options)
        return max(wait, self._lengthen_pause()) if self._has_failed else wait

    def _connect(self) -> bool:
        """Connect before anything is taken for sent. Celery's own tries come ever later, and end after an hour."""
        try:
            self.connection.ensure_connection(max_retries=max(0, len(self.connection.alt) - 1), interval_start=0)
        except OperationalError as error:
            logger.warning("beat can't reach its broker: %s", error)
            self.close()
            return False
        return True

    def _lengthen_pause(self) -> float:
        pause, self._pause_s = self._pause_s, min(2 * self._pause_s, LONGEST_PAUSE_S)
        return pause

    def apply_async(self, entry: ScheduleEntry, *args: Any, **options: Any) -> Any:
        """Send a job, and say that beat lives: the broker has taken it."""
        try:
            sent = super().apply_async(entry, *args, **options)
        except Exception:  # whatever it is, the connection may be what is broken, and Celery would keep it for ever
            self._has_failed = True
            self.close()
            for one in self.schedule.values():
                if one.name == entry.name:
                    _make_due(one)
            self._heap = None
            raise
        self._pause_s = PAUSE_S
        heartbeats.record_heartbeat_sometimes(process="beat")
        return sent


def _make_due(entry: ScheduleEntry) -> None:
    entry.last_run_at = entry.default_now() - LONGER_THAN_ANY_INTERVAL
