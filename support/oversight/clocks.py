"""By when an incident may have to be reported. Requirements as we read them, not legal advice.

Whole business days, Monday to Friday; holidays are not known here, so that a day is never named too late.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from audit.models import Incident

Kind = Incident.Kind
DAY = timedelta(days=1)
SATURDAY = 5


@dataclass(frozen=True)
class Duty:
    """What may have to be told to whom, and within how many days; `source`: where that is written."""

    what: str
    source: str
    days: int
    business: bool


@dataclass(frozen=True)
class Clock:
    """A duty and its last day for one incident."""

    what: str
    source: str
    due_at: datetime


FCC = Duty("Tell the FCC, if opting out fails more than now and then", "47 CFR 64.2009(f)", 5, business=True)
AGENCIES = Duty("If it is a breach: tell the agencies", "47 CFR 64.2011", 7, business=True)
CUSTOMERS = Duty("If it is a breach: tell the customers", "47 CFR 64.2011", 30, business=False)
DUTIES: Mapping[str, Sequence[Duty]] = {
    Kind.AFTER_STOP: (FCC, AGENCIES, CUSTOMERS),
    Kind.NO_APPROVAL: (AGENCIES, CUSTOMERS),
    Kind.SUSPENDED: (AGENCIES, CUSTOMERS),
}


def clocks_of(*, kind: str, opened_at: datetime) -> Sequence[Clock]:
    """The clocks that began when an incident of this kind was opened, the first to end first."""
    clocks = [
        Clock(duty.what, duty.source, _business(opened_at, duty.days) if duty.business else opened_at + duty.days * DAY)
        for duty in DUTIES.get(kind, ())
    ]
    return sorted(clocks, key=lambda clock: clock.due_at)


def _business(start: datetime, days: int) -> datetime:
    end = start
    while days:
        end += DAY
        days -= end.weekday() < SATURDAY
    return end
