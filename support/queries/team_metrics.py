"""How the desk does: what is open and late, how long people wait, by kind, colleague, company; complaints by year.

No row is about one person.
"""

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from django.db import connection
from django.utils.translation import gettext as _

from accounts.models import User
from accounts.policies.permissions import StaffAction, staff_may
from support.models import Ticket
from support.policies.lifecycle import CLOCK_RUNS, UNDER_WAY, ZONE
from support.queries.companies import find_companies
from support.queries.exports import csv_lines, in_parts
from support.queries.names import NOBODYS, get_staff_name
from support.queries.pending_tickets import names_of
from support.queries.visible import list_hidden_tickets

DAYS = 30
WEEK = timedelta(weeks=1)
# Of the chart of weeks, in its own units: a percent is as high as one. Where bars begin, how wide all are and one may
# be, and how much room a day's name needs.
CHART_HEIGHT, CHART_WIDTH, LEFT, WIDEST, NAME = 100, 560, 58, 90, 84
# What comes of people; the rest comes of what happened here.
FROM_PEOPLE = (
    Ticket.Kind.DISPUTE, Ticket.Kind.LOOK_UP, Ticket.Kind.CHOICE, Ticket.Kind.ORDER, Ticket.Kind.STILL_HAVE,
    Ticket.Kind.SIGN_IN, Ticket.Kind.OTHER,
)  # fmt: skip
# Of tickets opened in a time: how many there are, wait and are late; from opening to the first answer, and to the end.
FIGURES = """
SELECT <by>, count(*),
    count(*) FILTER (WHERE state = ANY (%(under_way)s)),
    count(*) FILTER (WHERE state = ANY (%(clock_runs)s) AND due_at < %(at)s),
    percentile_cont(ARRAY[0.5, 0.95]) WITHIN GROUP (ORDER BY extract(epoch FROM first_answer_at - opened_at)),
    percentile_cont(ARRAY[0.5, 0.95]) WITHIN GROUP (
        ORDER BY extract(epoch FROM coalesce(solved_at, closed_at) - opened_at)),
    <judged>, avg(rating)::float, count(rating)
FROM support_ticket
WHERE opened_at >= %(since)s AND opened_at < %(until)s AND (%(user)s::bigint IS NULL OR assignee_id = %(user)s)
    AND id <> ALL (%(hidden)s::bigint[])
GROUP BY 1
"""
# Of cases whose answer somebody reads: how many had their first answer by its date, and how many had one or are
# past that date without. Of answers from before it was kept whether they were on time, the date of now is the only one
# there is.
JUDGED = """
    count(*) FILTER (WHERE <read> AND coalesce(answered_on_time, first_answer_at <= due_at)),
    count(*) FILTER (WHERE <read>
        AND (first_answer_at IS NOT NULL OR (state = ANY (%(clock_runs)s) AND due_at < %(at)s)))
""".replace("<read>", "(kind = ANY (%(kinds)s) OR line_id IS NOT NULL)")
WEEKS = """
SELECT date_trunc('week', opened_at AT TIME ZONE %(zone)s)::date, <judged>
FROM support_ticket
WHERE opened_at >= %(since)s AND opened_at < %(until)s AND (%(user)s::bigint IS NULL OR assignee_id = %(user)s)
    AND id <> ALL (%(hidden)s::bigint[])
GROUP BY 1 ORDER BY 1
"""
# The company that a case is about: its own, or that of the look-up, choice or company that its person asked about.
COMPANY = "coalesce(party_id, (%(companies)s::jsonb ->> support_ticket.id::text)::bigint)"
COMPLAINTS = """
SELECT kind, count(*), count(first_answer_at),
    count(*) FILTER (WHERE state = ANY (%(under_way)s)), count(DISTINCT <company>),
    percentile_cont(0.5) WITHIN GROUP (ORDER BY extract(epoch FROM first_answer_at - opened_at))
FROM support_ticket
WHERE opened_at >= %(since)s AND opened_at < %(until)s AND kind = ANY (%(kinds)s) AND state <> 'merged'
    AND NOT EXISTS (SELECT FROM (<nobodys>) nobodys WHERE nobodys.line_id = support_ticket.line_id)
GROUP BY kind
""".replace("<nobodys>", NOBODYS).replace("<company>", COMPANY)
COLUMNS = (
    "by", "name", "opened", "under_way", "overdue", "first_answer_median_h", "first_answer_p95_h", "end_median_h",
    "end_p95_h", "answered_on_time", "answer_was_due", "satisfaction_of_5", "ratings",
)  # fmt: skip
COMPLAINT_COLUMNS = ("year", "kind", "received", "answered", "under_way", "companies", "first_answer_median_days")


@dataclass(frozen=True)
class Span:
    """The days that the figures are about, the last included, as they are at the desk."""

    since: date
    until: date

    @property
    def bounds(self) -> tuple[datetime, datetime]:
        """From when, and until before when."""
        return _midnight(self.since), _midnight(self.until + timedelta(days=1))

    @property
    def days(self) -> int:
        """How many they are."""
        return (self.until - self.since).days + 1


