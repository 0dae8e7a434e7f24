"""What is left of a line's childhood: yeses of somebody else's on a line that is an adult's by now."""

from django.db import connection

# The trail says which line was a child's, and until when. An adult's own other line is the holder's to allow as well:
# so only what was said before that counts. Who has ever signed in by the line is no other. The few yeses of others are
# found first: the trail is long, and is looked up by line.
LEFT = """
WITH others AS MATERIALIZED (
    SELECT yes.line_id, yes.made_at FROM consent_choice yes JOIN accounts_line line ON line.id = yes.line_id
    WHERE yes.kind = 'allow' AND yes.origin = 'person' AND line.user_role <> 'minor'
        AND NOT EXISTS (
            SELECT FROM accounts_lineuser own
            WHERE own.line_id = yes.line_id AND 'subscriber:' || own.user_id = yes.actor)
        AND NOT EXISTS (
            SELECT FROM consent_choice newer
            WHERE newer.line_id = yes.line_id AND newer.scope = 'campaign' AND newer.ref = yes.ref
                AND newer.kind <> 'pause' AND newer.made_at > yes.made_at)
)
SELECT DISTINCT line_id FROM others CROSS JOIN LATERAL (
    SELECT FROM audit_auditevent grew
    WHERE grew.line_id = others.line_id AND grew.at >= others.made_at AND grew.action = 'line.changed'
        AND grew.detail ->> 'was' = 'minor'
    LIMIT 1) grew
ORDER BY line_id
"""


def left_from_childhood() -> list[int]:
    """The lines that grew up, and where what another allowed for the child has not ended: a run was cut off there."""
    with connection.cursor() as cursor:
        cursor.execute(LEFT)
        return [line_id for (line_id,) in cursor.fetchall()]
