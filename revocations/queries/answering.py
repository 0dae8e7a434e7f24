"""How long a partner could have answered: the minutes in which we delivered, without those in which we failed."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from uuid import UUID

from revocations.models import Attempt, Order, Pulse, StreamAttempt, StreamEvent

MINUTE = timedelta(minutes=1)
# What is read of a partner's tries: those of so many orders that wait the longest.
SAMPLE = 20
# A worker of ours died, or the way out of our house was closed.
OURS = ("lost", "ours")
# RFC 8935's word for an order that the partner calls malformed: for us to look at.
CALLED_INVALID = "invalid_request"

type Try = tuple[datetime, bool]


def answerable(*, party_id: int, since: datetime, now: datetime) -> timedelta:
    """For how long, between these moments, the partner could have answered. Whole minutes.

    A minute counts if our delivery ran in it (`Pulse`) and we were not the ones who failed: not if all that was last
    tried, in it or before, failed on our side, until something is tried again.
    """
    return counted(pulses=pulses(since=since, now=now), tries=tries_at(party_id=party_id))


def counted(*, pulses: Sequence[datetime], tries: Iterable[Try]) -> timedelta:
    """The pulses' minutes, in order, without those that were ours. `tries`: when, and whether we failed."""
    verdicts = iter(sorted(_by_minute(tries).items()))
    coming = next(verdicts, None)
    minutes, ours = 0, False
    for minute in pulses:
        while coming is not None and coming[0] <= minute:
            ours, coming = coming[1], next(verdicts, None)
        minutes += not ours
    return minutes * MINUTE


def _by_minute(tries: Iterable[Try]) -> Mapping[datetime, bool]:
    """Whether all tries of a minute failed on our side."""
    found: dict[datetime, bool] = {}
    for at, ours in tries:
        minute = at.replace(second=0, microsecond=0)
        found[minute] = found.get(minute, True) and ours
    return found


def pulses(*, since: datetime, now: datetime) -> Sequence[datetime]:
    """The minutes, whole ones between these moments, in which our delivery ran."""
    within = Pulse.objects.filter(minute__gte=since, minute__lte=now - MINUTE)
    return list(within.order_by("minute").values_list("minute", flat=True))


def tries_at(*, party_id: int) -> list[Try]:
    """What was tried at this partner: its stream's events, and the orders that wait the longest."""
    waiting = Order.objects.filter(party_id=party_id, next_attempt_at__isnull=False).order_by("queued_at")[:SAMPLE]
    events = StreamEvent.objects.filter(party_id=party_id).values("id")
    asked = StreamAttempt.objects.filter(event_id__in=events).values_list("at", "outcome", "detail")
    return [*tries_of(orders=waiting), *_judged(asked.iterator())]


def tries_of(*, orders: Iterable[Order]) -> list[Try]:
    """What was tried for these orders."""
    keys = [(order.line_id, order.id) for order in orders]
    tried = Attempt.objects.filter(
        line_id__in={line_id for line_id, _ in keys}, order_id__in={order_id for _, order_id in keys}
    )
    return list(_judged(tried.values_list("at", "outcome", "detail")))


def tries_of_event(*, event_id: UUID) -> list[Try]:
    """What was tried for this stream event."""
    tried = StreamAttempt.objects.filter(event_id=event_id)
    return list(_judged(tried.values_list("at", "outcome", "detail")))


def _judged(rows: Iterable[tuple[datetime, str, str]]) -> Iterator[Try]:
    for at, outcome, detail in rows:
        yield at, outcome in OURS or (outcome == "refused" and detail.startswith(CALLED_INVALID))
