"""Staff's looks at one subscriber: each with its reason, and in that subscriber's own log."""

import uuid
from datetime import datetime

from django.db import transaction

import audit.actions
from accounts.permissions import StaffAction
from accounts.queries import acting_staff
from disclosures.actions import NoReason
from support.oversight.differences import FindingPage, finding_page
from support.oversight.timeline import SentPage, order_page


@transaction.atomic
def look_at_order(*, party_id: int, order_id: uuid.UUID, actor: str, reason: str, at: datetime) -> SentPage | None:
    """One order about one line, as it was sent; None where this partner has none of that id.

    The line is named by the partner's own name for it alone. Raises NotForThem, NoReason.
    """
    name = acting_staff(actor=actor, action=StaffAction.SEE_SUBSCRIBERS_ORDERS)
    if not reason.strip():
        raise NoReason("Say why: the reason is kept with every act.")
    page = order_page(party_id=party_id, order_id=order_id)
    if page is not None:
        audit.actions.record(
            action="order.seen", actor=name, target=f"order:{order_id}", at=at, line_id=page.line_id, reason=reason
        )
    return page


@transaction.atomic
def look_at_difference(
    *, run_id: uuid.UUID, finding_id: int, actor: str, reason: str, at: datetime
) -> FindingPage | None:
    """One difference between a partner's books and ours; None where this comparison has none of that id.

    The line is named by the partner's own name for it alone. Raises NotForThem, NoReason.
    """
    name = acting_staff(actor=actor, action=StaffAction.SEE_SUBSCRIBERS_ORDERS)
    if not reason.strip():
        raise NoReason("Say why: the reason is kept with every act.")
    page = finding_page(run_id=run_id, finding_id=finding_id)
    if page is not None:
        audit.actions.record(
            action="difference.seen", actor=name, target=f"difference:{finding_id}", at=at,
            line_id=page.finding.row.line_id, reason=reason,
        )  # fmt: skip
    return page
