"""Show staff for 15 minutes whose case it is, and protect lines of which two of staff must agree before that."""

from datetime import datetime, timedelta

from django.db import transaction
from django.utils.translation import gettext as _

import audit.actions
from accounts.policies.permissions import Action, StaffAction
from accounts.primitives.reasons import check_reason
from accounts.queries import acting_staff, require_logged_staff_act
from partners.actions import proposals
from partners.models import Proposal
from support.actions.cases import lock_case, record_case_act, require_line
from support.models import ProtectedLine, Reveal
from support.policies.lifecycle import NotNow
from support.policies.reasons import look_reason
from support.queries.names import takes_two


@transaction.atomic
def protect(*, code: str, reason: str, actor: str, at: datetime) -> None:
    """Protect the line of a case. Raises StaffOnly, NoReason, NotNow.

    In the log of the line for whoever uses it alone: no holder of its account is told.
    """
    name = acting_staff(actor=actor, action=StaffAction.PROTECT_LINES)
    why, line_id = check_reason(reason), require_line(ticket=lock_case(code=code, at=at))
    # Another may protect it in the same moment, from another case.
    _row, is_new = ProtectedLine.objects.get_or_create(
        line_id=line_id, ended_at__isnull=True, defaults={"reason": why, "by": name, "at": at}
    )
    if not is_new:
        raise NotNow(_("It is already protected."))
    _record_event("protection.began", line_id, name, why, at)


@transaction.atomic
def propose_end_of_protection(*, code: str, reason: str, actor: str, at: datetime) -> None:
    """Propose that one of staff alone may see whose line it is, a day after another officer agrees.

    What a safe contact or a separation protects stays so. Raises as `protect`.
    """
    why, line_id = check_reason(reason), require_line(ticket=lock_case(code=code, at=at))
    row = ProtectedLine.objects.filter(line_id=line_id, ended_at__isnull=True).first()
    if row is None:
        raise NotNow(_("No officer has protected this line."))
    proposals.propose(
        act=Proposal.Act.END_PROTECTION, of=Proposal.Of.PROTECTION, target_id=row.pk, payload={}, reason=why,
        actor=actor, at=at,
    )  # fmt: skip


@transaction.atomic
def end_protection(*, proposal: Proposal, at: datetime) -> None:
    """End what two officers agreed to end. Raises NotNow where it has ended meanwhile."""
    row = ProtectedLine.objects.select_for_update().filter(pk=proposal.target_id, ended_at__isnull=True).first()
    if row is None:
        raise NotNow(_("No officer has protected this line."))
    row.ended_at, row.ended_by = at, proposal.decided_by
    row.save(update_fields=["ended_at", "ended_by"])
    _record_event("protection.ended", row.line_id, proposal.decided_by, proposal.reason, at)


def _record_event(action: str, line_id: int, name: str, why: str, at: datetime) -> None:
    audit.actions.record(action=action, actor=name, target=f"line:{line_id}", at=at, line_id=line_id, reason=why)


LASTS = timedelta(minutes=15)


@transaction.atomic
def reveal(*, code: str, kind: str, reason: str = "", actor: str, at: datetime) -> Reveal:
    """Show the number and the holder's name to who asks, for 15 minutes; of a protected line once another agrees.

    In the person's own log at once. Asked again meanwhile, it is the same one, unless the line came to take two
    since. `kind`: a `LookKind`. Raises StaffOnly, NoReason, NotNow.
    """
    name = require_logged_staff_act(actor=actor, action=Action.SEE_UNDER_GLASS)
    acting_staff(actor=name, action=StaffAction.REVEAL_PERSON)
    ticket = lock_case(code=code, at=at)
    why = look_reason(kind=kind, words=reason, case=ticket.code)
    line_id, user_id = require_line(ticket=ticket), int(name.partition(":")[2])
    two = takes_two(line_id=line_id, at=at)
    mine = Reveal.objects.filter(ticket=ticket, user_id=user_id)
    if two:
        mine = mine.filter(two_needed=True)
    asks = list(mine.order_by("-asked_at")[:10])
    running = next((one for one in asks if _is_running(one, at)), None)
    if running is not None:
        return running
    made = Reveal.objects.create(
        ticket=ticket, user_id=user_id, line_id=line_id, reason=why, asked_at=at, two_needed=two,
        until=None if two else at + LASTS,
    )  # fmt: skip
    record_case_act(
        ticket=ticket, action="person.reveal_asked" if two else "person.revealed", actor=name, at=at, reason=why
    )
    return made


def _is_running(asked: Reveal, at: datetime) -> bool:
    return asked.is_waiting(at=at) or (asked.until is not None and asked.until > at)


@transaction.atomic
def agree_to_reveal(*, code: str, reveal_id: int, reason: str, actor: str, at: datetime) -> Reveal:
    """Say yes to what another of staff asked to see: they see it from now on, for 15 minutes.

    Raises StaffOnly, NoReason, and NotNow for one's own, and for what is agreed, over or not there.
    """
    name = require_logged_staff_act(actor=actor, action=Action.SEE_UNDER_GLASS)
    acting_staff(actor=name, action=StaffAction.WORK_TICKETS)
    why = check_reason(reason)
    rows = Reveal.objects.select_for_update(of=("self",)).select_related("user", "ticket")
    asked = rows.filter(pk=reveal_id, ticket__code=code).first()
    if asked is None or not asked.two_needed or not asked.is_waiting(at=at):
        raise NotNow(_("This request is no longer open."))
    second_id = int(name.partition(":")[2])
    if asked.user_id == second_id:
        raise NotNow(_("You asked for this, so someone else must approve it."))
    asked.second_id, asked.agreed_at, asked.until = second_id, at, at + LASTS
    asked.save(update_fields=["second", "agreed_at", "until"])
    record_case_act(ticket=asked.ticket, action="person.reveal_agreed", actor=name, at=at, reason=why)
    first = f"{asked.user.role}:{asked.user_id}"
    record_case_act(ticket=asked.ticket, action="person.revealed", actor=first, at=at, reason=asked.reason)
    return asked
