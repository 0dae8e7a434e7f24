"""How often there is what a history's filters ask for: in all, by month, and by time of day and weekday."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from itertools import groupby
from zoneinfo import ZoneInfo

from django.db.models import Count, Q
from django.db.models.functions import ExtractHour, ExtractIsoWeekDay
from django.utils.dates import WEEKDAYS
from django.utils.formats import time_format

from disclosures.labels import NOT_ALLOWED
from disclosures.models import Basis, Outcome
from disclosures.queries.figures.page import Bar, bars_of
from disclosures.queries.figures.published import Count as Figured
from disclosures.queries.figures.published import Row
from disclosures.queries.history import Filters, HistoryPage, filter_disclosures, next_month
from disclosures.queries.history_days import Day, HistoryTally, tally_of
from disclosures.queries.release_counts import MonthFacts, list_claimed_by_month, list_facts_by_month
from disclosures.queries.trails import NamedParty, Parties, company_of, uris_of

# So many days at once are looked at for the times of day, which nothing counts ahead of time.
DAYS, MOST_DAYS = 30, 92
HOURS = 3


@dataclass(frozen=True)
class HistoryFacts:
    """What a line's history holds on the days that are asked for, and every company in it, by name."""

    companies: tuple[NamedParty, ...]
    facts: Sequence[MonthFacts]

    def find_companies(self, *, text: str) -> tuple[NamedParty, ...]:
        """Return those of this address, else of this name, else with these letters in their name."""
        wanted = text.strip().casefold()
        for is_wanted in (
            lambda one: one.uri == text,
            lambda one: one.name.casefold() == wanted,
            lambda one: wanted in one.name.casefold(),
        ):
            if found := tuple(filter(is_wanted, self.companies)):
                return found
        return ()


@dataclass(frozen=True)
class HistoryCounts:
    """How much the filters leave: in all, and of each month that has any, the newest first."""

    total: HistoryTally
    months: Mapping[date, HistoryTally]


@dataclass(frozen=True)
class Month:
    """A month of a page (its first day): how much the whole of it has, and its days on the page."""

    month: date
    tally: HistoryTally
    days: Sequence[Day]


def months_of(*, page: HistoryPage, counts: HistoryCounts) -> Sequence[Month]:
    """Return the page's days by month."""
    return [
        Month(month, counts.months.get(month, HistoryTally()), tuple(days))
        for month, days in groupby(page.days, key=lambda day: day.day.replace(day=1))
    ]


def history_facts(*, line_id: int, filters: Filters, zone: ZoneInfo, at: datetime) -> HistoryFacts:
    """Return what the history holds on the filters' days. Two queries; three with what was claimed later."""
    since, until = filters.since or date.min, filters.until or date.max
    facts = list_facts_by_month(line_id=line_id, zone=zone, since=since, until=until, at=at)
    uris = uris_of(paths=[one.path for one in facts]) - {"unknown"}
    parties = Parties.read(uris)
    companies = tuple(sorted((parties[uri] for uri in uris), key=lambda one: (one.name.casefold(), one.uri)))
    if not filters.has_later_claims:
        return HistoryFacts(companies, facts)
    claimed = list_claimed_by_month(line_id=line_id, zone=zone, since=since, until=until, at=at)
    known = [one for one in facts if one.judgement in filters.judgements]
    return HistoryFacts(companies, [*known, *claimed])


def count_history(*, facts: Iterable[MonthFacts], filters: Filters) -> HistoryCounts:
    """Return how much of these facts the filters leave. Reads nothing."""
    months: dict[date, HistoryTally] = defaultdict(HistoryTally)
    for one in facts:
        if one.n and _is_wanted(one, filters):
            months[one.month] += tally_of(basis=one.basis, outcome=one.outcome, judgement=one.judgement, n=one.n)
    total = sum(months.values(), HistoryTally())
    return HistoryCounts(total, {month: months[month] for month in sorted(months, reverse=True)})


def _is_wanted(one: MonthFacts, filters: Filters) -> bool:
    if filters.act_of and company_of(path=one.path) != filters.act_of:
        return False
    return (not filters.company or filters.company in one.path) and _is_judged(one, filters)


def _is_judged(one: MonthFacts, filters: Filters) -> bool:
    return not filters.judgements or filters.has_later_claims or one.judgement in filters.judgements


@dataclass(frozen=True)
class TimesPage:
    """Look-ups by time of day and weekday, from one day to another of the line's zone.

    `rows`: by weekday, Monday first, how many there were in each three hours, from midnight.
    """

    since: date
    until: date
    total: HistoryTally
    hours: Sequence[Bar]
    weekdays: Sequence[Bar]
    rows: Sequence[tuple[str, Sequence[tuple[str, int]]]]


def times_page(*, line_id: int, filters: Filters, zone: ZoneInfo, at: datetime) -> TimesPage:
    """Return when look-ups came, of the days that are asked for: 92 at most, and 30 where none are. One query."""
    since, until = _days_of(filters, at.astimezone(zone).date())
    rows = filter_disclosures(line_id=line_id, filters=replace(filters, since=since, until=until), zone=zone, at=at)
    found = (
        rows.filter(basis=Basis.APPROVAL, outcome=Outcome.RELEASED)
        .annotate(weekday=ExtractIsoWeekDay("occurred_at", tzinfo=zone), hour=ExtractHour("occurred_at", tzinfo=zone))
        .order_by()
        .values_list("weekday", "hour")
        .annotate(n=Count("id"), not_allowed=Count("id", filter=Q(judgement__in=NOT_ALLOWED)))
    )
    cells: dict[tuple[int, int], HistoryTally] = defaultdict(HistoryTally)
    for weekday, hour, n, not_allowed in found:
        cells[weekday - 1, hour // HOURS] += HistoryTally(n, not_allowed)
    parts = range(24 // HOURS)
    return TimesPage(
        since, until,
        total=sum(cells.values(), HistoryTally()),
        hours=_bars((_hours_in_words(part), [cells[day, part] for day in range(7)]) for part in parts),
        weekdays=_bars((str(WEEKDAYS[day]), [cells[day, part] for part in parts]) for day in range(7)),
        rows=[
            (str(WEEKDAYS[day]), [(_hours_in_words(part), cells[day, part].looked_up) for part in parts])
            for day in range(7)
        ],
    )  # fmt: skip


def _days_of(filters: Filters, today: date) -> tuple[date, date]:
    if filters.month:
        return filters.month, next_month(filters.month) - timedelta(days=1)
    until = min(filters.until or today, today)
    since = filters.since or _days_before(until, DAYS)
    return max(min(since, until), _days_before(until, MOST_DAYS)), until


def _days_before(until: date, days: int) -> date:
    """Return the first of so many days that end with `until`: no earlier than days can be written."""
    return date.fromordinal(max(until.toordinal() - days + 1, date.min.toordinal()))


def _hours_in_words(part: int) -> str:
    starts, ends = (time_format(time(hour % 24)) for hour in (part * HOURS, (part + 1) * HOURS))
    return f"{starts} – {ends}"


def _bars(tallies: Iterable[tuple[str, Sequence[HistoryTally]]]) -> Sequence[Bar]:
    summed = [(label, sum(each, HistoryTally())) for label, each in tallies]
    rows: list[Row] = [
        {"label": label, "n": Figured(one.looked_up), "not_allowed": Figured(one.not_allowed)} for label, one in summed
    ]
    return bars_of(
        rows=rows, label="label", whole="n", parts=[("not_allowed", "sbad")], rest="s0", untold="s4", with_noughts=True
    )
