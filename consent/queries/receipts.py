"""The proofs of one choice: our receipt, what each partner signed, what partners showed in a dispute, and its link.

A progress link shows counts of one stop and our own receipt, without a name of any company: it opens to whoever has it,
and what companies signed carries their names.
"""

import hashlib
import uuid
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db import connection
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy

from accounts.primitives.numbers import mask_number
from accounts.primitives.sealing import token_hash, unseal_to_show
from consent.models import ChoiceOrder
from consent.queries.progress import Asks, FollowedOrder, follow_orders, get_requested_actions
from partners.labels import party_name, purpose_in_words, sanitise_text
from partners.models import Campaign, Party
from revocations.models import EvidenceRequest, Order, Receipt, State
from revocations.queries.coverage import Company, count_companies

OWN = """
SELECT receipt.number, receipt.token, (
    SELECT known.msisdn_sealed FROM accounts_linenumber known WHERE known.line_id = choice.line_id
    ORDER BY known.starts_at <= choice.made_at DESC, abs(extract(epoch FROM known.starts_at - choice.made_at)) LIMIT 1)
FROM consent_choicereceipt receipt
    JOIN consent_choice choice ON choice.line_id = receipt.line_id AND choice.id = receipt.choice_id
WHERE receipt.line_id = %s AND receipt.choice_id = %s
"""
SIGNED = """
SELECT line_id, order_id, jti, party_id, received_at, status, token, token_hash FROM revocations_receipt
WHERE line_id = %s AND order_id = ANY (%s::uuid[]) ORDER BY received_at
"""
STATUSES: Mapping[str, Promise] = {
    "in_progress": gettext_lazy("It signed that it has started"),
    "completed": gettext_lazy("It signed that it did this"),
    "rejected": gettext_lazy("It signed that it won't do this"),
}
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
class PartnerReceipt:
    """What a partner signed, word for word."""

    party: str
    uri: str
    status: str
    received_at: datetime
    token: str

    @property
    def in_words(self) -> str:
        """What it signed, in a page's words."""
        return str(STATUSES.get(self.status, self.status))

    @property
    def digest(self) -> str:
        """By which our own word names it (SHA-256, in hexadecimal)."""
        return hashlib.sha256(self.token.encode()).hexdigest()


@dataclass(frozen=True)
class PartnerStanding:
    """How far one partner is that has to sign for a choice, and the companies behind it.

    `state` is a word of the protocol. Where a partner signed, `missing` are those behind it that have not, and
    `unnamed`: one of them is a company that nobody can name.
    """

    party: str
    uri: str
    state: str
    signed: tuple[Company, ...]
    reported: tuple[Company, ...]
    missing: tuple[Company, ...]
    unnamed: bool


@dataclass(frozen=True)
class ReceiptView:
    """Our receipt for one choice, the partners' about it so far, and how far each partner that must sign is.

    `phone`: the number that the line had then, masked.
    """

    number: str
    token: str
    phone: str
    partners: tuple[PartnerReceipt, ...]
    standing: tuple[PartnerStanding, ...]


def receipt_of(
    *, line_id: int, choice_id: uuid.UUID, order_ids: Collection[uuid.UUID], asks: Asks
) -> ReceiptView | None:
    """Return the receipts of a choice; None for one that has none (it came from a file).

    `asks`: what the choice asks partners to sign for. Where it asks something, the receipts of the order that took the
    place of a replaced one are among them, as on the choice's own page.
    """
    with connection.cursor() as cursor:
        cursor.execute(OWN, [line_id, choice_id])
        own = cursor.fetchone()
    if own is None:
        return None
    number, token, sealed = own
    orders = list(Order.objects.filter(line_id=line_id, id__in=order_ids)) if order_ids else []
    known = follow_orders(told=orders) if asks != "nothing" else {}
    told = {*order_ids, *(one.order.id for one in known.values())}
    signed = list(Receipt.objects.raw(SIGNED, [line_id, list(told)]))
    parties = _parties_of(signed, orders)
    to_sign = _followed_to_sign(orders, known, asks)
    return ReceiptView(
        number=number,
        token=token,
        phone=mask_number(unseal_to_show(bytes(sealed))) if sealed else "",
        partners=tuple(_partner_receipt(one, parties[one.party_id]) for one in signed),
        standing=tuple(_standing(one, parties[one.order.party_id]) for one in to_sign),
    )


