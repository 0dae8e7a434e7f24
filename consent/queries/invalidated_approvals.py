"""Which yeses of the ledger count for their line: not those that are set aside, which were another's."""

from django.db.models import Exists, OuterRef

from consent.models import InvalidatedApproval

STANDS = ~Exists(InvalidatedApproval.objects.filter(line_id=OuterRef("line_id"), yes_id=OuterRef("id")))
# The same in SQL. `<line>` and `<yes>` stand for the ids of the line and of what it said.
SQL = "NOT EXISTS (SELECT FROM consent_setaside aside WHERE aside.line_id = <line> AND aside.yes_id = <yes>)"


def stands(*, line: str, yes: str) -> str:
    """The condition in SQL that a yes counts for its line. Both are named as the statement around it names them."""
    return SQL.replace("<line>", line).replace("<yes>", yes)
