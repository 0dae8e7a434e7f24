"""Give the releases of 1.0 their terms, while the ledger is read and written. Work of the owner of the tables.

Each stretch of a table is a transaction of its own. What is done stays done: a run that was cut off is run again. Once
no release is left that says everything itself, the columns of 1.0 go, and its wide index for a narrow one.
"""

from collections.abc import Callable, Sequence
from contextlib import suppress

from django.db import OperationalError, connections, transaction

from disclosures.domain.ingest.rejudging import ONE_AT_A_TIME
from disclosures.workers.retention import NOT_FOR_LONG, owner_of_tables

BLOCKS = 500
PARTS = """
SELECT inhrelid::regclass::text, pg_relation_size(inhrelid) / current_setting('block_size')::bigint
FROM pg_inherits WHERE inhparent = 'disclosures_release'::regclass ORDER BY 1
"""
STRETCH = """
SELECT disclosures_convert_where(%(part)s, format('r.ctid >= %%L::tid AND r.ctid < %%L::tid',
    format('(%%s,0)', %(first)s::bigint), format('(%%s,0)', %(end)s::bigint)))
"""
# VALIDATE reads every row and blocks no one. Then the server knows that no row lacks its term.
PROMISED = (
    NOT_FOR_LONG,
    "ALTER TABLE disclosures_release DROP CONSTRAINT IF EXISTS disclosures_release_has_term",
    "ALTER TABLE disclosures_release ADD CONSTRAINT disclosures_release_has_term CHECK (term IS NOT NULL) NOT VALID",
)
CHECKED = "ALTER TABLE disclosures_release VALIDATE CONSTRAINT disclosures_release_has_term"
# An index that an interrupted run left half built is built again.
UNINDEXED = """
SELECT inhrelid::regclass::text FROM pg_inherits
WHERE inhparent = 'disclosures_release'::regclass AND NOT EXISTS (
    SELECT FROM pg_index WHERE indexrelid = to_regclass(inhrelid::regclass || '_line') AND indisvalid)
"""
INDEXED = (
    "DROP INDEX CONCURRENTLY IF EXISTS {part}_line",
    "CREATE INDEX CONCURRENTLY {part}_line ON {part} (line_id, occurred_at)",
)
# SET NOT NULL by itself: one statement would drop the constraint first, and then read every row.
FINISHED = (
    NOT_FOR_LONG,
    "ALTER TABLE disclosures_release ALTER COLUMN term SET NOT NULL",
    "CREATE INDEX disclosures_release_line ON ONLY disclosures_release (line_id, occurred_at)",
    "SELECT disclosures_show_releases(false)",
    """
    ALTER TABLE disclosures_release DROP CONSTRAINT disclosures_release_has_term,
        DROP CONSTRAINT disclosures_disclosure_pkey, DROP COLUMN aggregator, DROP COLUMN path, DROP COLUMN campaign,
        DROP COLUMN purpose, DROP COLUMN scope, DROP COLUMN basis, DROP COLUMN outcome, DROP COLUMN path_completed,
        DROP COLUMN basis_doubtful, DROP COLUMN judgement
    """,
)
# Each waits two seconds to have the table alone. Chunks of an import take about as long.
TRIES = 5


def compact(*, tell: Callable[[str], None]) -> int:
    """Give every release of 1.0 its term. Returns how many were given one: 0 if all have one.

    Raises DatabaseError where a long transaction keeps the old columns from being dropped, or a month was made or
    dropped meanwhile: run it again.
    """
    owner = owner_of_tables()
    with connections[owner].cursor() as cursor:
        cursor.execute("SELECT disclosures_is_mixed()")
        if cursor.fetchone() == (False,):
            return 0
    done = 0
    for part, blocks in _parts(owner):
        done += sum(_convert_stretch(owner, part, first) for first in range(0, blocks, BLOCKS))
        with connections[owner].cursor() as cursor:
            cursor.execute(f"VACUUM {part}")
        tell(f"{part}: {done} releases so far")
    _try_again(lambda: _run_alone(owner, PROMISED))
    with connections[owner].cursor() as cursor:
        cursor.execute(CHECKED)
    _try_again(lambda: _drop_columns(owner))
    return done


def _parts(owner: str) -> list[tuple[str, int]]:
    with connections[owner].cursor() as cursor:
        cursor.execute(PARTS)
        return [(part, blocks) for part, blocks in cursor.fetchall()]


def _convert_stretch(owner: str, part: str, first: int) -> int:
    """Nothing is judged again meanwhile: it would take the same rows in another order."""
    with transaction.atomic(using=owner), connections[owner].cursor() as cursor:
        cursor.execute(ONE_AT_A_TIME)
        cursor.execute(STRETCH, {"part": part, "first": first, "end": first + BLOCKS})
        (converted,) = cursor.fetchone() or (0,)
    return int(converted)


def _try_again(step: Callable[[], None]) -> None:
    for _ in range(TRIES - 1):
        with suppress(OperationalError):
            step()
            return
    step()


def _run_alone(owner: str, statements: Sequence[str]) -> None:
    with transaction.atomic(using=owner), connections[owner].cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)


def _drop_columns(owner: str) -> None:
    for part in _list_unindexed(owner):
        with connections[owner].cursor() as cursor:
            for statement in INDEXED:
                cursor.execute(statement.format(part=part))
    with transaction.atomic(using=owner):
        _run_alone(owner, FINISHED)
        if _list_unindexed(owner):
            raise OperationalError("a month was made meanwhile")
        _run_alone(
            owner, [f"ALTER INDEX disclosures_release_line ATTACH PARTITION {part}_line" for part, _ in _parts(owner)]
        )


def _list_unindexed(owner: str) -> list[str]:
    with connections[owner].cursor() as cursor:
        cursor.execute(UNINDEXED)
        return [part for (part,) in cursor.fetchall()]
