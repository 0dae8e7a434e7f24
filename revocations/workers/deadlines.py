"""Dates that passed: a breach for each order and ended agreement, with the day on which it was mended.

A request for proof of consent that nobody answered by its date is one incident a partner and day. All of it set-wise
and in batches, each from an index: a million orders that wait cost nothing until their date has passed.
"""

from collections import Counter
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from django.db import connection, transaction
from django.db.models import Max

import audit.actions
from audit.models import Incident
from revocations.models import Breach, EvidenceRequest

BATCH = 5_000
FIRST = datetime(1970, 1, 1, tzinfo=UTC)
# Dates are taken in their order; so far back it is looked again for one that came late.
LOOK_BACK = timedelta(days=1)

LATE_ORDERS = """
INSERT INTO revocations_breach (kind, contract_id, party_id, line_id, about, due_at, at)
SELECT 'complete', o.contract_id, o.party_id, o.line_id, o.id::text, o.complete_by, %(now)s
FROM revocations_order o
WHERE o.complete_by IS NOT NULL AND NOT (o.state IN ('completed', 'superseded'))
    AND o.complete_by <= %(now)s AND o.complete_by >= %(since)s
    AND NOT EXISTS (SELECT FROM revocations_breach b WHERE b.kind = 'complete' AND b.about = o.id::text)
ORDER BY o.complete_by LIMIT %(batch)s
ON CONFLICT DO NOTHING RETURNING party_id, due_at
"""
LATE_COHORTS = """
INSERT INTO revocations_breach (kind, contract_id, party_id, about, due_at, at)
SELECT 'complete', c.contract_id, c.party_id,
    (CASE WHEN c.contradicted_at IS NULL THEN c.id ELSE c.event_id END)::text, c.complete_by, %(now)s
FROM revocations_cohort c
WHERE c.completed_at IS NULL AND c.complete_by <= %(now)s
ON CONFLICT DO NOTHING RETURNING party_id, due_at
"""

NEXT = """
SELECT max(id) FROM (
    SELECT id FROM revocations_breach WHERE kind = %(kind)s AND mended_at IS NULL AND id > %(after)s
    ORDER BY id LIMIT %(batch)s) part
"""
# What is asked of an order is done when it, or a newer one under the same agreement, which asks the same, is. An end is
# named by itself, and one that is asked for again, by the event that asks.
MENDED = """
UPDATE revocations_breach SET mended_at = done.at FROM (
    SELECT b.id, least(
        (SELECT min(newer.{when}) FROM revocations_order own JOIN revocations_order newer
            ON newer.line_id = own.line_id AND newer.contract_id = own.contract_id
                AND (newer.epoch, newer.version) >= (own.epoch, own.version) AND {is_done}
            WHERE own.line_id = b.line_id AND own.id = b.about::uuid),
        {otherwise}) AS at
    FROM revocations_breach b
    WHERE b.kind = %(kind)s AND b.mended_at IS NULL AND b.id > %(after)s AND b.id <= %(until)s
) done
WHERE revocations_breach.id = done.id AND done.at IS NOT NULL
"""
COMPLETED = MENDED.format(
    when="completed_at",
    is_done="newer.state = 'completed'",
    otherwise="(SELECT c.completed_at FROM revocations_cohort c WHERE b.line_id IS NULL AND c.id = coalesce("
    "(SELECT e.cohort_id FROM revocations_streamevent e WHERE e.id = b.about::uuid), b.about::uuid))",
)
ACKNOWLEDGED = MENDED.format(
    when="acknowledged_at",
    is_done="newer.acknowledged_at IS NOT NULL",
    otherwise="(SELECT e.acknowledged_at FROM revocations_streamevent e WHERE b.line_id IS NULL"
    " AND e.id = b.about::uuid)",
)
LIFTED = """
UPDATE revocations_breach b SET mended_at = s.ends_at FROM partners_suspension s
WHERE b.kind = %(kind)s AND b.mended_at IS NULL AND b.id > %(after)s AND b.id <= %(until)s
    AND s.id = split_part(b.about, ':', 2)::bigint AND s.ends_at IS NOT NULL
"""
MENDING: Mapping[Breach.Kind, str] = {
    Breach.Kind.COMPLETE: COMPLETED,
    Breach.Kind.ACKNOWLEDGE: ACKNOWLEDGED,
    Breach.Kind.UNHEALTHY: LIFTED,
}


def record_overdue(*, now: datetime, whole: bool = False) -> int:
    """Write a breach for each order and ended agreement whose date passed, and an incident a partner and day.

    `whole`: look at all dates, not at those since the last breach alone. Returns how many breaches are new.
    """
    newest = None if whole else Breach.objects.filter(kind=Breach.Kind.COMPLETE).aggregate(at=Max("due_at"))["at"]
    since = newest - LOOK_BACK if newest else FIRST
    found, _ = _record_breaches(LATE_COHORTS, {"now": now}, now)
    part = BATCH
    while part == BATCH:
        part, last = _record_breaches(LATE_ORDERS, {"now": now, "since": since, "batch": BATCH}, now)
        found, since = found + part, max(since, last)
    return found


@transaction.atomic
def _record_breaches(statement: str, values: Mapping[str, datetime | int], now: datetime) -> tuple[int, datetime]:
    """Returns how many are new, and the newest date among them."""
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        rows = cursor.fetchall()
    late = Counter(party_id for party_id, _ in rows)
    for party_id, count in sorted(late.items()):
        audit.actions.open_incident(
            kind=Incident.Kind.OVERDUE,
            key=f"partner:{party_id}:{now:%Y-%m-%d}",
            subject=f"partner:{party_id}",
            at=now,
            count=count,
        )
    return len(rows), max((due_at for _, due_at in rows), default=FIRST)


def record_late_completions() -> int:
    """Write down when that came which had been late. Returns how many breaches are mended by it."""
    return sum(_record_late_completion(kind, statement) for kind, statement in MENDING.items())


def _record_late_completion(kind: Breach.Kind, statement: str) -> int:
    after: int = 0
    mended = 0
    while True:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(NEXT, {"kind": kind, "after": after, "batch": BATCH})
            (until,) = cursor.fetchone() or (None,)
            if until is None:
                return mended
            cursor.execute(statement, {"kind": kind, "after": after, "until": until})
            mended += cursor.rowcount
            after = int(until)


EVIDENCE_BATCH = 1_000


def record_missing_evidence(*, now: datetime) -> int:
    """Note the questions that nobody answered by their date: one incident a partner and day. Returns how many."""
    noted = 0
    while late := _note_unanswered(now):
        noted += late
    return noted


@transaction.atomic
def _note_unanswered(now: datetime) -> int:
    due = EvidenceRequest.objects.select_for_update(skip_locked=True).filter(
        answered_at__isnull=True, overdue_at__isnull=True, due_at__lt=now
    )
    late = list(due.order_by("due_at")[:EVIDENCE_BATCH])
    for one in late:
        EvidenceRequest.objects.filter(pk=one.pk).update(overdue_at=now)
    days = Counter((one.party_id, one.due_at.date().isoformat()) for one in late)
    for (party_id, day), count in sorted(days.items()):
        audit.actions.open_incident(
            kind=Incident.Kind.NO_EVIDENCE, key=f"{party_id}:{day}", subject=f"partner:{party_id}", at=now, count=count
        )
    return len(late)
