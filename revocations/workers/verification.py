"""Is anybody there? A verification event for each stream that was not asked lately, and what came of the last ones.

A stream that is dead and has no orders to show for it is found in this way.
"""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import F, Max, QuerySet

import audit.actions
from accounts.workers.one_by_one import run_each
from partners.models import Contract
from revocations.domain.streams import health_of, queue_event, subject_of
from revocations.models import TO_PUSH, Breaker, State, Stream, StreamEvent, StreamHealth
from revocations.queries.answerable_time import (
    get_answerable_time,
    list_delivery_minutes,
    list_orders_parked_with_us,
    tries_of_event,
)

EVERY = timedelta(hours=6)
ACKNOWLEDGED_WITHIN = timedelta(minutes=15)
SYSTEM = "system:verification"


def verify_streams(*, now: datetime) -> None:
    """Take what was acknowledged, count what was not, and ask the streams that were not asked for six hours."""
    mark_verified(now=now)
    mark_failed_verifications(now=now)
    ask(now=now)


@transaction.atomic
def ask(*, now: datetime) -> int:
    """Queue a verification event to each enabled stream that had none for six hours. Returns how many."""
    return _for_each(Stream.objects.filter(status=Stream.Status.ENABLED), _ask, now)


def _ask(stream: Stream, now: datetime) -> bool:
    if not _is_due(stream, now):
        return False
    # SSF 1.0, 8.1.4.2: what the transmitter begins carries no `state`.
    queue_event(
        party_id=stream.party_id, kind=StreamEvent.Kind.VERIFICATION, sub_id=subject_of(stream=stream), event={}, at=now
    )
    return True


@transaction.atomic
def mark_verified(*, now: datetime) -> int:
    """Take down when each stream last acknowledged a verification, by 202 or by poll: its failures are over."""
    return _for_each(Stream.objects.all(), _mark_verified, now)


def _mark_verified(stream: Stream, now: datetime) -> bool:
    answered = _verifications(stream.party_id).filter(
        state=State.ACKNOWLEDGED, queued_at__gte=stream.created_at, acknowledged_at__lte=now
    )
    newest = answered.aggregate(newest=Max("acknowledged_at"))["newest"]
    if newest is None or (stream.verified_at is not None and newest <= stream.verified_at):
        return False
    Stream.objects.filter(pk=stream.pk).update(verified_at=newest)
    StreamHealth.objects.filter(party_id=stream.party_id).update(failed_verifications=0)
    return True


@transaction.atomic
def mark_failed_verifications(*, now: datetime) -> int:
    """Count one failure for each enabled stream that let a verification go unacknowledged beyond its contract's time.

    Only minutes in which the partner could have answered are counted: our own delivery ran and was not itself what
    failed. Nothing that is parked with us is. The event is then over: the next one asks again. Returns how many streams
    failed. Three in a row are for `clocks` to judge.
    """
    return _for_each(Stream.objects.filter(status=Stream.Status.ENABLED), _mark_failed, now)


def _mark_failed(stream: Stream, now: datetime) -> bool:
    health = _health_of(stream)
    late = [event for event in _list_unanswered_events(health, now) if _had(event, now) >= _time_of(stream.party_id)]
    if not late:
        return False
    StreamEvent.objects.filter(pk__in=[event.pk for event in late], state__in=TO_PUSH).update(
        state=State.REJECTED, next_attempt_at=None, leased_until=None, note="not acknowledged in time"
    )
    StreamHealth.objects.filter(pk=health.pk).update(failed_verifications=F("failed_verifications") + 1)
    audit.actions.record(
        action="stream.verification_failed",
        actor=SYSTEM,
        target=f"stream:{stream.id}",
        at=now,
        detail={"in_a_row": health.failed_verifications + 1},
    )
    return True


def _for_each(rows: QuerySet[Stream], do: Callable[[Stream, datetime], bool], now: datetime) -> int:
    """Do it for each, so that one that breaks keeps no other waiting. Two passes at once share them between them."""
    streams = rows.select_for_update(skip_locked=True).order_by("party_id")
    do_one = transaction.atomic(do)
    return run_each(job="revocations.verification", rows=list(streams), do=lambda one: do_one(one, now), at=now)


def _verifications(party_id: int) -> QuerySet[StreamEvent]:
    """Select verification events, without breakers' probes: those can't be failed, their fate is the breaker's."""
    probes = Breaker.objects.filter(party_id=party_id, probe_id__isnull=False).values("probe_id")
    return StreamEvent.objects.filter(party_id=party_id, kind=StreamEvent.Kind.VERIFICATION).exclude(id__in=probes)


def _health_of(stream: Stream) -> StreamHealth:
    return health_of(party_id=stream.party_id, at=stream.status_at)


def _is_due(stream: Stream, now: datetime) -> bool:
    """Whether nothing was asked for six hours: not since its partner first made one, not since it was enabled."""
    since = _health_of(stream).counts_from
    asked = _verifications(stream.party_id).filter(queued_at__gte=since)
    newest = asked.aggregate(newest=Max("queued_at"))["newest"]
    return not asked.filter(state__in=TO_PUSH).exists() and (newest or since) + EVERY <= now


def _list_unanswered_events(health: StreamHealth, now: datetime) -> Sequence[StreamEvent]:
    waiting = _verifications(health.party_id).filter(state__in=TO_PUSH, queued_at__gte=health.counts_from)
    return list(waiting.exclude(list_orders_parked_with_us(now=now)))


def _had(event: StreamEvent, now: datetime) -> timedelta:
    """For how long the partner could have answered this one."""
    return get_answerable_time(
        pulses=list_delivery_minutes(since=event.queued_at, now=now), tries=tries_of_event(event=event)
    )


def _time_of(party_id: int) -> timedelta:
    """Return the partner's agreed time to acknowledge, the longest of its contracts."""
    agreed = Contract.objects.filter(aggregator_id=party_id, is_draft=False).aggregate(longest=Max("ack_within_s"))
    return timedelta(seconds=agreed["longest"]) if agreed["longest"] else ACKNOWLEDGED_WITHIN
