"""Write down what was done, inside the transaction that does it."""

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any
from uuid import UUID, uuid4

from django.db import connection, transaction

from audit.models import AuditEvent, Incident, IncidentLine
from audit.policies import DUTIES, get_clock_restart, get_next_deadline
from audit.queries import CHAINS, list_clock_starts, list_completed_duties

EVENT = """
INSERT INTO audit_auditevent (chain, seq, at, action, actor, target, line_id, reason, detail, prev_hash, hash)
VALUES (0, 0, %s, %s, %s, %s, %s, %s, %s::jsonb, '', '')
"""
# A person's click, an import and a rotation of keys may each append several: all take the chains' heads in one order.
EVENTS = """
INSERT INTO audit_auditevent (chain, seq, at, action, actor, target, line_id, reason, detail, prev_hash, hash)
SELECT 0, 0, told.at, told.action, told.actor, told.target, NULL, told.reason, told.detail, '', ''
FROM unnest(%s::timestamptz[], %s::text[], %s::text[], %s::text[], %s::text[], %s::jsonb[]) WITH ORDINALITY
    AS told (at, action, actor, target, reason, detail, place)
ORDER BY hashtext(told.target)::bigint & 15, told.place
"""
# The same of many lines: a feed appends one for each, so that what is alike is said once.
OF_LINES = """
INSERT INTO audit_auditevent (chain, seq, at, action, actor, target, line_id, reason, detail, prev_hash, hash)
SELECT 0, 0, %s, %s, %s, 'line:' || told.line_id, told.line_id, %s, told.detail, '', ''
FROM unnest(%s::bigint[], %s::text[]::jsonb[]) WITH ORDINALITY AS told (line_id, detail, place)
ORDER BY told.place
"""
# One statement whatever there is: whether a number is a line of ours must not be told by how many there are.
DAILY = """
INSERT INTO audit_auditevent (chain, seq, at, action, actor, target, line_id, reason, detail, prev_hash, hash)
SELECT 0, 0, %(at)s, %(action)s::text, %(actor)s::text, %(target)s::text, %(line)s, '', %(detail)s::jsonb, '', ''
WHERE %(line)s > 0 AND NOT EXISTS (
    SELECT FROM audit_auditevent known
    WHERE known.line_id = %(line)s AND known.at > %(at)s - interval '24 hours' AND known.action = %(action)s
        AND known.actor = %(actor)s AND known.target = %(target)s)
"""
# What moves as an incident opens anew, or its clocks do.
MOVED = ("opened_at", "acknowledged_at", "assigned_to", "closed_at", "due_at", "renewed_at", "anew_from")
KEPT_AT_ONCE = 5_000
NO_LONGER = "Newer records show that this is no longer true."


@dataclass(frozen=True)
class IncidentCount:
    """How often something is so now, under one kind and key.

    `grown_at`: when something of that was last found to go further than was known, though it counts no more.
    """

    kind: str
    key: str
    subject: str
    count: int
    grown_at: datetime | None = None


@dataclass(frozen=True)
class Event:
    """Something done that is no line's. `actor` and `target` are "kind:id", ids only."""

    action: str
    actor: str
    target: str
    at: datetime
    reason: str = ""
    detail: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True)
class Release:
    """A release that an incident is about, by ids alone."""

    line_id: int
    disclosure_id: UUID
    occurred_at: datetime


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
    said = json.dumps(dict(detail or {}))
    with connection.cursor() as cursor:
        cursor.execute(EVENT, [at, action, actor, target, line_id, reason[:500], said])


def name_client(client_id: str) -> dict[str, object]:
    """Say in an event's detail which client brought it; nothing where that isn't known."""
    return {"client": client_id} if client_id else {}


def describe_changes(*, was: Mapping[str, object], now: Mapping[str, object]) -> dict[str, object]:
    """Say in an event's detail which fields an act changed, from what to what. `was`: empty for what is new."""
    changed = [name for name, value in now.items() if name not in was or was[name] != value]
    return {
        "fields": changed,
        "was": {name: was[name] for name in changed if name in was},
        "now": {name: now[name] for name in changed},
    }


def record_events(*, events: Sequence[Event]) -> None:
    """Append several events of one transaction that are no line's, chain by chain, so that none deadlocks with others.

    See `record_for_lines` for events of lines.
    """
    if not events:
        return
    columns = zip(
        *((one.at, one.action, one.actor, one.target, one.reason[:500], json.dumps(one.detail)) for one in events),
        strict=True,
    )
    with connection.cursor() as cursor:
        cursor.execute(EVENTS, [list(column) for column in columns])


def record_daily(
    *, action: str, actor: str, target: str, line_id: int, at: datetime, detail: Mapping[str, object]
) -> None:
    """Append one event of a line's, unless the same was appended within 24 hours; nothing for a stand-in (below zero).

    One statement in every case.
    """
    said: dict[str, Any] = {"action": action, "actor": actor, "target": target, "line": line_id, "at": at}
    with connection.cursor() as cursor:
        cursor.execute(DAILY, {**said, "detail": json.dumps(dict(detail))})


