"""What a partner fetches by polling (RFC 8936): the same rows as push, so either settles an order."""

import threading
from collections.abc import Collection, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Exists, F, OuterRef, Q, QuerySet
from django.db.models.functions import Coalesce

from revocations.domain import streams
from revocations.domain.streams import stream_of
from revocations.models import TO_PUSH, Attempt, Order, State, Stream, StreamAttempt, StreamEvent
from revocations.workers.delivery.claims import Clock, Push, claim_for_poll, waiting_events, waiting_orders
from revocations.workers.delivery.records import acknowledge_event, open_partner_incident
from revocations.workers.delivery.verdicts import Verdict, judge_refusal, wait_after

LONGEST_WAIT = timedelta(seconds=30)
LOOK_EVERY_S = 0.5
# So many requests of one web process may wait at once: the others' threads are for people.
WAITING_ROOM = 2
# A refusal that came by poll: no status of HTTP, as the answer to a push has.
REFUSED = ("refused", None)


@dataclass(frozen=True)
class Offer:
    """Tokens by their `jti`, and whether more wait."""

    sets: Mapping[str, str]
    more: bool


class _WaitingRoom:
    """Who waits in this process: a few at most, and each partner once."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._inside: set[int] = set()

    def enter(self, party_id: int) -> bool:
        with self._lock:
            if party_id in self._inside or len(self._inside) >= WAITING_ROOM:
                return False
            self._inside.add(party_id)
            return True

    def leave(self, party_id: int) -> None:
        with self._lock, suppress(KeyError):
            self._inside.remove(party_id)


_waiting_room = _WaitingRoom()


def offer(*, party_id: int, limit: int, now: datetime, waits: bool = False) -> Offer:
    """Return what this partner has not acknowledged yet, events and stops first, the oldest first.

    For a lease it is neither pushed nor offered to the next poll. Nothing while the partner keeps its own stream from
    being enabled. `waits`: where nothing is there, wait for something to come; no transaction is open meanwhile, and
    when enough others wait already, the answer comes at once.
    """
    clock = Clock(now)
    if limit and waits and not _anything(party_id, clock):
        _wait(party_id, clock)
    pushes: list[Push] = []
    if not _is_stream_blocked(party_id):
        pushes = claim_for_poll(party_id=party_id, limit=limit, now=clock.now())
        _write_down(pushes, clock.now())
    return Offer(sets={push.row.jti: push.token for push in pushes}, more=_anything(party_id, clock))


def _anything(party_id: int, clock: Clock) -> bool:
    """Return whether a poll would get something now."""
    now = clock.now()
    waiting = (waiting_events(party_id=party_id, now=now), waiting_orders(party_id=party_id, now=now))
    return any(rows.exists() for rows in waiting) and not _is_stream_blocked(party_id)


def _is_stream_blocked(party_id: int) -> bool:
    """Return whether the partner's own word keeps its events with us.

    What we paused, because pushes found no way in, is what polling is for.
    """
    stream = stream_of(party_id=party_id)
    if stream is None or stream.status == Stream.Status.ENABLED:
        return False
    return not streams.is_imposed(stream=stream)


def _wait(party_id: int, clock: Clock) -> None:
    if not _waiting_room.enter(party_id):
        return
    try:
        pause = threading.Event()
        while clock.get_elapsed() < LONGEST_WAIT and not _anything(party_id, clock):
            pause.wait(LOOK_EVERY_S)
    finally:
        _waiting_room.leave(party_id)


@transaction.atomic
def _write_down(pushes: Collection[Push], now: datetime) -> None:
    orders = [(push, push.row) for push in pushes if isinstance(push.row, Order)]
    events = [(push, push.row) for push in pushes if isinstance(push.row, StreamEvent)]
    _write_down_tries(orders, events, now)
    sent = {"state": State.SENT, "sent_at": Coalesce(F("sent_at"), now), "parked_with": ""}
    Order.objects.filter(pk__in=[order.pk for _, order in orders], state__in=TO_PUSH).update(**sent)
    StreamEvent.objects.filter(pk__in=[event.pk for _, event in events], state__in=TO_PUSH).update(**sent)


def _write_down_tries(
    orders: Collection[tuple[Push, Order]], events: Collection[tuple[Push, StreamEvent]], now: datetime
) -> None:
    Attempt.objects.bulk_create(
        [
            Attempt(
                line_id=order.line_id, order_id=order.id, number=push.number, at=now, outcome="polled", token=push.token
            )
            for push, order in orders
        ],
        ignore_conflicts=True,
    )
    StreamAttempt.objects.bulk_create(
        [
            StreamAttempt(event_id=event.id, number=push.number, at=now, outcome="polled", token=push.token)
            for push, event in events
        ],
        ignore_conflicts=True,
    )


@transaction.atomic
def settle(
    *, party_id: int, acknowledged: Collection[str], errors: Mapping[str, tuple[str, str]], now: datetime
) -> None:
    """Take a poller's word for what it stored (`jti`s) and what it refused (`jti`: err, description)."""
    orders, events = Order.objects.filter(party_id=party_id), StreamEvent.objects.filter(party_id=party_id)
    # Without a try on record the database lets none be acknowledged: it is offered again, which writes that down.
    tried = Exists(Attempt.objects.filter(line_id=OuterRef("line_id"), order_id=OuterRef("id")))
    # Locked in one order, as a record of pushes locks them.
    stored = [order.pk for order in orders.filter(tried, jti__in=acknowledged).order_by("pk").select_for_update()]
    mine = Order.objects.filter(pk__in=stored)
    mine.filter(again_at__isnull=False).update(again_at=None)
    mine.filter(state__in=TO_PUSH).update(
        state=State.ACKNOWLEDGED,
        acknowledged_at=now,
        sent_at=Coalesce(F("sent_at"), now),
        next_attempt_at=None,
        note="",
        parked_with="",
    )
    for event in events.filter(jti__in=acknowledged):
        acknowledge_event(event=event, at=now)
    open_ones = Q(state__in=TO_PUSH) | Q(again_at__isnull=False)
    for order in orders.filter(open_ones, jti__in=errors).order_by("pk").select_for_update():
        _refuse(order, errors[order.jti], now)
    for event in events.filter(open_ones, jti__in=errors).order_by("pk").select_for_update():
        _refuse(event, errors[event.jti], now)


