"""How far an order has come, in no more words than are known.

Queued, sent, acknowledged and completed are four different things. An acknowledgement says that a partner's server
stored the message; only what a partner signed is told as done, and as that partner's word.
"""

import uuid
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Literal

from django.db.models import OuterRef, Q, Subquery, Value
from django.db.models.functions import Coalesce

from partners.models import Dealing, Party
from partners.words import UNKNOWN, party_name, shown
from revocations.models import DownstreamReport, Duty, Order, Standing, State

UNCONFIRMED_AFTER = timedelta(minutes=15)
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
Tone = Literal["good", "warn", "bad", "plain"]
_TONES: Mapping[str, Tone] = {
    State.COMPLETED: "good",
    State.ACKNOWLEDGED: "warn",
    State.PARTIAL: "warn",
    State.REJECTED: "bad",
    State.CONTRADICTED: "bad",
    State.PARKED: "warn",
}
_UNANSWERED = (State.QUEUED, State.SENT, State.PARKED)
_SIGNED = (State.COMPLETED, State.PARTIAL, State.CONTRADICTED)


@dataclass(frozen=True)
class Step:
    """One of the four: `blocked`, `told`, `received`, `signed`. `at` is when it happened, where it has.

    `already`: it was done before the choice was made, for a choice that changed nothing for the partner.
    """

    key: Literal["blocked", "told", "received", "signed"]
    status: Literal["done", "now", "todo", "bad"]
    at: datetime | None = None
    already: bool = False


@dataclass(frozen=True)
class OrderState:
    """An order in the words of the protocol, and whether 15 minutes went by without an acknowledgement.

    `only_about`: the companies (URIs) whose data it orders deleted, where that is not all that the partner holds.
    """

    partner_id: int
    state: str
    tone: Tone
    unconfirmed: bool
    overdue: bool
    owes_deletion: bool
    owes: bool
    only_about: tuple[str, ...] = ()


@dataclass(frozen=True)
class Progress:
    """One partner's order: where it stands, its four steps, and who below the partner is known to have followed.

    `state` is the order's own; `shown` is that of the newest order where this one was replaced. Of the companies
    known to have received data through it, `signed` signed with their own key and `missing` have not followed.
    `reported` did so by the partner's word alone.
    """

    order_id: uuid.UUID
    party: str
    party_id: int
    state: str
    shown: OrderState
    steps: tuple[Step, ...]
    attempts: int
    complete_by: datetime | None
    note: str
    signed: tuple[str, ...] = ()
    reported: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    unnamed_missing: bool = False
    only_about: tuple[str, ...] = ()

    @property
    def replaced(self) -> bool:
        """Whether a newer message carries on what this one asked."""
        return self.state == State.SUPERSEDED

    @property
    def open(self) -> bool:
        """Whether more may still happen by itself: the page goes on asking."""
        return self.shown.state != State.COMPLETED


def order_state(*, order: Order, at: datetime, waits_since: datetime | None = None) -> OrderState:
    """An order as a page may speak of it at `at`.

    `waits_since`: since when the partner has something to confirm, where an older order waited before this one.
    """
    unconfirmed = order.state in _UNANSWERED and at - (waits_since or order.queued_at) >= UNCONFIRMED_AFTER
    actions = order.snapshot.get("required_actions", ())
    tone = _TONES.get(order.state, "plain")
    if order.state == State.ACKNOWLEDGED and not actions:
        tone = "good"
    return OrderState(
        partner_id=order.party_id,
        state=order.state,
        tone="warn" if unconfirmed else tone,
        unconfirmed=unconfirmed,
        overdue=order.complete_by is not None
        and order.complete_by <= at
        and order.state not in {State.COMPLETED, State.SUPERSEDED},
        owes_deletion=Duty.Action.DELETE_HELD in actions,
        owes=bool(actions),
        only_about=_only_about(order),
    )


def _only_about(order: Order) -> tuple[str, ...]:
    scopes = [duty["scope"] for duty in order.snapshot.get("duties", ()) if duty["action"] == Duty.Action.DELETE_HELD]
    if any("recipient" not in scope for scope in scopes):
        return ()
    return tuple(sorted({scope["recipient"] for scope in scopes}))


