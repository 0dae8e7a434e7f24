"""Record each act of staff on a case: look at it, move it, say how urgent it is, escalate it, export it.

Whoever exports figures is in the trail too, and named in the copy.
"""

from collections.abc import Iterator
from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext as _

import audit.actions
from accounts.models import User
from accounts.policies.permissions import Action, StaffAction, actor_of
from accounts.primitives.reasons import check_reason
from accounts.queries import StaffOnly, acting_staff, require_logged_staff_act
from support.domain.tickets import append_event
from support.models import Ticket
from support.policies.lifecycle import DONE, UNDER_WAY, NotNow, move, raise_priority
from support.policies.thread_events import ESCALATED, MOVED, PRIORITY_SET, describe_event
from support.queries import team_metrics
from support.queries.case import Case, case_of
from support.queries.pending_tickets import is_answered
from support.queries.visible import visible_tickets

State = Ticket.State


@transaction.atomic
def see_case(*, code: str, actor: str, at: datetime) -> Case | None:
    """Show one case with all that is known about it; None where there is none of that code. Raises StaffOnly.

    The person finds every look in their own log, under the case's code.
    """
    ticket = see_ticket(code=code, actor=actor, at=at)
    return case_of(ticket=ticket, reader=actor, at=at) if ticket is not None else None


@transaction.atomic
def see_ticket(*, code: str, actor: str, at: datetime) -> Ticket | None:
    """Show the form of an act on a case, as `see_case` but with the ticket alone. Raises StaffOnly."""
    name = acting_staff(actor=actor, action=StaffAction.SEE_TICKETS)
    ticket = visible_tickets(at=at).select_related("assignee", "merged_into").filter(code=code).first()
    if ticket is not None:
        record_case_view(ticket=ticket, actor=name, at=at)
    return ticket


@transaction.atomic
def export_case(*, code: str, reason: str, actor: str, at: datetime) -> Case | None:
    """Export a case, with the person masked whatever was revealed. Raises StaffOnly, NoReason."""
    name = acting_staff(actor=actor, action=StaffAction.SEE_TICKETS)
    why = check_reason(reason)
    ticket = visible_tickets(at=at).select_related("assignee", "merged_into").filter(code=code).first()
    if ticket is None:
        return None
    if ticket.line_id is not None:
        require_logged_staff_act(actor=name, action=Action.SEE_UNDER_GLASS)
    record_case_act(ticket=ticket, action="case.exported", actor=name, at=at, reason=why)
    return case_of(ticket=ticket, reader="", at=at)


@transaction.atomic
def move_case(*, code: str, to: Ticket.State, reason: str, actor: str, at: datetime) -> None:
    """Wait for a partner, take it up again, or, once it is answered, wait for the person or call it solved.

    Raises StaffOnly, NoReason, NotNow.
    """
    name, ticket = lock_case_for_staff(code=code, actor=actor, at=at)
    why = check_reason(reason)
    if to not in (*UNDER_WAY, State.SOLVED):
        raise NotNow(_("You can't merge or close a case here."))
    if to == State.SOLVED and not is_answered(ticket=ticket):
        raise NotNow(_("Write the answer first. A case is solved when the person can read our answer."))
    if to == State.WAITING and not is_answered(ticket=ticket):
        raise NotNow(_("Write to the person first. Until they hear from us, the case waits for us."))
    was = str(ticket.state)
    move(ticket=ticket, to=to, at=at)
    ticket.save()
    append_event(ticket=ticket, body=describe_event(MOVED, state=State(to).label, why=why), author=name, at=at)
    record_case_act(
        ticket=ticket, action="ticket.moved", actor=name, at=at, reason=why, detail={"to": str(to), "was": was}
    )


@transaction.atomic
def set_priority(*, code: str, priority: Ticket.Priority, reason: str, actor: str, at: datetime) -> None:
    """Say how urgent a case is, which may bring its date nearer. Raises StaffOnly, NoReason, NotNow."""
    name, ticket = lock_case_for_staff(code=code, actor=actor, at=at)
    why = check_reason(reason)
    was = Ticket.Priority(ticket.priority)
    if was == priority:
        raise NotNow(_("It already has that state."))
    raise_priority(ticket=ticket, priority=priority, at=at)
    ticket.last_at = at
    ticket.save(update_fields=["priority", "due_at", "last_at"])
    append_event(
        ticket=ticket,
        body=describe_event(PRIORITY_SET, was=was.label, priority=priority.label, why=why),
        author=name,
        at=at,
    )
    record_case_act(
        ticket=ticket, action="ticket.priority_set", actor=name, at=at, reason=why,
        detail={"to": int(priority), "was": int(was)},
    )  # fmt: skip


