"""Taking what is due to a partner for one lease, and signing what it is to carry.

Three kinds of rows travel alike: events of the stream first, then orders by lane, then what is offered again although
it was acknowledged (`again_at`).
"""

import time
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from uuid import UUID

from django.db import connection, transaction
from django.db.models import Q, QuerySet

from partners.domain import keys, pairwise
from partners.domain.keys import Signer
from partners.models import SigningKey
from revocations.domain import streams, wire
from revocations.domain.streams import CONTRACTS_OWN, Endpoint
from revocations.models import TO_PUSH, Attempt, Order, State, StreamAttempt, StreamEvent
from revocations.workers.delivery import fairness


class Clock:
    """The moment a task began, running on: the database's and tests' time, never this machine's own."""

    def __init__(self, now: datetime) -> None:
        self._began, self._now = time.monotonic(), now

    def now(self) -> datetime:
        return self._now + self.get_elapsed()

    def get_elapsed(self) -> timedelta:
        return timedelta(seconds=time.monotonic() - self._began)


LEASE = timedelta(seconds=30)
BATCH = 100
# A hundred rows at a time: arrays are one parameter each, whatever their length.
NEWEST = "SELECT line_id, contract_id, order_id FROM revocations_standing WHERE line_id = ANY (%s)"
# Whoever waits for nothing is asked about at every nudge, in each lane: Django would take ten times as long to ask.
ORDERS = """
SELECT line_id, id, contract_id, party_id, epoch, version, jti, txn, record_id, lane, snapshot, queued_at, state,
    attempts, next_attempt_at, sent_at, acknowledged_at, completed_at, complete_by, leased_until, polled_until,
    again_at, parked_with, superseded_by, note, trace
FROM revocations_order
"""
EVENTS = """
SELECT id, party_id, contract_id, cohort_id, kind, jti, claims, queued_at, state, attempts, next_attempt_at,
    leased_until, polled_until, again_at, parked_with, sent_at, acknowledged_at, note
FROM revocations_streamevent
"""
DUE = """
WHERE party_id = %(party)s AND lane = %(lane)s AND next_attempt_at <= %(now)s
    AND (%(only)s::uuid[] IS NULL OR id = ANY (%(only)s::uuid[]))
ORDER BY next_attempt_at LIMIT %(room)s FOR UPDATE SKIP LOCKED
"""
OFFERED_AGAIN = """
WHERE party_id = %(party)s AND again_at <= %(now)s AND (%(only)s::uuid[] IS NULL OR id = ANY (%(only)s::uuid[]))
ORDER BY again_at LIMIT %(room)s FOR UPDATE SKIP LOCKED
"""
# `kind`: these alone.
DUE_EVENTS = """
WHERE party_id = %(party)s AND (next_attempt_at <= %(now)s OR again_at <= %(now)s)
    AND (%(kind)s::text IS NULL OR kind = %(kind)s::text)
ORDER BY queued_at LIMIT %(room)s FOR UPDATE SKIP LOCKED
"""
ALSO_WAITING = """
WHERE line_id = ANY (%s) AND state = ANY (%s) AND NOT id = ANY (%s)
FOR UPDATE SKIP LOCKED
"""
HOLD = """
SET attempts = attempts + 1, leased_until = coalesce(%(leased)s::timestamptz, leased_until),
    polled_until = coalesce(%(polled)s::timestamptz, polled_until),
    next_attempt_at = CASE WHEN state = ANY (%(to_push)s) THEN %(until)s::timestamptz END,
    again_at = CASE WHEN again_at IS NOT NULL THEN %(until)s::timestamptz END
"""
HOLD_ORDERS = f"UPDATE revocations_order {HOLD} WHERE line_id = ANY (%(lines)s) AND id = ANY (%(ids)s)"
HOLD_EVENTS = f"UPDATE revocations_streamevent {HOLD} WHERE id = ANY (%(ids)s)"
NAMES = "SELECT id, uri FROM partners_party WHERE id = ANY (%s)"
ADDRESSES = """
SELECT id, aggregator_id, endpoint_url FROM partners_contract
WHERE aggregator_id = ANY (%s) AND NOT is_draft AND endpoint_url <> '' ORDER BY starts_at, id
"""
LANES = (Order.Lane.STOP, Order.Lane.ALLOW, Order.Lane.BULK)


