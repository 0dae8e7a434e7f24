"""Write the order that tells a partner where one line stands. The row is the queue; Celery only works it off."""

import json
import uuid
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Self

from django.db import connection, transaction

from partners.models import Contract
from revocations.actions import nudges
from revocations.domain.wire import (
    EVERYTHING,
    Agreement,
    are_same,
    build_order,
    list_changes,
    next_version,
    snapshot_duties,
    snapshot_of,
)
from revocations.models import Duty, Order, Standing, State
from revocations.queries import coverage

_TELL = Duty.Action.NOTIFY_DOWNSTREAM
# Most lines have none of these yet: Django would take ten times as long to ask as PostgreSQL to find nothing.
STANDING = """
SELECT line_id, contract_id, epoch, version, order_id FROM revocations_standing
WHERE line_id = ANY (%s) AND contract_id = ANY (%s) ORDER BY line_id, contract_id FOR UPDATE
"""
LAID = """
SELECT line_id, id, contract_id, action, scope, since, discharged_at, discharged_by FROM revocations_duty
WHERE line_id = ANY (%s) AND contract_id = ANY (%s)
"""
# The duties, the orders that say them, and where each line stands from then on.
QUEUE = """
WITH laid AS (
    INSERT INTO revocations_duty (line_id, id, contract_id, action, scope, since, discharged_by)
    SELECT line_id, id, contract_id, action, scope, since, ''
    FROM jsonb_to_recordset(%s::jsonb) AS one (line_id bigint, id uuid, contract_id bigint, action text, scope text,
        since timestamptz)
), queued AS (
    INSERT INTO revocations_order (line_id, id, contract_id, party_id, epoch, version, jti, txn, record_id, lane,
        snapshot, queued_at, state, attempts, next_attempt_at, complete_by, parked_with, note, trace)
    SELECT line_id, one.id, contract_id, party_id, epoch, version, jti, txn, record_id, lane, snapshot,
        queued_at, 'queued', 0, queued_at, complete_by, '', '', trace
    FROM jsonb_to_recordset(%s::jsonb) AS one (line_id bigint, id uuid, contract_id bigint, party_id bigint,
        epoch integer, version integer, jti text, txn text, record_id uuid, lane text, snapshot jsonb,
        queued_at timestamptz, complete_by timestamptz, trace text)
    RETURNING line_id, contract_id, epoch, version, id
)
INSERT INTO revocations_standing (line_id, contract_id, epoch, version, order_id)
SELECT line_id, contract_id, epoch, version, id FROM queued
ON CONFLICT (line_id, contract_id) DO UPDATE
SET epoch = excluded.epoch, version = excluded.version, order_id = excluded.order_id
"""
LAID_AS = ("line_id", "id", "contract_id", "action", "scope", "since")
QUEUED = (
    "line_id", "id", "contract_id", "party_id", "epoch", "version", "jti", "txn", "record_id", "lane", "snapshot",
    "queued_at", "complete_by", "trace",
)  # fmt: skip
RECEIVED = """
SELECT line_id, aggregator_id, max(last_at) FROM partners_dealing
WHERE line_id = ANY (%s) AND aggregator_id = ANY (%s) GROUP BY line_id, aggregator_id
"""
type Orders = dict[int, uuid.UUID]


def enqueue_order(*, line_id: int, agreements: Sequence[Agreement], by: str, at: datetime) -> Orders:
    """Queue one order for each agreement whose snapshot changes. Must run in the transaction of what it tells.

    Returns, by contract id, the order that tells it: a new one, or the one already standing where nothing changes.
    `by`: `user`, `admin`, `policy` or `system` (CAEP's `initiating_entity`). What is asked under one agreement for the
    sake of several choices goes into one order: `agreements` may name it several times, with one `state`.
    """
    return enqueue_orders(agreements={line_id: agreements}, by=by, at={line_id: at})[line_id]


def enqueue_orders(
    *, agreements: Mapping[int, Sequence[Agreement]], by: str, at: Mapping[int, datetime]
) -> dict[int, Orders]:
    """Enqueue orders for many lines at once, in as many statements as for one. Everything is by line."""
    known = _OrderHistory.read_each({line_id: theirs for line_id, theirs in agreements.items() if theirs})
    duties: list[Duty] = []
    orders: list[Order] = []
    for line_id, theirs in known.items():
        laid, queued = _build_orders(line_id, agreements[line_id], theirs, by, at[line_id])
        duties += laid
        orders += queued
    if orders:
        _write(duties, orders)
        _nudge(orders)
    newest = _newest_orders(known, orders)
    return {
        line_id: {pk: newest[line_id, pk] for pk in sorted({one.contract.pk for one in theirs})}
        for line_id, theirs in agreements.items()
    }


