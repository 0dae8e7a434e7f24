"""Keep how somebody of staff wants to be told of what waits for them."""

from collections.abc import Sequence
from datetime import datetime

from django.db import transaction

import audit.actions
from accounts.models import User
from accounts.policies.permissions import actor_of
from accounts.queries import StaffOnly, acting_staff
from support.models import NotificationChannel
from support.queries.notifications import NEEDED, get_choice


@transaction.atomic
def choose_notifications(
    *,
    user: User,
    is_on: bool,
    quiet_from: int,
    quiet_until: int,
    zone: str,
    left_out: Sequence[str],
    language: str,
    at: datetime,
) -> None:
    """Turn e-mails to an officer, an agent or the legal-process role on or off.

    What waits as they are turned on is not sent: the page shows it. `quiet_from`, `quiet_until`: hours of the
    day in `zone` ("America/Denver"), the same for none. `left_out`: kinds that no e-mail tells of. Raises StaffOnly.
    """
    if user.role not in NEEDED:
        raise StaffOnly
    name = acting_staff(actor=actor_of(user), action=NEEDED[user.role])
    chosen: dict[str, object] = {
        "is_on": is_on, "quiet_from": quiet_from, "quiet_until": quiet_until, "zone": zone, "left_out": list(left_out),
    }  # fmt: skip
    changes = audit.actions.describe_changes(was=get_choice(user=user), now=chosen)
    chosen["language"] = language
    if not NotificationChannel.objects.filter(user=user, is_on=True).update(**chosen):
        NotificationChannel.objects.update_or_create(user=user, defaults={**chosen, "told_at": at})
    audit.actions.record(
        action="notifications.chosen", actor=name, target=f"notifications:{user.pk}", at=at, detail=changes
    )
