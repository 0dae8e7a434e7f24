"""What an officer does about an incident."""

from datetime import datetime

from django.db import transaction

import audit.actions
from accounts.permissions import StaffAction
from accounts.queries import NotForThem, acting_staff
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


@transaction.atomic
def assign_incident(*, incident_id: int, to: str, actor: str, reason: str, at: datetime) -> None:
    """Acknowledge an open incident, and say whose it is ("officer:7", whoever acts included).

    Raises NotForThem, also for somebody who could not close it; NoReason; NotNow where it is closed.
    """
    name = acting_staff(actor=actor, action=StaffAction.CLOSE_INCIDENT)
    if not reason.strip():
        raise NoReason("Say why: the reason is kept with every act.")
    try:
        theirs = acting_staff(actor=to, action=StaffAction.CLOSE_INCIDENT)
    except NotForThem as error:
        raise NotForThem("Choose an officer: nobody else may close it.") from error
    if not audit.actions.take_incident(incident_id=incident_id, assigned_to=theirs, actor=name, reason=reason, at=at):
        raise NotNow("It is closed. The same trouble again opens it anew.")
