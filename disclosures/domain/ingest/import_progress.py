"""Chunks that are being taken in: whoever judges again waits for their end; they wait for nobody.

A chunk is judged by what was committed before. Of what commits until it does itself, it sees nothing, and whoever looks
for the rows that this concerns sees nothing of it. So whoever wrote something by which rows are judged commits it,
waits here, and looks only then: a chunk that did not see it is there by now, and one that is not there will have seen
it. Each chunk holds a lock of its own, that of its session: one that begins meanwhile is neither waited for nor held
up, and no chunk waits for another.
"""

import psycopg
from django.db import OperationalError, connection, transaction
from django.db.backends.utils import CursorWrapper

BEGIN = "SELECT pg_advisory_xact_lock(hashtext('disclosures.underway'), pg_backend_pid())"
UNDERWAY = """
SELECT objid::integer FROM pg_locks
WHERE locktype = 'advisory' AND objsubid = 2 AND classid = hashtext('disclosures.underway')::oid
    AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
    AND mode = 'ExclusiveLock' AND granted AND pid <> pg_backend_pid()
"""
OVER = "SELECT pg_advisory_xact_lock_shared(hashtext('disclosures.underway'), %s)"


def begin(*, cursor: CursorWrapper) -> None:
    """In the transaction of a chunk, before anything is looked up by which its rows are attributed or judged."""
    cursor.execute(BEGIN)


def wait(*, at_most: str = "0") -> bool:
    """Until all that is being taken in now has come to its end. Call outside a transaction.

    `at_most`: for each of them, in the words of PostgreSQL; "0": however long it takes. Returns False where that was
    not long enough.
    """
    with connection.cursor() as cursor:
        cursor.execute(UNDERWAY)
        sessions = [session for (session,) in cursor.fetchall()]
    # Each by itself: the next chunk of a session must not wait until those of all the others are over.
    return all(_is_over(session, at_most) for session in sessions)


def _is_over(session: int, at_most: str) -> bool:
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SET LOCAL lock_timeout = %s", [at_most])
            cursor.execute(OVER, [session])
    except OperationalError as error:
        if isinstance(error.__cause__, psycopg.errors.LockNotAvailable):
            return False
        raise
    return True
