"""Write down what staff look at, search and export; and when they were last at the dashboard.

Whoever looks at one subscriber says why (`look_reason`), and that subscriber's own log shows it.
"""

import hashlib
import uuid
from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import datetime

from django.conf import settings
from django.db import transaction

import audit.actions
from accounts.models import User
from accounts.policies.permissions import StaffAction, actor_of
from accounts.primitives.reasons import check_reason, remove_numbers
from accounts.queries import acting_staff
from audit.models import AuditEvent, Incident
from console.queries import staff
from console.queries.dashboard import last_visit
from console.queries.differences import FindingPage, finding_page
from console.queries.search import Hit, search_everything, sort_of
from disclosures.queries.anomaly_rows import IncidentRow
from partners.domain import keys
from partners.models import SigningKey
from support.actions.queue import find_case, record_search
from support.policies.reasons import look_reason
from support.queries import anomalies, team_metrics
from support.queries.timeline import SentPage, order_page
from support.queries.visible import find_incident


@transaction.atomic
def view_order(
    *, party_id: int, order_id: uuid.UUID, actor: str, kind: str, reason: str = "", at: datetime
) -> SentPage | None:
    """Show one order about one line, as it was sent; None where this partner has none of that id.

    The line is named by the partner's own name for it alone. Raises StaffOnly, NoReason.
    """
    name = acting_staff(actor=actor, action=StaffAction.SEE_SUBSCRIBERS_ORDERS)
    reason = look_reason(kind=kind, words=reason)
    page = order_page(party_id=party_id, order_id=order_id)
    if page is not None:
        audit.actions.record(
            action="order.seen", actor=name, target=f"order:{order_id}", at=at, line_id=page.line_id, reason=reason
        )
    return page


@transaction.atomic
def view_difference(
    *, run_id: uuid.UUID, finding_id: int, actor: str, kind: str, reason: str = "", at: datetime
) -> FindingPage | None:
    """Show one difference between a partner's books and ours; None where this comparison has none of that id.

    The line is named by the partner's own name for it alone. Raises StaffOnly, NoReason.
    """
    name = acting_staff(actor=actor, action=StaffAction.SEE_SUBSCRIBERS_ORDERS)
    reason = look_reason(kind=kind, words=reason)
    page = finding_page(run_id=run_id, finding_id=finding_id)
    if page is not None:
        audit.actions.record(
            action="difference.seen", actor=name, target=f"difference:{finding_id}", at=at,
            line_id=page.finding.row.line_id, reason=reason,
        )  # fmt: skip
    return page


@transaction.atomic
def view_incident_rows(
    *, incident_id: int, after: str, actor: str, kind: str, reason: str = "", at: datetime
) -> anomalies.RowsPage | None:
    """Show one page of the look-ups behind an incident; None where there is no such incident.

    `after`: what the page before says (`RowsPage.later`); "" for the first. Lines have codes. Every subscriber whose
    row is on the page finds the look in their own log. Raises StaffOnly, NoReason.
    """
    name = acting_staff(actor=actor, action=StaffAction.SEE_INCIDENTS_ROWS)
    reason = look_reason(kind=kind, words=reason)
    incident = find_incident(incident_id=incident_id, at=at)
    if incident is None:
        return None
    page, rows = anomalies.rows_page(incident=incident, after=after, at=at)
    _record_in_line_logs("anomaly.seen", incident_id, {one.line_id for one in rows}, name, reason, at)
    return page


@transaction.atomic
def export_incident_rows(
    *, incident_id: int, actor: str, kind: str, reason: str = "", at: datetime
) -> Iterator[str] | None:
    """Export all look-ups behind an incident. The audit trail and every subscriber's log record that.

    Each part is in the logs of its people before it is given out, once for each of them. Read it outside a transaction.
    Raises StaffOnly, NoReason.
    """
    name = acting_staff(actor=actor, action=StaffAction.SEE_INCIDENTS_ROWS)
    reason = look_reason(kind=kind, words=reason)
    incident = find_incident(incident_id=incident_id, at=at)
    if incident is None:
        return None
    audit.actions.record(
        action="export.taken", actor=name, target="export:anomalies", at=at, reason=reason,
        detail={"incident": incident_id},
    )  # fmt: skip
    return anomalies.as_csv(incident_id=incident_id, parts=_record_export(incident, name, reason, at))


