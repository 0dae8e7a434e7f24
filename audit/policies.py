"""By when an incident may have to be reported, and to whom. Requirements as we read them, not legal advice."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

from audit.models import Incident
from audit.primitives.business_days import after_business_days

Kind = Incident.Kind
# Where the agencies are that are to be told.
ZONE = ZoneInfo("America/New_York")
# Trouble that goes on has clocks of its own each week, and at once where a duty was done before: what somebody was told
# speaks of nothing that came later. More often would bury officers in dates.
ANEW_AFTER = timedelta(days=7)
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
        """Return the last moment for an incident opened then; its day is the same in UTC as where the agencies are.

        Late in the evening there it is the next day in UTC already, which would be read as a day more.
        """
        if self.business:
            due = after_business_days(start=opened_at, days=self.days, zone=ZONE)
        else:
            due = opened_at + timedelta(days=self.days)
        return min(due, datetime.combine(due.astimezone(ZONE).date(), LAST_MINUTE, UTC))


@dataclass(frozen=True)
class Clock:
    """A duty, since when it counts for one incident, and its last moment."""

    duty: Duty
    began_at: datetime

    @property
    def due_at(self) -> datetime:
        """By when it is to be done."""
        return self.duty.due_at(self.began_at)

    @property
    def what(self) -> str:
        """What may have to be told to whom."""
        return self.duty.what

    @property
    def source(self) -> str:
        """Where that is written."""
        return self.duty.source


FCC = Duty("fcc", "Notify the FCC, if opting out keeps failing", "47 CFR 64.2009(f)", 5)
AGENCIES = Duty("agencies", "If it is a breach: notify the agencies", "47 CFR 64.2011", 7)
CUSTOMERS = Duty("customers", "If it is a breach: notify the customers", "47 CFR 64.2011", 30, business=False)
PARTNER = Duty("partner", "Notify the partner in writing, with a deadline to fix it", "our own rule", 5)
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
    Kind.OUR_BREACH: BREACH,
    Kind.PARTNER_BREACH: (*BREACH, PARTNER),
    Kind.STAFF_BROWSING: BREACH,
    Kind.AUDIT_FAULT: BREACH,
}
# What somebody may report that no program sees: a stolen laptop, a partner's letter, an outage of the whole house.
REPORTED = (Kind.OUR_BREACH, Kind.PARTNER_BREACH, Kind.STOPS_FAILING)


def get_clock_restart(*, kind: str, at: datetime) -> datetime | None:
    """Return from when on what is found again has its own clocks, where the newest began `at`; None for no clocks."""
    return at + ANEW_AFTER if kind in DUTIES else None


def list_running_clocks(*, kind: str, begun: Sequence[datetime], done_at: Mapping[str, datetime]) -> Sequence[Clock]:
    """Return the clocks that run, the first to end first. `begun`: when they began, each time, the oldest first.

    `done_at`: when it was written down that a duty was done, which it is for all that had begun by then. Of a duty
    that was never done in between two run: the oldest, which binds, and the newest.
    """
    clocks = [
        Clock(duty, moment)
        for duty in DUTIES.get(kind, ())
        for since in [[one for one in begun if duty.name not in done_at or one > done_at[duty.name]]]
        for moment in since[:1] + since[1:][-1:]
    ]
    return sorted(clocks, key=lambda clock: clock.due_at)


def get_next_deadline(
    *, kind: str, begun: Sequence[datetime], done_at: Mapping[str, datetime] | None = None
) -> datetime | None:
    """Return the last moment of the first of them; None where none runs."""
    return next((one.due_at for one in list_running_clocks(kind=kind, begun=begun, done_at=done_at or {})), None)
