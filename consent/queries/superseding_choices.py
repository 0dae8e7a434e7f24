"""What was said later and took the place of a choice, wholly or in part: until then it stood."""

from datetime import datetime

from django.db import connection

from consent.queries.choices import ChoiceRow
from consent.queries.invalidated_approvals import stands

# A no ends for a use when a newer yes to it came; of the person's own no, only their own yes. What is taken over from
# a file counts from when it came.
CHANGED_NO = """
SELECT min(yes.at) FROM (
    SELECT id, ref AS campaign, greatest(made_at, recorded_at) AS at FROM consent_choice
    WHERE line_id = %(line)s AND kind = 'allow' AND made_at > %(made_at)s AND (origin = 'person' OR %(file)s)
    UNION ALL
    SELECT id, campaign, greatest(captured_at, recorded_at) FROM consent_approval
    WHERE line_id = %(line)s AND verified_by = 'carrier' AND captured_at > %(made_at)s AND %(file)s
) yes
WHERE <stands>
    AND (%(scope)s = 'all' OR EXISTS (
        SELECT FROM partners_campaign c JOIN partners_cover v ON v.campaign_id = c.id
        WHERE c.ref = yes.campaign AND %(ref)s = ANY (
            CASE %(scope)s WHEN 'party' THEN v.parties WHEN 'purpose' THEN v.purposes ELSE v.campaigns END)))
""".replace("<stands>", stands(line="%(line)s", yes="yes.id"))
CHANGED_YES = """
SELECT min(greatest(no.made_at, no.recorded_at)) FROM consent_choice no
WHERE no.line_id = %(line)s AND no.kind IN ('stop', 'refuse') AND no.made_at >= %(made_at)s
    AND (no.scope = 'all' OR EXISTS (
        SELECT FROM partners_campaign c JOIN partners_cover v ON v.campaign_id = c.id
        WHERE c.ref = %(ref)s AND no.ref = ANY (
            CASE no.scope WHEN 'party' THEN v.parties WHEN 'purpose' THEN v.purposes ELSE v.campaigns END)))
"""


def changed_at(*, choice: ChoiceRow) -> datetime | None:
    """When a later choice first took from this one something that it covers; None while it stands unbroken.

    For a pause, only what came while it ran. One query.
    """
    wanted: dict[str, int | str | bool | datetime] = {
        "line": choice.line_id,
        "made_at": choice.made_at,
        "scope": choice.scope,
        "ref": choice.ref,
        "file": choice.by == "file",
    }
    with connection.cursor() as cursor:
        cursor.execute(CHANGED_YES if choice.kind == "allow" else CHANGED_NO, wanted)
        changed: datetime | None
        (changed,) = cursor.fetchone()
    return None if changed and choice.until and choice.kind == "pause" and changed >= choice.until else changed