class Full(Exception):
    """As much as may be is in flight to this partner already; when answers come there is room again."""


@dataclass(frozen=True)
class Push:
    """One order or event, claimed, on its way to one address. `lease`: until when; None: it was fetched by polling.

    `sub`: the partner's name for the order's line.
    """

    row: Order | StreamEvent
    number: int
    signer: Signer
    audience: str
    sub: str = ""
    url: str = ""
    authorization: str = ""
    lease: datetime | None = None

    @property
    def trace(self) -> str:
        """The trace of what it came of, if there is one."""
        return self.row.trace if isinstance(self.row, Order) else ""

    @cached_property
    def token(self) -> str:
        """The signed token. Signed at first use, which is in the thread that sends it."""
        if isinstance(self.row, Order):
            return self.signer.sign(wire.order_claims(order=self.row, audience=self.audience, sub=self.sub))
        return self.signer.sign(wire.stream_event_claims(event=self.row, audience=self.audience))


@dataclass(frozen=True)
class ClaimedBatch:
    """What one claim took: events, and orders that are the newest of their line and agreement.

    `full`: as many were looked at as there was room for, so that more may be due.
    """

    events: Sequence[StreamEvent] = ()
    orders: Sequence[Order] = ()
    full: bool = False


@dataclass(frozen=True)
class ClaimedOrders:
    """What to push now. `more`: more may be due."""

    pushes: Sequence[Push] = ()
    more: bool = False


def claim(*, party_id: int, clock: Clock, limit: int = BATCH, only: Collection[UUID] | None = None) -> ClaimedOrders:
    """Take what is due to one partner for one lease, so that two workers never push one thing at once.

    Never more than the partner's share of what may be in flight; nothing while it is left alone, polls, or has paused
    its stream. The newest order of each line and agreement is read again: an older one is superseded, never pushed.
    `only`: of orders these alone. Raises Full.
    """
    end = streams.endpoints(party_ids=[party_id])[party_id]
    if not end.pushed:
        return ClaimedOrders()
    lease = clock.now() + LEASE
    with transaction.atomic():
        taken = _claim_due(party_id, end, clock.now(), limit, only)
        _hold(taken, until=lease, polled=False)
    return ClaimedOrders(sign_pushes(orders=taken.orders, events=taken.events, end=end, lease=lease), taken.full)


def _claim_due(party_id: int, end: Endpoint, now: datetime, limit: int, only: Collection[UUID] | None) -> ClaimedBatch:
    breaker = fairness.lock_breaker(party_id=party_id)
    if fairness.is_paused(breaker=breaker, now=now):
        return ClaimedBatch()
    if not end.enabled:
        # That it is paused, a partner is still told; SSF 1.0, 8.1.5.
        told = _due_events(party_id, now, limit, kind=StreamEvent.Kind.STREAM_UPDATED)
        return ClaimedBatch(events=told, full=len(told) >= limit)
    if breaker.opened_at is not None:
        first = next((order.contract_id for order in _due_orders(party_id, only, now, 1)), None)
        probe = fairness.probe(breaker=breaker, contract_id=first, now=now)
        return ClaimedBatch(events=[probe] if probe else [])
    left = min(limit, fairness.IN_FLIGHT - fairness.in_flight(party_id=party_id, now=now))
    if left <= 0:
        raise Full
    found = _due_events(party_id, now, left) if only is None else []
    orders = _due_orders(party_id, only, now, left - len(found))
    full = len(found) + len(orders) >= left
    return ClaimedBatch(events=found, orders=_newest_of(orders), full=full)


def _due_orders(party_id: int, only: Collection[UUID] | None, now: datetime, room: int) -> list[Order]:
    """Return what is due, most urgent first: each lane the longest due first, then what is offered again."""
    asked = {"party": party_id, "only": None if only is None else list(only), "now": now}
    found: list[Order] = []
    for lane in (*LANES, None):
        if len(found) < room:
            which = {**asked, "lane": lane.value if lane else None, "room": room - len(found)}
            found += Order.objects.raw(ORDERS + (DUE if lane else OFFERED_AGAIN), which)
    return found


