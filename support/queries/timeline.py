"""What was sent to one partner: each order and event with its states, attempts, exact token and what it says.

A list names no line at all. One order's own page names it by the partner's name for it, and by no other.
"""

import json
import uuid
from base64 import urlsafe_b64decode
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import BigIntegerField, DateTimeField, F, QuerySet, Value

from accounts.primitives.json_reader import read_json
from partners.models import Contract, PairwiseSubject, Party
from revocations.models import Attempt, Cohort, Order, Receipt, State, StreamAttempt, StreamEvent
from revocations.queries.coverage import NOBODY, Coverage, coverage_of_ends, get_order_standings, restrict_state

ATTEMPTS = 50
OF_A_LINE = 8
FAILED = 400
# Of what happened in one moment.
ORDER = ("queued", "sent", "try", "acknowledged", "signed")
SIGNED = {State.COMPLETED, State.PARTIAL}
SHARED = ("id", "contract_id", "state", "queued_at", "sent_at", "acknowledged_at", "attempts")
# As the indexes have them.
NEWEST = ("-queued_at", "id")

TONES: Mapping[str, str] = {
    State.QUEUED: "warn", State.SENT: "warn", State.PARTIAL: "warn", State.ACKNOWLEDGED: "good",
    State.COMPLETED: "good", State.PARKED: "bad", State.REJECTED: "bad", State.CONTRADICTED: "bad",
}  # fmt: skip


@dataclass(frozen=True)
class SentMessage:
    """One order or event. `kind` is "order" or "event".

    `move`: of what is held back, whose move it is; until `held_until`, when it is offered anew. `coverage`: of what
    was signed for, who behind the partner has signed.
    """

    kind: str
    id: uuid.UUID
    what: str
    contract: str
    state: str
    state_words: str
    queued_at: datetime
    sent_at: datetime | None
    acknowledged_at: datetime | None
    completed_at: datetime | None
    complete_by: datetime | None
    attempts: int
    note: str
    move: str
    held_until: datetime | None
    coverage: Coverage = NOBODY

    @property
    def tone(self) -> str:
        """How its state looks."""
        return TONES.get(self.state, "")


@dataclass(frozen=True)
class Try:
    """One attempt. `header` and `claims`: the token opened, "" where there was none."""

    number: int
    at: datetime
    outcome: str
    status: int | None
    detail: str
    token: str
    header: str
    claims: str


@dataclass(frozen=True)
class SignedReceipt:
    """One receipt of the partner, and what it says."""

    at: datetime
    status: str
    token: str
    claims: str


@dataclass(frozen=True)
class SentPage:
    """One order or event with everything that came of it.

    `line_id` and `sub`, the partner's name for that line, are of an order alone.
    """

    party: Party
    sent: SentMessage
    says: str
    tries: Sequence[Try]
    receipts: Sequence[SignedReceipt]
    line_id: int | None = None
    sub: str = ""

    @property
    def events(self) -> list[tuple[str, datetime, Try | SignedReceipt | None]]:
        """What came of it, in the order of time: `queued`, each `try` that failed, `sent`, `acknowledged`, `signed`."""
        sent = self.sent
        steps = (("queued", sent.queued_at), ("sent", sent.sent_at), ("acknowledged", sent.acknowledged_at))
        found: list[tuple[str, datetime, Try | SignedReceipt | None]] = [(what, at, None) for what, at in steps if at]
        found += [("try", one.at, one) for one in reversed(self.tries) if not one.status or one.status >= FAILED]
        found += [("signed", one.at, one) for one in reversed(self.receipts)]
        return sorted(found, key=lambda one: (one[1], ORDER.index(one[0])))


def list_orders_sent(*, party_id: int) -> QuerySet[Any]:
    """Return the orders to a partner by the columns that orders and events share, the newest first."""
    rows = Order.objects.filter(party_id=party_id).order_by(*NEWEST)
    shared: QuerySet[Any] = rows.values(*SHARED, of_line=F("line_id"), what=F("lane"), signed_at=F("completed_at"))
    return shared


def list_events_sent(*, party_id: int) -> QuerySet[Any]:
    """Return the events to a partner by the same columns, the newest first: they name no line, and aren't signed."""
    none, never = Value(None, BigIntegerField()), Value(None, DateTimeField())
    rows = StreamEvent.objects.filter(party_id=party_id).order_by(*NEWEST)
    shared: QuerySet[Any] = rows.values(*SHARED, of_line=none, what=F("kind"), signed_at=never)
    return shared


def read_messages(*, rows: Sequence[Mapping[str, Any]]) -> list[SentMessage]:
    """Return these rows of either list whole, in their order. Eleven statements at most."""
    lines = {one["of_line"] for one in rows}
    ids = [one["id"] for one in rows]
    orders = Order.objects.filter(line_id__in=lines - {None}, id__in=ids) if lines - {None} else ()
    events = StreamEvent.objects.filter(pk__in=ids).defer("claims") if None in lines else ()
    found = {one.id: one for one in (*_orders(list(orders)), *_events(list(events)))}
    return [found[one] for one in ids if one in found]


def was_sent(*, party_id: int, order_id: uuid.UUID) -> bool:
    """Return whether this partner has an order of this id."""
    return Order.objects.filter(id=order_id, party_id=party_id).exists()


