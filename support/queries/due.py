"""The clock of a ticket, in business days."""

from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import reduce
from itertools import product
from operator import or_

from django.db.models import DateTimeField, DurationField, ExpressionWrapper, F, Q
from django.db.models.lookups import LessThanOrEqual
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from audit.primitives.business_days import before_business_days, is_business_day
from support.models import Ticket
from support.policies.lifecycle import CLOCK_RUNS, ZONE, clock_began, days_of

DAY, MICROSECOND = timedelta(days=1), timedelta(microseconds=1)
# Nobody counts further: "more than".
COUNTED_TO = 60


# What share of the time to a date is used when staff are told.
HALF, NEARLY = 0.5, 0.9
TIME_USED: Mapping[str, tuple[float, float]] = {"nearly": (NEARLY, 1.0), "half": (HALF, NEARLY)}
# No clock runs longer: what is due later has used nothing.
LONGEST_CLOCK = timedelta(days=60)


@dataclass(frozen=True)
class Due:
    """When a ticket is due, whether that is past, and the same in words."""

    at: datetime
    late: bool
    words: str


def due(*, due_at: datetime, at: datetime) -> Due:
    """Return the clock of a ticket that is due then, as it stands now."""
    late = due_at < at
    days = business_days_between(first=min(due_at, at), second=max(due_at, at))
    if not days and due_at.astimezone(ZONE).date() != at.astimezone(ZONE).date():
        # Nothing but a weekend or a holiday lies between.
        return Due(
            due_at, late, _("Overdue by less than a business day") if late else _("Due before the next business day")
        )
    return Due(due_at, late, _late(days) if late else _ahead(days))


def filter_time_used(*, least: float, most: float, at: datetime) -> Q:
    """Return which tickets have used at least `least` and less than `most` of the time to their date.

    Only while their clock runs: a case that waits for its person has none, and one that is late is overdue.
    """
    running = Q(state__in=CLOCK_RUNS, due_at__gt=at)
    return running & _has_used(least, at) & ~_has_used(most, at)


def reached_at(*, ticket: Ticket, share: float) -> datetime:
    """Return when this share of the time to a ticket's date is used."""
    return _reached_at(clock_began(ticket=ticket), ticket.due_at, share)


def _reached_at(began: datetime, due_at: datetime, share: float) -> datetime:
    return began + (due_at - began) * share


def _has_used(share: float, at: datetime) -> Q:
    """By both moments at which the clock may have begun, of which the later counts (`lifecycle.clock_began`)."""
    whole = ExpressionWrapper((F("due_at") - F("opened_at")) * share, DurationField())
    since_opened = ExpressionWrapper(F("opened_at") + whole, DateTimeField())
    by_length: dict[int, Q] = {}
    for kind, priority in product(Ticket.Kind, Ticket.Priority):
        days = days_of(kind=kind, priority=priority)
        by_length[days] = by_length.get(days, Q()) | Q(kind=kind, priority=priority)
    lengths = (of_length & Q(due_at__lte=_get_last_due(days, share, at)) for days, of_length in by_length.items())
    return Q(LessThanOrEqual(since_opened, at)) & reduce(or_, lengths)


def _get_last_due(days: int, share: float, at: datetime) -> datetime:
    """Return the latest date to which a clock of so many business days has used this share."""

    def get_moment(after: int) -> datetime:
        due_at = at + after * MICROSECOND
        return _reached_at(before_business_days(end=due_at, days=days, zone=ZONE), due_at, share)

    return at + (bisect_right(range(LONGEST_CLOCK // MICROSECOND), at, key=get_moment) - 1) * MICROSECOND


def business_days_between(*, first: datetime, second: datetime) -> int:
    """Return how many business days begin after the day of `first` until the day of `second`, up to COUNTED_TO."""
    day, last, found = first.astimezone(ZONE).date(), second.astimezone(ZONE).date(), 0
    while day < last and found < COUNTED_TO:
        day += DAY
        found += is_business_day(day=day)
    return found


def _ahead(days: int) -> str:
    if not days:
        return _("Due today")
    return ngettext("Due in %(n)s business day", "Due in %(n)s business days", days) % {"n": _format_days(days)}


def _late(days: int) -> str:
    if not days:
        return _("Overdue since today")
    return ngettext("Overdue by %(n)s business day", "Overdue by %(n)s business days", days) % {"n": _format_days(days)}


def _format_days(days: int) -> str:
    return f"{COUNTED_TO}+" if days >= COUNTED_TO else str(days)
