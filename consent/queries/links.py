"""What a progress link opens: counts of one stop, without a name of any company, and its receipts.

The receipts are a file to keep: what a company signed carries its name.
"""

import hashlib
import uuid
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from accounts.models import Line
from consent.models import Choice, ChoiceOrder, ProgressLink
from consent.queries.progress import progress_of
from consent.queries.receipts import ReceiptView, receipt_of
from revocations.models import State

WAITING = (State.QUEUED, State.SENT)
RECEIVED = (State.ACKNOWLEDGED,)


@dataclass(frozen=True)
class Counts:
    """How many companies are told of a stop, and how many of them stand where. The five add up to `told`."""

    told: int
    waiting: int
    received: int
    signed: int
    in_part: int
    looked_into: int


@dataclass(frozen=True)
class Linked:
    """A stop as its progress link shows it."""

    made_at: datetime
    state: str
    counts: Counts
    receipt: ReceiptView


def token_hash(*, token: str) -> bytes:
    """What is kept of a progress link's token: who reads the database cannot open the link."""
    return hashlib.sha256(token.encode()).digest()


def behind_link(*, token: str, at: datetime) -> Linked | None:
    """The stop that a progress link was made for, or None when there is no such link or its 30 days are over."""
    link = ProgressLink.objects.filter(token_hash=token_hash(token=token), expires_at__gt=at).first()
    if link is None:
        return None
    choice = Choice.objects.get(line_id=link.line_id, id=link.choice_id)
    orders = ChoiceOrder.objects.filter(line_id=link.line_id, choice_id=link.choice_id)
    told = list(orders.values_list("order_id", flat=True))
    receipt = receipt_of(line_id=link.line_id, choice_id=link.choice_id, order_ids=told, follow=True)
    if receipt is None:
        return None  # such a link is only ever made for a choice that has one
    return Linked(
        made_at=choice.made_at,
        state=Line.objects.values_list("state", flat=True).get(pk=link.line_id),
        counts=_counts(choice, told, at),
        receipt=receipt,
    )


def _counts(choice: Choice, told: Collection[uuid.UUID], at: datetime) -> Counts:
    progress = progress_of(line_id=choice.line_id, order_ids=told, since=choice.made_at, at=at)
    states = [one.shown.state for one in progress]
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
    )
