"""Do the rows of a round one by one: one that breaks keeps no other waiting, and officers are told of it."""

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from functools import partial
from threading import Lock
from uuid import UUID

import psycopg
import structlog
from django.db import connection, transaction

import audit.actions
from accounts.primitives.sealing import unseal_to_show
from audit.actions import IncidentCount
from audit.models import Incident

log = structlog.get_logger()
ACTOR = "system:rounds"
# What met another's act at the same moment, and is done the next time.
BY_CHANCE = (
    psycopg.errors.DeadlockDetected, psycopg.errors.SerializationFailure, psycopg.errors.LockNotAvailable,
)  # fmt: skip


class RowRound:
    """One round of a job, whichever threads do its rows: what breaks is logged, and left for the next round.

    One incident a job and day says how many rows broke in a round at most; a lock or a lost session alone is none.
    """

    def __init__(self, *, job: str, at: datetime) -> None:
        self._job, self._at, self._broken, self._lock = job, at, 0, Lock()

    def attempt[R](self, *, row: object, do: Callable[[], R]) -> R | None:
        """Do what is to be done for this row, in no transaction or one of its own. Returns None where it breaks."""
        try:
            return do()
        except Exception as error:  # whatever it is, it must not keep the other rows waiting
            if not connection.is_usable():
                raise
            key = getattr(row, "pk", row)
            # Of a row that is more than an id, words of people might be part.
            log.exception("row_broke", job=self._job, row=str(key) if isinstance(key, int | UUID) else "")
            with self._lock:
                self._broken += not isinstance(error.__cause__, BY_CHANCE)
            return None

    def report(self) -> None:
        """Tell officers of what broke, once the round is over."""
        if self._broken:
            report_broken(job=self._job, count=self._broken, at=self._at)


def report_broken(*, job: str, count: int, at: datetime) -> None:
    """Tell officers how many rows of a job broke in one round, unless they know of as many today."""
    kind, key = Incident.Kind.WORK_BREAKS, f"{job}:{at:%Y-%m-%d}"
    if not Incident.objects.filter(kind=kind, key=key, count__gte=count).exists():
        audit.actions.state_incidents(stated=[IncidentCount(kind, key, job, count)], actor=ACTOR, at=at)


def unseal_or_report(*, sealed: bytes | memoryview, job: str, row: object, at: datetime) -> str:
    """Return what was sealed; "" where no key opens it, and officers hear of it: everything else goes on."""
    text = unseal_to_show(sealed)
    if not text:
        log.warning("not_opened", job=job, row=str(row))
        transaction.on_commit(partial(report_broken, job=job, count=1, at=at), robust=True)
    return text


def run_each[T](
    *, job: str, rows: Iterable[T], do: Callable[[T], int], at: datetime, at_most: int | None = None
) -> int:
    """Do each, in no transaction or one of its own. Returns what they come to.

    `at_most`: so many a round. Those that break aren't counted: they wait in front, and would leave the others no room.
    """
    this, done, left = RowRound(job=job, at=at), 0, at_most
    for row in rows:
        if left == 0:
            break
        result = this.attempt(row=row, do=partial(do, row))
        if left is not None and result is not None:
            left -= 1
        done += result or 0
    this.report()
    return done


def run_together[T](*, job: str, rows: Sequence[T], do: Callable[[Sequence[T]], int], at: datetime) -> int:
    """Do all of them at once, in one transaction; one by one where that breaks. Returns what they come to."""
    try:
        return do(rows)
    except Exception:  # each is done anew, and what breaks then is told
        if not connection.is_usable():
            raise
    return run_each(job=job, rows=rows, do=lambda row: do([row]), at=at)
