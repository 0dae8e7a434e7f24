"""What an officer does about an incident."""

from datetime import datetime

from django.db import transaction

import audit.actions
from accounts.permissions import StaffAction
from accounts.queries import acting_staff
from disclosures.actions import NoReason
from partners.lifecycle import NotNow


@transaction.atomic
def close_incident(*, incident_id: int, actor: str, reason: str, at: datetime) -> None:
    """Say that an incident is over, and why. The same trouble again opens it anew.

    Raises NotForThem, NoReason, and NotNow where it is closed already.
    """
    name = acting_staff(actor=actor, action=StaffAction.CLOSE_INCIDENT)
    if not reason.strip():
        raise NoReason("Say why: the reason is kept with every act.")
    if not audit.actions.close_incident(incident_id=incident_id, actor=name, reason=reason, at=at):
        raise NotNow("It is closed already.")
