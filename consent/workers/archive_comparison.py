"""Compare the database with its archive: after each start of the server to open the gate, and for entries gone missing.

Whoever runs first opens the gate: a worker, or a web process that met a closed one. No entry should ever be missing;
what the archive keeps never changes, so each look for gaps goes on where the last one ended: in a store of objects
every batch is a request, and there are up to 17,280 a day.
"""

import time
from collections.abc import Collection, Iterable, Iterator
from datetime import datetime, timedelta
from threading import Lock, Thread
from uuid import UUID

import structlog
from django.core.cache import cache
from django.db import DatabaseError, connection

from consent.clients.archive_sink import Sink, open_sink
from consent.gate import deciding
from consent.gate.deciding import Opening
from consent.models import ArchiveQueueEntry, Choice
from consent.workers.archive_entries import BadEntry, Entry, list_missing_entries, read, read_after_head
from partners.clients import checkpoint_places
from partners.workers import checkpoints

log = structlog.get_logger(__name__)
AGAIN_AFTER_S = 1.0

# Those of the last moments may be on their way.
SETTLED = timedelta(minutes=5)
# So far goes a look that does not know how far the last one came, and none goes farther.
LOOK_BACK = timedelta(days=2)
# An import reads the clock before it begins to write.
OVERLAP = timedelta(hours=1)
LOOKED = "archive:looked-until"


class NotThere(OSError):
    """The archive here is not the one that this database wrote to: not mounted, perhaps, or lost."""


def compare_archive() -> Opening:
    """Open the gate again if nothing outside is newer than the database, or close it until `after_restore`.

    An archive or checkpoints that can't be read open nothing and close nothing. Returns how it stands then. Raises
    DatabaseError. Never inside a transaction.
    """
    now = deciding.read_opening()
    if now.is_open or not now.may_reopen:
        return now
    try:
        why = describe_missing_entries()
    except OSError as error:
        log.warning("archive.unreadable", error=type(error).__name__, said=str(error))
        return now
    _call("SELECT consent_gate_close(%s)", [why]) if why else _call("SELECT consent_gate_reopen()", [])
    log.info("gate.looked", why=why)
    return deciding.read_opening()


def describe_missing_entries() -> str:
    """Say what outside the database is newer than it, in a sentence; "" where nothing is. Raises OSError, NotThere."""
    place = open_sink()
    found = read_after_head(sink=place)
    if not found.knows_head:
        raise NotThere(f"in {place}: {found.faults[0]}")
    if found.faults:
        return f"the archive can't be trusted: {found.faults[0]}"
    missing = list_missing_entries(entries=found.entries)
    if missing:
        return f"the archive holds {len(missing)} entries that the database lacks"
    if checkpoints.find_missing_events(place=checkpoint_places.place()):
        return "a checkpoint outside signed events that the database lacks"
    return ""


def close_gate(*, why: str) -> None:
    """Close the gate until `after_restore` opens it."""
    _call("SELECT consent_gate_close(%s)", [why])


def _call(statement: str, values: list[str]) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)


class _ComparisonThread:
    """One look at a time and a second at most in each process, beside the request that met a closed gate.

    A store may take its time, and each look holds a session at the database.
    """

    def __init__(self) -> None:
        self._lock = Lock()
        self._next, self._running = 0.0, False

    def soon(self) -> None:
        with self._lock:
            if self._running or time.monotonic() < self._next:
                return
            self._next = time.monotonic() + AGAIN_AFTER_S
            Thread(target=self._look, name="look-at-archive", daemon=True).start()
            self._running = True

    def _look(self) -> None:
        try:
            compare_archive()
        except DatabaseError as error:
            log.warning("gate.not_looked", error=type(error).__name__)
        finally:
            try:
                connection.close()
            finally:
                with self._lock:
                    self._running = False


look_soon = _ComparisonThread().soon


def find_missing(*, now: datetime) -> int:
    """Queue again the choices since the last look that the archive does not have. Returns how many.

    Choices that wait, or are missing, are looked for again by the next look, up to two days. Raises OSError.
    """
    open_since = _oldest_transaction()
    chosen = Choice.objects.filter(recorded_at__gte=_since(now), recorded_at__lt=now - SETTLED)
    recent = list(chosen.values_list("id", "line_id", "recorded_at").order_by("recorded_at"))
    waiting = set(
        ArchiveQueueEntry.objects.filter(kind=ArchiveQueueEntry.Kind.CHOICE).values_list("object_id", flat=True)
    )
    wanted = {str(choice_id) for choice_id, _, _ in recent}
    gone = _not_there(wanted - waiting, since=now - LOOK_BACK)
    missing = [
        ArchiveQueueEntry(kind=ArchiveQueueEntry.Kind.CHOICE, line_id=line_id, object_id=str(choice_id), queued_at=now)
        for choice_id, line_id, _ in recent
        if str(choice_id) in gone
    ]
    ArchiveQueueEntry.objects.bulk_create(missing)
    if missing:
        log.error("archive.missing", entries=len(missing))
    _remember(recent, unseen=gone | waiting, until=min(now - SETTLED, open_since or now))
    return len(missing)


def _since(now: datetime) -> datetime:
    """From when on choices are looked for: from the last look, where it is known and the clock was not set back."""
    known = cache.get(LOOKED)
    farthest = now - LOOK_BACK
    return max(known - OVERLAP, farthest) if isinstance(known, datetime) and known < now else farthest


def _remember(recent: Iterable[tuple[UUID, int, datetime]], *, unseen: Collection[str], until: datetime) -> None:
    first = next((recorded_at for choice_id, _, recorded_at in recent if str(choice_id) in unseen), until)
    cache.set(LOOKED, min(first, until), timeout=LOOK_BACK.total_seconds())


def _oldest_transaction() -> datetime | None:
    """When the oldest transaction began that still runs: what it wrote shows only later, with the time of then."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT min(xact_start) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
        found: datetime | None = cursor.fetchone()[0]
    return found


def _not_there(wanted: Collection[str], *, since: datetime) -> set[str]:
    """Those of them that the archive does not have; no farther back than needed."""
    left = set(wanted)
    for entry in _entries(open_sink(), first_day=f"{since:%Y-%m-%d}") if left else ():
        left.discard(entry.id)
        if not left:
            break
    return left


def _entries(place: Sink, *, first_day: str) -> Iterator[Entry]:
    for day in reversed(place.days()):
        if day < first_day:
            return
        for line in place.newest_first(day=day):
            try:
                yield read(line.removesuffix("\n"))
            except BadEntry:
                continue
