"""Write down what was done, inside the transaction that does it."""

from collections.abc import Mapping
from datetime import datetime

from django.db.models import F

from audit.models import AuditEvent, Incident


def record(
    *,
    action: str,
    actor: str,
    target: str,
    at: datetime,
    line_id: int | None = None,
    reason: str = "",
    detail: Mapping[str, object] | None = None,
) -> None:
    """Append one event. `actor` and `target` are "kind:id", ids only; `line_id`: whose access log shows it."""
    AuditEvent.objects.create(
        action=action,
        actor=actor,
        target=target,
        at=at,
        line_id=line_id,
        reason=reason[:500],
        detail=dict(detail or {}),
    )


def record_for_lines(*, action: str, actor: str, at: datetime, details: Mapping[int, Mapping[str, object]]) -> None:
    """Append one event for each line, each shown in its own access log. `details`: by line id."""
    AuditEvent.objects.bulk_create(
        AuditEvent(
            action=action, actor=actor, target=f"line:{line_id}", at=at, line_id=line_id, detail=dict(details[line_id])
        )
        for line_id in sorted(details)
    )


def open_incident(*, kind: str, key: str, subject: str, at: datetime, count: int = 1) -> bool:
    """Open an incident, or add `count` to the one under this kind and key; one that was closed is open again.

    Returns whether it was not open before.
    """
    known, created = Incident.objects.get_or_create(
        kind=kind, key=key, defaults={"subject": subject, "opened_at": at, "count": count}
    )
    if created:
        return True
    again = Incident.objects.filter(pk=known.pk, closed_at__isnull=False).update(closed_at=None, opened_at=at)
    Incident.objects.filter(pk=known.pk).update(count=F("count") + count)
    if again:
        record(action="incident.reopened", actor="system:incidents", target=f"incident:{known.pk}", at=at)
    return bool(again)


def close_incident(*, incident_id: int, actor: str, reason: str, at: datetime) -> bool:
    """Close an incident that is open. Returns whether it was."""
    closed = Incident.objects.filter(pk=incident_id, closed_at__isnull=True).update(closed_at=at)
    if closed:
        record(action="incident.closed", actor=actor, target=f"incident:{incident_id}", at=at, reason=reason)
    return bool(closed)
