"""How far an order has come, in no more words than are known.

Queued, sent, acknowledged and completed are four different things. An acknowledgement says that a partner's server
stored the message; only what a partner signed is told as done, and as that partner's word.
"""

import uuid
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Literal

from django.db.models import OuterRef, Q, Subquery, Value
from django.db.models.functions import Coalesce

from partners.labels import party_name, sanitise_text
from partners.models import Party
from revocations.models import Duty, Order, Standing, State
from revocations.queries.coverage import NOBODY, Coverage, coverage_of, restrict_state

UNCONFIRMED_AFTER = timedelta(minutes=15)
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
type Asks = Literal["nothing", "stop", "delete"]
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

    `state` is what may be said of it: "partial" also where a company that did not sign was found after the partner
    signed. `coverage`: who behind the partner has signed. `only_about`: the companies (URIs) whose data it orders
    deleted, where that is not all that the partner holds.
    """

    partner_id: int
    state: str
    unconfirmed: bool
    overdue: bool
    owes_deletion: bool
    owes: bool
    only_about: tuple[str, ...] = ()
    coverage: Coverage = NOBODY


@dataclass(frozen=True)
class FollowedOrder:
    """Where what an order asks stands: `order` carries it on, itself unless it was replaced.

    What every surface says of an order is read from here. `party` is the partner's name; `coverage`, who behind it has
    signed.
    """

    order: Order
    party: str
    coverage: Coverage

    @property
    def state(self) -> str:
        """In the words of the protocol, as far as may be said."""
        return restrict_state(state=State(self.order.state), coverage=self.coverage)

    @property
    def received_at(self) -> datetime | None:
        """When the partner had it: it said so, or signed about it."""
        return self.order.acknowledged_at or (self.order.completed_at if self.order.state in _SIGNED else None)

    def is_overdue(self, *, at: datetime) -> bool:
        """Return whether its date has passed and not all of it is signed."""
        order = self.order
        return order.complete_by is not None and order.complete_by <= at and self.state != State.COMPLETED


@dataclass(frozen=True)
class RequestedActions:
    """What a choice asks of a partner to sign for: nothing, to stop using (`anything`), to delete what it holds too."""

    anything: bool
    deletion: bool


@dataclass(frozen=True)
class Progress:
    """One partner's order: where it stands, and its steps.

    `state` is the order's own; `shown` is that of the newest order where this one was replaced, and what the choice
    asks to be signed by it.
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
    only_about: tuple[str, ...] = ()

    @property
    def is_replaced(self) -> bool:
        """Whether a newer message carries on what this one asked."""
        return self.state == State.SUPERSEDED

    @property
    def is_received(self) -> bool:
        """Whether the partner has it."""
        return any(step.key == "received" and step.status == "done" for step in self.steps)

    @property
    def open(self) -> bool:
        """Whether more may still happen by itself: the page goes on asking."""
        return not all(step.status == "done" for step in self.steps)


def order_state(
    *, followed: FollowedOrder, asked: RequestedActions, at: datetime, waits_since: datetime | None = None
) -> OrderState:
    """Describe an order as a page may speak of it at `at`, where this is what is asked by it.

    `waits_since`: since when the partner has something to confirm, where an older order waited before this one.
    """
    order, state = followed.order, followed.state
    unconfirmed = state in _UNANSWERED and at - (waits_since or order.queued_at) >= UNCONFIRMED_AFTER
    return OrderState(
        partner_id=order.party_id,
        state=state,
        unconfirmed=unconfirmed,
        overdue=followed.is_overdue(at=at),
        owes_deletion=asked.deletion,
        owes=asked.anything,
        only_about=_only_about(order),
        coverage=followed.coverage,
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
    )
    .order_by("queued_at")
    .values("queued_at")[:1]
)


def newest_order_states(*, line_id: int, at: datetime) -> dict[int, OrderState]:
    """Return, by contract id, the order that stands for this line now. A few queries, whatever their number."""
    standing = Standing.objects.filter(line_id=line_id).values("order_id")
    orders = list(Order.objects.filter(line_id=line_id, id__in=standing).annotate(waits_since=_WAITS_SINCE))
    known = follow_orders(told=orders)
    return {
        order.contract_id: order_state(
            followed=known[order.id],
            asked=get_requested_actions(asks="delete", orders=[order]),
            at=at,
            waits_since=order.waits_since,
        )
        for order in orders
    }


def get_requested_actions(*, asks: Asks, orders: Collection[Order]) -> RequestedActions:
    """Return what a choice asks of a partner to sign for, by the orders that tell it: the first, and the newest.

    An order carries on what older choices asked, too; that is not this choice's affair. A pause never asks to delete.
    """
    actions = {action for order in orders for action in order.snapshot.get("required_actions", ())}
    return RequestedActions(
        anything=asks != "nothing" and bool(actions), deletion=asks == "delete" and Duty.Action.DELETE_HELD in actions
    )


def follow_orders(*, told: Collection[Order]) -> dict[uuid.UUID, FollowedOrder]:
    """Return, by the id of each of these orders, where what it asks stands. A few queries, whatever their number."""
    current = find_current_orders(told=told)
    signed = [order for order in current.values() if order.state in _SIGNED]
    covered = coverage_of(orders=signed)
    parties = Party.objects.in_bulk({order.party_id for order in told}) if told else {}
    return {
        order_id: FollowedOrder(
            order=order,
            party=party_name(parties[order.party_id].name, parties[order.party_id].uri),
            coverage=covered.get(order.id, NOBODY),
        )
        for order_id, order in current.items()
    }


