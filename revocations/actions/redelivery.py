"""Send a partner orders again: what it polls for, the newest, everything since it lost its store, what it never took.

The same tokens' ids go out again, and no state goes back: what was acknowledged stays so while it is offered anew
(`Order.again_at`), and a partner that has it already keeps the newest and answers 202.
"""

import uuid
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta

from django.core.cache import cache
from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet

import audit.actions
from accounts.policies.permissions import StaffAction
from partners.actions import guards
from partners.models import Contract, Party
from revocations.actions.streams import nudge
from revocations.domain.wire import build_order, minute, next_version, snapshot_duties
from revocations.models import TO_PUSH, UNFINISHED, Duty, Order, Standing, State, StreamEvent
from revocations.workers.delivery import polling
from revocations.workers.delivery.polling import Offer

# A partner is heard once in so long when it says by itself that it lost its store.
ONCE_IN = timedelta(minutes=10)


@transaction.atomic
def resend_newest(*, party_id: int, actor: str, reason: str, at: datetime) -> int:
    """Send a partner its newest orders that it has not signed as done, whatever their back-off. Returns how many.

    Raises StaffOnly, and NotNow without a reason.
    """
    return _resend(party_id, guards.officer(actor=actor, reason=reason), reason, at)


@transaction.atomic
def resend_for_case(*, party_id: int, line_id: int, actor: str, reason: str, at: datetime) -> int:
    """Do the same for one person's case, by the agent on it. Raises StaffOnly, and NotNow without a reason."""
    name = guards.officer(actor=actor, reason=reason, action=StaffAction.WORK_TICKETS)
    return _resend(party_id, name, reason, at, line_id=line_id)


def _resend(party_id: int, name: str, reason: str, at: datetime, *, line_id: int | None = None) -> int:
    orders = _newest(party_id).filter(state__in=UNFINISHED)
    if line_id is not None:
        orders = orders.filter(line_id=line_id)
    count = _make_due(orders, at)
    audit.actions.record(
        action="orders.resent", actor=name, target=f"party:{party_id}", at=at, line_id=line_id, reason=reason,
        detail={"orders": count},
    )  # fmt: skip
    nudge(party_id=party_id)
    return count


@transaction.atomic
def recover_since(*, party_id: int, since: datetime, actor: str, reason: str, at: datetime) -> int:
    """Offer a partner again everything queued since a time, done or not: it lost what it had stored. Returns how many.

    Of each line and agreement only the newest order, and of an ended agreement its newest event. In the slowest lane.
    Raises StaffOnly, and NotNow without a reason.
    """
    name = guards.officer(actor=actor, reason=reason)
    return _recover(party_id, since, name, reason, at)


@transaction.atomic
def recover_own(*, party: Party, since: datetime, client_id: str = "", at: datetime) -> int:
    """Do the same at the partner's word, as it polls. Returns how many: none where it said so a moment ago.

    A program that names its `since` in every poll would else be offered everything without end.
    """
    if not cache.add(f"recover:{party.pk}", value=True, timeout=ONCE_IN.total_seconds()):
        return 0
    return _recover(party.pk, since, f"partner:{party.pk}", "", at, client_id=client_id)


def _recover(party_id: int, since: datetime, actor: str, reason: str, at: datetime, *, client_id: str = "") -> int:
    orders = _newest(party_id).filter(queued_at__gte=since).exclude(state=State.SUPERSEDED)
    cohorts = StreamEvent.objects.filter(party_id=party_id, kind=StreamEvent.Kind.COHORT, queued_at__gte=since).exclude(
        state=State.CONTRADICTED
    )
    count = _make_due(orders, at) + _make_due(cohorts, at)
    audit.actions.record(
        action="orders.recovered", actor=actor, target=f"party:{party_id}", at=at, reason=reason,
        detail={"orders": count, "since": since.isoformat()} | audit.actions.name_client(client_id),
    )  # fmt: skip
    nudge(party_id=party_id)
    return count


def _newest(party_id: int) -> QuerySet[Order]:
    standing = Standing.objects.filter(
        line_id=OuterRef("line_id"), contract_id=OuterRef("contract_id"), order_id=OuterRef("id")
    )
    return Order.objects.filter(Exists(standing), party_id=party_id)


def _make_due(rows: QuerySet[Order] | QuerySet[StreamEvent], at: datetime) -> int:
    """Make these due: by their own time if not acknowledged, the rest by `again_at`. Those on their way are left.

    What a poll was given counts as lost with the rest.
    """
    here = rows.filter(Q(leased_until__isnull=True) | Q(leased_until__lte=at))
    due = here.filter(state__in=TO_PUSH).update(next_attempt_at=at, polled_until=None)
    return due + here.exclude(state__in=TO_PUSH).update(again_at=at, polled_until=None)


def poll(
    *,
    party: Party,
    limit: int,
    acknowledged: Collection[str],
    errors: Mapping[str, tuple[str, str]],
    at: datetime,
    waits: bool = False,
    since: datetime | None = None,
    client_id: str = "",
) -> Offer:
    """Settle what the partner names, then give it up to `limit` of what it has not acknowledged yet.

    `waits`: it is willing to wait where nothing is there for it. `since`: it lost what it stored since then, and is
    offered all of that again.
    """
    if acknowledged or errors:
        polling.settle(party_id=party.pk, acknowledged=acknowledged, errors=errors, now=at)
    if since is not None:
        recover_own(party=party, since=since, client_id=client_id, at=at)
    return polling.offer(party_id=party.pk, limit=limit, now=at, waits=waits)