def _nudge(orders: Sequence[Order]) -> None:
    # robust: a dead broker must not fail a stop; the sweep finds the rows.
    party_ids = sorted({order.party_id for order in orders})
    transaction.on_commit(partial(nudges.nudge, party_ids=party_ids), robust=True)


def _newest_orders(known: Mapping[int, "_OrderHistory"], queued: Sequence[Order]) -> dict[tuple[int, int], uuid.UUID]:
    """By line and contract: the order that stood, or the one that was queued in its place."""
    told = {(line_id, pk): order.id for line_id, theirs in known.items() for pk, order in theirs.newest.items()}
    return told | {(order.line_id, order.contract_id): order.id for order in queued}


def _build_orders(
    line_id: int, agreements: Sequence[Agreement], known: "_OrderHistory", by: str, at: datetime
) -> tuple[list[Duty], list[Order]]:
    """Return the duties and orders that one line's agreements call for."""
    fresh: dict[int, list[Duty]] = {}
    anew: dict[int, Agreement] = {}
    for agreement in agreements:
        contract = agreement.contract
        duties = _fresh_duties(line_id, agreement, known, at)
        if duties or not _is_current(agreement, known):
            fresh[contract.pk] = _without_repeats([*fresh.get(contract.pk, ()), *duties])
            anew.setdefault(contract.pk, agreement)
    orders = [
        _order(line_id, one, known, _owed(known, one, fresh[one.contract.pk]), fresh[one.contract.pk], by, at)
        for one in sorted(anew.values(), key=lambda one: one.contract.pk)
    ]
    return [duty for laid in fresh.values() for duty in laid], orders


def _is_current(agreement: Agreement, known: "_OrderHistory") -> bool:
    """Return whether the order that stands says what the agreement says."""
    newest = known.newest.get(agreement.contract.pk)
    # An order of an older epoch is over at a partner that was told of an end: it is told anew, changed or not.
    lasts = newest is not None and newest.epoch == agreement.contract.epoch
    return newest is not None and lasts and are_same(newest.snapshot["state"], agreement.state)


@dataclass(frozen=True)
class _OrderHistory:
    """What stands between a line and some partners: read for all of them at once, while many people stop.

    By contract: where it stands, locked; the order that stands; all duties ever laid. By party: when it last received.
    """

    standing: dict[int, Standing]
    newest: dict[int, Order]
    laid: dict[int, list[Duty]]
    received: dict[int, datetime]
    uncovered: set[tuple[int, int]]

    @classmethod
    def read_each(cls, agreements: Mapping[int, Sequence[Agreement]]) -> dict[int, Self]:
        """By line: what stands under all of these agreements, whichever of the lines they are named for."""
        if not agreements:
            return {}
        contracts = {one.contract.pk: one.contract.aggregator_id for theirs in agreements.values() for one in theirs}
        known = {line_id: cls({}, {}, defaultdict(list), {}, set()) for line_id in agreements}
        cls._read_orders(known, contracts)
        # No duty without an order that says it: most lines have neither.
        if any(theirs.standing for theirs in known.values()):
            for duty in Duty.objects.raw(LAID, [list(agreements), list(contracts)]):
                known[duty.line_id].laid[duty.contract_id].append(duty)
            cls._read_receipts(known, contracts)
        return known

    @staticmethod
    def _read_orders(known: Mapping[int, "_OrderHistory"], contracts: Collection[int]) -> None:
        """Lock where each contract stands, and read the orders that stand."""
        standing = list(Standing.objects.raw(STANDING, [list(known), list(contracts)]))
        for stands in standing:
            known[stands.line_id].standing[stands.contract_id] = stands
        ids = [one.order_id for one in standing]
        told = list(Order.objects.filter(line_id__in=list(known), id__in=ids)) if ids else []
        for order in told:
            known[order.line_id].newest[order.contract_id] = order

    @staticmethod
    def _read_receipts(known: Mapping[int, "_OrderHistory"], contracts: Mapping[int, int]) -> None:
        """Read when each partner last received, and where companies behind it have not signed."""
        with connection.cursor() as cursor:
            cursor.execute(RECEIVED, [list(known), sorted(set(contracts.values()))])
            for line_id, aggregator_id, last_at in cursor.fetchall():
                known[line_id].received[aggregator_id] = last_at
        told = {line_id for line_id, theirs in known.items() if theirs.newest}
        for line_id, contract_id in coverage.find_uncovered_orders(line_ids=told) if told else ():
            known[line_id].uncovered.add((line_id, contract_id))