def record_for_lines(
    *, action: str, actor: str, at: datetime, details: Mapping[int, Mapping[str, object]], reason: str = ""
) -> None:
    """Append one event for each line, each shown in its own access log. `details`: by line id.

    In the order of the chains: two that append for many lines at once take the chains' heads in the same order.
    """
    line_ids = sorted(details, key=lambda line_id: (line_id % CHAINS, line_id))
    said = [json.dumps(dict(details[line_id])) for line_id in line_ids]
    with connection.cursor() as cursor:
        cursor.execute(OF_LINES, [at, action, actor, reason[:500], line_ids, said])


@transaction.atomic(savepoint=False)
def open_incident(*, kind: str, key: str, subject: str, at: datetime, count: int = 1) -> bool:
    """Open an incident, or add `count` to the one under this kind and key; one that was closed is open again.

    Where it goes on for long, or after a duty was done, clocks begin anew. Returns whether it was not open before.
    """
    known, created = Incident.objects.select_for_update().get_or_create(
        kind=kind,
        key=key,
        defaults={
            "subject": subject, "opened_at": at, "count": count, "due_at": get_next_deadline(kind=kind, begun=[at]),
            "anew_from": get_clock_restart(kind=kind, at=at),
        },
    )  # fmt: skip
    if created:
        return True
    was_closed = known.closed_at is not None
    known.count += count
    (_reopen_incident if was_closed else _restart_clocks)(known, at)
    known.save(update_fields=["count", *MOVED])
    if was_closed:
        record(action="incident.reopened", actor="system:incidents", target=f"incident:{known.pk}", at=at)
    return was_closed


def store_affected_lines(*, kind: str, key: str, releases: Iterable[Release]) -> None:
    """Keep whom the incident under this kind and key reached, by release, within the caller's transaction."""
    incident_id = Incident.objects.values_list("pk", flat=True).get(kind=kind, key=key)
    lines = (
        IncidentLine(
            incident_id=incident_id, line_id=one.line_id, disclosure_id=one.disclosure_id, occurred_at=one.occurred_at
        )
        for one in releases
    )
    IncidentLine.objects.bulk_create(lines, batch_size=KEPT_AT_ONCE)


@transaction.atomic
def report_incident(
    *, kind: str, subject: str, happened: str, affected: str, known_at: datetime, actor: str, reason: str, at: datetime
) -> int:
    """Write down what no program saw; its clocks count from when it became known. Returns the incident's id."""
    one = Incident.objects.create(
        kind=kind, key=f"reported:{uuid4()}", subject=subject, opened_at=known_at, happened=happened,
        affected=affected, reported_by=actor, reported_at=at, due_at=get_next_deadline(kind=kind, begun=[known_at]),
        anew_from=get_clock_restart(kind=kind, at=known_at),
    )  # fmt: skip
    record(
        action="incident.reported", actor=actor, target=f"incident:{one.pk}", at=at, reason=reason,
        detail={"kind": kind, "known_at": known_at.isoformat()},
    )  # fmt: skip
    return one.pk


def _reopen_incident(one: Incident, at: datetime) -> None:
    """Open what was closed: nobody has seen it yet, and it is nobody's."""
    one.opened_at, one.acknowledged_at, one.assigned_to, one.closed_at, one.renewed_at = at, None, "", None, None
    one.due_at, one.anew_from = get_next_deadline(kind=one.kind, begun=[at]), get_clock_restart(kind=one.kind, at=at)


def _restart_clocks(one: Incident, at: datetime) -> None:
    """More came: from `anew_from` on it has clocks of its own, beside those that run and are not done."""
    due_at = get_next_deadline(kind=one.kind, begun=[at])
    anew_from = one.anew_from or get_clock_restart(kind=one.kind, at=one.opened_at)
    if due_at is None or anew_from is None or at < anew_from:
        return
    one.renewed_at, one.anew_from = at, get_clock_restart(kind=one.kind, at=at)
    one.due_at = min(one.due_at or due_at, due_at)


def close_incident(*, incident_id: int, actor: str, reason: str, at: datetime) -> bool:
    """Close an incident that is open. Returns whether it was."""
    closed = Incident.objects.filter(pk=incident_id, closed_at__isnull=True).update(closed_at=at)
    if closed:
        record(action="incident.closed", actor=actor, target=f"incident:{incident_id}", at=at, reason=reason)
    return bool(closed)


