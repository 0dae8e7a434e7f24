"""What a progress link opens: counts of one stop and our own receipt, without a name of any company.

What companies signed carries their names, and is for whoever may see: the link opens to whoever has it.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import connection

from consent.queries.receipts import ReceiptView, receipt_of
from revocations.models import State

WAITING = (State.QUEUED, State.SENT)
RECEIVED = (State.ACKNOWLEDGED,)
BEHIND = """
SELECT link.line_id, link.choice_id, choice.made_at, line.state
FROM consent_progresslink link
    JOIN consent_choice choice ON choice.line_id = link.line_id AND choice.id = link.choice_id
    JOIN accounts_line line ON line.id = link.line_id
WHERE link.token_hash = %s AND link.expires_at > %s
"""
# Each order that told of the choice, and where it stands: where it was replaced, the one that carries on what it asked.
TOLD = """
SELECT coalesce(newest.state, told.state)
FROM consent_choiceorder named
    JOIN revocations_order told ON told.line_id = named.line_id AND told.id = named.order_id
    LEFT JOIN (
        revocations_standing standing
        JOIN revocations_order newest ON newest.line_id = standing.line_id AND newest.id = standing.order_id
    ) ON told.state = %s AND standing.line_id = told.line_id AND standing.contract_id = told.contract_id
WHERE named.line_id = %s AND named.choice_id = %s
"""


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
    with connection.cursor() as cursor:
        cursor.execute(BEHIND, [token_hash(token=token), at])
        link = cursor.fetchone()
        if link is None:
            return None
        line_id, choice_id, made_at, state = link
        cursor.execute(TOLD, [State.SUPERSEDED.value, line_id, choice_id])
        told = cursor.fetchall()
    receipt = receipt_of(line_id=line_id, choice_id=choice_id, order_ids=(), follow=False)
    if receipt is None:
        return None  # such a link is only ever made for a choice that has one
    return Linked(made_at=made_at, state=state, counts=_counts([one for (one,) in told]), receipt=receipt)


def _counts(states: Sequence[str]) -> Counts:
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
