"""Look whether the archive has every choice that it should have. Nothing should ever be found.

What it keeps never changes, so each look goes on where the last one ended: in a store of objects every batch is a
request, and there are up to 17,280 a day.
"""

from collections.abc import Collection, Iterable, Iterator
from datetime import datetime, timedelta
from uuid import UUID

import structlog
from django.core.cache import cache
from django.db import connection

from consent.clients.archive_sink import Sink, sink
from consent.models import ArchiveQueueEntry, Choice
from consent.workers.archiving.entries import BadEntry, Entry, read

log = structlog.get_logger(__name__)
# Those of the last moments may be on their way.
SETTLED = timedelta(minutes=5)
# So far goes a look that does not know how far the last one came, and none goes farther.
LOOK_BACK = timedelta(days=2)
# An import reads the clock before it begins to write.
OVERLAP = timedelta(hours=1)
LOOKED = "archive:looked-until"


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
    for entry in _entries(sink(), first_day=f"{since:%Y-%m-%d}") if left else ():
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
