"""Look-ups of which a company said that the person had agreed only after they were judged to have no record of a yes.

A claim of a partner's allows nothing: one that was there first is told as what it is, and one that came afterwards
excuses nothing that had been found.
"""

from django.db.models import Exists, OuterRef, Q

from disclosures.models import Judgement, JudgementChange

# Of the row `d`. `OFFSET 0`: asked row by row, by the key of what changed, and never of all that ever changed.
CLAIMED_LATER = """d.judgement = 'approval_unverified' AND EXISTS (
    SELECT FROM disclosures_judgementchange c
    WHERE c.line_id = d.line_id AND c.disclosure_id = d.id AND c.was = 'no_approval' OFFSET 0)"""


def is_claimed_afterwards() -> Q:
    """The same as a condition on rows of the ledger."""
    before = JudgementChange.objects.filter(
        line_id=OuterRef("line_id"), disclosure_id=OuterRef("id"), was=Judgement.NO_APPROVAL
    )
    return Q(Exists(before), judgement=Judgement.APPROVAL_UNVERIFIED)
