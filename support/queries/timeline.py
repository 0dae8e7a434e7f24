"""What was sent to one partner: each order and event with its states, attempts, exact token and what it says.

A list names no line at all. One order's own page names it by the partner's name for it, and by no other.
"""

import json
import uuid
from base64 import urlsafe_b64decode
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice

from django.db.models import Q

from accounts.primitives.json_reader import read_json
from partners.models import Contract, PairwiseSubject, Party
from revocations.models import Attempt, Cohort, Order, Receipt, State, StreamAttempt, StreamEvent
from revocations.queries.coverage import NOBODY, Coverage, coverage_of_ends, get_order_standings, restrict_state
from support.queries import exports
from support.queries.counts import Health, health_of
from support.queries.exports import PART, csv_lines

SIZE = 50
ATTEMPTS = 50
OF_A_LINE = 8
FAILED = 400
# Of what happened in one moment.
ORDER = ("queued", "sent", "try", "acknowledged", "signed")
SIGNED = {State.COMPLETED, State.PARTIAL}
# Below every id.
FIRST = uuid.UUID(int=0)
COLUMNS = (
    "id", "kind", "what", "contract", "status", "note", "queued_at", "sent_at", "acknowledged_at", "signed_at",
    "sign_by", "tries",
)  # fmt: skip

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
class Timeline:
    """One page of what was sent, the newest first. `last`: after which the next page goes on, None at the end."""

    party: Party
    health: Health
    sent: Sequence[SentMessage]
    last: SentMessage | None


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


def timeline(*, party_id: int, before: datetime | None, than: uuid.UUID = FIRST, at: datetime) -> Timeline | None:
    """Return what was sent to a partner, the newest first; None where there is no such party. Ten statements at most.

    Only what came before this moment, or in it with an id below `than`: many are written in one moment.
    """
    party = Party.objects.filter(pk=party_id).first()
    if party is None:
        return None
    found = _list_newest(party_id, before, than, at_most=SIZE + 1)
    return Timeline(
        party=party,
        health=health_of(party_ids=[party_id], at=at)[party_id],
        sent=found[:SIZE],
        last=found[SIZE - 1] if len(found) > SIZE else None,
    )


def sent_as_csv(*, party_id: int) -> Iterator[str]:
    """Yield what was sent to a partner as CSV, the newest first; the last line says if there is more."""
    yield from csv_lines(columns=COLUMNS, rows=_csv_rows(party_id))


def _csv_rows(party_id: int) -> Iterator[tuple[object, ...]]:
    sent = _read_parts(party_id)
    for one in islice(sent, exports.MOST_IN_FILE):
        yield (
            one.id, one.kind, one.what, one.contract, one.state_words, one.note, one.queued_at, one.sent_at,
            one.acknowledged_at, one.completed_at, one.complete_by, one.attempts,
        )  # fmt: skip
    if next(sent, None) is not None:
        yield (f"Only the newest {exports.MOST_IN_FILE:,} rows.",)


def _read_parts(party_id: int) -> Iterator[SentMessage]:
    part = _list_newest(party_id, None, FIRST, at_most=PART)
    while part:
        yield from part
        part = _list_newest(party_id, part[-1].queued_at, part[-1].id, at_most=PART)


def _list_newest(party_id: int, before: datetime | None, than: uuid.UUID, *, at_most: int) -> list[SentMessage]:
    """Return the newest of what was sent before this moment, or in it with an id below `than`."""
    orders, events = Order.objects.filter(party_id=party_id), StreamEvent.objects.filter(party_id=party_id)
    if before is not None:
        earlier = Q(queued_at__lt=before) | Q(id__lt=than)
        orders = orders.filter(earlier, queued_at__lte=before)
        events = events.filter(earlier, queued_at__lte=before)
    newest = list(orders.order_by("-queued_at", "-id")[:at_most])
    others = list(events.defer("claims").order_by("-queued_at", "-id")[:at_most])
    both = sorted([*_orders(newest), *_events(others)], key=lambda one: (one.queued_at, one.id), reverse=True)
    return both[:at_most]


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