def _write(duties: Sequence[Duty], orders: Sequence[Order]) -> None:
    values = [
        [{name: getattr(one, name) for name in names} for one in rows]
        for names, rows in ((LAID_AS, duties), (QUEUED, orders))
    ]
    with connection.cursor() as cursor:
        # Ids and moments as text: PostgreSQL reads them so.
        cursor.execute(QUEUE, [json.dumps(rows, default=str) for rows in values])


def _owed(known: _OrderHistory, agreement: Agreement, fresh: Sequence[Duty]) -> list[Duty]:
    """Return all that is owed from now on, in the order in which an order names it."""
    still = [duty for duty in known.laid.get(agreement.contract.pk, ()) if duty.discharged_at is None]
    return sorted([*still, *fresh], key=lambda duty: (duty.since, duty.action, duty.scope))


def _order(
    line_id: int,
    agreement: Agreement,
    known: _OrderHistory,
    owed: Sequence[Duty],
    fresh: Sequence[Duty],
    by: str,
    at: datetime,
) -> Order:
    contract = agreement.contract
    standing, newest = known.standing.get(contract.pk), known.newest.get(contract.pk)
    before = newest.snapshot["state"] if newest else agreement.before
    changes = list_changes(before, agreement.state)
    complete_by = _complete_by(contract, newest, owed, fresh, at)
    version = next_version(standing=standing, contract=contract)
    return build_order(
        line_id=line_id,
        contract=contract,
        version=version,
        lane=_lane(by, stops=bool(owed) or any(change["to"] == "withdrawn" for change in changes)),
        snapshot={
            **snapshot_of(agreement, version, changes, by, at),
            **snapshot_duties(owed=owed, complete_by=complete_by, at=at),
        },
        complete_by=complete_by,
        at=at,
    )


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
    """Choose the lane. What the system tells may be a whole cohort: it must not delay a person's own stop."""
    if by == "system":
        return Order.Lane.BULK
    return Order.Lane.STOP if stops else Order.Lane.ALLOW


def _fresh_duties(line_id: int, agreement: Agreement, known: _OrderHistory, at: datetime) -> list[Duty]:
    """Return the duties this adds: those not laid on the partner already for all it has received."""
    contract = agreement.contract
    received, laid = known.received.get(contract.aggregator_id), known.laid.get(contract.pk, ())
    newest = known.newest.get(contract.pk)
    reopened = newest is not None and (newest.state == State.CONTRADICTED or (line_id, contract.pk) in known.uncovered)
    since = agreement.since or at
    changed = newest is None or not are_same(newest.snapshot["state"], agreement.state)

    def is_covered(action: str, scope: str) -> bool:
        return any(
            duty.action == action
            and duty.scope in {scope, EVERYTHING}
            and (received is None or received < duty.since or since <= duty.since)
            and not (duty.discharged_at and reopened)
            for duty in laid
        )

    def list_added_actions(scope: str) -> list[Duty.Action]:
        new = [action for action in agreement.actions if changed or not is_covered(action, scope)]
        # Those below were told of what was asked before (a pause), not of what is asked now (to delete).
        return [action for action in agreement.actions if action in new or (new and action == _TELL)]

    return [
        Duty(line_id=line_id, id=uuid.uuid4(), contract_id=contract.pk, action=action, scope=scope, since=since)
        for scope in agreement.scopes
        for action in list_added_actions(scope)
    ]


def _without_repeats(duties: Sequence[Duty]) -> list[Duty]:
    """Those that ask for something that no other of them asks for: by one for everything, or the same once more."""
    kept: list[Duty] = []
    for duty in sorted(duties, key=lambda one: (one.scope != EVERYTHING, -one.since.timestamp())):
        if not any(
            one.action == duty.action and one.scope in {duty.scope, EVERYTHING} and one.since >= duty.since
            for one in kept
        ):
            kept.append(duty)
    return kept
