"""Put a text where it waits for the gateway: in the transaction of what it tells of."""

from datetime import datetime, timedelta
from functools import partial
from uuid import uuid4

from django.db import transaction

from accounts import delivery, queries, texts
from accounts.models import Line, LineNumber, Message
from accounts.sealing import seal

# What was not taken by then is old news.
LASTS = {
    Message.Kind.STOPPED: timedelta(days=3),
    Message.Kind.CHILD: timedelta(days=7),
    Message.Kind.SUSPENDED: timedelta(days=7),
    Message.Kind.LIFELINE: timedelta(days=7),
    Message.Kind.ANSWERED: timedelta(days=3),
    Message.Kind.REPLY: timedelta(hours=1),
    Message.Kind.WAY_IN: timedelta(days=3),
}
NEWS = frozenset({Message.Kind.CHILD, Message.Kind.LIFELINE})


@transaction.atomic
def post(*, line_id: int, kind: Message.Kind, words: str, at: datetime, about: str = "") -> None:
    """Have a line texted, at the number it has now, once this transaction is committed. A line without one is not.

    The row is the queue: no outage of the gateway loses the text or keeps the transaction waiting. `about`: what it
    tells of, as "kind:id", for whoever must know whether all were taken. Nor is a line texted news that its person
    wants none of; what somebody did with the line, or asked, they are told all the same.
    """
    line = Line.objects.get(pk=line_id)
    if kind in NEWS and queries.wants_no_news(line_id=line_id):
        return
    try:
        msisdn = queries.msisdn_of(line_id=line_id, at=at)
    except LineNumber.DoesNotExist:
        return
    message = Message.objects.create(
        id=uuid4(), line=line, kind=kind, about=about, to_sealed=seal(msisdn), words_sealed=seal(words), made_at=at,
        next_at=delivery.from_when(kind=kind, line=line, at=at), expires_at=at + LASTS[kind],
    )  # fmt: skip
    if not texts.waits_for_network():
        transaction.on_commit(partial(delivery.deliver_one, message_id=message.pk, now=at), robust=True)
