"""Tell a line by text, once, that the last company has signed what its newest stop or pause asked, or that one is late.

A line is looked at soon after its stop, then ever less often: what a page shows at once may reach the phone later.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import partial

from django.db import transaction

from accounts.models import Message
from accounts.primitives.slots import lock_job
from accounts.workers.one_by_one import run_each
from consent.domain import change_notices
from consent.models import AwaitedOutcome
from consent.queries.progress import OrderState, newest_order_states
from revocations.models import State

TURN = "consent.outcome_texts"
BATCH = 1_000
SOONEST, LATEST = timedelta(minutes=10), timedelta(hours=6)
# What nobody signed by then is told to nobody any more.
FOR_SO_LONG = timedelta(days=400)


def notify_outcomes(*, now: datetime) -> int:
    """Look at each line whose time has come. Returns how many were told. Does nothing while another worker is at it."""
    with lock_job(name=TURN) as mine:
        due = AwaitedOutcome.objects.filter(look_at__lte=now).order_by("look_at").values_list("pk", flat=True)
        rows = due.iterator(chunk_size=BATCH) if mine else ()
        return run_each(job=TURN, rows=rows, do=partial(_notify_line, now=now), at=now, at_most=BATCH)


@transaction.atomic
def _notify_line(line_id: int, now: datetime) -> bool:
    """Whether the line was told something. A stop that comes meanwhile waits, and begins it anew."""
    awaited = AwaitedOutcome.objects.select_for_update().filter(pk=line_id, look_at__lte=now).first()
    if awaited is None:
        return False
    owing = _list_due_lines(line_id, now)
    kind = _find_news(awaited, owing)
    if kind == Message.Kind.SIGNED or not owing or now - awaited.since > FOR_SO_LONG:
        awaited.delete()
    else:
        wait = min(max((now - awaited.since) / 8, SOONEST), LATEST)
        told_at = now if kind else awaited.late_told_at
        AwaitedOutcome.objects.filter(pk=line_id).update(look_at=now + wait, late_told_at=told_at)
    if kind:
        change_notices.notify_of_outcome(line_id=line_id, kind=kind, at=now)
    return kind is not None


def _list_due_lines(line_id: int, now: datetime) -> Sequence[OrderState]:
    """What the partners that must sign for anything have signed so far, as the pages say it."""
    return [one for one in newest_order_states(line_id=line_id, at=now).values() if one.owes]


def _find_news(awaited: AwaitedOutcome, owing: Sequence[OrderState]) -> Message.Kind | None:
    if owing and all(one.state == State.COMPLETED for one in owing):
        return Message.Kind.SIGNED
    is_late = awaited.late_told_at is None and any(one.overdue for one in owing)
    return Message.Kind.LATE if is_late else None
