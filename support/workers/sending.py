"""Send answers that are due: those whose writers can no longer take them back, and replies to many, batch by batch.

The draft is the queue. A draft is deleted in the transaction that writes its answer, so that none is sent twice; what
one worker leaves, the next one sends.
"""

from datetime import datetime, timedelta
from functools import partial

import structlog
from django.db import transaction
from django.db.models import QuerySet

from accounts.policies.permissions import actor_of
from accounts.workers.one_by_one import run_each
from support.domain import tickets
from support.models import BulkReply, Draft, Ticket
from support.policies import lifecycle
from support.policies.lifecycle import UNDER_WAY
from support.policies.reply_variables import BadVariable, fill_variables
from support.queries.writing import values_of

log = structlog.get_logger()
State = Ticket.State
# So long an answer may be taken back.
TAKES_BACK = timedelta(seconds=30)
BATCH = 200


def send(*, now: datetime) -> int:
    """Send every answer whose time has come; one that can't go out stops no other. Returns how many went out."""
    due = Draft.objects.filter(send_at__lte=now).order_by("send_at").values_list("pk", flat=True)
    rows = due.iterator(chunk_size=BATCH)
    return run_each(job="support.answers", rows=rows, do=partial(_try_send, now=now), at=now, at_most=BATCH)


def _try_send(draft_id: int, now: datetime) -> bool:
    try:
        return _send_one(draft_id, now)
    except lifecycle.NotNow as error:
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


REPLY_BATCH = 100
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
    batch = reply.ticket_ids[done : done + REPLY_BATCH]
    theirs = _still_theirs(batch).values_list("pk", flat=True)
    answered = run_each(job="support.replies", rows=list(theirs), do=partial(_try_answer, reply=reply, at=at), at=at)
    reply.answered += answered
    reply.skipped += len(batch) - answered
    if done + len(batch) >= len(reply.ticket_ids):
        reply.finished_at = at
    reply.save(update_fields=["answered", "skipped", "finished_at"])
    return answered


def _still_theirs(ticket_ids: list[int]) -> QuerySet[Ticket]:
    """Return those that are still to be answered, and were not handed up to the privacy office meanwhile."""
    rows = Ticket.objects.select_for_update().filter(pk__in=ticket_ids, state__in=UNDER_WAY)
    return rows.filter(escalated_at__isnull=True).order_by("id")


def _try_answer(ticket_id: int, reply: BulkReply, at: datetime) -> bool:
    """Answer one. One that can't be answered counts as left out, stays open, and keeps nobody else's answer back."""
    try:
        with transaction.atomic():
            return _answer(Ticket.objects.get(pk=ticket_id), reply, at)
    except lifecycle.NotNow as error:
        log.warning("reply_not_sent", ticket=ticket_id, error=type(error).__name__)
        return False


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