@dataclass(frozen=True)
class Figure:
    """One row. Times in seconds, median and 95th of 100; None where nothing has an answer, or an end, yet.

    `on_time`: how many of `judged` had their first answer by its date. `rating`: what `rated` people gave, of 5.
    """

    name: str
    opened: int
    under_way: int
    overdue: int
    answer: tuple[float, float] | None
    end: tuple[float, float] | None
    on_time: int = 0
    judged: int = 0
    rating: float | None = None
    rated: int = 0

    @property
    def share(self) -> int | None:
        """How many of 100 had their first answer by its date; None where none was due."""
        return _get_share(self.on_time, self.judged)


@dataclass(frozen=True)
class Week:
    """The cases opened in a week, and a bar for the share that was answered on time. `named`: below the bar too."""

    starts: date
    on_time: int
    judged: int
    x: float = 0
    width: float = 0
    named: bool = False

    @property
    def share(self) -> int | None:
        """As of a `Figure`."""
        return _get_share(self.on_time, self.judged)

    @property
    def top(self) -> int:
        """Where the bar begins, from above."""
        return CHART_HEIGHT - (self.share or 0)

    @property
    def middle(self) -> float:
        """Where its name stands."""
        return self.x + self.width / 2


def _get_share(part: int, whole: int) -> int | None:
    """A share in percent, rounded; None of nothing."""
    return round(100 * part / whole) if whole else None


@dataclass(frozen=True)
class Figures:
    """All of it: the whole, then by kind, colleague, company, the most first. `before`: of as many days before."""

    whole: Figure
    by_kind: tuple[Figure, ...]
    by_person: tuple[Figure, ...]
    by_company: tuple[Figure, ...]
    weeks: tuple[Week, ...]
    before: Figure

    @property
    def trend(self) -> tuple[Week, Week] | None:
        """The last two weeks that have a share on time; None where there are not two."""
        found = [one for one in self.weeks if one.share is not None][-2:]
        return (found[0], found[1]) if len(found) == 2 else None

    @property
    def ticks(self) -> tuple[tuple[int, int], ...]:
        """The lines across the chart of weeks: how high in percent, and where from above."""
        return tuple((share, CHART_HEIGHT - share) for share in (100, 50, 0))


@dataclass(frozen=True)
class Complaints:
    """What people complained of in one year, of one kind."""

    kind: str
    received: int
    answered: int
    under_way: int
    companies: int
    median_s: float | None


def last_days(*, at: datetime) -> Span:
    """Return the last DAYS days."""
    today = at.astimezone(ZONE).date()
    return Span(today - timedelta(days=DAYS - 1), today)


def figures(*, span: Span, user_id: int | None, at: datetime) -> Figures:
    """Return the figures of what was opened in these days. `user_id`: of one colleague's cases only."""
    whole = _rows("true", span, user_id, at)
    before = Span(span.since - timedelta(days=span.days), span.since - timedelta(days=1))
    kinds, people = _rows("kind", span, user_id, at), _rows("assignee_id", span, user_id, at)
    companies = _rows(COMPANY, span, user_id, at, _find_companies(span, at))
    named = _colleagues_named([*people])
    names = names_of(party_ids=(int(str(key)) for key in companies if key))
    return Figures(
        whole=_figure("", whole.get(True, NOTHING)),
        by_kind=_build_figures(kinds, {kind.value: str(kind.label) for kind in Ticket.Kind}),
        by_person=_build_figures(people, {None: _("Unassigned"), **named}),
        by_company=_build_figures({key: row for key, row in companies.items() if key}, names),
        weeks=_weeks(span, user_id, at),
        before=_figure("", _rows("true", before, user_id, at).get(True, NOTHING)),
    )


def figures_csv(*, found: Figures, rates: bool, mark: str) -> Iterator[str]:
    """Yield the same as a file. `rates`: with what people thought. `mark`: who took it, and when, in its last line."""
    parts = (("", (found.whole,)), ("kind", found.by_kind), ("person", found.by_person), ("company", found.by_company))
    rows: list[tuple[object, ...]] = [
        (
            by, one.name, one.opened, one.under_way, one.overdue, *_hours(one.answer), *_hours(one.end), one.on_time,
            one.judged, *((one.rating, one.rated) if rates else (None, None)),
        )
        for by, figures in parts
        for one in figures
    ]  # fmt: skip
    weeks = [("week", one.starts.isoformat(), *[None] * 7, one.on_time, one.judged) for one in found.weeks]
    yield from csv_lines(columns=COLUMNS, rows=[*rows, *weeks, (mark,)])


