"""Lines of our own at real partners: what a partner signed as done, held against what it shows that it still holds.

Whatever of such a line comes after the signature tells: a release, a request that was refused, an entry in its books, a
claim of consent. Only what was signed of the newest order counts, and that order must allow nothing.
"""

from collections.abc import Sequence

from django.db import connection

from audit.actions import IncidentCount
from audit.models import Incident
from support.queries.incidents import OF_A_SEED

# What an order of court hides is not looked at, whatever it is about.
BROKEN = """
WITH signed AS (
    SELECT DISTINCT ON (o.line_id, o.contract_id) o.line_id, o.contract_id, o.party_id, o.id, o.completed_at
    FROM support_seedline s JOIN revocations_order o ON o.line_id = s.line_id
    WHERE s.ended_at IS NULL AND o.completed_at IS NOT NULL AND o.snapshot -> 'state' = '[]'::jsonb
        AND NOT EXISTS (
            SELECT FROM revocations_order newer WHERE newer.line_id = o.line_id AND newer.contract_id = o.contract_id
                AND (newer.epoch, newer.version) > (o.epoch, o.version))
    ORDER BY o.line_id, o.contract_id, o.completed_at DESC
), evidence AS (
    SELECT s.id, s.party_id, (
        SELECT count(*) FROM disclosures_disclosure d JOIN partners_party p ON p.id = s.party_id
        WHERE d.line_id = s.line_id AND d.aggregator = p.uri AND d.occurred_at > s.completed_at
            AND d.basis = 'approval' AND NOT EXISTS (
                SELECT FROM disclosures_delayednotice n WHERE n.line_id = d.line_id AND n.disclosure_id = d.id)
    ) + (
        SELECT count(*) FROM consent_approval a JOIN partners_campaign c ON c.ref = a.campaign
        WHERE a.line_id = s.line_id AND c.contract_id = s.contract_id AND a.verified_by = 'partner'
            AND a.recorded_at > s.completed_at
    ) + (
        SELECT count(*) FROM consent_digestfinding f
        WHERE f.line_id = s.line_id AND f.contract_id = s.contract_id AND f.kind = 'partner_has'
            AND f.found_at > s.completed_at
    ) AS n
    FROM signed s
)
SELECT id::text, party_id, n FROM evidence WHERE n > 0 ORDER BY id
"""


def broken_words() -> Sequence[IncidentCount]:
    """Each order whose signature does not hold, with how much tells so. One statement."""
    with connection.cursor() as cursor:
        cursor.execute(BROKEN)
        return [
            IncidentCount(Incident.Kind.CONTRADICTED, f"{OF_A_SEED}{order_id}", f"partner:{party_id}", n)
            for order_id, party_id, n in cursor.fetchall()
        ]
