"""What one partner signed about a whole agreement settles each of its open orders under it, in batches."""

from datetime import datetime, timedelta

from django.db import connection, transaction

from accounts.primitives.advisory_locks import turn
from revocations.models import Cohort

BATCH = 5_000
# An order in flight is written down within this time of the signature.
LOOKED_FOR = timedelta(days=2)

# The older epoch's orders are part of what the end asks: everything stopped, deleted, passed on. Contradicted ones are
# about something else, and stay.
SETTLE = """
WITH settled AS (
    UPDATE revocations_order SET state = 'completed', note = '', next_attempt_at = NULL, leased_until = NULL,
        again_at = NULL, parked_with = '', sent_at = coalesce(sent_at, %(at)s),
        acknowledged_at = coalesce(acknowledged_at, %(at)s), completed_at = %(at)s
    WHERE (line_id, id) IN (
        SELECT line_id, id FROM revocations_order
        WHERE party_id = %(party)s AND contract_id = %(contract)s AND epoch < %(epoch)s
            AND state IN ('queued', 'sent', 'parked', 'acknowledged', 'rejected', 'partial')
        LIMIT %(batch)s FOR UPDATE SKIP LOCKED)
    RETURNING line_id
), discharged AS (
    UPDATE revocations_duty d SET discharged_at = %(at)s, discharged_by = %(jti)s
    FROM settled
    WHERE d.line_id = settled.line_id AND d.contract_id = %(contract)s AND d.since <= %(at)s
        AND d.discharged_at IS NULL
)
SELECT count(*) FROM settled
"""
JTI = """
SELECT jti FROM revocations_cohortreceipt r JOIN partners_party p ON p.uri = r.signer_uri
WHERE r.cohort_id = %s AND p.id = %s AND r.status = 'completed' ORDER BY r.received_at DESC LIMIT 1
"""


def settle_orders(*, now: datetime, batch: int = BATCH) -> int:
    """Mark the open orders of an agreement that ended, and whose end was signed for, as signed. Returns how many."""
    done = 0
    for cohort in Cohort.objects.filter(of=Cohort.Of.CONTRACT, completed_at__gt=now - LOOKED_FOR):
        with turn(name=f"settling {cohort.pk}") as mine:
            while mine and (settled := _settle(cohort, batch)):
                done += settled
    return done


@transaction.atomic
def _settle(cohort: Cohort, batch: int) -> int:
    with connection.cursor() as cursor:
        cursor.execute(JTI, [cohort.pk, cohort.party_id])
        ((jti,),) = cursor.fetchall()
        cursor.execute(
            SETTLE,
            {
                "at": cohort.completed_at,
                "party": cohort.party_id,
                "contract": cohort.contract_id,
                "epoch": cohort.epoch,
                "batch": batch,
                "jti": jti,
            },
        )
        ((settled,),) = cursor.fetchall()
    return int(settled)
