"""A line's whole history, a page at a time, newest first, what repeats on one day drawn together."""

import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from itertools import groupby
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db.models import CharField, Count, F, Func, Q, QuerySet

from accounts.models import Line
from disclosures.labels import NOT_ALLOWED
from disclosures.models import Disclosure, Judgement
from disclosures.queries.history_days import ALIKE, Day, build_day, likeness_of
from disclosures.queries.release_counts import Place, ReleaseFilter, newest
from disclosures.queries.trails import Parties, uris_of
from disclosures.queries.visible import is_claimed_afterwards, visible, with_delay

ROWS, GROUPS, DAYS = 200, 60, 16
PART = 2000
LOOKED = "looked"
NO_RECORD = "no_record"


@dataclass(frozen=True)
class Filters:
    """What of the history is asked for. Days are days of the line's zone, both included.

    `itself`: of a company's only what was its own act, as its card counts. `only`: one judgement; or LOOKED, whatever
    was released in the name of an agreement; or NO_RECORD, what had no record of a yes when it was judged, even if the
    company has claimed one since. `before`: what is older than this row (`older` of a page); else what is no newer than
    this `month` (its first day).
    """

    company: str = ""
    itself: bool = False
    since: date | None = None
    until: date | None = None
    not_allowed: bool = False
    only: str = ""
    before: str = ""
    month: date | None = None

    @property
    def any(self) -> bool:
        """Whether anything is left out."""
        return bool(self.company or self.since or self.until or self.judgements)

    @property
    def judgements(self) -> Sequence[str]:
        """The judgements that are asked for; none where all and what is not judged is."""
        if self.only in NOT_ALLOWED:
            return (self.only,)
        if self.has_later_claims:
            return (Judgement.NO_APPROVAL,)
        if self.not_allowed:
            return NOT_ALLOWED
        return (Judgement.PERMITTED, *NOT_ALLOWED) if self.only == LOOKED else ()

    @property
    def has_later_claims(self) -> bool:
        """Whether look-ups are asked for, too, of which the company said only afterwards that the person had agreed."""
        return self.only == NO_RECORD

    @property
    def act_of(self) -> str:
        """The company only whose own acts are asked for (URI)."""
        return self.company if self.itself else ""


@dataclass(frozen=True)
class HistoryPage:
    """A stretch of the history. `older` is where the next one starts, "" at the end."""

    days: tuple[Day, ...] = ()
    older: str = ""


def history_page(*, line_id: int, filters: Filters, zone: ZoneInfo, at: datetime, rows: int = ROWS) -> HistoryPage:
    """Whole days where a page can hold them, from a place on (`older` of the page before).

    Two queries; three where a day is on more pages than this one. Where only some companies or judgements are asked
    for, what is wanted may be far apart.
    """
    place = _place(filters, zone)
    if filters.company or filters.judgements:
        found = newest(line_id=line_id, zone=zone, wanted=_build_release_filter(filters, place), rows=rows + 1, at=at)
    else:
        dated = with_delay(rows=filter_disclosures(line_id=line_id, filters=filters, zone=zone, at=at), line_id=line_id)
        found = list(_from(dated, place)[: rows + 1])
    kept, more = _few_groups(*_whole_days(found, rows, zone), zone)
    parties = Parties.read(uris_of(paths=[row.path for row in kept]))
    split = _split_day(kept, more, place, zone)
    counts = _counts_of(split, line_id, filters, zone, at) if split else {}
    days = [
        build_day(day=day, rows=tuple(each), parties=parties, counts=counts if day == split else {})
        for day, each in groupby(kept, key=lambda row: _day_of(row, zone))
    ]
    older = f"{kept[-1].occurred_at.isoformat()}_{kept[-1].id}" if more else ""
    return HistoryPage(tuple(days), older)


def history_start(*, line: Line, page: HistoryPage, zone: ZoneInfo, at: datetime) -> date | None:
    """Return the day from which a history can hold anything; None where older pages follow this one.

    That is the line's first day or the first that is kept, or an older one where a release is shown that outlasted it.
    """
    if page.older:
        return None
    begins = max(line.activated_at.astimezone(zone).date(), get_first_retained_month(at=at))
    return min([begins, *(day.day for day in page.days[-1:])])