def _parties_of(signed: Sequence[Receipt], orders: Sequence[Order]) -> dict[int, Party]:
    return Party.objects.in_bulk({one.party_id for one in signed} | {order.party_id for order in orders})


def _followed_to_sign(
    orders: Sequence[Order], known: Mapping[uuid.UUID, FollowedOrder], asks: Asks
) -> list[FollowedOrder]:
    """What became of the orders that partners are asked to sign for, by the partners' names."""
    to_sign = [
        known[order.id]
        for order in orders
        if order.id in known and get_requested_actions(asks=asks, orders=[order, known[order.id].order]).anything
    ]
    return sorted(to_sign, key=lambda one: (one.party.casefold(), one.order.party_id))


def _partner_receipt(one: Receipt, party: Party) -> PartnerReceipt:
    return PartnerReceipt(
        party=party_name(party.name, party.uri),
        uri=party.uri,
        status=one.status,
        received_at=one.received_at,
        token=one.token,
    )


def _standing(followed: FollowedOrder, partner: Party) -> PartnerStanding:
    covered = followed.coverage
    return PartnerStanding(
        party=followed.party,
        uri=partner.uri,
        state=followed.state,
        signed=covered.signed,
        reported=covered.reported,
        missing=covered.missing,
        unnamed=covered.unnamed,
    )


@dataclass(frozen=True)
class EvidenceView:
    """One partner's part: when it was asked, by when it was to answer, and what it said. Its word, not ours."""

    party: str
    why: str
    asked_at: datetime
    due_at: datetime
    answered_at: datetime | None
    answer: str
    late: bool
    method: str
    captured_at: datetime | None
    wording: str
    evidence_ref: str

    @property
    def moments(self) -> list[tuple[str, datetime]]:
        """What happened, in the order of time: `asked`, then `answered`, or by when an answer is `due`."""
        due_at = None if self.answered_at else self.due_at
        known = [("asked", self.asked_at), ("answered", self.answered_at), ("due", due_at)]
        return sorted(((what, at) for what, at in known if at is not None), key=lambda one: one[1])


def evidence_of(*, line_id: int, choice_id: uuid.UUID, at: datetime) -> tuple[EvidenceView, ...]:
    """Return what each partner was asked about one dispute, in the order of asking."""
    rows = list(EvidenceRequest.objects.filter(line_id=line_id, choice_id=choice_id).order_by("asked_at", "id"))
    parties = Party.objects.in_bulk({row.party_id for row in rows})
    purposes = dict(Campaign.objects.filter(ref__in={row.campaign for row in rows}).values_list("ref", "purpose"))
    return tuple(
        EvidenceView(
            party=party_name(parties[row.party_id].name, parties[row.party_id].uri),
            why=purpose_in_words(purposes[row.campaign]) if row.campaign in purposes else "",
            asked_at=row.asked_at,
            due_at=row.due_at,
            answered_at=row.answered_at,
            answer=row.answer,
            late=(row.answered_at or at) > row.due_at,
            method=row.method,
            captured_at=row.captured_at,
            wording=sanitise_text(row.wording),
            evidence_ref=sanitise_text(row.evidence_ref, at_most=200),
        )
        for row in rows
    )


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


def find_linked_stop(*, token: str, at: datetime) -> LinkedStop | None:
    """Return the stop that a progress link was made for, or None when there is no such link or its 30 days are over."""
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
    known = follow_orders(told=list(Order.objects.filter(line_id=line_id, id__in=named))).values()
    states = [one.state for one in known]
    waiting = sum(state in WAITING for state in states)
    received = sum(state in RECEIVED for state in states)
    signed = sum(state == State.COMPLETED for state in states)
    in_part = sum(state == State.PARTIAL for state in states)
    below_signed, below_missing = count_companies(coverages=[one.coverage for one in known])
    return Counts(
        told=len(states),
        waiting=waiting,
        received=received,
        signed=signed,
        in_part=in_part,
        looked_into=len(states) - waiting - received - signed - in_part,
        below_signed=below_signed,
        below_missing=below_missing,
    )
