"""Counts that stay quick: bounded by an index, or taken from a sample and said to be so."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import connection
from django.db.models import Model, QuerySet

CAP = 10_000
SAMPLED_BLOCKS = 4_000
LOOK_BACK = timedelta(days=30)

# Of a line there are as many rows as companies behind the aggregator.
ROWS = 4 * CAP
LINES = """
SELECT wanted.id, (SELECT count(DISTINCT line_id) FROM (
    SELECT line_id FROM partners_dealing dealing WHERE dealing.aggregator_id = wanted.id LIMIT %(rows)s) AS found),
    EXISTS (SELECT FROM partners_dealing dealing WHERE dealing.aggregator_id = wanted.id OFFSET %(rows)s)
FROM unnest(%(parties)s::bigint[]) AS wanted (id)
"""
BLOCKS = """
SELECT coalesce(sum(pg_relation_size(part.oid)), 0) / current_setting('block_size')::bigint
FROM pg_inherits JOIN pg_class part ON part.oid = inhrelid
WHERE inhparent = 'disclosures_disclosure'::regclass AND part.relname >= %s
"""
# Rows under a delayed-notice order are counted nowhere: only the legal-process role knows of them.
LOOKUPS = """
SELECT one.campaign, count(*) FROM disclosures_disclosure one TABLESAMPLE SYSTEM (%s)
WHERE one.occurred_at >= %s AND one.occurred_at <= %s AND one.basis = 'approval' AND one.outcome = 'released'
    AND NOT EXISTS (
        SELECT FROM disclosures_delayednotice gag
        WHERE gag.line_id = one.line_id AND gag.disclosure_id = one.id
            AND (gag.suppressed_until IS NULL OR gag.suppressed_until > %s)
            AND NOT EXISTS (
                SELECT FROM disclosures_delayednotice newer
                WHERE newer.line_id = gag.line_id AND newer.disclosure_id = gag.disclosure_id
                    AND newer.number > gag.number))
GROUP BY one.campaign
"""


@dataclass(frozen=True)
class Count:
    """A number that knows what it is worth: exact, "more than", or "about"."""

    n: int
    more: bool = False
    about: bool = False

    def __str__(self) -> str:
        before = "more than " if self.more else "about " if self.about else ""
        return f"{before}{self.n:,}"

    def __bool__(self) -> bool:
        return self.n > 0


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


def lookups(*, at: datetime) -> Mapping[str, Count]:
    """Releases by approval in the last 30 days by campaign (its ref).

    From a sample of whole blocks where there are many; then each is "about". Two statements, whatever the size.
    """
    since = at - LOOK_BACK
    with connection.cursor() as cursor:
        cursor.execute(BLOCKS, [f"disclosures_disclosure_{since:%Y_%m}"])
        (blocks,) = cursor.fetchone() or (0,)
        share = 100.0 if blocks <= SAMPLED_BLOCKS else 100.0 * SAMPLED_BLOCKS / float(blocks)
        cursor.execute(LOOKUPS, [share, since, at, at])
        return {ref: _scale_count(n, share) for ref, n in cursor.fetchall()}


def sum_counts(*, counts: Collection[Count]) -> Count:
    """Return the sum, worth what its weakest part is worth."""
    return Count(
        sum(one.n for one in counts), more=any(one.more for one in counts), about=any(one.about for one in counts)
    )


def _scale_count(n: int, share: float) -> Count:
    if share >= 100:
        return Count(n)
    whole = round(n * 100 / share)
    step = 10 ** max(0, len(str(whole)) - 2)
    return Count(round(whole / step) * step, about=True)