def complaints(*, year: int, at: datetime) -> tuple[Complaints, ...]:
    """What people complained of in a year, by kind, every kind named. What was merged into another counts once."""
    span = Span(date(year, 1, 1), date(year, 12, 31))
    with connection.cursor() as cursor:
        cursor.execute(
            COMPLAINTS,
            {
                "since": span.bounds[0], "until": span.bounds[1], "under_way": list(UNDER_WAY),
                "kinds": list(FROM_PEOPLE), "companies": json.dumps(_find_companies(span, at)),
            },
        )  # fmt: skip
        rows = {kind: rest for kind, *rest in cursor.fetchall()}
    return tuple(Complaints(str(kind.label), *rows.get(kind.value, (0, 0, 0, 0, None))) for kind in FROM_PEOPLE)


def complaints_csv(*, year: int, found: Sequence[Complaints], mark: str) -> Iterator[str]:
    """Yield the same as a file. `mark`: who took it, and when, in its last line."""
    rows = [
        (
            year, one.kind, one.received, one.answered, one.under_way, one.companies,
            None if one.median_s is None else one.median_s / 86_400,
        )
        for one in found
    ]  # fmt: skip
    yield from csv_lines(columns=COMPLAINT_COLUMNS, rows=[*rows, (mark,)])


def sees_all(*, role: str) -> bool:
    """Whether somebody of this role sees everybody's figures, as who leads the desk or audits it; others: their own."""
    return any(staff_may(role, action) for action in (StaffAction.LEAD_DESK, StaffAction.SEE_AUDIT))


def mark_of(*, user: User, at: datetime) -> str:
    """Return who took a copy, and when."""
    name = user.get_full_name()
    who = f"{name} ({user.email})" if name else user.email or str(user)
    return f"Taken by {who} at {at.astimezone(UTC):%Y-%m-%d %H:%M} UTC"


def _colleagues_named(ids: Sequence[Any]) -> dict[int | None, str]:
    return {one.pk: get_staff_name(user=one) for one in User.objects.filter(pk__in=ids)}


type _Row = tuple[int, int, int, list[float] | None, list[float] | None, int, int, float | None, int]

NOTHING: _Row = (0, 0, 0, None, None, 0, 0, None, 0)


def _rows(
    by: str, span: Span, user_id: int | None, at: datetime, companies: Mapping[int, int] | None = None
) -> dict[object, _Row]:
    statement = FIGURES.replace("<by>", by)
    return {key: tuple(row) for key, *row in _select(statement, span, user_id, at, companies)}


def _find_companies(span: Span, at: datetime) -> Mapping[int, int]:
    """Return the companies that cases opened in these days are about, of those that don't hold one, by the case."""
    since, until = span.bounds
    asked = Ticket.objects.filter(opened_at__gte=since, opened_at__lt=until, party_id__isnull=True)
    found: dict[int, int] = {}
    for part in in_parts(rows=asked.filter(line_id__isnull=False).exclude(about_ref=""), by="id"):
        found |= find_companies(tickets=part, at=at)
    return found


def _weeks(span: Span, user_id: int | None, at: datetime) -> tuple[Week, ...]:
    rows = {starts: (on_time, judged) for starts, on_time, judged in _select(WEEKS, span, user_id, at)}
    if not rows:
        return ()
    first, count = min(rows), (max(rows) - min(rows)) // WEEK + 1
    step = min((CHART_WIDTH - LEFT) / count, WIDEST)
    # A name at the first bar and at as many after it as have room.
    every = math.ceil(NAME / step)
    return tuple(
        Week(
            first + n * WEEK, *rows.get(first + n * WEEK, (0, 0)), x=round(LEFT + n * step, 1),
            width=round(step * 0.8, 1), named=n % every == 0,
        )
        for n in range(count)
    )  # fmt: skip


def _select(
    statement: str, span: Span, user_id: int | None, at: datetime, companies: Mapping[int, int] | None = None
) -> Sequence[tuple[Any, ...]]:
    since, until = span.bounds
    with connection.cursor() as cursor:
        cursor.execute(
            statement.replace("<judged>", JUDGED),
            {
                "under_way": list(UNDER_WAY), "clock_runs": list(CLOCK_RUNS), "at": at, "since": since, "until": until,
                "user": user_id, "companies": json.dumps(companies or {}),
                "zone": str(ZONE), "hidden": list(list_hidden_tickets(at=at)), "kinds": list(FROM_PEOPLE),
            },
        )  # fmt: skip
        return list(cursor.fetchall())


def _build_figures(rows: Mapping[object, _Row], names: Mapping[Any, str]) -> tuple[Figure, ...]:
    found = [_figure(names.get(key, str(key)), row) for key, row in rows.items()]
    return tuple(sorted(found, key=lambda one: (-one.opened, one.name)))


def _figure(name: str, row: _Row) -> Figure:
    opened, under_way, overdue, answer, end, on_time, judged, rating, rated = row
    return Figure(name, opened, under_way, overdue, _pair(answer), _pair(end), on_time, judged, rating, rated)


def _pair(found: list[float] | None) -> tuple[float, float] | None:
    return (found[0], found[1]) if found and found[0] is not None else None


def _hours(pair: tuple[float, float] | None) -> tuple[float | None, float | None]:
    return (pair[0] / 3600, pair[1] / 3600) if pair else (None, None)


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), ZONE)
