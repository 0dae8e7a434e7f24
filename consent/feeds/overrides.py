"""How many stops from files a newer yes from a file outweighs: officers are told, because people are not asked."""

import uuid
from collections.abc import Collection

from django.db import connection

from consent.queries.invalidated_approvals import stands

# Whichever came last, the stop or the yes, makes the pair; one that was complete before was counted before.
PIERCED = """
WITH said AS (
    SELECT a.line_id, a.id, a.campaign, a.captured_at AS at, true AS of_file FROM consent_approval a
    WHERE a.line_id = ANY (%(lines)s) AND a.verified_by = 'carrier'
    UNION ALL
    SELECT a.line_id, a.id, a.ref, a.made_at, a.origin = 'file' FROM consent_choice a
    WHERE a.line_id = ANY (%(lines)s) AND a.kind = 'allow'
), yes AS (
    SELECT * FROM said
    WHERE <stands>
)
SELECT count(*) FROM consent_choice s
WHERE s.line_id IN (SELECT line_id FROM yes) AND s.kind = 'stop' AND s.origin = 'file' AND EXISTS (
    SELECT FROM yes JOIN partners_campaign c ON c.ref = yes.campaign JOIN partners_cover v ON v.campaign_id = c.id
    WHERE yes.line_id = s.line_id AND yes.of_file AND yes.at > s.made_at
        AND CASE s.scope WHEN 'all' THEN true WHEN 'party' THEN s.ref = ANY (v.parties)
            WHEN 'purpose' THEN s.ref = ANY (v.purposes) ELSE s.ref = ANY (v.campaigns) END
        AND (s.id = ANY (%(new)s) OR yes.id = ANY (%(new)s) AND NOT EXISTS (
            SELECT FROM yes known
            WHERE known.line_id = yes.line_id AND known.campaign = yes.campaign AND known.at > s.made_at
                AND NOT known.id = ANY (%(new)s))))
""".replace("<stands>", stands(line="said.line_id", yes="said.id"))


def list_overridden_stops(*, line_ids: Collection[int], new: Collection[uuid.UUID]) -> int:
    """The stops of these lines that are outweighed now and were not before these choices and approvals came."""
    with connection.cursor() as cursor:
        cursor.execute(PIERCED, {"lines": list(line_ids), "new": list(new)})
        (count,) = cursor.fetchone() or (0,)
    return int(count)
