"""Spread the ledger over the servers of a Citus cluster. Work of the owner of the tables.

Only what grows with releases is spread: by the line, so that all of one line is on one server, and the ids by
themselves. Terms stand on every server, and everything else stays where it is. Each table is a transaction of its own,
and what is done stays done: a run that was cut off is run again.
"""

from collections.abc import Callable

from django.db import connections, transaction
from django.db.backends.utils import CursorWrapper

from disclosures.workers.retention import owner_of_tables

TERMS, REGISTER = "disclosures_term", "disclosures_disclosureregister"
BY_LINE = (
    "disclosures_release", "disclosures_judgementchange", "disclosures_delayednotice",
    "disclosures_concealeddisclosure", "disclosures_longline", "disclosures_changedday", "disclosures_dailyrollup",
    "disclosures_rolledfacts",
)  # fmt: skip
TABLES = (TERMS, *BY_LINE, REGISTER)
# What the servers ask of a row of theirs: in its triggers, and in statements that are run where the rows are.
FUNCTIONS = (
    "audit_now()", "disclosures_company(varchar[])", "disclosures_converts(oid)",
    "disclosures_says_the_same(integer, integer)", "disclosures_shown_after_order()",
    "disclosures_term_key(disclosures_term)", "disclosures_write_shown()",
)  # fmt: skip
# They reach what is on the coordinator. Without them whoever writes notes the same (`disclosures_note_days`).
TRIGGERS = (
    ("disclosures_note_rejudged", "disclosures_release"),
    ("disclosures_note_notices", "disclosures_delayednotice"),
    ("disclosures_notice_is_kept", "disclosures_delayednotice"),
)
OWNS = "SELECT relowner = current_user::regrole FROM pg_class WHERE oid = 'disclosures_release'::regclass"
HAS_CITUS = "SELECT EXISTS (SELECT FROM pg_extension WHERE extname = 'citus')"
WORKERS = "SELECT count(*) FROM pg_dist_node WHERE groupid <> 0 AND isactive AND noderole = 'primary'"
COORDINATOR = "SELECT count(*) FROM pg_dist_node WHERE groupid = 0"
SPREAD = "SELECT EXISTS (SELECT FROM pg_dist_partition WHERE logicalrelid = %s::regclass)"
BY_LINES = "SELECT create_distributed_table(%s, 'line_id', colocate_with => %s)"
BY_ID = "SELECT create_distributed_table(%s, 'id', colocate_with => 'none')"
EVERYWHERE = "SELECT create_reference_table(%s)"
# Rows move as they are: what is asked of one that comes was asked when it came. Neither asks nor stamps any again.
UNASKED, ASKED = "ALTER TABLE {} DISABLE TRIGGER USER", "ALTER TABLE {} ENABLE TRIGGER USER"
EMPTIED = "SELECT truncate_local_data_after_distributing_table(%s)"


class NotPossible(Exception):
    """What stands in the way, as an operator reads it."""


def distribute(*, tell: Callable[[str], None]) -> int:
    """Spread what isn't yet. Returns how many tables that was. Writing to a table waits while it is spread.

    Raises NotPossible, DatabaseError: run it again.
    """
    owner = owner_of_tables()
    with connections[owner].cursor() as cursor:
        _check(cursor)
    done = 0
    for place, table in enumerate(TABLES, 1):
        with transaction.atomic(using=owner), connections[owner].cursor() as cursor:
            fresh = _spread(cursor, table)
        tell(f"{place} of {len(TABLES)}: {table} {'is spread now' if fresh else 'was spread before'}")
        done += fresh
    return done


def _check(cursor: CursorWrapper) -> None:
    if not _tell(cursor, OWNS):
        raise NotPossible("This is the owner's to do: set DATABASE_OWNER_URL.")
    if not _tell(cursor, HAS_CITUS):
        raise NotPossible("This database has no citus extension: CREATE EXTENSION citus, on every server.")
    if not _tell(cursor, COORDINATOR) or not _tell(cursor, WORKERS):
        raise NotPossible("This cluster has no workers: SELECT citus_set_coordinator_host(…), citus_add_node(…).")
    if _tell(cursor, "SELECT disclosures_is_mixed()"):
        raise NotPossible("Releases of version 1.0 are left: run compact_ledger first.")


def _tell(cursor: CursorWrapper, question: str) -> bool:
    cursor.execute(question)
    (answer,) = cursor.fetchone() or (None,)
    return bool(answer)


def _spread(cursor: CursorWrapper, table: str) -> bool:
    cursor.execute(SPREAD, [table])
    if cursor.fetchone() == (True,):
        return False
    # Those that are left look at nothing but their own line's rows, and terms.
    cursor.execute("SET LOCAL citus.enable_unsafe_triggers = on")
    cursor.execute("SET LOCAL citus.multi_shard_modify_mode = sequential")
    if table == BY_LINE[0]:  # all at once: from its commit on the writers note
        for name, of in TRIGGERS:
            cursor.execute(f"DROP TRIGGER IF EXISTS {name} ON {of}")
    cursor.execute(UNASKED.format(table))
    if table == TERMS:
        cursor.execute(EVERYWHERE, [table])
        for function in FUNCTIONS:
            cursor.execute("SELECT create_distributed_function(%s)", [function])
    elif table == REGISTER:
        cursor.execute(BY_ID, [table])
    else:
        cursor.execute(BY_LINES, [table, "none" if table == BY_LINE[0] else BY_LINE[0]])
    cursor.execute(EMPTIED, [table])
    cursor.execute(ASKED.format(table))
    return True
