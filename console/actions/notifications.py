"""How an officer is told what waits for them, outside the console."""

from datetime import datetime

from django.db import transaction

import audit.actions
from accounts.models import User
from accounts.policies.permissions import StaffAction, actor_of
from accounts.queries import acting_staff
from support.models import NotificationChannel


@transaction.atomic
def choose_notifications(
    *, user: User, is_on: bool, quiet_from: int, quiet_until: int, zone: str, at: datetime
) -> None:
    """Turn an officer's e-mails on or off. What waits as they are turned on is not sent: the page shows it.

    `quiet_from`, `quiet_until`: hours of the day in `zone` ("America/Denver"), the same for none. Raises StaffOnly.
    """
    name = acting_staff(actor=actor_of(user), action=StaffAction.CHANGE_TERMS)
    chosen = {"is_on": is_on, "quiet_from": quiet_from, "quiet_until": quiet_until, "zone": zone}
    if not NotificationChannel.objects.filter(user=user, is_on=True).update(**chosen):
        NotificationChannel.objects.update_or_create(user=user, defaults={**chosen, "told_at": at})
    audit.actions.record(action="notifications.chosen", actor=name, target=f"notifications:{user.pk}", at=at)
