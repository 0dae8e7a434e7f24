"""What a line's visible disclosures come to, by facts and week; of a long line mostly from its daily rollups.

One statement each, so that what it reads of rollups and what it reads of rows is of one moment.
"""

import uuid
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.db import connection

from disclosures.models import Basis, Disclosure, Judgement, Outcome
from disclosures.queries.chart import first_week
from disclosures.queries.trails import company_of
from disclosures.queries.visible import CLAIMED_LATER, HIDDEN

# Of this line, said of each table: so the servers of a spread ledger know that one of them has all of it.
CLAIMED_HERE = CLAIMED_LATER.replace("d.line_id", "%(line)s")
RECENT = timedelta(days=30)
LAST = datetime.max.replace(tzinfo=UTC)

# Days that are read from their rows: those from `through` on, and the ones before it that changed since they were
# counted. A line that is not long, or was counted in the days of another zone, has only such.
SPANS = """
long AS (
    SELECT least(through, (%(at)s::timestamptz AT TIME ZONE %(zone)s)::date) AS through FROM disclosures_longline
    WHERE line_id = %(line)s AND zone = %(zone)s
), open AS (
    SELECT changed.day FROM disclosures_changedday changed, long
    WHERE changed.line_id = %(line)s AND changed.day < long.through
    UNION SELECT %(partly)s::date FROM long WHERE %(partly)s::date < long.through
), span AS (
    SELECT coalesce((SELECT through::timestamp AT TIME ZONE %(zone)s FROM long), '-infinity') AS starts,
        'infinity'::timestamptz AS ends
    UNION ALL
    SELECT day::timestamp AT TIME ZONE %(zone)s, (day + 1)::timestamp AT TIME ZONE %(zone)s FROM open
), hidden AS MATERIALIZED (<hidden>)
""".replace("<hidden>", HIDDEN)
# `partly`: the day in which the recent ones begin.
COUNTED = """
WITH <spans>
SELECT facts.path, facts.campaign, facts.purpose, facts.basis, facts.outcome, facts.judgement, facts.basis_doubtful,
    counted.week, counted.n, counted.recent, counted.last_at, counted.finest
FROM (
    SELECT rolled.facts, CASE WHEN rolled.day >= %(charted)s THEN rolled.day - (rolled.day - %(charted)s) %% 7
            END AS week,
        sum(rolled.n) AS n, coalesce(sum(rolled.n) FILTER (WHERE rolled.day > %(partly)s), 0) AS recent,
        max(rolled.last_at) AS last_at, min(rolled.finest_m) AS finest
    FROM disclosures_dailyrollup rolled, long
    WHERE rolled.line_id = %(line)s AND rolled.day < long.through AND NOT rolled.day IN (SELECT day FROM open)
    GROUP BY 1, 2
) counted JOIN disclosures_rolledfacts facts ON facts.line_id = %(line)s AND facts.key = counted.facts
UNION ALL
SELECT d.path, d.campaign, d.purpose, d.basis, d.outcome, d.judgement, d.basis_doubtful,
    CASE WHEN d.occurred_at >= %(charted)s::date::timestamp AT TIME ZONE %(zone)s AND d.occurred_at <= %(at)s
        THEN date_trunc('week', d.occurred_at AT TIME ZONE %(zone)s)::date END AS week,
    count(*), count(*) FILTER (WHERE d.occurred_at >= %(recent)s), max(d.occurred_at), min(d.precision_m)
FROM span JOIN disclosures_disclosure d
    ON d.line_id = %(line)s AND d.occurred_at >= span.starts AND d.occurred_at < span.ends
WHERE NOT d.id IN (SELECT disclosure_id FROM hidden)
GROUP BY 1, 2, 3, 4, 5, 6, 7, 8
""".replace("<spans>", SPANS)
# Look-ups that a company had no record of a yes for when they were judged, and has claimed since: of the days that were
# counted only those are read on which anything is no more than claimed.
CLAIMED_ON = """
    SELECT rolled.day, rolled.day::timestamp AT TIME ZONE %(zone)s AS starts,
        (rolled.day + 1)::timestamp AT TIME ZONE %(zone)s AS ends
    FROM disclosures_dailyrollup rolled, long
    WHERE rolled.line_id = %(line)s AND rolled.day < long.through AND NOT rolled.day IN (SELECT day FROM open)
        AND rolled.facts IN (
            SELECT facts.key FROM disclosures_rolledfacts facts
            WHERE facts.line_id = %(line)s AND facts.judgement = 'approval_unverified')
    GROUP BY rolled.day
"""
CLAIMED = """
    SELECT d.path, d.occurred_at FROM disclosures_disclosure d
    WHERE d.line_id = %(line)s AND d.occurred_at >= starts AND d.occurred_at < ends AND <claimed-later>
        AND NOT d.id IN (SELECT disclosure_id FROM hidden)
""".replace("<claimed-later>", CLAIMED_HERE)
COUNTED_CLAIMS = (
    """
WITH <spans>
SELECT d.path, date_trunc('month', d.occurred_at AT TIME ZONE %(zone)s)::date, count(*)
FROM (SELECT starts, ends FROM span UNION ALL SELECT starts, ends FROM (<days>) rolled) place
    CROSS JOIN LATERAL (<rows>) d
WHERE d.occurred_at >= %(since_at)s AND d.occurred_at < %(until_at)s
GROUP BY 1, 2
""".replace("<spans>", SPANS)
    .replace("<days>", CLAIMED_ON)
    .replace("<rows>", CLAIMED)
)
# Every path is here, also one of which nothing is of the days that are asked for.
COUNTED_BY_MONTH = """
WITH <spans>
SELECT facts.path, facts.basis, facts.outcome, facts.judgement, counted.month, counted.n
FROM (
    SELECT rolled.facts, date_trunc('month', rolled.day)::date AS month,
        sum(rolled.n) FILTER (WHERE rolled.day >= %(since)s AND rolled.day <= %(until)s) AS n
    FROM disclosures_dailyrollup rolled, long
    WHERE rolled.line_id = %(line)s AND rolled.day < long.through AND NOT rolled.day IN (SELECT day FROM open)
    GROUP BY 1, 2
) counted JOIN disclosures_rolledfacts facts ON facts.line_id = %(line)s AND facts.key = counted.facts
UNION ALL
SELECT d.path, d.basis, d.outcome, d.judgement, date_trunc('month', d.occurred_at AT TIME ZONE %(zone)s)::date,
    count(*) FILTER (WHERE d.occurred_at >= %(since_at)s AND d.occurred_at < %(until_at)s)
FROM span JOIN disclosures_disclosure d
    ON d.line_id = %(line)s AND d.occurred_at >= span.starts AND d.occurred_at < span.ends
WHERE NOT d.id IN (SELECT disclosure_id FROM hidden)
GROUP BY 1, 2, 3, 4, 5
""".replace("<spans>", SPANS)
# Of the days that were counted only those that hold what is wanted are read, the newest first, as many as fill a page.
# `partly`: the day in which the page begins, of which nobody knows how much is left.
WANTED = (
    """
WITH <spans>, kind AS MATERIALIZED (
    SELECT facts.key FROM disclosures_rolledfacts facts
    WHERE facts.line_id = %(line)s
        AND (%(company)s = '' OR facts.path @> ARRAY[%(company)s]::varchar[])
        AND (%(act_of)s = '' OR disclosures_company(facts.path) = %(act_of)s)
        AND (NOT %(judged)s OR facts.judgement = ANY (%(judgements)s))
), later AS MATERIALIZED (
    SELECT rolled.day, count(*) AS n
    FROM (<days>) rolled CROSS JOIN LATERAL (<rows>) d
    WHERE %(claimed_later)s AND rolled.day >= %(since)s AND rolled.day <= %(until)s
        AND (%(company)s = '' OR d.path @> ARRAY[%(company)s]::varchar[])
        AND (%(act_of)s = '' OR disclosures_company(d.path) = %(act_of)s)
    GROUP BY rolled.day
), counted AS (
    SELECT rolled.day, rolled.n FROM disclosures_dailyrollup rolled
    WHERE rolled.line_id = %(line)s AND rolled.facts IN (SELECT key FROM kind)
    UNION ALL
    SELECT later.day, later.n FROM later
), matching AS (
    SELECT counted.day, sum(counted.n) AS n FROM counted, long
    WHERE counted.day < long.through AND NOT counted.day IN (SELECT day FROM open)
        AND counted.day >= %(since)s AND counted.day <= %(until)s AND counted.day < %(partly)s
    GROUP BY counted.day
), page AS (
    SELECT starts, ends FROM span
    UNION ALL
    SELECT day::timestamp AT TIME ZONE %(zone)s, (day + 1)::timestamp AT TIME ZONE %(zone)s FROM (
        SELECT day, coalesce(sum(n) OVER (
            ORDER BY day DESC ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), 0) AS newer FROM matching
    ) ranked WHERE newer < %(rows)s
)
SELECT found.*, EXISTS (
    SELECT FROM disclosures_delayednotice n WHERE n.line_id = %(line)s AND n.disclosure_id = found.id
) AS delayed
FROM page CROSS JOIN LATERAL (
    SELECT d.* FROM disclosures_disclosure d
    WHERE d.line_id = %(line)s AND d.occurred_at >= page.starts AND d.occurred_at < page.ends
        AND d.occurred_at >= %(since_at)s AND d.occurred_at < %(until_at)s
        AND d.occurred_at <= %(before)s AND (d.occurred_at, d.id) < (%(before)s, %(last)s)
        AND (%(company)s = '' OR d.path @> ARRAY[%(company)s]::varchar[])
        AND (%(act_of)s = '' OR disclosures_company(d.path) = %(act_of)s)
        AND (NOT %(judged)s OR d.judgement = ANY (%(judgements)s) OR %(claimed_later)s AND <claimed-later>)
        AND NOT d.id IN (SELECT disclosure_id FROM hidden)
    ORDER BY d.occurred_at DESC, d.id DESC LIMIT %(rows)s
) found ORDER BY found.occurred_at DESC, found.id DESC LIMIT %(rows)s
""".replace("<spans>", SPANS)
    .replace("<days>", CLAIMED_ON)
    .replace("<rows>", CLAIMED)
    .replace("<claimed-later>", CLAIMED_HERE)
)

