"""Look-ups of which a company said that the person had agreed only after they were judged to have no record of a yes.

A claim of a partner's allows nothing: one that was there first is told as what it is, and one that came afterwards
excuses nothing that had been found.
"""

from collections.abc import Mapping
from datetime import datetime

from django.db import connection
from django.db.models import Exists, OuterRef, Q

from disclosures.models import Judgement, JudgementChange
from disclosures.queries.visible import LOOK_UP

# Of the row `d`. `OFFSET 0`: asked row by row, by the key of what changed, and never of all that ever changed.
CLAIMED_LATER = """d.judgement = 'approval_unverified' AND EXISTS (
    SELECT FROM disclosures_judgementchange c
    WHERE c.line_id = d.line_id AND c.disclosure_id = d.id AND c.was = 'no_approval' OFFSET 0)"""
# Those of a line (`%(line)s`), by what changed: the rows of a long line are not read for them.
OF_A_LINE = """
SELECT d.id, d.occurred_at, d.path
FROM (
    SELECT DISTINCT c.disclosure_id FROM disclosures_judgementchange c
    WHERE c.line_id = %(line)s AND c.was = 'no_approval'
) changed
    CROSS JOIN LATERAL (
        SELECT line_id, occurred_at, id FROM disclosures_disclosureregister WHERE id = changed.disclosure_id OFFSET 0
    ) known
    CROSS JOIN LATERAL (
        SELECT row.* FROM disclosures_disclosure row
        WHERE row.line_id = known.line_id AND row.occurred_at = known.occurred_at AND row.id = known.id OFFSET 0
    ) d
WHERE d.line_id = %(line)s AND d.judgement = 'approval_unverified' AND <look-up>
""".replace("<look-up>", LOOK_UP)
COUNTED = "SELECT disclosures_company(path), count(*) FROM (<later>) later GROUP BY 1".replace("<later>", OF_A_LINE)


def claimed_later(*, line_id: int, at: datetime) -> Mapping[str, int]:
    """How many of a line's visible look-ups are such ones, by company (URI). One query."""
    with connection.cursor() as cursor:
        cursor.execute(COUNTED, {"line": line_id, "at": at})
        return dict(cursor.fetchall())


def is_claimed_later() -> Q:
    """The same of rows of the ledger."""
    before = JudgementChange.objects.filter(
        line_id=OuterRef("line_id"), disclosure_id=OuterRef("id"), was=Judgement.NO_APPROVAL
    )
    return Q(Exists(before), judgement=Judgement.APPROVAL_UNVERIFIED)