@transaction.atomic
def state_incidents(*, stated: Sequence[IncidentCount], actor: str, at: datetime) -> None:
    """Open, count anew and close incidents by what is so now. A fixed number of statements; safe to repeat.

    One that was closed is counted on, and open again when there is more than there was, or when something of it has
    grown since. At nought it is over. Where more comes for long, or after a duty was done, clocks begin anew.
    """
    now = {(one.kind, one.key): one for one in stated}
    if not now:
        return
    known = _lock_incidents(now)
    _open_incidents([one for key, one in now.items() if key not in known and one.count], at)
    events = [event for key, one in known.items() if (event := _update_incident(one, now[key], actor, at))]
    Incident.objects.bulk_update(known.values(), ["count", *MOVED])
    AuditEvent.objects.bulk_create(events)


def _lock_incidents(wanted: Collection[tuple[str, str]]) -> dict[tuple[str, str], Incident]:
    """Those of these incidents that there are, by kind and key."""
    rows = Incident.objects.select_for_update().filter(
        kind__in={kind for kind, _ in wanted}, key__in={key for _, key in wanted}
    )
    return {(one.kind, one.key): one for one in rows.order_by("id") if (one.kind, one.key) in wanted}


def _open_incidents(stated: Sequence[IncidentCount], at: datetime) -> None:
    Incident.objects.bulk_create(
        Incident(
            kind=one.kind, key=one.key, subject=one.subject, opened_at=at, count=one.count,
            due_at=get_next_deadline(kind=one.kind, begun=[at]), anew_from=get_clock_restart(kind=one.kind, at=at),
        )
        for one in stated
    )  # fmt: skip


def _update_incident(one: Incident, now: IncidentCount, actor: str, at: datetime) -> AuditEvent | None:
    """Move an incident to how often it is so now. Returns the event of its end or new beginning, if that is one."""
    more, one.count = now.count > one.count or _has_grown(one, now, at), now.count
    verb, reason = _move_incident(one, at, more=more)
    if not verb:
        return None
    return AuditEvent(action=f"incident.{verb}", actor=actor, target=f"incident:{one.pk}", at=at, reason=reason)


def _move_incident(one: Incident, at: datetime, *, more: bool) -> tuple[str, str]:
    """Open it again, close it, or begin its clocks anew. Returns the verb and the reason of an event, if it has one."""
    if one.closed_at is not None and more:
        _reopen_incident(one, at)
        return "reopened", ""
    if one.closed_at is None and not one.count:
        one.closed_at = at
        return "closed", NO_LONGER
    if one.closed_at is None and more:
        _restart_clocks(one, at)
    return "", ""


def _has_grown(one: Incident, now: IncidentCount, at: datetime) -> bool:
    """Whether it went on since it was closed, or by what is stated now: of that nobody knew who closed it meanwhile."""
    if now.grown_at is None:
        return False
    return now.grown_at >= at or (one.closed_at is not None and now.grown_at > one.closed_at)


@transaction.atomic
def acknowledge_incident(*, incident_id: int, assigned_to: str, actor: str, reason: str, at: datetime) -> bool:
    """Acknowledge an open incident and say whose it is ("officer:7"). Returns whether that is new.

    What is so already is not written down again.
    """
    open_ones = Incident.objects.select_for_update().filter(pk=incident_id, closed_at__isnull=True)
    one = open_ones.exclude(acknowledged_at__isnull=False, assigned_to=assigned_to).first()
    if one is None:
        return False
    was, one.assigned_to, one.acknowledged_at = one.assigned_to, assigned_to, one.acknowledged_at or at
    one.save(update_fields=["acknowledged_at", "assigned_to"])
    record(
        action="incident.assigned", actor=actor, target=f"incident:{incident_id}", at=at, reason=reason,
        detail={"to": assigned_to, "was": was},
    )  # fmt: skip
    return True


def add_incident_note(*, incident_id: int, actor: str, note: str, at: datetime) -> bool:
    """Write a note into an incident's timeline, open or closed. Returns whether there is such an incident."""
    if not Incident.objects.filter(pk=incident_id).exists():
        return False
    record(action="incident.noted", actor=actor, target=f"incident:{incident_id}", at=at, reason=note)
    return True


@transaction.atomic
def complete_duty(
    *, incident_id: int, duty: str, told_on: date, reference: str, actor: str, reason: str, at: datetime
) -> bool:
    """Write down that a duty of an incident was done, and when. Returns whether the incident has that duty.

    Done twice, the newer word counts, and both stay in its timeline.
    """
    one = Incident.objects.select_for_update().filter(pk=incident_id).first()
    if one is None or duty not in {known.name for known in DUTIES.get(one.kind, ())}:
        return False
    record(
        action="incident.told", actor=actor, target=f"incident:{incident_id}", at=at, reason=reason,
        detail={"duty": duty, "on": told_on.isoformat(), "reference": reference},
    )  # fmt: skip
    done = list_completed_duties(incident_id=one.pk, since=one.opened_at)
    begun = list_clock_starts(incident_id=one.pk, opened_at=one.opened_at)
    one.due_at = get_next_deadline(kind=one.kind, begun=begun, done_at={name: told.at for name, told in done.items()})
    one.anew_from = at
    one.save(update_fields=["due_at", "anew_from"])
    return True