# A row's place in a history: its moment and its id.
type Place = tuple[datetime, uuid.UUID]


@dataclass(frozen=True)
class Facts:
    """Disclosures alike in all but their time.

    `recent` counts those of the last 30 days; `weeks` has the counts of the chart's weeks, by Monday.
    """

    path: tuple[str, ...]
    campaign: str
    purpose: str
    basis: str
    outcome: str
    judgement: str
    doubtful: bool
    n: int
    recent: int
    last_at: datetime
    finest_m: int
    weeks: Mapping[date, int]

    @property
    def company(self) -> str:
        """Whose act it was."""
        return company_of(path=self.path)


@dataclass(frozen=True)
class ReleaseFilter:
    """What of a line is looked for. Days are of its zone, both included; `before`: older than this row.

    `company` is anywhere on the path; `act_of`: whose act it was. `claimed_later`: besides those judged so, look-ups of
    which the company said only afterwards that the person had agreed.
    """

    company: str
    act_of: str
    judgements: Sequence[str]
    claimed_later: bool
    since: date
    until: date
    before: Place | None


@dataclass(frozen=True)
class MonthFacts:
    """Disclosures of one month (its first day) that are alike but for company, purpose and time."""

    path: tuple[str, ...]
    basis: str
    outcome: str
    judgement: str
    month: date
    n: int


