"""Two of staff must agree before one sees whose a line is: an officer says so, and two say that one is enough again."""

from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext as _

import audit.actions
from accounts.policies.permissions import StaffAction
from accounts.primitives.reasons import check_reason
from accounts.queries import acting_staff
from partners.actions import proposals
from partners.models import Proposal
from support.actions.cases import lock_case, of_somebody
from support.models import ProtectedLine
from support.policies.lifecycle import NotNow


@transaction.atomic
def protect(*, code: str, reason: str, actor: str, at: datetime) -> None:
    """Protect the line of a case. Raises NotForThem, NoReason, NotNow.

    In the log of the line for whoever uses it alone: no holder of its account is told.
    """
    name = acting_staff(actor=actor, action=StaffAction.PROTECT_LINES)
    why, line_id = check_reason(reason), of_somebody(ticket=lock_case(code=code))
    # Another may protect it in the same moment, from another case.
    _row, is_new = ProtectedLine.objects.get_or_create(
        line_id=line_id, ended_at__isnull=True, defaults={"reason": why, "by": name, "at": at}
    )
    if not is_new:
        raise NotNow(_("It is protected already."))
    _note("protection.began", line_id, name, why, at)


@transaction.atomic
def propose_end_of_protection(*, code: str, reason: str, actor: str, at: datetime) -> None:
    """Propose that one of staff alone may see whose line it is, a day after another officer agrees.

    What a safe contact or a separation protects stays so. Raises as `protect`.
    """
    why, line_id = check_reason(reason), of_somebody(ticket=lock_case(code=code))
    row = ProtectedLine.objects.filter(line_id=line_id, ended_at__isnull=True).first()
    if row is None:
        raise NotNow(_("No officer protects it."))
    proposals.propose(
        act=Proposal.Act.END_PROTECTION, of=Proposal.Of.PROTECTION, target_id=row.pk, payload={}, reason=why,
        actor=actor, at=at,
    )  # fmt: skip


@transaction.atomic
def end_protection(*, proposal: Proposal, at: datetime) -> None:
    """End what two officers agreed to end. Raises NotNow where it has ended meanwhile."""
    row = ProtectedLine.objects.select_for_update().filter(pk=proposal.target_id, ended_at__isnull=True).first()
    if row is None:
        raise NotNow(_("No officer protects it."))
    row.ended_at, row.ended_by = at, proposal.decided_by
    row.save(update_fields=["ended_at", "ended_by"])
    _note("protection.ended", row.line_id, proposal.decided_by, proposal.reason, at)


def _note(action: str, line_id: int, name: str, why: str, at: datetime) -> None:
    audit.actions.record(action=action, actor=name, target=f"line:{line_id}", at=at, line_id=line_id, reason=why)
