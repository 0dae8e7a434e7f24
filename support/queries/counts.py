"""Count what grows large, quickly: to a cap, or estimated from a sample and said to be so; and how partners receive.

Of each partner: its stream, its breaker, and what it has not acknowledged.
"""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from django.core.exceptions import EmptyResultSet
from django.db import connection
from django.db.backends.utils import CursorWrapper
from django.db.models import Model, QuerySet, Value

from audit.queries import not_ahead
from revocations.models import Breaker, Stream
from support.queries.names import NOBODYS

CAP = 10_000
SAMPLED_BLOCKS = 4_000
LOOK_BACK = timedelta(days=30)
# Fewer rows of a sample say nothing of how many there are.
LEAST_SAMPLED = 5

COUNTED = "(SELECT count(*) FROM (<rows>) AS counted)"
# Of a line there are as many rows as companies behind the aggregator.
ROWS = 4 * CAP
LINES = """
SELECT wanted.id, (SELECT count(DISTINCT line_id) FROM (
    SELECT line_id FROM partners_dealing dealing WHERE dealing.aggregator_id = wanted.id LIMIT %(rows)s) AS found),
    EXISTS (SELECT FROM partners_dealing dealing WHERE dealing.aggregator_id = wanted.id OFFSET %(rows)s)
FROM unnest(%(parties)s::bigint[]) AS wanted (id)
"""
RECEIVED = """
SELECT count(DISTINCT line_id), count(*) FROM (
    SELECT line_id FROM partners_dealing WHERE <which> LIMIT %(rows)s) found
"""
BLOCKS = """
SELECT coalesce(sum(disclosures_blocks_of(part.relname)), 0)
FROM pg_inherits JOIN pg_class part ON part.oid = inhrelid
WHERE inhparent = 'disclosures_release'::regclass AND part.relname >= %s
"""
# Rows under a delayed-notice order are counted nowhere: only the legal-process role knows of them. Rows of 1.0 say
# themselves what others have a term for.
LOOKUPS = """
SELECT <what>, count(*) FROM disclosures_release one TABLESAMPLE SYSTEM (%s)
    LEFT JOIN disclosures_term t ON t.id = one.term
WHERE one.occurred_at >= %s AND one.occurred_at <= %s
    AND coalesce(t.basis, to_jsonb(one)->>'basis') = 'approval'
    AND coalesce(t.outcome, to_jsonb(one)->>'outcome') = 'released'
    AND NOT EXISTS (
        SELECT FROM disclosures_delayednotice gag
        WHERE gag.line_id = one.line_id AND gag.disclosure_id = one.id
            AND (gag.suppressed_until IS NULL OR gag.suppressed_until > %s)
            AND NOT EXISTS (
                SELECT FROM disclosures_delayednotice newer
                WHERE newer.line_id = gag.line_id AND newer.disclosure_id = gag.disclosure_id
                    AND newer.number > gag.number))
    <which>
GROUP BY 1
"""
CAMPAIGN = "coalesce(t.campaign, to_jsonb(one)->>'campaign')"
BY_CAMPAIGN = LOOKUPS.replace("<what>", CAMPAIGN).replace("<which>", "")
BY_MONTH = LOOKUPS.replace("<what>", "date_trunc('month', one.occurred_at AT TIME ZONE 'UTC')::date").replace(
    "<which>", f"AND {CAMPAIGN} = ANY (%s)"
)
MONTHS = 12
# "I never agreed" to a company or one of these campaigns, but for lines that are nobody's.
DISPUTES = """
SELECT count(*) FROM (
    SELECT FROM consent_choice said
    WHERE said.reason = 'never_agreed'
        AND (said.scope = 'party' AND said.ref = %s OR said.scope = 'campaign' AND said.ref = ANY (%s))
        AND NOT EXISTS (SELECT FROM (<nobodys>) ours WHERE ours.line_id = said.line_id)
    LIMIT %s) AS found
""".replace("<nobodys>", NOBODYS)


@dataclass(frozen=True)
class Count:
    """A number that knows what it is worth: exact, "more than", or "about".

    About nought: too few were in the sample to say how many there are.
    """

    n: int
    more: bool = False
    about: bool = False

    def __str__(self) -> str:
        if self.about and not self.n:
            return "too few to show"
        before = "more than " if self.more else "about " if self.about else ""
        return f"{before}{self.n:,}"

    def __bool__(self) -> bool:
        return self.n > 0 or self.about


NONE = Count(0)


def cap_count(n: int) -> Count:
    """Return a count that was stopped one past the cap."""
    return Count(CAP, more=True) if n > CAP else Count(n)


def count_of[M: Model](*, rows: QuerySet[M]) -> Count:
    """Return how many rows there are, counted no further than the cap."""
    return cap_count(rows.order_by()[: CAP + 1].count())


