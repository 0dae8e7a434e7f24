"""Send replies to many: batch by batch, each ticket once, whatever stops in between."""

from datetime import datetime

import structlog
from django.db import transaction
from django.db.models import QuerySet

from support.domain import tickets
from support.labels import BadVariable, fill_variables
from support.models import BulkReply, Ticket
from support.policies.lifecycle import UNDER_WAY
from support.queries.writing import values_of

log = structlog.get_logger()
BATCH = 100
# What one pass may send: the next pass goes on from there.
BATCHES = 20


def send_replies(*, at: datetime) -> int:
    """Go on with what has begun and is not finished. Returns how many tickets were answered."""
    return sum(_send_batch(at) for _ in range(BATCHES))


@transaction.atomic
def _send_batch(at: datetime) -> int:
    """The next tickets of one reply, with how far it is, in one transaction: another worker takes another reply."""
    waiting = BulkReply.objects.select_for_update(skip_locked=True).filter(
        begins_at__lte=at, undone_at__isnull=True, finished_at__isnull=True
    )
    reply = waiting.order_by("begins_at", "id").first()
    if reply is None:
        return 0
    done = reply.answered + reply.skipped
    batch = reply.ticket_ids[done : done + BATCH]
    locked = list(_still_theirs(batch))
    answered = sum(_answer(ticket, reply, at) for ticket in locked)
    reply.answered += answered
    reply.skipped += len(batch) - answered
    if done + len(batch) >= len(reply.ticket_ids):
        reply.finished_at = at
    reply.save(update_fields=["answered", "skipped", "finished_at"])
    return answered


def _still_theirs(ticket_ids: list[int]) -> QuerySet[Ticket]:
    """Those that are still to be answered, and were not handed up to the privacy office meanwhile."""
    rows = Ticket.objects.select_for_update().filter(pk__in=ticket_ids, state__in=UNDER_WAY)
    return rows.filter(escalated_at__isnull=True).order_by("id")


def _answer(ticket: Ticket, reply: BulkReply, at: datetime) -> bool:
    """Answer one. False where a variable has nothing to stand for it any more: the case stays open, for a person."""
    values = values_of(ticket=ticket, at=at) if "{" in reply.body else {}
    try:
        words = fill_variables(body=reply.body, values=values)
    except BadVariable:
        log.warning("reply_not_filled", ticket=ticket.pk)
        return False
    tickets.answer(ticket=ticket, body=words, actor=reply.by, then=Ticket.State.SOLVED, at=at, to_many=reply.id)
    return True