@transaction.atomic
def escalate(*, code: str, reason: str, actor: str, at: datetime) -> None:
    """Hand a case up to the privacy office, for whoever of it takes it first. Raises StaffOnly, NoReason, NotNow."""
    name, ticket = lock_case_for_staff(code=code, actor=actor, at=at)
    why = check_reason(reason)
    if ticket.state in DONE:
        raise NotNow(_("This case is done. Reopen it first."))
    if ticket.escalated_at is not None:
        raise NotNow(_("The privacy office already has it."))
    ticket.escalated_at, ticket.last_at = at, at
    ticket.assignee, ticket.claimed_at = None, None
    raise_priority(ticket=ticket, priority=Ticket.Priority(min(ticket.priority, Ticket.Priority.HIGH)), at=at)
    ticket.save(update_fields=["escalated_at", "last_at", "assignee", "claimed_at", "priority", "due_at"])
    append_event(ticket=ticket, body=describe_event(ESCALATED, why=why), author=name, at=at)
    record_case_act(ticket=ticket, action="ticket.escalated", actor=name, at=at, reason=why)


def record_case_view(*, ticket: Ticket, actor: str, at: datetime) -> None:
    """Write a look at a case into the trail, and its person's own log, whatever page of it was opened.

    Raises StaffOnly.
    """
    if ticket.line_id is not None:
        require_logged_staff_act(actor=actor, action=Action.SEE_UNDER_GLASS)
    record_case_act(ticket=ticket, action="case.seen", actor=actor, at=at)


def lock_case_for_staff(*, code: str, actor: str, at: datetime) -> tuple[str, Ticket]:
    """Who acts, and the case, locked until the transaction ends. Raises StaffOnly, and NotNow for one that is gone."""
    name = acting_staff(actor=actor, action=StaffAction.WORK_TICKETS)
    return name, lock_case(code=code, at=at)


def lock_case(*, code: str, at: datetime) -> Ticket:
    """Lock a case until the transaction ends. Raises NotNow where there is none, or it was merged."""
    ticket = visible_tickets(at=at).select_for_update(of=("self",)).filter(code=code).first()
    if ticket is None:
        raise NotNow(_("There is no such case."))
    if ticket.state == State.MERGED:
        raise NotNow(_("It was merged into another case. Work on that one."))
    return ticket


def require_line(*, ticket: Ticket) -> int:
    """Get the line of a case. Raises NotNow where it is nobody's."""
    if ticket.line_id is None:
        raise NotNow(_("This case isn't about one line."))
    return ticket.line_id


def record_case_act(
    *, ticket: Ticket, action: str, actor: str, at: datetime, reason: str = "", detail: dict[str, object] | None = None
) -> None:
    """Write what staff did on a case into the trail, and into its person's own log: the case's code, then why."""
    why = f"{ticket.code}: {reason}" if reason else ticket.code
    audit.actions.record(
        action=action, actor=actor, target=f"ticket:{ticket.code}", at=at, line_id=ticket.line_id, reason=why,
        detail=detail,
    )  # fmt: skip


@transaction.atomic
def export_figures(*, span: team_metrics.Span, user_id: int | None, user: User, at: datetime) -> Iterator[str]:
    """Export the figures of these days. `user_id`: of one colleague's cases only.

    Raises StaffOnly, also for others' figures where somebody neither leads nor audits the desk.
    """
    name = acting_staff(actor=actor_of(user), action=StaffAction.SEE_TICKETS)
    if user_id != user.pk and not team_metrics.sees_all(role=user.role):
        raise StaffOnly
    detail = {"since": span.since.isoformat(), "until": span.until.isoformat()}
    audit.actions.record(action="export.taken", actor=name, target="export:desk-figures", at=at, detail=detail)
    found = team_metrics.figures(span=span, user_id=user_id, at=at)
    return team_metrics.figures_csv(found=found, rates=user_id is None, mark=team_metrics.mark_of(user=user, at=at))


@transaction.atomic
def export_complaints(*, year: int, user: User, at: datetime) -> Iterator[str]:
    """Export the complaints of a year, for the certificate. Raises StaffOnly."""
    name = acting_staff(actor=actor_of(user), action=StaffAction.SEE_AUDIT)
    audit.actions.record(
        action="export.taken", actor=name, target="export:complaints", at=at, detail={"year": year}
    )  # fmt: skip
    found = team_metrics.complaints(year=year, at=at)
    return team_metrics.complaints_csv(year=year, found=found, mark=team_metrics.mark_of(user=user, at=at))
