"""Which state of a ticket may follow which, and what else moves with it.

`NEXT` says the same as the database's trigger `support_ticket_moves`; a test holds the two together.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from django.db.models import Q
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from audit.primitives.business_days import after_business_days, before_business_days
from support.models import Ticket
from support.models.tickets import STATES_UNDER_WAY

State, Kind, Priority = Ticket.State, Ticket.Kind, Ticket.Priority
NEXT: Mapping[Ticket.State, frozenset[Ticket.State]] = {
    State.OPEN: frozenset({State.WAITING, State.PARTNER, State.SOLVED, State.MERGED}),
    State.WAITING: frozenset({State.OPEN, State.PARTNER, State.SOLVED, State.MERGED}),
    State.PARTNER: frozenset({State.OPEN, State.WAITING, State.SOLVED, State.MERGED}),
    State.SOLVED: frozenset({State.OPEN, State.CLOSED}),
    State.CLOSED: frozenset({State.OPEN}),
    State.MERGED: frozenset(),
}
# Somebody waits for us, or for whom we asked.
CLOCK_RUNS = (State.OPEN, State.PARTNER)
UNDER_WAY = tuple(map(State, STATES_UNDER_WAY))
DONE = (State.SOLVED, State.CLOSED, State.MERGED)
# How long an answer waits for the person's word before the case is closed.
CLOSES_AFTER = timedelta(days=14)
# Whose business days: where the carrier's privacy office and the agencies are.
ZONE = ZoneInfo("America/New_York")
# Business days within which a person has our answer.
DAYS: Mapping[Ticket.Kind, int] = {
    Kind.DISPUTE: 10,
    Kind.STILL_HAVE: 10,
    Kind.LOOK_UP: 5,
    Kind.CHOICE: 5,
    Kind.ORDER: 5,
    Kind.OTHER: 5,
    Kind.SIGN_IN: 1,
    Kind.INCIDENT: 5,
    Kind.OVERDUE: 3,
    Kind.PARTIAL: 5,
}
AT_MOST: Mapping[Ticket.Priority, int] = {Priority.URGENT: 1, Priority.HIGH: 3}
# So long a case waits for what its person says.
WAITS = timedelta(days=14)


NOBODY_READS = gettext_lazy(
    "This case is about no person: nobody would read an answer. Write a note, or say on the incident's own page what"
    " was done."
)


class NotNow(Exception):
    """A ticket in this state does not go there."""


def due_at(*, kind: str, at: datetime, priority: int = Priority.NORMAL) -> datetime:
    """By when a ticket of this kind that came then is to be answered, in business days; sooner for what is urgent."""
    return after_business_days(start=at, days=days_of(kind=kind, priority=priority), zone=ZONE)


def days_of(*, kind: str, priority: int) -> int:
    """Within how many business days such a ticket is to be answered."""
    days = DAYS[Kind(kind)]
    return min(days, AT_MOST.get(Priority(priority), days))


def is_late(*, ticket: Ticket, at: datetime) -> bool:
    """Return whether its person waits for us, or for whom we asked, longer than until its date."""
    return ticket.state in CLOCK_RUNS and ticket.due_at < at


def late(*, at: datetime) -> Q:
    """Filter the tickets that are late: as `is_late` says of one."""
    return Q(state__in=CLOCK_RUNS, due_at__lt=at)


def clock_began(*, ticket: Ticket) -> datetime:
    """Return when the clock that ends at a ticket's date began: as it was opened, or became ours again since.

    The date tells: it is so many business days later.
    """
    days = days_of(kind=ticket.kind, priority=ticket.priority)
    return max(ticket.opened_at, before_business_days(end=ticket.due_at, days=days, zone=ZONE))


def raise_priority(*, ticket: Ticket, priority: Ticket.Priority, at: datetime) -> None:
    """Set a locked ticket's priority, and its date where that makes it an earlier one; does not save.

    A date that its person was told never moves back.
    """
    ticket.priority = priority
    if ticket.state in CLOCK_RUNS:
        ticket.due_at = min(ticket.due_at, due_at(kind=ticket.kind, priority=priority, at=at))


def move(*, ticket: Ticket, to: Ticket.State, at: datetime) -> None:
    """Set a locked ticket's state and what goes with it; does not save. Raises NotNow.

    While it waits for the person it is due when that wait is over; once it is ours again its clock starts anew.
    """
    was = Ticket.State(ticket.state)
    if to not in NEXT[was]:
        raise NotNow(_("A case that is “%(was)s” can't become “%(to)s”.") % {"was": was.label, "to": to.label})
    if was in DONE and to == State.OPEN:
        ticket.reopened += 1
    if to == State.WAITING:
        ticket.due_at = at + WAITS
    elif to in UNDER_WAY and was in (State.WAITING, *DONE):
        ticket.due_at = due_at(kind=ticket.kind, priority=ticket.priority, at=at)
    ticket.state, ticket.last_at = to, at
    ticket.solved_at = _solved_at(ticket, to, at)
    ticket.closed_at = at if to == State.CLOSED else None


def _solved_at(ticket: Ticket, to: Ticket.State, at: datetime) -> datetime | None:
    if to == State.SOLVED:
        return at
    return ticket.solved_at if to == State.CLOSED else None


def restart_answer_clock(*, ticket: Ticket, at: datetime) -> None:
    """Count from this answer in a locked case, which otherwise stays as the answer before left it.

    Does not save.
    """
    if ticket.state == State.WAITING:
        ticket.due_at = at + WAITS
    else:
        ticket.solved_at = at
