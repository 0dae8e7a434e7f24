"""Whether the gate may say yes at all: not in a restored database, until it was compared with the archive outside.

The gate's own statement looks at one row, which holds for one start of one server. So it closes by itself: whatever
brought an older state back (a dump, a base backup, a disk's snapshot, another server) has started since, or has made
the row's table anew. Only a copy that the running server makes of a whole database does neither: there the database's
own number differs, which is the third part of the incarnation and stands in the path of each of its files.
"""

from dataclasses import dataclass

from django.db import connection

# The gate's word while it is closed.
RESTORING = "restoring"
IS_OPEN = """EXISTS (SELECT FROM consent_gateopening o WHERE o.server_started = pg_postmaster_start_time()
        AND o.table_oid = o.tableoid::bigint AND o.closed_because = ''
        AND split_part(o.incarnation, '/', 3) = split_part(pg_relation_filepath(o.tableoid), '/', -2))"""
# Each page asks: which server this is, which takes longest to find out, is asked only while the gate is closed.
STATE = """
SELECT is_open, o.closed_because,
    NOT is_open AND o.incarnation = consent_incarnation() AND o.table_oid = o.tableoid::bigint
FROM (SELECT <is_open> AS is_open OFFSET 0) one LEFT JOIN consent_gateopening o ON true
""".replace("<is_open>", IS_OPEN)
NEVER_OPENED = "nothing says that it was ever open"
ANOTHER = "the database was restored, or another server took over"
NOT_LOOKED = "the database server has started, and was not compared with the archive yet"


@dataclass(frozen=True)
class Opening:
    """Whether the gate is open; if not, why, and whether a look at the archive alone may open it again."""

    is_open: bool
    why: str
    may_reopen: bool


def read_opening() -> Opening:
    """Read the gate's state now. Raises DatabaseError."""
    with connection.cursor() as cursor:
        cursor.execute(STATE)
        ((is_open, closed_because, same),) = cursor.fetchall()
    if is_open:
        return Opening(is_open=True, why="", may_reopen=False)
    if closed_because is None:
        return Opening(is_open=False, why=NEVER_OPENED, may_reopen=False)
    if closed_because:
        return Opening(is_open=False, why=closed_because, may_reopen=False)
    return Opening(is_open=False, why=NOT_LOOKED if same else ANOTHER, may_reopen=same)
