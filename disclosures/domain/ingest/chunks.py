"""Take a file of disclosures in by chunks: note how far its import is, and wait for chunks that are running.

How far it is is noted with the rows, so that an import that was cut off goes on where it stopped.

A chunk is judged by what was committed before; it sees nothing of what commits while it runs, and nobody sees its rows.
So whoever wrote something by which rows are judged commits it, waits for the chunks that run, and only then looks for
rows: a chunk that did not see the change is finished by then, and one that begins later sees it. Each chunk holds a
lock of its own, that of its session: later chunks are neither waited for nor held up. Two chunks wait for each other
only where both store the same id or the same new term.
"""

import hashlib
from datetime import datetime, timedelta
from pathlib import Path

import msgspec
import psycopg
from django.db import OperationalError, connection, transaction
from django.db.backends.utils import CursorWrapper
from django.db.models import QuerySet

from disclosures.models import ImportedChunk

HEAD = 65_536
# What an import that nobody resumed has left is of no use by then.
KEPT = timedelta(days=30)
WAITS = "10s"
# One run at a time notes how far it is; another of the same file at once takes everything as new.
RUN = "SELECT pg_advisory_lock(hashtext('disclosures.import'), %s)"
OVER = "SELECT pg_advisory_unlock(hashtext('disclosures.import'), %s)"
# Shared while a chunk is taken in: whoever resumes waits for what an interrupted run is still committing.
TAKING = "SELECT pg_advisory_xact_lock_shared(hashtext('disclosures.importing'), %s)"
TAKEN = "SELECT pg_advisory_xact_lock(hashtext('disclosures.importing'), %s)"


class ChunkResult(msgspec.Struct, frozen=True):
    """What a part of a file came to. `size` in bytes; `refused`: line, field, reason; `before`: by an earlier run.

    `paths_completed`: how many rows were given a place of their path that they left out.
    """

    lines: int
    size: int
    counts: dict[str, int]
    judged: dict[str, int]
    refused: list[tuple[int, str, str]]
    before: bool = False
    paths_completed: int = 0


def fingerprint_file(path: Path) -> bytes:
    """By what a file is known again: its size and its beginning. What is skipped is compared besides."""
    with path.open("rb") as file:
        return hashlib.sha256(b"%d " % path.stat().st_size + file.read(HEAD)).digest()


def digest_of(content: bytes) -> bytes:
    """By what a chunk is known again."""
    return hashlib.sha256(content).digest()


def begin_run(*, file: bytes) -> bool:
    """Whether this run notes how far it is. False: another run of the same file does so now, and for a while yet.

    One that was killed a moment ago is waited for: the database may not have noticed.
    """
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SET LOCAL lock_timeout = %s", [WAITS])
            cursor.execute(RUN, [_key(file)])
    except OperationalError:
        return False
    return True


def end_run(*, file: bytes) -> None:
    """End a run, however it went."""
    with connection.cursor() as cursor:
        cursor.execute(OVER, [_key(file)])


@transaction.atomic
def list_imported_chunks(*, file: bytes) -> dict[int, bytes]:
    """Of the chunks that earlier runs have taken in: where each begins, and its digest."""
    with connection.cursor() as cursor:
        cursor.execute(TAKEN, [_key(file)])
    return {start: bytes(digest) for start, digest in _of(file).values_list("starts_at", "digest")}


def get_imported_result(*, file: bytes, starts_at: int) -> ChunkResult:
    """Return what became of a chunk when an earlier run took it in."""
    return msgspec.structs.replace(msgspec.convert(_of(file).get(starts_at=starts_at).told, ChunkResult), before=True)


def record_chunk(*, file: bytes, starts_at: int, content: bytes, told: ChunkResult, at: datetime) -> None:
    """In the transaction of a chunk: that it was taken in, and what became of it."""
    _of(file).filter(starts_at=starts_at).delete()  # what stood there in the file before it was changed
    ImportedChunk.objects.create(
        file=file, starts_at=starts_at, digest=digest_of(content), told=msgspec.to_builtins(told), recorded_at=at
    )


def join_run(*, file: bytes) -> None:
    """In the transaction of a chunk, before anything is claimed.

    Its commit need not wait for the disk: what a crash takes back is not noted as taken in either. The record of the
    import at its end is waited for, and with it all that came before.
    """
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL synchronous_commit = off")
        cursor.execute(TAKING, [_key(file)])


def forget_run(*, file: bytes) -> None:
    """Forget a file that was read to its end and told of."""
    _of(file).delete()


def forget_abandoned_runs(*, at: datetime) -> None:
    """Forget how far the imports came that nobody resumed."""
    ImportedChunk.objects.filter(recorded_at__lte=at - KEPT).delete()


def _of(file: bytes) -> QuerySet[ImportedChunk]:
    return ImportedChunk.objects.filter(file=file)


def _key(file: bytes) -> int:
    return int.from_bytes(file[:4], signed=True)


CHUNK = "SELECT pg_advisory_xact_lock(hashtext('disclosures.underway'), pg_backend_pid())"
UNDERWAY = """
SELECT objid::integer FROM pg_locks
WHERE locktype = 'advisory' AND objsubid = 2 AND classid = hashtext('disclosures.underway')::oid
    AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
    AND mode = 'ExclusiveLock' AND granted AND pid <> pg_backend_pid()
"""
CHUNK_OVER = "SELECT pg_advisory_xact_lock_shared(hashtext('disclosures.underway'), %s)"


def begin_chunk(*, cursor: CursorWrapper) -> None:
    """Take the chunk's lock in its transaction, before anything is looked up by which its rows are judged."""
    cursor.execute(CHUNK)


def wait_for_chunks(*, at_most: str = "0") -> bool:
    """Wait until all chunks that are being taken in now have ended. Call outside a transaction.

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
            cursor.execute(CHUNK_OVER, [session])
    except OperationalError as error:
        if isinstance(error.__cause__, psycopg.errors.LockNotAvailable):
            return False
        raise
    return True
