"""Counts that stay quick: bounded by an index, or taken from a sample and said to be so."""

from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from django.db import connection
from django.db.backends.utils import CursorWrapper
from django.db.models import Model, QuerySet

from support.queries.lines import NOBODYS

CAP = 10_000
SAMPLED_BLOCKS = 4_000
LOOK_BACK = timedelta(days=30)
# Fewer rows of a sample say nothing of how many there are.
LEAST_SAMPLED = 5

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
    SELECT line_id FROM partners_dealing WHERE party_id = %(party)s OR aggregator_id = %(party)s LIMIT %(rows)s) found
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


def lines_of(*, party_ids: Collection[int]) -> Mapping[int, Count]:
    """Return how many lines' data each of these aggregators received, by its id. One statement."""
    with connection.cursor() as cursor:
        cursor.execute(LINES, {"rows": ROWS, "parties": sorted(party_ids)})
        return {
            party_id: Count(min(lines, CAP), more=True) if are_more else cap_count(lines)
            for party_id, lines, are_more in cursor.fetchall()
        }


def lines_received_by(*, party_id: int) -> Count:
    """Return how many lines' data this company received, itself or through others."""
    with connection.cursor() as cursor:
        cursor.execute(RECEIVED, {"rows": ROWS, "party": party_id})
        n, seen = cursor.fetchone() or (0, 0)
    return Count(min(n, CAP), more=True) if seen >= ROWS else cap_count(n)


def lookups(*, at: datetime) -> defaultdict[str, Count]:
    """Releases by approval in the last 30 days by campaign (its ref).

    From a sample of whole blocks where there are many; then each is "about". Two statements, whatever the size.
    """
    since = at - LOOK_BACK
    with connection.cursor() as cursor:
        share = _get_sampled_share(cursor, since)
        cursor.execute(BY_CAMPAIGN, [share, since, at, at])
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
        cursor.execute(BY_MONTH, [share, since, at, at, list(refs)])
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