_ACKNOWLEDGED = Order.objects.filter(
    line_id=OuterRef(OuterRef("line_id")), contract_id=OuterRef(OuterRef("contract_id")), acknowledged_at__isnull=False
).order_by("-queued_at")
# A newer message that takes an unconfirmed one's place must not make it look as if nothing had waited.
_WAITS_SINCE = Subquery(
    Order.objects.filter(
        Q(queued_at__gt=Coalesce(Subquery(_ACKNOWLEDGED.values("queued_at")[:1]), Value(EPOCH))),
        line_id=OuterRef("line_id"),
        contract_id=OuterRef("contract_id"),
        acknowledged_at__isnull=True,
    )
    .order_by("queued_at")
    .values("queued_at")[:1]
)


def newest_order_states(*, line_id: int, at: datetime) -> dict[int, OrderState]:
    """By contract id: the order that stands for this line now. One query."""
    orders = Order.objects.filter(line_id=line_id, id__in=Standing.objects.filter(line_id=line_id).values("order_id"))
    return {
        order.contract_id: order_state(order=order, at=at, waits_since=order.waits_since)
        for order in orders.annotate(waits_since=_WAITS_SINCE)
    }


def progress_of(*, line_id: int, order_ids: Collection[uuid.UUID], since: datetime, at: datetime) -> list[Progress]:
    """The four steps at each partner told, by the partner's name. Seven queries, whatever the number of partners.

    `since`: from when on the gate has kept the choice.
    """
    told = list(Order.objects.filter(line_id=line_id, id__in=order_ids).annotate(waits_since=_WAITS_SINCE))
    waits = {order.contract_id: order.waits_since for order in told}
    newest = find_current_orders(told=told)
    parties = Party.objects.in_bulk({order.party_id for order in told})
    below = _Below.read(line_id, newest.values())
    found = [
        _progress(
            order,
            newest[order.id],
            parties[order.party_id],
            below,
            _Times(since, waits[order.contract_id], at),
        )
        for order in told
    ]
    return sorted(found, key=lambda one: one.party.casefold())


def standing_progress(*, line_id: int, partner_ids: Collection[int], since: datetime, at: datetime) -> list[Progress]:
    """The same for the orders that stand now at these partners, whatever choice they tell of."""
    standing = Standing.objects.filter(line_id=line_id).values("order_id")
    orders = Order.objects.filter(line_id=line_id, id__in=standing, party_id__in=partner_ids)
    told = list(orders.annotate(waits_since=_WAITS_SINCE))
    parties = Party.objects.in_bulk({order.party_id for order in told})
    below = _Below.read(line_id, told)
    found = [
        _progress(order, order, parties[order.party_id], below, _Times(since, order.waits_since, at)) for order in told
    ]
    return sorted(found, key=lambda one: one.party.casefold())


def carried_on(*, line_id: int, order_ids: Collection[uuid.UUID]) -> set[uuid.UUID]:
    """The orders that carry on what these asked: themselves, or the newest where one was replaced."""
    told = list(Order.objects.filter(line_id=line_id, id__in=order_ids))
    return {order.id for order in find_current_orders(told=told).values()}


def find_current_orders(*, told: Collection[Order]) -> dict[uuid.UUID, Order]:
    """By the id of each of these orders: the one that carries on what it asked, which is itself unless it was replaced.

    At most two queries, whatever their number and that of their lines.
    """
    replaced = {(order.line_id, order.contract_id) for order in told if order.state == State.SUPERSEDED}
    standing: dict[tuple[int, int], Order] = {}
    if replaced:
        lines, contracts = ({pair[n] for pair in replaced} for n in (0, 1))
        stands = Standing.objects.filter(line_id__in=lines, contract_id__in=contracts).values("order_id")
        newest = Order.objects.filter(line_id__in=lines, id__in=stands)
        standing = {(one.line_id, one.contract_id): one for one in newest}
    return {
        order.id: standing.get((order.line_id, order.contract_id), order) if order.state == State.SUPERSEDED else order
        for order in told
    }