def _record_export(incident: Incident, actor: str, reason: str, at: datetime) -> Iterator[Sequence[IncidentRow]]:
    rows = 0
    for part in anomalies.rows_in_parts(incident=incident, at=at):
        line_ids = {one.line_id for one in part}
        # Who is in an earlier part as well is told once.
        told = AuditEvent.objects.filter(action="anomaly.taken", actor=actor, at=at, line_id__in=line_ids)
        known = set(told.filter(detail__incident=incident.pk).values_list("line_id", flat=True))
        _record_in_line_logs("anomaly.taken", incident.pk, line_ids - known, actor, reason, at)
        rows += len(part)
        yield part
    audit.actions.record(
        action="export.given", actor=actor, target="export:anomalies", at=at, reason=reason,
        detail={"incident": incident.pk, "rows": rows},
    )  # fmt: skip


@transaction.atomic
def _record_in_line_logs(
    action: str, incident_id: int, line_ids: Collection[int], actor: str, reason: str, at: datetime
) -> None:
    details = {line_id: {"incident": incident_id} for line_id in line_ids}
    audit.actions.record_for_lines(action=action, actor=actor, at=at, details=details, reason=reason)


@transaction.atomic
def export_trail(
    *, rows: staff.Acts, criteria: Mapping[str, str], user: User, reason: str, at: datetime
) -> Iterator[str]:
    """Export these acts, as far as they happened until now; read the file outside a transaction.

    `criteria`: what they were narrowed to, by the names of the page. Raises StaffOnly, NoReason.
    """
    needed = StaffAction.SEE_DELAYED if user.role == User.Role.LEGAL else StaffAction.SEE_AUDIT
    name = acting_staff(actor=actor_of(user), action=needed)
    audit.actions.record(
        action="export.taken", actor=name, target="export:trail", at=at, reason=check_reason(reason),
        detail={"for": {label: remove_numbers(words) for label, words in criteria.items()}},
    )  # fmt: skip
    return _sign_lines(staff.as_csv(rows=rows.filter(at__lte=at), mark=team_metrics.mark_of(user=user, at=at)), at)


def _sign_lines(lines: Iterator[str], at: datetime) -> Iterator[str]:
    """Yield a file's lines, and one more with our signature over the SHA-256 of all bytes before it."""
    digest = hashlib.sha256()
    for line in lines:
        digest.update(line.encode())
        yield line
    claims = {"iss": settings.BASE_URL, "iat": int(at.timestamp()), "file": "audit log", "sha256": digest.hexdigest()}
    yield f"Signature: {keys.sign(use=SigningKey.Use.MANIFEST, claims=claims)}\r\n"


def search(*, asked: str, user: User, at: datetime) -> Sequence[Hit]:
    """Return what has these words. A case is found by its whole code alone, and the person whose it is finds that in
    their own log. Kept of the search is how many of each kind were found, not what was typed. Raises StaffOnly.
    """
    if not asked:
        return []
    case = find_case(asked=asked, user=user, at=at)
    cases = [Hit("case", case.code, str(case.get_kind_display()), "desk-case", (case.code,))] if case else []
    hits = [*cases, *search_everything(asked=asked, at=at)]
    found = {kind[0].upper() + kind[1:]: str(len(of_kind)) for kind, of_kind in sort_of(hits=hits).items()}
    record_search(where="Search", criteria=found, actor=actor_of(user), at=at, found=len(hits))
    return hits


def note_visit(*, user: User, at: datetime) -> datetime:
    """Note that they are here, and return when they were here before they signed in this time.

    It stays the same until they sign in again, however often they come back to the page.
    """
    if user.seen_at and user.last_login and user.seen_at < user.last_login:
        user.seen_before_at = user.seen_at
    user.seen_at = at
    user.save(update_fields=["seen_at", "seen_before_at"])
    return last_visit(user=user, at=at)