def facts_of(*, line_id: int, zone: ZoneInfo, at: datetime) -> list[Facts]:
    """Return what a line's visible disclosures come to. One statement."""
    recent = at - RECENT
    with connection.cursor() as cursor:
        cursor.execute(
            COUNTED,
            {
                "line": line_id, "zone": zone.key, "at": at, "recent": recent,
                "charted": first_week(zone=zone, at=at),
                "partly": recent.astimezone(zone).date(),
            },
        )  # fmt: skip
        rows = cursor.fetchall()
    alike: dict[tuple[Any, ...], list[Sequence[Any]]] = {}
    for path, *row in rows:
        alike.setdefault((tuple(path), *row[:6]), []).append(row[6:])
    return [_facts(key, alike[key]) for key in sorted(alike)]


def count_claimed_afterwards(*, line_id: int, zone: ZoneInfo, at: datetime) -> Mapping[str, int]:
    """Of how many visible look-ups a company (URI) said only after they were judged that the person had agreed.

    One statement.
    """
    claimed = list_claimed_by_month(line_id=line_id, zone=zone, since=date.min, until=date.max, at=at)
    counted = Counter[str]()
    for one in claimed:
        counted[company_of(path=one.path)] += one.n
    return counted


def list_claimed_by_month(
    *, line_id: int, zone: ZoneInfo, since: date, until: date, at: datetime
) -> Sequence[MonthFacts]:
    """Return the same by path and month, of days of the line's zone. One statement."""
    return [
        MonthFacts(tuple(path), Basis.APPROVAL, Outcome.RELEASED, Judgement.APPROVAL_UNVERIFIED, month, n)
        for path, month, n in _fetch_counts(COUNTED_CLAIMS, line_id, zone, since, until, at)
    ]


