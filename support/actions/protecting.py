"""An officer says that two of staff must agree before one sees whose a line is, or that one is enough again."""

from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext as _

import audit.actions
from accounts.permissions import StaffAction
from accounts.queries import acting_staff
from accounts.reasons import check_reason
from support.actions.cases import locked, of_somebody
from support.lifecycle import NotNow
from support.models import ProtectedLine


@transaction.atomic
def protect(*, code: str, reason: str, actor: str, at: datetime) -> None:
    """Protect the line of a case. Raises NotForThem, NoReason, NotNow.

    In the log of the line for whoever uses it alone: no holder of its account is told.
    """
    name = acting_staff(actor=actor, action=StaffAction.PROTECT_LINES)
    why, line_id = check_reason(reason), of_somebody(ticket=locked(code=code))
    # Another may protect it in the same moment, from another case.
    _row, is_new = ProtectedLine.objects.get_or_create(
        line_id=line_id, ended_at__isnull=True, defaults={"reason": why, "by": name, "at": at}
    )
    if not is_new:
        raise NotNow(_("It is protected already."))
    _note("protection.began", line_id, name, why, at)


@transaction.atomic
def unprotect(*, code: str, reason: str, actor: str, at: datetime) -> None:
    """End an officer's protection, a day from now; what a safe contact or a separation protects stays so.

    Raises as `protect`.
    """
    name = acting_staff(actor=actor, action=StaffAction.PROTECT_LINES)
    why, line_id = check_reason(reason), of_somebody(ticket=locked(code=code))
    ended = ProtectedLine.objects.filter(line_id=line_id, ended_at__isnull=True).update(ended_at=at, ended_by=name)
    if not ended:
        raise NotNow(_("No officer protects it."))
    _note("protection.ended", line_id, name, why, at)


def _note(action: str, line_id: int, name: str, why: str, at: datetime) -> None:
    audit.actions.record(action=action, actor=name, target=f"line:{line_id}", at=at, line_id=line_id, reason=why)