def _due_events(party_id: int, now: datetime, room: int, *, kind: StreamEvent.Kind | None = None) -> list[StreamEvent]:
    asked = {"party": party_id, "now": now, "room": room, "kind": kind.value if kind else None}
    return list(StreamEvent.objects.raw(EVENTS + DUE_EVENTS, asked))


def claim_for_poll(*, party_id: int, limit: int, now: datetime) -> list[Push]:
    """Take what a partner that polls has not acknowledged yet, due or not, and keep it from being told again meanwhile.

    It is not in flight: for a lease it is in the partner's hands, neither pushed nor given to another poll.
    """
    signing = streams.endpoints(party_ids=[party_id])[party_id]
    with transaction.atomic():
        events = list(
            waiting_events(party_id=party_id, now=now).order_by("queued_at").select_for_update(skip_locked=True)[:limit]
        )
        orders: list[Order] = []
        for lane in (*(Q(lane=lane, next_attempt_at__isnull=False) for lane in LANES), Q(again_at__isnull=False)):
            room = limit - len(events) - len(orders)
            rows = waiting_orders(party_id=party_id, now=now).filter(lane).order_by("queued_at")
            orders += rows.select_for_update(skip_locked=True)[:room]
        taken = ClaimedBatch(events=events, orders=_newest_of(orders))
        _hold(taken, until=now + LEASE, polled=True)
    return sign_pushes(orders=taken.orders, events=taken.events, end=signing)


def waiting_orders(*, party_id: int, now: datetime) -> QuerySet[Order]:
    """Orders that this partner has not acknowledged, or is to be offered again, and that are not on their way to it."""
    return Order.objects.filter(_WAITING, _is_unclaimed(now), party_id=party_id)


def waiting_events(*, party_id: int, now: datetime) -> QuerySet[StreamEvent]:
    """Return the same of events."""
    return StreamEvent.objects.filter(_WAITING, _is_unclaimed(now), party_id=party_id)


_WAITING = Q(next_attempt_at__isnull=False) | Q(again_at__isnull=False)


def _is_unclaimed(now: datetime) -> Q:
    """Neither given to a poll a moment ago nor with a worker: what became of that try is to be written down first."""
    polled = Q(polled_until__isnull=True) | Q(polled_until__lte=now)
    return polled & (Q(leased_until__isnull=True) | Q(leased_until__lte=now))


def _newest_of(rows: Sequence[Order]) -> list[Order]:
    """Those that are the newest of their line and agreement; the others are superseded, waiting ones included."""
    if not rows:
        return []
    newest = _newest(rows)
    older = [order for order in rows if newest[order.line_id, order.contract_id] != order.id]
    _supersede([*older, *_also_waiting(rows, newest)], newest)
    return [order for order in rows if newest[order.line_id, order.contract_id] == order.id]


def _newest(rows: Sequence[Order]) -> Mapping[tuple[int, int], UUID]:
    with connection.cursor() as cursor:
        cursor.execute(NEWEST, [[order.line_id for order in rows]])
        return {(line_id, contract_id): order_id for line_id, contract_id, order_id in cursor.fetchall()}


def _also_waiting(rows: Sequence[Order], newest: Mapping[tuple[int, int], UUID]) -> list[Order]:
    """Older orders that wait for their own next try under the same agreements: a newer one is about to go."""
    to_push = [str(state) for state in TO_PUSH]
    waiting = Order.objects.raw(
        ORDERS + ALSO_WAITING, [[order.line_id for order in rows], to_push, [order.id for order in rows]]
    )
    return [order for order in waiting if newest.get((order.line_id, order.contract_id), order.id) != order.id]


def _supersede(older: Iterable[Order], newest: Mapping[tuple[int, int], UUID]) -> None:
    for order in older:
        Order.objects.filter(pk=order.pk, state__in=TO_PUSH).update(
            state=State.SUPERSEDED,
            superseded_by=newest[order.line_id, order.contract_id],
            next_attempt_at=None,
            leased_until=None,
            parked_with="",
        )
        Order.objects.filter(pk=order.pk, again_at__isnull=False).update(again_at=None)


