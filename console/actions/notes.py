"""Keep an officer's notes on a company, contract or campaign, and how they want to be told of what waits for them."""

from collections.abc import Sequence
from datetime import date, datetime

from django.db import transaction

import audit.actions
from accounts.models import User
from accounts.policies.permissions import StaffAction, actor_of
from accounts.primitives.reasons import check_reason
from accounts.queries import StaffOnly, acting_staff
from partners.policies.lifecycle import NotNow
from support.models import NotificationChannel


@transaction.atomic
def add_note(
    *,
    of: str,
    target_id: int,
    note: str,
    owner: str | None,
    remind_on: date | str | None,
    mentions: Sequence[str] = (),
    actor: str,
    at: datetime,
) -> None:
    """Add a note to the history of a company, contract or campaign.

    `owner`: the officer who looks after it from now on ("officer:7"), "" for nobody, None for whoever it was before.
    `remind_on`: from which day on the dashboard reminds officers of a contract, "" for never, None for what was set
    before. `mentions`: officers whose notifications list the note. Raises StaffOnly, NoReason, and NotNow for a day
    that has passed.
    """
    name = acting_staff(actor=actor, action=StaffAction.CHANGE_TERMS)
    detail: dict[str, object] = {"mentions": [_officer(one) for one in mentions]} if mentions else {}
    if owner is not None:
        detail["owner"] = _officer(owner) if owner else ""
    if isinstance(remind_on, date):
        if remind_on <= at.date():
            raise NotNow("Choose a day after today.")
        detail["remind_on"] = f"{remind_on.isoformat()}T00:00:00+00:00"
    elif remind_on is not None:
        detail["remind_on"] = ""
    audit.actions.record(
        action=f"{of}.noted", actor=name, target=f"{of}:{target_id}", at=at, reason=check_reason(note), detail=detail
    )


def _officer(owner: str) -> str:
    try:
        return acting_staff(actor=owner, action=StaffAction.CHANGE_TERMS)
    except StaffOnly as error:
        raise StaffOnly("Choose an officer.") from error


@transaction.atomic
def choose_notifications(
    *, user: User, is_on: bool, quiet_from: int, quiet_until: int, zone: str, at: datetime
) -> None:
    """Turn e-mails to an officer, or to the legal-process role, on or off.

    What waits as they are turned on is not sent: the page shows it. `quiet_from`, `quiet_until`: hours of the
    day in `zone` ("America/Denver"), the same for none. Raises StaffOnly.
    """
    needed = StaffAction.SEE_DELAYED if user.role == User.Role.LEGAL else StaffAction.CHANGE_TERMS
    name = acting_staff(actor=actor_of(user), action=needed)
    chosen = {"is_on": is_on, "quiet_from": quiet_from, "quiet_until": quiet_until, "zone": zone}
    if not NotificationChannel.objects.filter(user=user, is_on=True).update(**chosen):
        NotificationChannel.objects.update_or_create(user=user, defaults={**chosen, "told_at": at})
    audit.actions.record(action="notifications.chosen", actor=name, target=f"notifications:{user.pk}", at=at)
