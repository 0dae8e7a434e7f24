"""How many rows are held because no line has their number. What an order hides is in none of these numbers."""

from dataclasses import dataclass
from datetime import datetime

from django.db import connection

# Of a held row. The newest order says what holds: one that waits for the row, or the row's own.
NOT_HIDDEN = """
coalesce((
    SELECT coalesce(n.suppressed_until <= (SELECT audit_now()), false) FROM disclosures_heldnotice n
    WHERE n.disclosure_id = held.id ORDER BY n.number DESC LIMIT 1
), held.suppressed_until <= (SELECT audit_now()), true)
"""
HELD = """
SELECT count(*) FILTER (WHERE held.gateway = ''), count(*) FILTER (WHERE held.gateway <> ''), count(held.ungated_at),
    min(held.held_at)
FROM (SELECT * FROM disclosures_helddisclosure ORDER BY id LIMIT %s) held
WHERE <not hidden>
""".replace("<not hidden>", NOT_HIDDEN)
# A file for the wrong carrier is held whole, and this is asked every few seconds: so many are looked at.
MOST = 10_000


@dataclass(frozen=True)
class PendingRowCounts:
    """Rows that wait for their line: from files, and from the gateway; of the latter, releases without the gate's yes.

    `oldest`: since when the oldest waits; None where none does.
    """

    from_files: int
    from_gateway: int
    ungated: int
    oldest: datetime | None

    @property
    def n(self) -> int:
        """How many there are."""
        return self.from_files + self.from_gateway


def count_pending_rows() -> PendingRowCounts:
    """Return what is held now; of more than `MOST`, that of some. One statement."""
    with connection.cursor() as cursor:
        cursor.execute(HELD, [MOST])
        return PendingRowCounts(*cursor.fetchone())