PART = 500
STOP_DUTIES = (Duty.Action.STOP_USE, Duty.Action.DELETE_HELD, Duty.Action.NOTIFY_DOWNSTREAM)

type Pair = tuple[int, int]


def reissue_orders(
    *, places: Collection[Pair], at: datetime, owing: Mapping[Pair, Collection[str]] | None = None
) -> int:
    """Queue the newest order of each (line, contract) anew, under a new version. Returns how many.

    What is on its way already is left to arrive. What is owed stays owed by its date; `owing` lays it on anew, for
    these scopes ("<purpose> <recipient URI>"), where the partner was found to hold what it must not.
    """
    wanted = sorted(set(places))
    parts = [wanted[start : start + PART] for start in range(0, len(wanted), PART)]
    return sum(_part(part, owing or {}, at) for part in parts)


@transaction.atomic
def reopen_duties(*, duties: Sequence[Duty], at: datetime) -> int:
    """Lay these duties on partners, and queue the newest order of each (line, contract) anew to say so.

    What is on its way already does not say it: it is overtaken. Returns how many orders were queued.
    """
    standing, newest = _find_newest_order({(duty.line_id, duty.contract_id) for duty in duties})
    Duty.objects.bulk_create(duties)
    return _queue(newest, standing, {(order.line_id, order.contract_id) for order in newest}, at)


@transaction.atomic
def _part(places: Sequence[Pair], owing: Mapping[Pair, Collection[str]], at: datetime) -> int:
    standing, orders = _find_newest_order(places)
    newest = [order for order in orders if order.next_attempt_at is None]
    fresh = _insert_duties([order for order in newest if (order.line_id, order.contract_id) in owing], owing, at)
    return _queue(newest, standing, fresh, at)


def _find_newest_order(places: Collection[Pair]) -> tuple[Mapping[uuid.UUID, Standing], Sequence[Order]]:
    """Return where these stand, locked, by the id of the order that says so; and those orders."""
    locked = Standing.objects.select_for_update().filter(pk__in=list(places)).order_by("line_id", "contract_id")
    standing = {one.order_id: one for one in locked}
    orders = Order.objects.filter(line_id__in={line_id for line_id, _ in places}, id__in=standing)
    return standing, list(orders.order_by("line_id", "contract_id"))


def _queue(
    newest: Sequence[Order], standing: Mapping[uuid.UUID, Standing], fresh: Collection[Pair], at: datetime
) -> int:
    """Queue these anew, with all that is owed. `fresh`: where something is owed by a new date."""
    contracts = Contract.objects.in_bulk({order.contract_id for order in newest})
    owed = _owed(newest)
    again = [
        _build_reissued_order(
            order,
            standing[order.id],
            contracts[order.contract_id],
            owed[order.line_id, order.contract_id],
            at + timedelta(days=contracts[order.contract_id].complete_within_days)
            if (order.line_id, order.contract_id) in fresh
            else order.complete_by,
            at,
        )
        for order in newest
    ]
    Order.objects.bulk_create(again)
    for order in again:
        Standing.objects.filter(pk=(order.line_id, order.contract_id)).update(
            epoch=order.epoch, version=order.version, order_id=order.id
        )
    for party_id in sorted({order.party_id for order in again}):
        nudge(party_id=party_id)
    return len(again)


def _insert_duties(orders: Sequence[Order], owing: Mapping[Pair, Collection[str]], at: datetime) -> set[Pair]:
    """Lay the duties of a stop on the partner for each scope. Returns where."""
    Duty.objects.bulk_create(
        Duty(
            line_id=order.line_id, id=uuid.uuid4(), contract_id=order.contract_id, action=action, scope=scope, since=at
        )
        for order in orders
        for scope in sorted(owing[order.line_id, order.contract_id])
        for action in STOP_DUTIES
    )
    return {(order.line_id, order.contract_id) for order in orders}


def _owed(orders: Sequence[Order]) -> Mapping[Pair, Sequence[Duty]]:
    found: dict[Pair, list[Duty]] = defaultdict(list)
    open_duties = Duty.objects.filter(line_id__in={order.line_id for order in orders}, discharged_at__isnull=True)
    for duty in open_duties.order_by("since", "action", "scope"):
        found[duty.line_id, duty.contract_id].append(duty)
    return found


def _build_reissued_order(
    order: Order, standing: Standing, contract: Contract, owed: Sequence[Duty], by: datetime | None, at: datetime
) -> Order:
    version = next_version(standing=standing, contract=contract)
    complete_by = by if owed else None
    return build_order(
        line_id=order.line_id,
        contract=contract,
        version=version,
        lane=Order.Lane.STOP if owed else Order.Lane.ALLOW,
        snapshot={
            **{name: value for name, value in order.snapshot.items() if name not in {"stop_by", "complete_by"}},
            "event_timestamp": int(minute(at=at).timestamp()),
            "initiating_entity": "system",
            "epoch": contract.epoch,
            "version": version,
            "changes": [],
            **snapshot_duties(owed=owed, complete_by=complete_by, at=at),
        },
        complete_by=complete_by,
        at=at,
    )