def get_first_retained_month(*, at: datetime) -> date:
    """Return the first day of the oldest month whose releases are kept (RETENTION_MONTHS whole months)."""
    months = at.astimezone(UTC).year * 12 + at.astimezone(UTC).month - 1 - settings.RETENTION_MONTHS
    return date(months // 12, months % 12 + 1, 1)


def history_rows(*, line_id: int, filters: Filters, zone: ZoneInfo, at: datetime) -> QuerySet[Disclosure]:
    """Return every row that the filters ask for, newest first."""
    return with_delay(
        rows=filter_disclosures(line_id=line_id, filters=filters, zone=zone, at=at), line_id=line_id
    ).order_by("-occurred_at", "-id")


def history_in_parts(
    *, line_id: int, filters: Filters, zone: ZoneInfo, at: datetime, rows: int = PART
) -> Iterator[Disclosure]:
    """Yield the same, so many in memory at a time, of what was recorded by a moment of the database's clock.

    Each part begins where the one before ended, with a statement of its own: no cursor, which a pooler whose sessions
    take turns could not keep. What an order hides meanwhile is left out from then on.
    """
    known = history_rows(line_id=line_id, filters=filters, zone=zone, at=at).filter(recorded_at__lte=at)
    place: Place | None = None
    while part := list(_from(known, place)[:rows]):
        yield from part
        if len(part) < rows:
            return
        place = part[-1].occurred_at, part[-1].id


def filter_disclosures(*, line_id: int, filters: Filters, zone: ZoneInfo, at: datetime) -> QuerySet[Disclosure]:
    """Return the visible disclosures that the filters ask for, from whatever place on, in no order."""
    rows = visible(line_id=line_id, at=at)
    if filters.company and not filters.itself:
        rows = rows.filter(path__contains=[filters.company])
    if filters.act_of:
        whose = Func(F("path"), function="disclosures_company", output_field=CharField())
        rows = rows.alias(whose=whose).filter(whose=filters.act_of)
    if filters.since:
        rows = rows.filter(occurred_at__gte=datetime.combine(filters.since, time(), zone))
    # Nothing comes after the calendar's last day, which has no next one.
    if filters.until and filters.until < date.max:
        rows = rows.filter(occurred_at__lt=datetime.combine(filters.until + timedelta(days=1), time(), zone))
    if filters.judgements:
        rows = rows.filter(_match_judgement(line_id, filters))
    return rows


def _match_judgement(line_id: int, filters: Filters) -> Q:
    judged = Q(judgement__in=filters.judgements)
    return judged | is_claimed_afterwards(line_id=line_id) if filters.has_later_claims else judged


def _build_release_filter(filters: Filters, place: Place | None) -> ReleaseFilter:
    return ReleaseFilter(
        company="" if filters.itself else filters.company,
        act_of=filters.act_of,
        judgements=filters.judgements,
        claimed_later=filters.has_later_claims,
        since=filters.since or date.min,
        until=filters.until or date.max,
        before=place,
    )


def _place(filters: Filters, zone: ZoneInfo) -> Place | None:
    """Return the row that the page before ended with, else the end of the month asked for; None for what names none."""
    if filters.month and not filters.before:
        return datetime.combine(next_month(filters.month), time(), zone), uuid.UUID(int=0)
    moment, _, row_id = filters.before.partition("_")
    try:
        at, last = datetime.fromisoformat(moment), uuid.UUID(row_id)
        at = (at if at.tzinfo else at.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        return None
    # The calendar's ends have no time in every zone.
    return (at, last) if date.min.year < at.year < date.max.year else None


def next_month(month: date) -> date:
    """Return the first day of the month after that of a day."""
    return (month.replace(day=28) + timedelta(days=4)).replace(day=1)


def _from(rows: QuerySet[Disclosure], place: Place | None) -> QuerySet[Disclosure]:
    ordered = rows.order_by("-occurred_at", "-id")
    if place is None:
        return ordered
    at, last = place
    return ordered.filter(Q(occurred_at__lte=at) & (Q(occurred_at__lt=at) | Q(id__lt=last)))


def _whole_days(
    found: Sequence[Disclosure], most: int, zone: ZoneInfo
) -> tuple[Sequence[Disclosure], Sequence[Disclosure]]:
    """Return the rows of this page and those seen after it: cut between two days, unless one day alone is too much."""
    if len(found) <= most:
        return found, ()
    kept = found[:most]
    last = _day_of(found[most], zone)
    whole = [row for row in kept if _day_of(row, zone) != last]
    return (whole, found[len(whole) :]) if whole else (kept, found[most:])


def _few_groups(
    kept: Sequence[Disclosure], more: Sequence[Disclosure], zone: ZoneInfo
) -> tuple[Sequence[Disclosure], Sequence[Disclosure]]:
    """Whole days again, as many as can be read on one page; at least one."""
    n, groups = 0, 0
    for days, (_, of_day) in enumerate(groupby(kept, key=lambda row: _day_of(row, zone))):
        rows = list(of_day)
        groups += len({likeness_of(row=row) for row in rows})
        if n and (groups > GROUPS or days == DAYS):
            return kept[:n], [*kept[n:], *more]
        n += len(rows)
    return kept, more


def _split_day(
    kept: Sequence[Disclosure], more: Sequence[Disclosure], place: Place | None, zone: ZoneInfo
) -> date | None:
    """Return the day of this page that is on another page too. Only a day that is too much for one page is cut."""
    if kept and place and _day_of(kept[0], zone) == place[0].astimezone(zone).date():
        return _day_of(kept[0], zone)
    return _day_of(kept[-1], zone) if more and _day_of(kept[-1], zone) == _day_of(more[0], zone) else None


def _counts_of(
    day: date, line_id: int, filters: Filters, zone: ZoneInfo, at: datetime
) -> Mapping[tuple[object, ...], int]:
    """How often each likeness comes on a whole day, of what is asked for. One query, of that day of that line."""
    of_day = replace(filters, since=max(day, filters.since or day), until=min(day, filters.until or day), before="")
    rows = with_delay(rows=filter_disclosures(line_id=line_id, filters=of_day, zone=zone, at=at), line_id=line_id)
    counted = rows.order_by().values_list(*ALIKE).annotate(n=Count("id"))
    return {(tuple(path), *rest): n for path, *rest, n in counted}


def _day_of(row: Disclosure, zone: ZoneInfo) -> date:
    return row.occurred_at.astimezone(zone).date()
