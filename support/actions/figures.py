"""Take figures away: that a copy was taken is in the trail, and in the copy."""

from collections.abc import Iterator
from datetime import datetime

from django.db import transaction

import audit.actions
from accounts.models import User
from accounts.policies.permissions import StaffAction, actor_of
from accounts.queries import StaffOnly, acting_staff
from support.queries import team_metrics


@transaction.atomic
def export_figures(*, span: team_metrics.Span, user_id: int | None, user: User, at: datetime) -> Iterator[str]:
    """Export the figures of these days. `user_id`: of one colleague's cases only.

    Raises StaffOnly, also for others' figures where somebody neither leads nor audits the desk.
    """
    name = acting_staff(actor=actor_of(user), action=StaffAction.SEE_TICKETS)
    if user_id != user.pk and not team_metrics.sees_all(role=user.role):
        raise StaffOnly
    detail = {"since": span.since.isoformat(), "until": span.until.isoformat()}
    audit.actions.record(action="export.taken", actor=name, target="export:desk-figures", at=at, detail=detail)
    found = team_metrics.figures(span=span, user_id=user_id, at=at)
    return team_metrics.figures_csv(found=found, rates=user_id is None, mark=team_metrics.mark_of(user=user, at=at))


@transaction.atomic
def export_complaints(*, year: int, user: User, at: datetime) -> Iterator[str]:
    """Export the complaints of a year, for the certificate. Raises StaffOnly."""
    name = acting_staff(actor=actor_of(user), action=StaffAction.SEE_AUDIT)
    audit.actions.record(
        action="export.taken", actor=name, target="export:complaints", at=at, detail={"year": year}
    )  # fmt: skip
    found = team_metrics.complaints(year=year)
    return team_metrics.complaints_csv(year=year, found=found, mark=team_metrics.mark_of(user=user, at=at))