def _hold(taken: ClaimedBatch, *, until: datetime, polled: bool) -> None:
    """Count the try, and keep everybody else from these rows until then. `polled`: it is not in flight."""
    _record_lost_tries(taken, at=until - LEASE)
    leased_until, polled_until = (None, until) if polled else (until, None)
    held = {
        "until": until,
        "leased": leased_until,
        "polled": polled_until,
        "to_push": [str(state) for state in TO_PUSH],
    }
    with connection.cursor() as cursor:
        if taken.orders:
            lines, ids = [order.line_id for order in taken.orders], [order.id for order in taken.orders]
            cursor.execute(HOLD_ORDERS, {**held, "lines": lines, "ids": ids})
        if taken.events:
            cursor.execute(HOLD_EVENTS, {**held, "ids": [event.id for event in taken.events]})


def _record_lost_tries(taken: ClaimedBatch, *, at: datetime) -> None:
    """Write down tries that were claimed and never recorded: the worker died, and the partner may have got them."""
    Attempt.objects.bulk_create(
        [
            Attempt(line_id=order.line_id, order_id=order.id, number=order.attempts, at=at, outcome="lost")
            for order in taken.orders
            if _was_claimed(order, at)
        ],
        ignore_conflicts=True,
    )
    StreamAttempt.objects.bulk_create(
        [
            StreamAttempt(event_id=event.id, number=event.attempts, at=at, outcome="lost")
            for event in taken.events
            if _was_claimed(event, at)
        ],
        ignore_conflicts=True,
    )


def _was_claimed(row: Order | StreamEvent, at: datetime) -> bool:
    return bool(row.attempts) and (row.leased_until or at) <= at


def sign_pushes(
    *,
    orders: Sequence[Order] = (),
    events: Sequence[StreamEvent] = (),
    end: Endpoint = CONTRACTS_OWN,
    lease: datetime | None = None,
) -> list[Push]:
    """These with the tokens that carry them, signed by the key now in use for this end's algorithm, events first."""
    if not orders and not events:
        return []
    signer = keys.signer(use=SigningKey.Use.ORDER, algorithm=end.algorithm)
    addresses = _Addresses(end, [*events, *orders])
    lines = defaultdict(set)
    for order in orders:
        lines[order.party_id].add(order.line_id)
    subs = {party_id: pairwise.subjects(line_ids=ids, party_id=party_id) for party_id, ids in lines.items()}

    def push(row: Order | StreamEvent, sub: str = "") -> Push:
        return Push(
            row=row,
            number=row.attempts + 1,
            signer=signer,
            audience=addresses.audience(row),
            sub=sub,
            url=addresses.url(row),
            authorization=end.authorization,
            lease=lease,
        )

    return [*map(push, events), *(push(order, subs[order.party_id][order.line_id]) for order in orders)]


class _Addresses:
    """Whom these rows are for, and where: the stream's address if it has one, else the agreement's own."""

    def __init__(self, end: Endpoint, rows: Sequence[Order | StreamEvent]) -> None:
        parties = {row.party_id for row in rows}
        with connection.cursor() as cursor:
            cursor.execute(NAMES, [list(parties)])
            self._names: dict[int, str] = dict(cursor.fetchall())
            own = []
            if not end.url:
                cursor.execute(ADDRESSES, [list(parties)])
                own = cursor.fetchall()
        # An officer may have taken the host off every list since the partner named it.
        self._allowed = {one: bool(end.url) and streams.allows(url=end.url, party_id=one) for one in parties}
        self._end = end
        self._of_contract: dict[int, str] = {pk: url for pk, _, url in own}
        self._of_party: dict[int, str] = {party_id: url for _, party_id, url in own}

    def audience(self, row: Order | StreamEvent) -> str:
        return self._names[row.party_id]

    def url(self, row: Order | StreamEvent) -> str:
        """ "" where nobody told us an address, or one that no agreement lists."""
        if self._end.url:
            return self._end.url if self._allowed[row.party_id] else ""
        if row.contract_id is None:
            return self._of_party.get(row.party_id, "")
        return self._of_contract.get(row.contract_id) or self._of_party.get(row.party_id, "")
