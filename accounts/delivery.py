"""Texts that wait are handed to the gateway: each once, by day where it can wait, until its time is over.

A row is claimed before the gateway is called, and given back only when the gateway says that it did not take the text.
A worker killed in between loses that one text: nobody is told twice.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

import structlog
from django.db import transaction

from accounts import queries, texts
from accounts.models import Line, Message
from accounts.sealing import unseal
from accounts.zones import next_day_time, zone_of

log = structlog.get_logger()
BATCH = 500
# So many refused one after the other: the gateway is away.
AWAY = 3
FIRST_WAIT, LONGEST_WAIT = timedelta(seconds=15), timedelta(minutes=10)
# What a person has just done, or must know at once, is told at once; the rest by day.
CAN_WAIT_FOR_DAY = frozenset(
    {Message.Kind.LIFELINE, Message.Kind.SUSPENDED, Message.Kind.RECORDS, Message.Kind.PAUSE_OVER}
)


@dataclass(frozen=True)
class _Due:
    msisdn: str
    text: str


def deliver(*, now: datetime) -> int:
    """Hand over the texts that are due. Returns how many were taken; those that were not wait, longer each time.

    What is over, taken or not, is forgotten.
    """
    _forget(now)
    sent = refused = 0
    due = Message.objects.filter(taken_at__isnull=True, next_at__lte=now).order_by("next_at")
    for message_id in list(due.values_list("pk", flat=True)[:BATCH]):
        taken = deliver_one(message_id=message_id, now=now)
        sent, refused = sent + (taken is True), 0 if taken else refused + (taken is False)
        if refused == AWAY:
            break
    return sent


def deliver_one(*, message_id: UUID, now: datetime) -> bool | None:
    """Hand one text over, if it is due. Whether the gateway took it; None where there was nothing to hand over."""
    due = _claim(message_id, now)
    if due is None:
        return None
    taken = texts.take_text(msisdn=due.msisdn, text=due.text)
    if taken:
        Message.objects.filter(pk=message_id).update(to_sealed=b"", words_sealed=b"")
    else:
        _give_back(message_id, now)
    return taken


def from_when(*, kind: str, line: Line, at: datetime) -> datetime:
    """The first moment from `at` on at which a line may be texted this."""
    return next_day_time(zone_of(line.state), at) if kind in CAN_WAIT_FOR_DAY else at


@transaction.atomic
def _claim(message_id: UUID, now: datetime) -> _Due | None:
    waiting = Message.objects.select_for_update(of=("self",), skip_locked=True).select_related("line")
    message = waiting.filter(pk=message_id, taken_at__isnull=True, next_at__lte=now, expires_at__gt=now).first()
    if message is None:
        return None
    may_go = from_when(kind=message.kind, line=message.line, at=now)
    if may_go > now:
        Message.objects.filter(pk=message_id).update(next_at=may_go)
        return None
    msisdn = unseal(message.to_sealed)
    if queries.line_of_number(msisdn=msisdn, at=now) != message.line:
        # Somebody else may have the number by now, and they are told nothing.
        message.delete()
        return None
    Message.objects.filter(pk=message_id).update(taken_at=now, tries=message.tries + 1)
    return _Due(msisdn, unseal(message.words_sealed))


@transaction.atomic
def _give_back(message_id: UUID, now: datetime) -> None:
    message = Message.objects.select_for_update().get(pk=message_id)
    message.taken_at = None
    message.next_at = now + min(FIRST_WAIT * 2 ** (message.tries - 1), LONGEST_WAIT)
    message.save(update_fields=["taken_at", "next_at"])


def _forget(now: datetime) -> None:
    over = Message.objects.filter(expires_at__lte=now)
    untold = over.filter(taken_at__isnull=True).count()
    if untold:
        log.warning("texts_never_taken", count=untold)
    over.delete()
