"""By when an incident may have to be reported, and to whom. Requirements as we read them, not legal advice."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

from audit.business_days import after_business_days
from audit.models import Incident

Kind = Incident.Kind
# Where the agencies are that are to be told.
ZONE = ZoneInfo("America/New_York")
LAST_MINUTE = time(23, 59)


@dataclass(frozen=True)
class Duty:
    """What may have to be told to whom, and within how many days; `source`: where that is written."""

    name: str
    what: str
    source: str
    days: int
    business: bool = True

    def due_at(self, opened_at: datetime) -> datetime:
        """The last moment for an incident that was opened then; its day is the same in UTC as where the agencies are.

        Late in the evening there it is the next day in UTC already, which would be read as a day more.
        """
        if self.business:
            due = after_business_days(start=opened_at, days=self.days, zone=ZONE)
        else:
            due = opened_at + timedelta(days=self.days)
        return min(due, datetime.combine(due.astimezone(ZONE).date(), LAST_MINUTE, UTC))


@dataclass(frozen=True)
class Clock:
    """A duty and its last moment for one incident."""

    duty: Duty
    due_at: datetime

    @property
    def what(self) -> str:
        """What may have to be told to whom."""
        return self.duty.what

    @property
    def source(self) -> str:
        """Where that is written."""
        return self.duty.source


FCC = Duty("fcc", "Tell the FCC, if opting out fails more than now and then", "47 CFR 64.2009(f)", 5)
AGENCIES = Duty("agencies", "If it is a breach: tell the agencies", "47 CFR 64.2011", 7)
CUSTOMERS = Duty("customers", "If it is a breach: tell the customers", "47 CFR 64.2011", 30, business=False)
PARTNER = Duty("partner", "Put it to the partner in writing, with a date to mend it", "our own rule", 5)
ALL: Mapping[str, Duty] = {one.name: one for one in (FCC, AGENCIES, CUSTOMERS, PARTNER)}
BREACH = (AGENCIES, CUSTOMERS)
DUTIES: Mapping[str, Sequence[Duty]] = {
    Kind.CANARY_FAILED: (FCC,),
    Kind.STOPS_FAILING: (FCC,),
    Kind.AFTER_STOP: (FCC, *BREACH, PARTNER),
    Kind.UNGATED: (*BREACH, PARTNER),
    Kind.NO_APPROVAL: (*BREACH, PARTNER),
    Kind.SUSPENDED: (*BREACH, PARTNER),
    Kind.CONTRADICTED: (*BREACH, PARTNER),
    Kind.BASIS_DOUBTFUL: (*BREACH, PARTNER),
    Kind.PARTNER_HAS: (PARTNER,),
    Kind.OVERDUE: (PARTNER,),
    Kind.NO_EVIDENCE: (PARTNER,),
    Kind.STAFF_BROWSING: BREACH,
    Kind.AUDIT_FAULT: BREACH,
}


def clocks_of(*, kind: str, opened_at: datetime) -> Sequence[Clock]:
    """The clocks that began when an incident of this kind was opened, the first to end first."""
    clocks = [Clock(duty, duty.due_at(opened_at)) for duty in DUTIES.get(kind, ())]
    return sorted(clocks, key=lambda clock: clock.due_at)


def next_due(*, kind: str, opened_at: datetime, done: Collection[str] = ()) -> datetime | None:
    """The first of them that is still to be done; None where none is."""
    return next((one.due_at for one in clocks_of(kind=kind, opened_at=opened_at) if one.duty.name not in done), None)
