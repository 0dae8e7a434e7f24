"""Whether the companies behind a partner have signed as well."""

from collections.abc import Collection

from django.db import connection

UNCOVERED = """
SELECT standing.line_id, standing.contract_id
FROM revocations_standing standing
    JOIN revocations_order told ON told.line_id = standing.line_id AND told.id = standing.order_id
WHERE standing.line_id = ANY (%s) AND told.state = 'completed'
    AND told.snapshot -> 'required_actions' ? 'notify_downstream'
    AND EXISTS (
        SELECT FROM partners_dealing dealing JOIN partners_party party ON party.id = dealing.party_id
        WHERE dealing.line_id = told.line_id AND dealing.aggregator_id = told.party_id
            AND dealing.party_id <> told.party_id AND dealing.last_at <= told.completed_at
            AND NOT EXISTS (
                SELECT FROM revocations_downstreamreport report
                WHERE report.line_id = told.line_id AND report.order_id = told.id
                    AND report.party_uri = party.uri AND report.signed AND report.status = 'completed'))
"""


def uncovered(*, line_ids: Collection[int]) -> set[tuple[int, int]]:
    """(line, contract) of standing orders signed as done, behind which our ledger shows a company that did not sign.

    It received before the signature, and we heard of it after.
    """
    with connection.cursor() as cursor:
        cursor.execute(UNCOVERED, [sorted(line_ids)])
        return {(line_id, contract_id) for line_id, contract_id in cursor.fetchall()}
