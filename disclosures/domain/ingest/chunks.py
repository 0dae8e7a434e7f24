"""How far the import of a file is: noted with the rows, so that one that was cut off goes on where it stopped."""

import hashlib
from datetime import datetime, timedelta
from pathlib import Path

import msgspec
from django.db import OperationalError, connection, transaction
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


def mark_of(path: Path) -> bytes:
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
    """The run is over, however it ended."""
    with connection.cursor() as cursor:
        cursor.execute(OVER, [_key(file)])


@transaction.atomic
def list_imported_chunks(*, file: bytes) -> dict[int, bytes]:
    """Of the chunks that earlier runs have taken in: where each begins, and its digest."""
    with connection.cursor() as cursor:
        cursor.execute(TAKEN, [_key(file)])
    return {start: bytes(digest) for start, digest in _of(file).values_list("starts_at", "digest")}


def get_imported_result(*, file: bytes, starts_at: int) -> ChunkResult:
    """What became of a chunk when an earlier run took it in."""
    return msgspec.structs.replace(msgspec.convert(_of(file).get(starts_at=starts_at).told, ChunkResult), before=True)


def note(*, file: bytes, starts_at: int, content: bytes, told: ChunkResult, at: datetime) -> None:
    """In the transaction of a chunk: that it was taken in, and what became of it."""
    _of(file).filter(starts_at=starts_at).delete()  # what stood there in the file before it was changed
    ImportedChunk.objects.create(
        file=file,
        starts_at=starts_at,
        digest=digest_of(content),
        told=msgspec.to_builtins(told),
        recorded_at=at,
    )


def take_part(*, file: bytes) -> None:
    """In the transaction of a chunk, before anything is claimed.

    Its commit need not wait for the disk: what a crash takes back is not noted as taken in either. The record of the
    import at its end is waited for, and with it all that came before.
    """
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL synchronous_commit = off")
        cursor.execute(TAKING, [_key(file)])


@transaction.atomic
def forget(*, file: bytes, at: datetime) -> None:
    """The file was read to its end and told of."""
    _of(file).delete()
    ImportedChunk.objects.filter(recorded_at__lt=at - KEPT).delete()


def _of(file: bytes) -> QuerySet[ImportedChunk]:
    return ImportedChunk.objects.filter(file=file)


def _key(file: bytes) -> int:
    return int.from_bytes(file[:4], signed=True)