def progress_of(
    *, told: Collection[tuple[Order, FollowedOrder]], asks: Asks, since: datetime, at: datetime
) -> list[Progress]:
    """Return the steps at each partner told of a choice, by the partner's name. Two queries, whatever their number.

    `asks`: what the choice asks of them. `since`: from when on the gate has kept it.
    """
    lines, ids = {order.line_id for order, _ in told}, {order.id for order, _ in told}
    orders = Order.objects.filter(line_id__in=lines, id__in=ids)
    waits = dict(orders.values_list("id", _WAITS_SINCE)) if told else {}
    return _progress_of(told, waits, asks, since, at)


def standing_progress(
    *, line_id: int, partner_ids: Collection[int], asks: Asks, since: datetime, at: datetime
) -> list[Progress]:
    """Return the steps of the orders that stand now at these partners, whatever choice they tell of."""
    standing = Standing.objects.filter(line_id=line_id).values("order_id")
    found = Order.objects.filter(line_id=line_id, id__in=standing, party_id__in=partner_ids)
    orders = list(found.annotate(waits_since=_WAITS_SINCE))
    known = follow_orders(told=orders)
    told = [(order, known[order.id]) for order in orders]
    return _progress_of(told, {order.id: order.waits_since for order in orders}, asks, since, at)


def _progress_of(
    told: Collection[tuple[Order, FollowedOrder]],
    waits: Mapping[uuid.UUID, datetime | None],
    asks: Asks,
    since: datetime,
    at: datetime,
) -> list[Progress]:
    scoped = {uri for _, one in told for uri in _only_about(one.order)}
    names = {one.uri: party_name(one.name, one.uri) for one in (Party.objects.filter(uri__in=scoped) if scoped else ())}
    found = [
        _progress(
            order,
            followed,
            get_requested_actions(asks=asks, orders=[order, followed.order]),
            names,
            _Times(since, waits.get(order.id), at),
        )
        for order, followed in told
    ]
    return sorted(found, key=lambda one: one.party.casefold())


def list_current_order_ids(*, line_id: int, order_ids: Collection[uuid.UUID]) -> set[uuid.UUID]:
    """List the orders that carry on what these asked: themselves, or the newest where one was replaced."""
    told = list(Order.objects.filter(line_id=line_id, id__in=order_ids))
    return {order.id for order in find_current_orders(told=told).values()}


def find_current_orders(*, told: Collection[Order]) -> dict[uuid.UUID, Order]:
    """Find, by the id of each of these orders, the one that carries on what it asked: itself unless it was replaced.

    At most two queries, whatever their number and that of their lines.
    """
    replaced = {(order.line_id, order.contract_id) for order in told if order.state == State.SUPERSEDED}
    standing = _standing_orders(replaced) if replaced else {}
    return {
        order.id: standing.get((order.line_id, order.contract_id), order) if order.state == State.SUPERSEDED else order
        for order in told
    }


def _standing_orders(pairs: Collection[tuple[int, int]]) -> dict[tuple[int, int], Order]:
    """By line and contract."""
    lines, contracts = ({pair[n] for pair in pairs} for n in (0, 1))
    stands = Standing.objects.filter(line_id__in=lines, contract_id__in=contracts).values("order_id")
    newest = Order.objects.filter(line_id__in=lines, id__in=stands)
    return {(one.line_id, one.contract_id): one for one in newest}


@dataclass(frozen=True)
class _Times:
    """Since when the gate keeps the choice, since when the partner has something to confirm, and the time now."""

    since: datetime
    waits_since: datetime | None
    at: datetime


def _progress(
    order: Order, followed: FollowedOrder, asked: RequestedActions, names: Mapping[str, str], times: _Times
) -> Progress:
    newest = followed.order
    state = order_state(followed=followed, asked=asked, at=times.at, waits_since=times.waits_since)
    return Progress(
        order_id=order.id,
        party=followed.party,
        party_id=order.party_id,
        state=state.state if newest is order else order.state,
        shown=state,
        steps=_steps(followed, asked, times.since),
        attempts=newest.attempts,
        complete_by=newest.complete_by,
        note=sanitise_text(newest.note, at_most=200) if newest.state == State.REJECTED else "",
        only_about=tuple(names.get(uri, sanitise_text(uri, at_most=80)) for uri in state.only_about),
    )


def _steps(followed: FollowedOrder, asked: RequestedActions, since: datetime) -> tuple[Step, ...]:
    told = followed.order.sent_at or followed.order.acknowledged_at
    received = followed.received_at
    steps = [
        Step("blocked", "done", since),
        Step("told", "done", told, already=told < since) if told else Step("told", "now"),
        Step("received", "done", received) if received else Step("received", "now" if told else "todo"),
    ]
    if asked.anything:
        steps.append(_build_signed_step(followed))
    return tuple(steps)


def _build_signed_step(followed: FollowedOrder) -> Step:
    order = followed.order
    match followed.state:
        case State.COMPLETED:
            return Step("signed", "done", order.completed_at)
        case State.CONTRADICTED:
            return Step("signed", "bad", order.completed_at)
        case State.REJECTED:
            return Step("signed", "bad")
        case State.PARTIAL:
            return Step("signed", "now", order.completed_at)
        case State.ACKNOWLEDGED:
            return Step("signed", "now")
        case _:
            return Step("signed", "todo")
