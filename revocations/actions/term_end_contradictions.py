"""A use of what had ended, after its partner had signed for the whole end: its word was not true.

Looked up set-wise: as many statements for many uses as for one.
"""

import json
import uuid
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from datetime import datetime

from django.db import connection, transaction

import audit.actions
from audit.models import Incident
from revocations.actions.cohorts import announce_again
from revocations.actions.contradictions import SIGNED, Use
from revocations.models import Cohort, State, StreamEvent

# Of each use the ends that it is under, and the newest event of each that the partner had signed before it. A use that
# names no campaign is of a campaign that ended where it is the same place. What an order told since the end allows, or
# allowed and took back, is that order's affair.
BROKEN = """
SELECT c.id, c.party_id, signed.event_id, (used.occurred_at AT TIME ZONE 'UTC')::date::text, count(*)
FROM jsonb_to_recordset(%s::jsonb) AS used (line_id bigint, party_id bigint, path text[], purpose text, scope text,
        occurred_at timestamptz, campaign text, contract_id bigint)
    LEFT JOIN partners_campaign named ON named.ref = used.campaign
    JOIN revocations_cohort c ON c.party_id = used.party_id
        AND c.contract_id = coalesce(named.contract_id, used.contract_id)
    JOIN partners_party partner ON partner.id = c.party_id
    CROSS JOIN LATERAL (
        SELECT r.event_id
        FROM revocations_cohortreceipt r JOIN revocations_streamevent e ON e.id = r.event_id
        WHERE r.cohort_id = c.id AND r.signer_uri = partner.uri AND r.status = 'completed'
            AND r.received_at < used.occurred_at
        ORDER BY e.queued_at DESC LIMIT 1) signed
WHERE (c.of = 'contract' OR c.target_id = named.id OR named.id IS NULL AND EXISTS (
        SELECT FROM partners_campaign one JOIN partners_party provider ON provider.id = one.lbs_provider_id
        WHERE one.id = c.target_id AND one.purpose = used.purpose AND one.scope = used.scope
            AND provider.uri = ANY (used.path)))
    AND NOT EXISTS (
        SELECT FROM revocations_order o CROSS JOIN LATERAL jsonb_array_elements(o.snapshot -> 'state') AS entry (of)
        WHERE o.line_id = used.line_id AND o.contract_id = c.contract_id AND o.epoch >= c.epoch
            AND o.queued_at <= used.occurred_at
            AND entry.of -> 'scopes' ? used.scope AND entry.of ->> 'purpose' = used.purpose
            AND entry.of ->> 'recipient' = ANY (used.path))
GROUP BY 1, 2, 3, 4 ORDER BY 1, 4, 3
"""


@transaction.atomic
def contradict_ends(*, uses: Sequence[Use], at: datetime) -> int:
    """Mark the ends that these uses contradict, tell their partners anew, and open an incident for each end and day.

    A use contradicts what its partner had last signed before it. Where that is known as contradicted already, it only
    counts in the incident of its day. Returns how many ends are contradicted by this.
    """
    with connection.cursor() as cursor:
        cursor.execute(BROKEN, [json.dumps([_as_json(use) for use in uses])])
        found = cursor.fetchall()
    marked = _mark({event_id for _, _, event_id, _, _ in found}, at)
    days: dict[tuple[uuid.UUID, int, str], int] = {}
    for cohort_id, party_id, _, day, count in found:
        days[cohort_id, party_id, day] = days.get((cohort_id, party_id, day), 0) + count
    for (cohort_id, party_id, day), count in days.items():
        audit.actions.open_incident(
            kind=Incident.Kind.CONTRADICTED,
            key=f"cohort:{cohort_id}:{day}",
            subject=f"partner:{party_id}",
            at=at,
            count=count,
        )
    return marked


def _as_json(use: Use) -> dict[str, object]:
    return {**asdict(use), "occurred_at": use.occurred_at.isoformat()}


def _mark(event_ids: Iterable[uuid.UUID], at: datetime) -> int:
    """Those that still count as signed. First the events are locked, then their cohorts, as by a receipt."""
    signed = StreamEvent.objects.select_for_update().filter(pk__in=list(event_ids), state__in=SIGNED).order_by("pk")
    broken = [event.pk for event in signed]
    if not broken:
        return 0
    StreamEvent.objects.filter(pk__in=broken).update(
        state=State.CONTRADICTED, note="used again after it was signed as done", again_at=None
    )
    for cohort in Cohort.objects.select_for_update().filter(event_id__in=broken).order_by("pk"):
        announce_again(cohort=cohort, at=at)
        audit.actions.record(action="cohort.contradicted", actor="system:ledger", target=f"cohort:{cohort.pk}", at=at)
    return len(broken)
