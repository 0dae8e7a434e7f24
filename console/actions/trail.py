"""Take away who of staff did what: that it was taken, and why, is in the trail, and in the file."""

from collections.abc import Iterator, Mapping
from datetime import datetime

from django.db import transaction

import audit.actions
from accounts.models import User
from accounts.policies.permissions import StaffAction, actor_of
from accounts.primitives.reasons import check_reason, without_numbers
from accounts.queries import acting_staff
from console.queries import staff
from support.queries import team_metrics


@transaction.atomic
def take_trail(*, rows: staff.Acts, said: Mapping[str, str], user: User, reason: str, at: datetime) -> Iterator[str]:
    """These acts as a file, as far as they happened until now; read it outside a transaction.

    `said`: what they were narrowed to, by the names of the page. Raises NotForThem, NoReason.
    """
    needed = StaffAction.SEE_DELAYED if user.role == User.Role.LEGAL else StaffAction.SEE_AUDIT
    name = acting_staff(actor=actor_of(user), action=needed)
    audit.actions.record(
        action="export.taken", actor=name, target="export:trail", at=at, reason=check_reason(reason),
        detail={"for": {label: without_numbers(words) for label, words in said.items()}},
    )  # fmt: skip
    return staff.as_csv(rows=rows.filter(at__lte=at), mark=team_metrics.mark_of(user=user, at=at))
