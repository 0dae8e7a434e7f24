"""Tell a partner again where lines stand: it lost the newest order, or never took it in."""

import uuid
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta

from django.db import transaction

from partners.models import Contract
from revocations.actions.streams import nudge
from revocations.domain.order_snapshots import build_order, minute, next_version, snapshot_duties
from revocations.models import Duty, Order, Standing

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
    standing, newest = _newest({(duty.line_id, duty.contract_id) for duty in duties})
    Duty.objects.bulk_create(duties)
    return _queue(newest, standing, {(order.line_id, order.contract_id) for order in newest}, at)


@transaction.atomic
def _part(places: Sequence[Pair], owing: Mapping[Pair, Collection[str]], at: datetime) -> int:
    standing, orders = _newest(places)
    newest = [order for order in orders if order.next_attempt_at is None]
    fresh = _insert_duties([order for order in newest if (order.line_id, order.contract_id) in owing], owing, at)
    return _queue(newest, standing, fresh, at)


def _newest(places: Collection[Pair]) -> tuple[Mapping[uuid.UUID, Standing], Sequence[Order]]:
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
