"""Lines of the carrier's own test account, put at real partners to find out false receipts."""

from datetime import datetime

from django.conf import settings
from django.db import transaction

import audit.actions
from accounts.models import Line
from accounts.policies.permissions import StaffAction
from accounts.primitives.reasons import check_reason
from accounts.queries import acting_staff
from partners.policies.lifecycle import NotNow
from support.models import CarrierTestLine


@transaction.atomic
def mark_test_line(*, carrier_id: str, actor: str, reason: str, at: datetime) -> CarrierTestLine:
    """Watch a line of ours, by the carrier's id, for what partners sign about it.

    Only a line of an account of TEST_ACCOUNTS; of any other nothing is said, not even that it is there. Raises
    StaffOnly, NoReason, NotNow.
    """
    name = acting_staff(actor=actor, action=StaffAction.CHANGE_TERMS)
    reason = check_reason(reason)
    line = Line.objects.filter(
        carrier_id=carrier_id, account__carrier_id__in=settings.TEST_ACCOUNTS, deactivated_at__isnull=True
    ).first()
    if line is None:
        raise NotNow("No line with this ID is in our test accounts (TEST_ACCOUNTS).")
    seed, new = CarrierTestLine.objects.get_or_create(
        line_id=line.pk, ended_at=None, defaults={"marked_at": at, "marked_by": name, "about": reason[:500]}
    )
    if not new:
        raise NotNow("It is already a test line.")
    audit.actions.record(
        action="test_line.marked", actor=name, target=f"test_line:{seed.pk}", at=at, line_id=line.pk, reason=reason
    )
    return seed


@transaction.atomic
def end_test_line(*, seed_id: int, actor: str, reason: str, at: datetime) -> None:
    """Watch it no more. Its incidents stay. Raises StaffOnly, NoReason, and NotNow where it is not watched."""
    name = acting_staff(actor=actor, action=StaffAction.CHANGE_TERMS)
    reason = check_reason(reason)
    seed = CarrierTestLine.objects.select_for_update().filter(pk=seed_id, ended_at__isnull=True).first()
    if seed is None:
        raise NotNow("It is not a test line.")
    seed.ended_at = at
    seed.save(update_fields=["ended_at"])
    audit.actions.record(
        action="test_line.ended", actor=name, target=f"test_line:{seed.pk}", at=at, line_id=seed.line_id, reason=reason
    )