def _refuse(row: Order | StreamEvent, error: tuple[str, str], now: datetime) -> None:
    """Take a refusal as the same answer to a push is taken: a try, parked with whose move it is, and due again.

    One that is repeated says nothing new until the row was handed out once more.
    """
    tries = _tries(row)
    newest = tries.order_by("-number").first()
    if newest is not None and newest.number == row.attempts and (newest.outcome, newest.status) == REFUSED:
        return
    verdict = judge_refusal(err=error[0], description=error[1])
    if verdict.incident is not None:
        open_partner_incident(kind=verdict.incident, party_id=row.party_id, at=now)
    # A push and its answer are one try; here they are two, of which the second makes nobody wait for longer.
    told = tries.exclude(outcome=REFUSED[0], status=REFUSED[1]).count()
    due = now + wait_after(row_id=row.id, tries=told, verdict=verdict, retry_after="", at=now)
    _write_down_refusal(row, verdict, newest.token if newest is not None else "", now)
    _park(row, verdict, due, now)


def _park(row: Order | StreamEvent, verdict: Verdict, due: datetime, now: datetime) -> None:
    rows = Order.objects.filter(pk=row.pk) if isinstance(row, Order) else StreamEvent.objects.filter(pk=row.pk)
    rows.filter(state__in=TO_PUSH).update(
        state=verdict.state or F("state"),
        sent_at=Coalesce(F("sent_at"), now) if verdict.state == State.SENT else F("sent_at"),
        note=verdict.note,
        parked_with=verdict.parked_with or "",
        next_attempt_at=due,
    )
    rows.filter(again_at__isnull=False).update(again_at=due)
    rows.update(attempts=row.attempts + 1, polled_until=due)


def _tries(row: Order | StreamEvent) -> QuerySet[Attempt] | QuerySet[StreamAttempt]:
    if isinstance(row, Order):
        return Attempt.objects.filter(line_id=row.line_id, order_id=row.id)
    return StreamAttempt.objects.filter(event_id=row.id)


def _write_down_refusal(row: Order | StreamEvent, verdict: Verdict, token: str, now: datetime) -> None:
    """`token`: what was refused, as it was last handed out."""
    number, outcome, detail = row.attempts + 1, verdict.outcome, verdict.note
    if isinstance(row, Order):
        Attempt.objects.create(
            line_id=row.line_id, order_id=row.id, number=number, at=now, outcome=outcome, detail=detail, token=token
        )
    else:
        StreamAttempt.objects.create(
            event_id=row.id, number=number, at=now, outcome=outcome, detail=detail, token=token
        )