def order_page(*, party_id: int, order_id: uuid.UUID) -> SentPage | None:
    """Return one order with its attempts and receipts; None where this partner has none of that id."""
    order = Order.objects.filter(id=order_id, party_id=party_id).first()
    if order is None:
        return None
    mine = {"line_id": order.line_id, "order_id": order.id}
    return SentPage(
        party=Party.objects.get(pk=party_id),
        sent=_orders([order])[0],
        says=_pretty(order.snapshot),
        tries=[_try(one) for one in Attempt.objects.filter(**mine).order_by("-number")[:ATTEMPTS]],
        receipts=[
            SignedReceipt(one.received_at, one.status, one.token, decode_token(token=one.token)[1])
            for one in Receipt.objects.filter(**mine).order_by("-received_at")[:ATTEMPTS]
        ],
        line_id=order.line_id,
        sub=_sub(party_id=party_id, line_id=order.line_id),
    )


def list_orders_of_line(*, line_id: int, order_ids: Collection[uuid.UUID]) -> list[SentPage]:
    """Return these orders about one line, each as its own page has it; by partner, the newest first, at most a few."""
    rows = Order.objects.filter(line_id=line_id, id__in=order_ids).order_by("party_id", "-queued_at")
    found = rows.values_list("party_id", "id")[:OF_A_LINE]
    pages = (order_page(party_id=party_id, order_id=order_id) for party_id, order_id in found)
    return [page for page in pages if page is not None]


def event_page(*, party_id: int, event_id: uuid.UUID) -> SentPage | None:
    """Return one stream event with its attempts; None where this partner has none of that id."""
    event = StreamEvent.objects.filter(pk=event_id, party_id=party_id).first()
    if event is None:
        return None
    return SentPage(
        party=Party.objects.get(pk=party_id),
        sent=_events([event])[0],
        says=_pretty(event.claims),
        tries=[_try(one) for one in StreamAttempt.objects.filter(event_id=event.pk).order_by("-number")[:ATTEMPTS]],
        receipts=[],
    )


def decode_token(*, token: str) -> tuple[str, str]:
    """Return a signed token's header and claims as text; what can't be opened gives ""."""
    parts = token.split(".")
    if len(parts) != 3:
        return "", ""
    return _part(parts[0]), _part(parts[1])


def _part(text: str) -> str:
    try:
        return _pretty(read_json(urlsafe_b64decode(text + "=" * (-len(text) % 4))))
    except ValueError:
        return ""


def _pretty(value: object) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False)


def _try(one: Attempt | StreamAttempt) -> Try:
    header, claims = decode_token(token=one.token)
    return Try(one.number, one.at, one.outcome, one.status, one.detail, one.token, header, claims)


def _sub(*, party_id: int, line_id: int) -> str:
    known = PairwiseSubject.objects.filter(party_id=party_id, line_id=line_id).first()
    return known.sub if known else ""


def _orders(orders: Sequence[Order]) -> list[SentMessage]:
    refs = _refs({one.contract_id for one in orders})
    standings = get_order_standings(orders=orders)
    return [
        SentMessage(
            kind="order",
            id=one.id,
            what=f"{one.get_lane_display()} {one.epoch}.{one.version}",
            contract=refs.get(one.contract_id, ""),
            state=standings[one.id].state,
            state_words=str(standings[one.id].state.label),
            queued_at=one.queued_at,
            sent_at=one.sent_at,
            acknowledged_at=one.acknowledged_at,
            completed_at=one.completed_at,
            complete_by=one.complete_by,
            attempts=one.attempts,
            note=standings[one.id].note,
            move=one.get_parked_with_display(),
            held_until=one.next_attempt_at if one.parked_with else None,
            coverage=standings[one.id].coverage,
        )
        for one in orders
    ]


def _events(events: Sequence[StreamEvent]) -> list[SentMessage]:
    refs = _refs({one.contract_id for one in events if one.contract_id is not None})
    covered = _coverage_by_event([one.pk for one in events if one.state in SIGNED])
    return [_event(one, refs.get(one.contract_id or 0, ""), covered.get(one.pk, NOBODY)) for one in events]


def _coverage_by_event(event_ids: Collection[uuid.UUID]) -> dict[uuid.UUID, Coverage]:
    """By the newest event that told of an end."""
    ended = list(Cohort.objects.filter(event_id__in=event_ids).defer("plan", "index_token")) if event_ids else []
    covered = coverage_of_ends(cohorts=ended)
    return {one.event_id: covered[one.pk] for one in ended if one.event_id}


def _event(one: StreamEvent, contract: str, coverage: Coverage) -> SentMessage:
    state = restrict_state(state=State(one.state), coverage=coverage)
    return SentMessage(
        kind="event",
        id=one.id,
        what=one.get_kind_display(),
        contract=contract,
        state=state,
        state_words=str(state.label),
        queued_at=one.queued_at,
        sent_at=one.sent_at,
        acknowledged_at=one.acknowledged_at,
        completed_at=None,
        complete_by=None,
        attempts=one.attempts,
        note=_describe_end(one, coverage),
        move=one.get_parked_with_display(),
        held_until=one.next_attempt_at if one.parked_with else None,
        coverage=coverage,
    )


def _describe_end(one: StreamEvent, coverage: Coverage) -> str:
    """Who had not signed when its partner did, it keeps in its note; more may have been found since."""
    if one.state not in SIGNED:
        return one.note
    acted_on = one.note.partition("; ")[0] if one.note.startswith("acted on") else ""
    return "; ".join(said for said in (acted_on, coverage.note) if said)


def _refs(ids: set[int]) -> Mapping[int, str]:
    return dict(Contract.objects.filter(pk__in=ids).values_list("pk", "ref")) if ids else {}
