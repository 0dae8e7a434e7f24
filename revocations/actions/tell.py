"""Write the order that tells a partner where one line stands. The row is the queue; Celery only works it off."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import F

from partners.models import Contract, Dealing
from revocations import queries, tasks
from revocations.models import Duty, Order, Standing, State

STOP_USE_WITHIN = timedelta(minutes=15)
EVERYTHING = "all"
StateEntry = dict[str, Any]


@dataclass(frozen=True)
class Agreement:
    """What one partner is to be told about one line.

    `state`: everything still allowed, `[{"scopes","purpose","recipient","status","expires_at"?}]`.
    `before`: the same as it was, for a partner that was never told. `actions`: what the partner must now do, for each
    of `scopes` ("all", "<purpose> <recipient URI>", or " <recipient URI>"), about all it has received until `since`
    (None: until now).
    """

    contract: Contract
    state: Sequence[StateEntry]
    before: Sequence[StateEntry]
    actions: Sequence[Duty.Action] = ()
    scopes: Sequence[str] = ()
    since: datetime | None = None


def tell(*, line_id: int, agreements: Sequence[Agreement], by: str, at: datetime) -> dict[int, uuid.UUID]:
    """Queue one order for each agreement whose snapshot changes. Must run in the transaction of what it tells.

    Returns, by contract id, the order that tells it: a new one, or the one already standing where nothing changes.
    `by`: `user`, `admin`, `policy` or `system` (CAEP's `initiating_entity`).
    """
    told: dict[int, uuid.UUID] = {}
    queued: list[str] = []
    for agreement in sorted(agreements, key=lambda one: one.contract.pk):
        standing = Standing.objects.select_for_update().filter(pk=(line_id, agreement.contract.pk)).first()
        newest = Order.objects.get(pk=(line_id, standing.order_id)) if standing else None
        fresh = _fresh_duties(line_id, agreement, newest, at)
        # An order of an older epoch is over at a partner that was told of an end: it is told anew, changed or not.
        lasts = newest is not None and newest.epoch == agreement.contract.epoch
        if newest is not None and lasts and not fresh and _same(newest.snapshot["state"], agreement.state):
            told[agreement.contract.pk] = newest.id
            continue
        order = _queue(line_id, agreement, standing, newest, fresh, by, at)
        told[agreement.contract.pk] = order.id
        queued.append(str(order.id))
    if queued:
        # robust: a dead broker must not fail a stop; the sweep finds the rows.
        transaction.on_commit(partial(tasks.deliver.delay, order_ids=queued), robust=True)
    return told


def _queue(
    line_id: int,
    agreement: Agreement,
    standing: Standing | None,
    newest: Order | None,
    fresh: Sequence[Duty],
    by: str,
    at: datetime,
) -> Order:
    contract = agreement.contract
    Duty.objects.bulk_create(fresh)
    owed = list(
        Duty.objects.filter(line_id=line_id, contract_id=contract.pk, discharged_at__isnull=True).order_by(
            "since", "action", "scope"
        )
    )
    before = newest.snapshot["state"] if newest else agreement.before
    changes = _changes(before, agreement.state)
    complete_by = _complete_by(contract, newest, owed, fresh, at)
    version = standing.version + 1 if standing and standing.epoch == contract.epoch else 1
    order = Order.objects.create(
        line_id=line_id,
        id=uuid.uuid4(),
        contract_id=contract.pk,
        party_id=contract.aggregator_id,
        epoch=contract.epoch,
        version=version,
        jti=uuid.uuid4().hex,
        txn=f"tx-{uuid.uuid4().hex}",
        record_id=uuid.uuid4(),
        lane=_lane(by, stops=bool(owed) or any(change["to"] == "withdrawn" for change in changes)),
        snapshot={
            "event_timestamp": int(minute(at=at).timestamp()),
            "initiating_entity": by,
            "agreement": f"{settings.BASE_URL}/agreements/{contract.ref}",
            "epoch": contract.epoch,
            "version": version,
            "snapshot": True,
            "changes": changes,
            "state": list(agreement.state),
            "default": "denied",
            **snapshot_duties(owed=owed, complete_by=complete_by, at=at),
        },
        queued_at=at,
        next_attempt_at=at,
        complete_by=complete_by,
    )
    _stand(line_id, contract, order)
    return order


def _complete_by(
    contract: Contract, newest: Order | None, owed: Sequence[Duty], fresh: Sequence[Duty], at: datetime
) -> datetime | None:
    """By when all that is owed must be done. What was owed before keeps its date, whatever was said since."""
    if not owed:
        return None
    by = at + timedelta(days=contract.complete_within_days)
    still = {duty.id for duty in owed} - {duty.id for duty in fresh}
    if still and newest is not None and newest.complete_by is not None:
        return min(by, newest.complete_by)
    return by


def _lane(by: str, *, stops: bool) -> Order.Lane:
    """What the system tells by itself may be a whole cohort: it must not stand before a person's own word."""
    if by == "system":
        return Order.Lane.BULK
    return Order.Lane.STOP if stops else Order.Lane.ALLOW


def snapshot_duties(*, owed: Sequence[Duty], complete_by: datetime | None, at: datetime) -> StateEntry:
    """What a snapshot says of what is owed and by when."""
    return {
        "required_actions": sorted({duty.action for duty in owed}, key=list(Duty.Action).index),
        "duties": [
            {"action": duty.action, "scope": _named(duty.scope), "since": stamp(at=duty.since)} for duty in owed
        ],
        **_deadlines(at, complete_by),
    }


def _deadlines(at: datetime, complete_by: datetime | None) -> StateEntry:
    if complete_by is None:
        return {}
    return {"stop_by": stamp(at=at + STOP_USE_WITHIN), "complete_by": stamp(at=complete_by)}


def _stand(line_id: int, contract: Contract, order: Order) -> None:
    # One statement: a stop does this for each partner, while many people stop.
    Standing.objects.bulk_create(
        [
            Standing(
                line_id=line_id,
                contract_id=contract.pk,
                epoch=order.epoch,
                version=order.version,
                order_id=order.id,
            )
        ],
        update_conflicts=True,
        unique_fields=["line_id", "contract_id"],
        update_fields=["epoch", "version", "order_id"],
    )


def _fresh_duties(line_id: int, agreement: Agreement, newest: Order | None, at: datetime) -> list[Duty]:
    """The duties this adds: those not laid on the partner already for all it has received."""
    received = (
        Dealing.objects.filter(line_id=line_id, aggregator_id=agreement.contract.aggregator_id)
        .order_by(F("last_at").desc())
        .values_list("last_at", flat=True)
        .first()
    )
    laid = list(Duty.objects.filter(line_id=line_id, contract_id=agreement.contract.pk))
    reopened = newest is not None and (
        newest.state == State.CONTRADICTED or (line_id, agreement.contract.pk) in queries.uncovered(line_ids=[line_id])
    )
    since = agreement.since or at
    changed = newest is None or not _same(newest.snapshot["state"], agreement.state)

    def covered(action: str, scope: str) -> bool:
        return any(
            duty.action == action
            and duty.scope in {scope, EVERYTHING}
            and (received is None or received < duty.since or since <= duty.since)
            and not (duty.discharged_at and reopened)
            for duty in laid
        )

    return [
        Duty(
            line_id=line_id,
            id=uuid.uuid4(),
            contract_id=agreement.contract.pk,
            action=action,
            scope=scope,
            since=since,
        )
        for action in agreement.actions
        for scope in agreement.scopes
        if changed or not covered(action, scope)
    ]


def _named(scope: str) -> dict[str, object]:
    if scope == EVERYTHING:
        return {"all": True}
    purpose, _, recipient = scope.partition(" ")
    return {name: value for name, value in (("purpose", purpose), ("recipient", recipient)) if value}


def _place(entry: StateEntry) -> tuple[str, str, tuple[str, ...]]:
    return entry["recipient"], entry["purpose"], tuple(entry["scopes"])


def _same(told: Sequence[StateEntry], now: Sequence[StateEntry]) -> bool:
    return sorted(map(repr, map(_whole, told))) == sorted(map(repr, map(_whole, now)))


def _whole(entry: StateEntry) -> tuple[object, ...]:
    return (*_place(entry), entry["status"], entry.get("expires_at"), tuple(entry.get("except", ())))


def _changes(before: Sequence[StateEntry], after: Sequence[StateEntry]) -> list[StateEntry]:
    was, now = {_place(entry) for entry in before}, {_place(entry) for entry in after}
    return [
        {
            "scopes": list(scopes),
            "purpose": purpose,
            "recipient": recipient,
            "from": "granted" if (recipient, purpose, scopes) in was else "withdrawn",
            "to": "granted" if (recipient, purpose, scopes) in now else "withdrawn",
        }
        for recipient, purpose, scopes in sorted(was ^ now)
    ]


def minute(*, at: datetime) -> datetime:
    """Rounded down to the minute, so that two partners' orders about one act can't be joined on their times."""
    return at.replace(second=0, microsecond=0)


def stamp(*, at: datetime) -> str:
    """RFC 3339, to the minute, in UTC."""
    return minute(at=at).strftime("%Y-%m-%dT%H:%M:%SZ")
