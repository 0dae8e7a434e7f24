"""How long a partner could have answered: the minutes in which we delivered, without those in which we failed."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from itertools import zip_longest
from uuid import UUID

from django.db.models import Q

from revocations.models import Attempt, Order, Pulse, ResponsibleParty, StreamAttempt, StreamEvent

MINUTE = timedelta(minutes=1)
# What is read of a partner's tries: those of so many orders that wait the longest.
SAMPLE = 20
# A worker of ours died, or the way out of our house was closed.
OURS = ("lost", "ours")
# RFC 8935's word for an order that the partner calls malformed: for us to look at.
CALLED_INVALID = "invalid_request"
ROW = ("number", "at", "outcome", "detail")

type Try = tuple[datetime, bool]
# What it is about, its number, when, what came of it, and what was said.
type Row = tuple[UUID, int, datetime, str, str]


def list_orders_parked_with_us(*, now: datetime) -> Q:
    """Return what is parked with us, while it is: from the moment it is offered anew the next move is the partner's.

    What is pushed goes out in that moment. Who polls, and never comes for it, keeps it from going any further.
    """
    return Q(parked_with=ResponsibleParty.US) & (Q(next_attempt_at__isnull=True) | Q(next_attempt_at__gt=now))


def get_answerable_time(*, pulses: Sequence[datetime], tries: Iterable[Try]) -> timedelta:
    """Return the pulses' minutes, in order, without those that were ours. `tries`: when, and whether we failed.

    A minute counts if our delivery ran in it (`Pulse`) and we were not the ones who failed: not if all that was last
    tried, in it or before, failed on our side, until something is tried again.
    """
    verdicts = iter(sorted(_by_minute(tries).items()))
    coming = next(verdicts, None)
    minutes, ours = 0, False
    for minute in pulses:
        while coming is not None and coming[0] <= minute:
            ours, coming = coming[1], next(verdicts, None)
        minutes += not ours
    return minutes * MINUTE


def _by_minute(tries: Iterable[Try]) -> Mapping[datetime, bool]:
    """Return whether all tries of a minute failed on our side."""
    found: dict[datetime, bool] = {}
    for at, ours in tries:
        minute = _minute(at)
        found[minute] = found.get(minute, True) and ours
    return found


def list_delivery_minutes(*, since: datetime, now: datetime) -> Sequence[datetime]:
    """Return the minutes, whole ones between these moments, in which our delivery ran."""
    within = Pulse.objects.filter(minute__gte=since, minute__lte=now - MINUTE)
    return list(within.order_by("minute").values_list("minute", flat=True))


def tries_at(*, party_id: int) -> list[Try]:
    """Return what was tried at this partner: its stream's events, and the orders that wait the longest."""
    waiting = Order.objects.filter(party_id=party_id, next_attempt_at__isnull=False).order_by("queued_at")[:SAMPLE]
    events = StreamEvent.objects.filter(party_id=party_id)
    asked = StreamAttempt.objects.filter(event_id__in=events.values("id")).values_list("event_id", *ROW)
    parked = events.filter(parked_with=ResponsibleParty.US)
    return [*tries_of(orders=waiting), *_judge_tries(asked.iterator()), *_list_reoffered_tries(parked)]


def tries_of(*, orders: Iterable[Order]) -> list[Try]:
    """Return what was tried for these orders, and since when they are offered anew."""
    found = list(orders)
    keys = [(order.line_id, order.id) for order in found]
    tried = Attempt.objects.filter(
        line_id__in={line_id for line_id, _ in keys}, order_id__in={order_id for _, order_id in keys}
    )
    return [*_judge_tries(tried.values_list("order_id", *ROW)), *_list_reoffered_tries(found)]


def tries_of_event(*, event: StreamEvent) -> list[Try]:
    """Return the same for this stream event."""
    tried = StreamAttempt.objects.filter(event_id=event.pk)
    return [*_judge_tries(tried.values_list("event_id", *ROW)), *_list_reoffered_tries([event])]


def _list_reoffered_tries(rows: Iterable[Order | StreamEvent]) -> Iterator[Try]:
    """List tries that wait for the partner again because they failed by our fault, and came to nothing yet.

    If it is fetched and called invalid once more, this is gone, and the wait counts nothing after all. One still to
    come is of no minute that is counted.
    """
    for row in rows:
        if row.parked_with == ResponsibleParty.US and row.next_attempt_at is not None:
            yield row.next_attempt_at, False


def _judge_tries(rows: Iterable[Row]) -> Iterator[Try]:
    """When, and whether we failed. What a poll was given and the next refused in the same minute is one try."""
    tried = sorted(rows)
    for row, after in zip_longest(tried, tried[1:]):
        _, _, at, outcome, detail = row
        if outcome == "polled" and after and _refuses_at_once(after, row):
            continue
        called_invalid = outcome == "refused" and detail.partition(":")[0] == CALLED_INVALID
        yield at, outcome in OURS or called_invalid


def _refuses_at_once(after: Row, row: Row) -> bool:
    return after[0] == row[0] and after[3] == "refused" and _minute(after[2]) == _minute(row[2])


def _minute(at: datetime) -> datetime:
    return at.replace(second=0, microsecond=0)
