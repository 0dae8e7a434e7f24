"""What a progress link opens: counts of one stop and our own receipt, without a name of any company.

What companies signed carries their names, and is for whoever may see: the link opens to whoever has it.
"""

import hashlib
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db import connection

from consent.models import ChoiceOrder
from consent.queries.progress import follow
from consent.queries.receipts import ReceiptView, receipt_of
from revocations.models import Order, State

WAITING = (State.QUEUED, State.SENT)
RECEIVED = (State.ACKNOWLEDGED,)
BEHIND = """
SELECT link.line_id, link.choice_id, choice.made_at, line.state
FROM consent_progresslink link
    JOIN consent_choice choice ON choice.line_id = link.line_id AND choice.id = link.choice_id
    JOIN accounts_line line ON line.id = link.line_id
WHERE link.token_hash = %s AND link.expires_at > %s
"""


@dataclass(frozen=True)
class Counts:
    """How many companies are told of a stop, and how many of them stand where. The five add up to `told`.

    Of the companies behind them `below_signed` have signed and `below_missing` have not.
    """

    told: int
    waiting: int
    received: int
    signed: int
    in_part: int
    looked_into: int
    below_signed: int
    below_missing: int


@dataclass(frozen=True)
class LinkedStop:
    """A stop as its progress link shows it."""

    made_at: datetime
    state: str
    counts: Counts
    receipt: ReceiptView


def token_hash(*, token: str) -> bytes:
    """What is kept of a progress link's token: who reads the database cannot open the link."""
    return hashlib.sha256(token.encode()).digest()


def behind_link(*, token: str, at: datetime) -> LinkedStop | None:
    """The stop that a progress link was made for, or None when there is no such link or its 30 days are over."""
    with connection.cursor() as cursor:
        cursor.execute(BEHIND, [token_hash(token=token), at])
        link = cursor.fetchone()
        if link is None:
            return None
        line_id, choice_id, made_at, state = link
    receipt = receipt_of(line_id=line_id, choice_id=choice_id, order_ids=(), asks="nothing")
    if receipt is None:
        return None  # such a link is only ever made for a choice that has one
    return LinkedStop(made_at=made_at, state=state, counts=_counts(line_id, choice_id), receipt=receipt)


def _counts(line_id: int, choice_id: UUID) -> Counts:
    named = ChoiceOrder.objects.filter(line_id=line_id, choice_id=choice_id).values("order_id")
    known = follow(told=list(Order.objects.filter(line_id=line_id, id__in=named))).values()
    states = [one.state for one in known]
    waiting = sum(state in WAITING for state in states)
    received = sum(state in RECEIVED for state in states)
    signed = sum(state == State.COMPLETED for state in states)
    in_part = sum(state == State.PARTIAL for state in states)
    return Counts(
        told=len(states),
        waiting=waiting,
        received=received,
        signed=signed,
        in_part=in_part,
        looked_into=len(states) - waiting - received - signed - in_part,
        below_signed=sum(len(one.coverage.signed) for one in known),
        below_missing=sum(one.coverage.not_signed for one in known),
    )
