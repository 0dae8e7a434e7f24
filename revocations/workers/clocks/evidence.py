"""Dates by which a partner was to show its proof of consent: one that passed is an incident, once."""

from collections import Counter
from datetime import datetime

from django.db import transaction

import audit.actions
from audit.models import Incident
from revocations.models import EvidenceRequest

BATCH = 1_000


def note_evidence(*, now: datetime) -> int:
    """Note the questions that nobody answered by their date: one incident a partner and day. Returns how many."""
    noted = 0
    while late := _note(now):
        noted += late
    return noted


@transaction.atomic
def _note(now: datetime) -> int:
    due = EvidenceRequest.objects.select_for_update(skip_locked=True).filter(
        answered_at__isnull=True, overdue_at__isnull=True, due_at__lte=now
    )
    late = list(due.order_by("due_at")[:BATCH])
    for one in late:
        EvidenceRequest.objects.filter(pk=one.pk).update(overdue_at=now)
    days = Counter((one.party_id, one.due_at.date().isoformat()) for one in late)
    for (party_id, day), count in sorted(days.items()):
        audit.actions.open_incident(
            kind=Incident.Kind.NO_EVIDENCE, key=f"{party_id}:{day}", subject=f"partner:{party_id}", at=now, count=count
        )
    return len(late)
