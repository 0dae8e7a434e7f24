"""Who asked where a line is, day by day: how often it was told, and how often refused."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.db import connection

from disclosures.models import Outcome
from disclosures.queries.release_counts import SPANS
from disclosures.queries.trails import NamedParty, Parties, company_of
from disclosures.queries.visible import visible

DAYS = timedelta(days=30)
# `partly`: no day is counted in part here.
ASKED = """
WITH <spans>
SELECT day, path, basis, outcome, sum(n) FROM (
    SELECT rolled.day, facts.path, facts.basis, facts.outcome, rolled.n
    FROM long JOIN disclosures_dailyrollup rolled ON rolled.line_id = %(line)s AND rolled.day < long.through
        AND rolled.day >= %(since)s AND rolled.day < %(until)s AND NOT rolled.day IN (SELECT day FROM open)
    JOIN disclosures_rolledfacts facts ON facts.line_id = %(line)s AND facts.key = rolled.facts
    UNION ALL
    SELECT (d.occurred_at AT TIME ZONE %(zone)s)::date, d.path, d.basis, d.outcome, 1
    FROM span JOIN disclosures_disclosure d
        ON d.line_id = %(line)s AND d.occurred_at >= span.starts AND d.occurred_at < span.ends
    WHERE d.occurred_at >= %(since_at)s AND d.occurred_at < %(until_at)s
        AND NOT d.id IN (SELECT disclosure_id FROM hidden)
) asked GROUP BY 1, 2, 3, 4
""".replace("<spans>", SPANS)


@dataclass(frozen=True)
class Asker:
    """One company on one day. `outside`: how many of the told ones never ask for consent."""

    company: NamedParty
    told: int
    refused: int
    outside: int


@dataclass(frozen=True)
class AccessDay:
    """One day of the line's zone, the company that asked most first."""

    day: date
    askers: tuple[Asker, ...]


@dataclass(frozen=True)
class AccessPage:
    """A stretch of days, newest first. `older`: the day before which the next one ends, None at the end."""

    days: tuple[AccessDay, ...]
    older: date | None


def get_access_page(*, line_id: int, zone: ZoneInfo, before: date | None, at: datetime) -> AccessPage:
    """The 30 days up to the newest one before `before` on which anybody asked. Four queries, for a line of any length.

    A hidden row is not there, and makes no day longer.
    """
    until_at = at if before is None else min(at, datetime.combine(before, time(), zone))
    rows = visible(line_id=line_id, at=at)
    newest = (
        rows.filter(occurred_at__lt=until_at).order_by("-occurred_at").values_list("occurred_at", flat=True).first()
    )
    if newest is None:
        return AccessPage((), None)
    until = newest.astimezone(zone).date() + timedelta(days=1)
    since = until - DAYS
    since_at = datetime.combine(since, time(), zone)
    more = rows.filter(occurred_at__lt=since_at).exists()
    wanted: dict[str, Any] = {
        "line": line_id, "zone": zone.key, "at": at, "partly": date.max, "since": since, "until": until,
        "since_at": since_at, "until_at": until_at,
    }  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute(ASKED, wanted)
        found = cursor.fetchall()
    return AccessPage(_days(found), since if more else None)


def _days(found: list[tuple[Any, ...]]) -> tuple[AccessDay, ...]:
    days: dict[date, dict[str, Counter[str]]] = {}
    for day, path, basis, outcome, n in found:
        counts = days.setdefault(day, {}).setdefault(company_of(path=tuple(path)), Counter())
        counts["refused" if outcome == Outcome.REFUSED else "told"] += int(n)
        counts["outside"] += int(n) if outcome != Outcome.REFUSED and basis != "approval" else 0
    parties = Parties.read({uri for companies in days.values() for uri in companies})
    return tuple(AccessDay(day, _askers(companies, parties)) for day, companies in sorted(days.items(), reverse=True))


def _askers(companies: Mapping[str, Counter[str]], parties: Parties) -> tuple[Asker, ...]:
    askers = [
        Asker(parties[uri], counts["told"], counts["refused"], counts["outside"]) for uri, counts in companies.items()
    ]
    return tuple(sorted(askers, key=lambda one: (-one.told - one.refused, one.company.name)))
