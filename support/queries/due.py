"""The clock of a ticket, in business days."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from audit.primitives.business_days import is_business_day
from support.policies.lifecycle import ZONE

DAY = timedelta(days=1)
# Nobody counts further: "more than".
COUNTED_TO = 60


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
