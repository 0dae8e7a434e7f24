"""Business days in the United States: Monday to Friday but for the federal holidays, computed by rule (5 USC 6103).

Days that only a president's order or one city closes (Inauguration Day among them) are not left out: a deadline that is
counted from here may be named too early, never too late.
"""

from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from functools import cache
from zoneinfo import ZoneInfo

DAY = timedelta(days=1)
MONDAY, THURSDAY, SATURDAY, SUNDAY = 0, 3, 5, 6
LAST = -1
# Month and day; what falls on a Saturday is kept on the Friday before, what falls on a Sunday on the Monday after.
FIXED = ((1, 1), (6, 19), (7, 4), (11, 11), (12, 25))
# Month, day of the week, and which of them.
FLOATING = ((1, MONDAY, 3), (2, MONDAY, 3), (5, MONDAY, LAST), (9, MONDAY, 1), (10, MONDAY, 2), (11, THURSDAY, 4))


@cache
def holidays(*, year: int) -> frozenset[date]:
    """Return the federal holidays of this year, also New Year's Day of the next where it is kept in this one."""
    fixed = {_get_observed_day(date(one, month, day)) for one in (year, year + 1) for month, day in FIXED}
    floating = {_nth(year, month, weekday, which) for month, weekday, which in FLOATING}
    return frozenset(day for day in fixed | floating if day.year == year)


def is_business_day(*, day: date) -> bool:
    """Return whether this day counts."""
    return day.weekday() < SATURDAY and day not in holidays(year=day.year)


def after_business_days(*, start: datetime, days: int, zone: ZoneInfo) -> datetime:
    """Return the same time of day, in `zone`, on the `days`-th business day after `start`, in the zone of `start`.

    The day of `start` is no part of the count, whatever the time. Raises ValueError for a start without its offset.
    """
    if start.tzinfo is None:
        raise ValueError("a start needs its offset")
    begun = start.astimezone(zone)
    day, left = begun.date(), days
    while left > 0:
        day += DAY
        left -= is_business_day(day=day)
    return datetime.combine(day, begun.timetz()).astimezone(start.tzinfo)


def before_business_days(*, end: datetime, days: int, zone: ZoneInfo) -> datetime:
    """Return the latest start whose `days`-th business day after it, as `after_business_days` counts, is over by `end`.

    Raises ValueError for an end without its offset.
    """
    if end.tzinfo is None:
        raise ValueError("an end needs its offset")
    ended = end.astimezone(zone)
    if not is_business_day(day=ended.date()):
        # All of the business day before has passed.
        ended = datetime.combine(ended.date(), time.max, zone)
    day, left = ended.date(), days
    while left > 0:
        left -= is_business_day(day=day)
        day -= DAY
    return datetime.combine(day, ended.timetz()).astimezone(end.tzinfo)


def _get_observed_day(day: date) -> date:
    if day.weekday() == SATURDAY:
        return day - DAY
    return day + DAY if day.weekday() == SUNDAY else day


def _nth(year: int, month: int, weekday: int, which: int) -> date:
    found = [day for day in _of_month(year, month) if day.weekday() == weekday]
    return found[which if which == LAST else which - 1]


def _of_month(year: int, month: int) -> Iterator[date]:
    day = date(year, month, 1)
    while day.month == month:
        yield day
        day += DAY
