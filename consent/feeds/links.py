"""A new link (a merger, a rename, a split) carries stops and pauses across: partners that were told before hear it."""

from collections.abc import Collection

from django.db import connection

from consent.workers.expiry import retell

CONCERNED = """
SELECT DISTINCT c.line_id FROM consent_choice c
    JOIN revocations_standing s ON s.line_id = c.line_id
WHERE c.kind IN ('stop', 'pause', 'refuse') AND c.scope = %s AND c.ref = ANY (partners_kin_of(%s::text, %s))
ORDER BY c.line_id
"""


def notify_partners_of_links(*, links: Collection[tuple[str, str]]) -> int:
    """Tell the partners of every line that has denied one of these ids or its kin. Returns how many lines it was."""
    told = 0
    for of in sorted({of for of, _ in links}):
        refs = sorted(ref for what, ref in links if what == of)
        with connection.cursor() as cursor:
            cursor.execute(CONCERNED, [of, of, refs])
            lines = [line_id for (line_id,) in cursor.fetchall()]
        for line_id in lines:
            retell(line_id=line_id)
        told += len(lines)
    return told
