"""How well each partner receives: its stream, its breaker, and what it has not acknowledged."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import connection

from revocations.models import Breaker, Stream
from support.queries.counts import CAP, NONE, Count, cap_count

LATE = timedelta(minutes=15)
DENIED = timedelta(hours=24)
UNVERIFIED = "not verified"

# From the partial indexes of what waits to be acknowledged, by partner; counted no further than the cap. And how many
# verifications in a row were not answered.
WAITING = """
SELECT wanted.id,
    (SELECT queued_at FROM revocations_order
        WHERE party_id = wanted.id AND next_attempt_at IS NOT NULL ORDER BY queued_at LIMIT 1),
    (SELECT count(*) FROM (SELECT FROM revocations_order
        WHERE party_id = wanted.id AND next_attempt_at IS NOT NULL LIMIT %s) AS found),
    (SELECT min(queued_at) FROM (SELECT queued_at FROM revocations_streamevent
        WHERE party_id = wanted.id AND next_attempt_at IS NOT NULL LIMIT %s) AS found),
    (SELECT count(*) FROM (SELECT FROM revocations_streamevent
        WHERE party_id = wanted.id AND next_attempt_at IS NOT NULL LIMIT %s) AS found),
    coalesce((SELECT failed_verifications FROM revocations_streamhealth WHERE party_id = wanted.id), 0)
FROM unnest(%s::bigint[]) AS wanted (id)
"""


@dataclass(frozen=True)
class Health:
    """One partner's delivery. `word` and `tone` say it all; `why` says more, "" when it is well.

    It is well only where a verification has come back: who never answered one is not known to be there.
    """

    party_id: int
    stream: Stream | None = None
    breaker_open_until: datetime | None = None
    oldest: datetime | None = None
    waiting: Count = NONE
    word: str = UNVERIFIED
    tone: str = "warn"
    why: str = ""

    @property
    def receives(self) -> bool:
        """Whether nothing is known to be wrong with what was sent to it, verified or not."""
        return self.tone == "good" or self.word == UNVERIFIED

    @property
    def method(self) -> str:
        """How it receives."""
        return "poll" if self.stream and self.stream.method == Stream.Method.POLL else "push"


def health_of(*, party_ids: Collection[int], at: datetime) -> Mapping[int, Health]:
    """Return the delivery to each of these partners, by id. Three statements, however many."""
    streams = {one.party_id: one for one in Stream.objects.filter(party_id__in=party_ids)}
    opened = dict(
        Breaker.objects.filter(party_id__in=party_ids, open_until__isnull=False).values_list("party_id", "open_until")
    )
    with connection.cursor() as cursor:
        cursor.execute(WAITING, [CAP + 1, CAP + 1, CAP + 1, sorted(party_ids)])
        waiting = {row[0]: row[1:] for row in cursor.fetchall()}
    return {
        party_id: _health(party_id, streams.get(party_id), opened.get(party_id), waiting[party_id], at)
        for party_id in party_ids
    }


def _health(
    party_id: int,
    stream: Stream | None,
    open_until: datetime | None,
    waiting: tuple[datetime | None, int, datetime | None, int, int],
    at: datetime,
) -> Health:
    oldest = min((one for one in (waiting[0], waiting[2]) if one is not None), default=None)
    word, tone, why = _verdict(stream, waiting[4], open_until, oldest, at)
    return Health(party_id, stream, open_until, oldest, cap_count(waiting[1] + waiting[3]), word, tone, why)


def _verdict(
    stream: Stream | None, failed: int, open_until: datetime | None, oldest: datetime | None, at: datetime
) -> tuple[str, str, str]:
    bad = _bad_verdict(stream, failed, open_until, oldest, at)
    if bad is not None:
        return bad
    if oldest is not None and at - oldest >= LATE:
        return "late", "warn", "Not acknowledged within 15 minutes."
    if stream is None:
        return UNVERIFIED, "warn", "No stream set up: we can't check that it is reachable."
    if stream.verified_at is None:
        return UNVERIFIED, "warn", "It hasn't answered a verification yet."
    return "well", "good", ""


def _bad_verdict(
    stream: Stream | None, failed: int, open_until: datetime | None, oldest: datetime | None, at: datetime
) -> tuple[str, str, str] | None:
    if stream is not None and stream.status != Stream.Status.ENABLED:
        return stream.status, "bad", f"The stream is {stream.status}. {stream.status_reason}".strip()
    if oldest is not None and at - oldest >= DENIED:
        return "silent", "bad", "Nothing acknowledged for a day or more."
    if failed >= 3:
        return "unverified", "bad", f"{failed} verifications in a row failed."
    if open_until is not None:
        return "pushes paused", "bad", "Most pushes failed, so pushes are paused while we test the connection."
    return None
