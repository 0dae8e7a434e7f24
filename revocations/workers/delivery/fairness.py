"""One dead or slow partner must not slow the others: how much is in flight to each, and when it is left alone.

The breaker: most of what was pushed lately failed, so pushing rests for a while; then one verification event goes out
in a subscriber's place, and its fate decides. An open breaker stops pushing, not the clock and not the poll.
"""

from datetime import datetime, timedelta

import structlog
from django.db import connection, transaction
from django.db.models import Sum

from revocations.domain.streams import queue_event, subject_of
from revocations.models import TO_PUSH, Breaker, PushTally, Stream, StreamEvent

log = structlog.get_logger()

# At most so many claimed and not yet recorded for one partner, over all workers.
IN_FLIGHT = 200
WINDOW = timedelta(minutes=5)
LEAST_TRIES = 10
OPENS_AT_PERCENT = 70
OPEN_FOR = timedelta(seconds=30)
TALLIES_KEPT = timedelta(days=1)

LOCKED = "SELECT party_id, opened_at, open_until, probe_id FROM revocations_breaker WHERE party_id = %s FOR UPDATE"
ON_THE_WAY = """
SELECT count(*) FROM revocations_order WHERE party_id = %(party)s AND leased_until > %(now)s
UNION ALL SELECT count(*) FROM revocations_streamevent WHERE party_id = %(party)s AND leased_until > %(now)s
"""
COUNT = """
INSERT INTO revocations_pushtally AS tally (party_id, minute, tries, failures) VALUES (%s, %s, %s, %s)
ON CONFLICT (party_id, minute) DO UPDATE
    SET tries = tally.tries + excluded.tries, failures = tally.failures + excluded.failures
"""


def lock_breaker(*, party_id: int) -> Breaker:
    """The partner's breaker, locked until the transaction ends: one worker at a time counts and claims for it."""
    for breaker in Breaker.objects.raw(LOCKED, [party_id]):
        return breaker
    Breaker.objects.bulk_create([Breaker(party_id=party_id)], ignore_conflicts=True)
    return lock_breaker(party_id=party_id)


def in_flight(*, party_id: int, now: datetime) -> int:
    """Return how many orders and events are with workers now, on their way to this partner."""
    with connection.cursor() as cursor:
        cursor.execute(ON_THE_WAY, {"party": party_id, "now": now})
        return sum(count for (count,) in cursor.fetchall())


def is_paused(*, breaker: Breaker, now: datetime) -> bool:
    """Return whether nothing at all is pushed now."""
    return breaker.open_until is not None and breaker.open_until > now


def probe(*, breaker: Breaker, contract_id: int | None, now: datetime) -> StreamEvent | None:
    """The event that finds out whether the partner is back; None while it is on its way. The breaker is locked."""
    event = None
    if breaker.probe_id is not None:
        event = StreamEvent.objects.select_for_update().filter(id=breaker.probe_id, state__in=TO_PUSH).first()
    if event is None:
        stream = Stream.objects.filter(party_id=breaker.party_id).first()
        event = queue_event(
            party_id=breaker.party_id,
            kind=StreamEvent.Kind.VERIFICATION,
            sub_id=subject_of(stream=stream) if stream else {"format": "opaque", "id": "default"},
            event={},
            at=now,
            contract_id=contract_id,
        )
        Breaker.objects.filter(pk=breaker.pk).update(probe_id=event.id)
    return event if event.leased_until is None or event.leased_until <= now else None


def record_pushes(*, party_id: int, tries: int, failures: int, at: datetime) -> None:
    """Add pushes to this minute's, and open the breaker if most of the last five minutes' failed."""
    with connection.cursor() as cursor:
        cursor.execute(COUNT, [party_id, at.replace(second=0, microsecond=0), tries, failures])
    if failures and _mostly_failed(party_id, at):
        opened = Breaker.objects.filter(party_id=party_id, opened_at__isnull=True)
        if opened.update(opened_at=at, open_until=at + OPEN_FOR):
            log.warning("most pushes to a partner fail: it is left alone for a while", party=party_id)


def _mostly_failed(party_id: int, at: datetime) -> bool:
    # A clock that was set back leaves minutes that have not come yet.
    lately = PushTally.objects.filter(party_id=party_id, minute__gt=at - WINDOW, minute__lte=at)
    total = lately.aggregate(tries=Sum("tries", default=0), failures=Sum("failures", default=0))
    tries, failures = int(total["tries"]), int(total["failures"])
    return tries >= LEAST_TRIES and failures * 100 >= tries * OPENS_AT_PERCENT


@transaction.atomic
def record_probe_result(*, party_id: int, event_id: object, arrived: bool, at: datetime) -> None:
    """Act on the probe's fate: push as before and count anew, or leave the partner alone once more."""
    breaker = lock_breaker(party_id=party_id)
    if breaker.probe_id != event_id:
        return
    if arrived:
        breaker.opened_at = breaker.open_until = breaker.probe_id = None
        PushTally.objects.filter(party_id=party_id).delete()
        log.info("a partner is pushed to again", party=party_id)
    else:
        breaker.open_until = at + OPEN_FOR
    breaker.save()


def delete_old_tallies(*, now: datetime) -> None:
    """Take away counts too old to be looked at."""
    PushTally.objects.filter(minute__lt=now - TALLIES_KEPT).delete()
