"""Do the rows of a round one by one: one that breaks keeps no other waiting, and officers are told of it."""

from collections.abc import Callable, Iterable
from datetime import datetime
from uuid import UUID

import structlog
from django.db import OperationalError, connection

import audit.actions
from audit.actions import IncidentCount
from audit.models import Incident

log = structlog.get_logger()
ACTOR = "system:rounds"


def run_each[T](*, job: str, rows: Iterable[T], do: Callable[[T], int], at: datetime) -> int:
    """Do each, in no transaction. Returns what they come to. What breaks is logged and left for the next round.

    One incident a job and day says how many rows broke in a round at most; a lock or a lost session alone is none.
    """
    done, broken = 0, 0
    for row in rows:
        try:
            done += do(row)
        except Exception as error:  # whatever it is, it must not keep the other rows waiting
            if not connection.is_usable():
                raise
            # Of a row that is more than an id, words of people might be part.
            log.exception("row_broke", job=job, row=str(row) if isinstance(row, int | UUID) else "")
            broken += not isinstance(error, OperationalError)
    if broken:
        _tell(job, broken, at)
    return done


def _tell(job: str, broken: int, at: datetime) -> None:
    kind, key = Incident.Kind.WORK_BREAKS, f"{job}:{at:%Y-%m-%d}"
    if not Incident.objects.filter(kind=kind, key=key, count__gte=broken).exists():
        audit.actions.state_incidents(stated=[IncidentCount(kind, key, job, broken)], actor=ACTOR, at=at)
