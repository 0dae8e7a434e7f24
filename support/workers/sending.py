"""Answers that their writers may still take back go out when that time is over: into the thread, and told of.

The draft is the queue. One that goes out is gone in the transaction that writes the answer, so that none is sent twice;
what a worker did not come to, the next one does.
"""

from datetime import datetime, timedelta

import structlog
from django.db import DatabaseError, transaction

from accounts.policies.permissions import actor_of
from support.domain import tickets
from support.models import Draft, Ticket
from support.policies import lifecycle

log = structlog.get_logger()
State = Ticket.State
# So long an answer may be taken back.
TAKES_BACK = timedelta(seconds=30)
BATCH = 200


def send(*, now: datetime) -> int:
    """Send every answer whose time has come; one that can't go out stops no other. Returns how many went out."""
    due = Draft.objects.filter(send_at__lte=now).order_by("send_at").values_list("pk", flat=True)
    return sum(_try_send(draft_id, now) for draft_id in list(due[:BATCH]))


def _try_send(draft_id: int, now: datetime) -> bool:
    try:
        return _send_one(draft_id, now)
    except (lifecycle.NotNow, DatabaseError) as error:
        # Its words are in what the database says: only which draft, and what kind of failure.
        log.warning("answer_not_sent", draft=draft_id, error=type(error).__name__)
        return False


@transaction.atomic
def _send_one(draft_id: int, now: datetime) -> bool:
    # The ticket first, as whoever writes in it does, so that neither waits for what the other holds. One that is held
    # now is the next pass's.
    ticket = Ticket.objects.select_for_update(of=("self",), skip_locked=True).filter(drafts=draft_id).first()
    waiting = Draft.objects.select_for_update(of=("self",)).select_related("user")
    draft = waiting.filter(pk=draft_id, send_at__lte=now).first() if ticket else None
    if ticket is None or draft is None:
        return False
    actor = actor_of(draft.user)
    if ticket.state == State.MERGED:
        # It was merged meanwhile: the answer waits, as a draft, for its writer to look where it went.
        Draft.objects.filter(pk=draft.pk).update(send_at=None, then="")
        return False
    tickets.answer(ticket=ticket, body=draft.body, actor=actor, then=State(draft.then), at=now)
    draft.delete()
    return True