@dataclass(frozen=True)
class _Below:
    """Who received data through each partner, and what is known of their following."""

    received: Mapping[int, Mapping[str, str]] = field(default_factory=dict)
    reports: Mapping[uuid.UUID, Sequence[DownstreamReport]] = field(default_factory=dict)
    names: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def read(cls, line_id: int, orders: Collection[Order]) -> "_Below":
        signed = [order for order in orders if order.state in _SIGNED]
        scoped = {uri for order in orders for uri in _only_about(order)}
        if not signed:
            return cls(names=_party_names(scoped))
        received: dict[int, dict[str, str]] = {}
        dealings = Dealing.objects.filter(line_id=line_id, aggregator_id__in={order.party_id for order in signed})
        for dealing in dealings.select_related("party"):
            if dealing.party_id != dealing.aggregator_id:
                name = party_name(dealing.party.name, dealing.party.uri)
                received.setdefault(dealing.aggregator_id, {})[dealing.party.uri] = name
        reports: dict[uuid.UUID, list[DownstreamReport]] = {}
        for report in DownstreamReport.objects.filter(line_id=line_id, order_id__in=[order.id for order in signed]):
            reports.setdefault(report.order_id, []).append(report)
        uris = {report.party_uri for each in reports.values() for report in each}
        return cls(received, reports, _party_names(uris | scoped))


def _party_names(uris: Collection[str]) -> dict[str, str]:
    if not uris:
        return {}
    return {party.uri: party_name(party.name, party.uri) for party in Party.objects.filter(uri__in=uris)}


@dataclass(frozen=True)
class _Times:
    """Since when the gate keeps the choice, since when the partner has something to confirm, and the time now."""

    since: datetime
    waits_since: datetime | None
    at: datetime


def _progress(order: Order, newest: Order, party: Party, below: _Below, times: _Times) -> Progress:
    done = [report for report in below.reports.get(newest.id, ()) if report.status == State.COMPLETED]
    received = below.received.get(newest.party_id, {}) if newest.state in _SIGNED else {}
    missing = {uri: name for uri, name in received.items() if uri not in {report.party_uri for report in done}}
    state = order_state(order=newest, at=times.at, waits_since=times.waits_since)
    return Progress(
        order_id=order.id,
        party=party_name(party.name, party.uri),
        party_id=party.pk,
        state=order.state,
        shown=state,
        steps=_steps(newest, state, times.since),
        attempts=newest.attempts,
        complete_by=newest.complete_by,
        note=shown(newest.note, at_most=200) if newest.state == State.REJECTED else "",
        signed=_names([report for report in done if report.party_uri in received], below, signed=True),
        reported=_names(done, below, signed=False),
        missing=tuple(sorted(name for uri, name in missing.items() if uri != UNKNOWN)),
        unnamed_missing=UNKNOWN in missing,
        only_about=tuple(below.names.get(uri, shown(uri, at_most=80)) for uri in state.only_about),
    )


def _names(reports: Sequence[DownstreamReport], below: _Below, *, signed: bool) -> tuple[str, ...]:
    named = (
        below.names.get(one.party_uri, shown(one.party_uri, at_most=80)) for one in reports if one.signed == signed
    )
    return tuple(sorted(named, key=str.casefold))


def _steps(order: Order, state: OrderState, since: datetime) -> tuple[Step, ...]:
    told = order.sent_at or order.acknowledged_at
    steps = [
        Step("blocked", "done", since),
        Step("told", "done", told, already=told < since) if told else Step("told", "now"),
        _received(order, told),
    ]
    if state.owes or order.state in _SIGNED:
        steps.append(_signed(order))
    return tuple(steps)


def _received(order: Order, told: datetime | None) -> Step:
    received = order.acknowledged_at or (order.completed_at if order.state in _SIGNED else None)
    if received:
        return Step("received", "done", received)
    return Step("received", "now" if told else "todo")


def _signed(order: Order) -> Step:
    match order.state:
        case State.COMPLETED:
            return Step("signed", "done", order.completed_at)
        case State.CONTRADICTED:
            return Step("signed", "bad", order.completed_at)
        case State.REJECTED:
            return Step("signed", "bad")
        case State.PARTIAL | State.ACKNOWLEDGED:
            return Step("signed", "now", order.completed_at if order.state == State.PARTIAL else None)
        case _:
            return Step("signed", "todo")
