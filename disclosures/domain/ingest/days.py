"""Which days of long lines change, and which lines may have become long: noted in the transaction of the change.

What is judged again and what is put under a notice is noted by the database itself. New rows are noted here.
"""

from django.db.backends.utils import CursorWrapper

# Until this commits, no line becomes long: `rollups` waits, and sees the rows.
SHARED = "SELECT pg_advisory_xact_lock_shared(hashtext('disclosures.days'))"
# One row in 64 has its line counted: a line of a thousand rows is found, and nobody counts at every row.
NOTED = """
WITH changed AS (
    INSERT INTO disclosures_changedday (line_id, day)
    SELECT DISTINCT r.line_id, (r.occurred_at AT TIME ZONE long.zone)::date
    FROM {rows} r JOIN disclosures_longline long ON long.line_id = r.line_id
)
INSERT INTO disclosures_growingline (line_id)
SELECT DISTINCT r.line_id FROM {rows} r
WHERE get_byte(uuid_send(r.id), 0) < 4
    AND NOT EXISTS (SELECT FROM disclosures_longline long WHERE long.line_id = r.line_id)
"""


def note(*, cursor: CursorWrapper, rows: str) -> None:
    """In the transaction that stores rows. `rows`: our own table of them, with line_id, occurred_at and id."""
    cursor.execute(SHARED)
    cursor.execute(NOTED.format(rows=rows))