def list_facts_by_month(
    *, line_id: int, zone: ZoneInfo, since: date, until: date, at: datetime
) -> Sequence[MonthFacts]:
    """Return what a line's visible disclosures of these days come to, month by month. One statement.

    What it has besides of other days is there with a count of nought.
    """
    return [
        MonthFacts(tuple(path), basis, outcome, judgement, month, int(n or 0))
        for path, basis, outcome, judgement, month, n in _fetch_counts(
            COUNTED_BY_MONTH, line_id, zone, since, until, at
        )
    ]


def _fetch_counts(
    statement: str, line_id: int, zone: ZoneInfo, since: date, until: date, at: datetime
) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(
            statement,
            {
                "line": line_id, "zone": zone.key, "at": at, "partly": LAST.date(), "since": since, "until": until,
                "since_at": _start_of(since, zone), "until_at": _end_of(until, zone),
            },
        )  # fmt: skip
        return list(cursor.fetchall())


def _start_of(day: date, zone: ZoneInfo) -> datetime:
    return datetime.combine(day, time(), zone)


def _end_of(day: date, zone: ZoneInfo) -> datetime:
    """Return the first moment after a day. Nothing comes after the calendar's last day, which has no next one."""
    return LAST if day == date.max else datetime.combine(day + timedelta(days=1), time(), zone)


def newest(*, line_id: int, zone: ZoneInfo, wanted: ReleaseFilter, rows: int, at: datetime) -> list[Disclosure]:
    """Return the newest visible disclosures that are wanted, with `delayed` as `with_delay` has it, at most `rows`.

    One statement: asked for once more by their moments, they would be looked for among those of all lines.
    """
    before, last = wanted.before or (LAST, uuid.UUID(int=0))
    return list(
        Disclosure.objects.raw(
            WANTED,
            {
                "line": line_id, "zone": zone.key, "at": at, "rows": rows, "company": wanted.company,
                "act_of": wanted.act_of, "judged": bool(wanted.judgements), "judgements": list(wanted.judgements),
                "claimed_later": wanted.claimed_later, "since": wanted.since, "until": wanted.until,
                "since_at": _start_of(wanted.since, zone), "until_at": _end_of(wanted.until, zone),
                "before": before, "last": last,
                "partly": before.astimezone(zone).date() if wanted.before else date.max,
            },
        )
    )  # fmt: skip


def _facts(key: tuple[Any, ...], rows: Sequence[Sequence[Any]]) -> Facts:
    path, campaign, purpose, basis, outcome, judgement, doubtful = key
    weeks = Counter[date]()
    for week, n, *_ in rows:
        if week is not None:
            weeks[week] += int(n)
    return Facts(
        path=path,
        campaign=campaign,
        purpose=purpose,
        basis=basis,
        outcome=outcome,
        judgement=judgement,
        doubtful=doubtful,
        n=sum(int(row[1]) for row in rows),
        recent=sum(int(row[2]) for row in rows),
        last_at=max(row[3] for row in rows),
        finest_m=min(row[4] for row in rows),
        weeks=weeks,
    )