def count_each(*, rows: Sequence[QuerySet[Any]]) -> Sequence[Count]:
    """Return how many rows there are of each, counted no further than the cap. One statement."""
    return [cap_count(n) for n in count_slices(rows=[one.order_by()[: CAP + 1] for one in rows])]


def count_slices(*, rows: Sequence[QuerySet[Any]]) -> Sequence[int]:
    """Return how many rows each of these slices has. One statement."""
    parts = [_build_count(one) for one in rows]
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {', '.join(sql for sql, _ in parts)}", [one for _, params in parts for one in params])
        return cursor.fetchone() or ()


def _build_count(rows: QuerySet[Any]) -> tuple[str, Sequence[Any]]:
    of = rows.query
    plain = rows if of.distinct or of.group_by or of.combinator else rows.values_list(Value(1))
    try:
        sql, params = plain.query.sql_with_params()
    except EmptyResultSet:
        return "0", ()
    return COUNTED.replace("<rows>", sql), params


def lines_of(*, party_ids: Collection[int]) -> Mapping[int, Count]:
    """Return how many lines' data each of these aggregators received, by its id. One statement."""
    with connection.cursor() as cursor:
        cursor.execute(LINES, {"rows": ROWS, "parties": sorted(party_ids)})
        return {
            party_id: Count(min(lines, CAP), more=True) if are_more else cap_count(lines)
            for party_id, lines, are_more in cursor.fetchall()
        }


def lines_received_by(*, party_id: int, through: int | None = None) -> Count:
    """Return how many lines' data this company received, itself or through others. `through`: only from this one."""
    which = "party_id = %(party)s OR aggregator_id = %(party)s"
    if through is not None and through != party_id:
        which = "party_id = %(party)s AND aggregator_id = %(through)s"
    with connection.cursor() as cursor:
        cursor.execute(RECEIVED.replace("<which>", which), {"rows": ROWS, "party": party_id, "through": through})
        n, seen = cursor.fetchone() or (0, 0)
    return Count(min(n, CAP), more=True) if seen >= ROWS else cap_count(n)


def lookups(*, at: datetime) -> defaultdict[str, Count]:
    """Releases by approval in the last 30 days by campaign (its ref).

    From a sample of whole blocks where there are many; then each is "about". Three statements, whatever the size.
    """
    since = at - LOOK_BACK
    with connection.cursor() as cursor:
        share = _get_sampled_share(cursor, since)
        cursor.execute(BY_CAMPAIGN, [share, since, at, not_ahead(at=at)])
        none = _scale_count(0, share)
        return defaultdict(lambda: none, {ref: _scale_count(n, share) for ref, n in cursor.fetchall()})


def lookups_by_month(*, refs: Collection[str], at: datetime) -> Mapping[date, Count]:
    """Return releases by approval under these campaigns in the last twelve months (UTC), by the first of the month.

    As `lookups`, from a sample where there are many; a month without any is nought.
    """
    first = at.astimezone(UTC).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    months = [date(first.year - (first.month <= n), (first.month - n - 1) % 12 + 1, 1) for n in range(MONTHS)][::-1]
    since = datetime.combine(months[0], time(), UTC)
    with connection.cursor() as cursor:
        share = _get_sampled_share(cursor, since)
        cursor.execute(BY_MONTH, [share, since, at, not_ahead(at=at), list(refs)])
        found = {month: _scale_count(n, share) for month, n in cursor.fetchall()}
        none = _scale_count(0, share)
    return {month: found.get(month, none) for month in months}


def count_disputes(*, uri: str, refs: Collection[str]) -> Count:
    """Return how often people said that they never agreed to this company ("" for none) or one of these campaigns."""
    with connection.cursor() as cursor:
        cursor.execute(DISPUTES, [uri, list(refs), CAP + 1])
        (n,) = cursor.fetchone() or (0,)
    return cap_count(n)


def _get_sampled_share(cursor: CursorWrapper, since: datetime) -> float:
    """Return what percentage of the blocks is read, so that it takes the same time however many there are."""
    cursor.execute(BLOCKS, [f"disclosures_disclosure_{since:%Y_%m}"])
    (blocks,) = cursor.fetchone() or (0,)
    return 100.0 if blocks <= SAMPLED_BLOCKS else 100.0 * SAMPLED_BLOCKS / float(blocks)


def sum_counts(*, counts: Collection[Count]) -> Count:
    """Return the sum, worth what its weakest part is worth."""
    return Count(
        sum(one.n for one in counts), more=any(one.more for one in counts), about=any(one.about for one in counts)
    )


def _scale_count(n: int, share: float) -> Count:
    if share >= 100:
        return Count(n)
    if n < LEAST_SAMPLED:
        return Count(0, about=True)
    whole = round(n * 100 / share)
    step = 10 ** max(0, len(str(whole)) - 2)
    return Count(round(whole / step) * step, about=True)


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
