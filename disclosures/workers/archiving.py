"""Everything about a line as one ZIP file, made in the background, kept sealed in the database for a day.

What it tells is of one moment and has passed `visible`: a hidden row is in none of its files and in no count. It is
written row by row into sealed parts, so that a line of any length takes the same memory. A worker that is killed
leaves its lease to run out; the next one begins anew, and one that was only slow writes nothing more.

An order that hides what an archive may tell takes the archive away, in its own transaction. Whoever begins one shares
a lock with whoever stores rows, and orders are written alone: so an archive is begun before an order, and is there to
be taken away, or after it, and knows of it.
"""

import io
import json
import zipfile
from collections.abc import Buffer, Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby
from time import monotonic
from typing import Protocol, override
from uuid import UUID

import structlog
from django.conf import settings
from django.db import connection, transaction
from django.db.models import Q, QuerySet
from django.template.loader import get_template, render_to_string
from django.utils import timezone, translation
from django.utils.module_loading import import_string

from accounts.domain import message_templates
from accounts.models import Line, User
from accounts.primitives.numbers import format_phone_number as number_shown
from accounts.primitives.sealing import seal_bytes
from accounts.primitives.zones import name_of, zone_of
from accounts.queries import find_number
from consent.domain import receipts
from consent.models import Choice
from consent.queries.approvals import STANDS
from consent.queries.choices import ChoiceRow, rows_of
from consent.queries.receipts import receipt_of
from disclosures.labels import describe_outcome, judgement_in_words, tone_of
from disclosures.models import Archive, ArchivePart, Disclosure, Outcome
from disclosures.queries.downloads import as_csv, as_json, events_for, export_of
from disclosures.queries.trails import Hop, Parties, company_of, trail
from disclosures.queries.visible import visible, with_delay
from partners.domain import keys
from partners.labels import precision_in_words, purpose_in_words

log = structlog.get_logger()
LEASE = timedelta(minutes=10)
MOST_TRIES = 3
PART, CHUNK, STEP = 256 * 1024, 500, 1000
# JSON, CSV and pages: each is one pass over the releases.
PASSES = 4
LASTS = timedelta(hours=24)
MARK = "<!-- rows -->"
NO_ORDER_MEANWHILE = "SELECT pg_advisory_xact_lock_shared(hashtext('disclosures.notices'))"
# The moment that a caller read may be long over when its turn comes.
SHOWN_NOW = """
WITH known AS MATERIALIZED (
    SELECT id, line_id FROM disclosures_disclosureregister WHERE id = ANY (%(ids)s::uuid[])
), hidden AS MATERIALIZED (
    SELECT n.disclosure_id FROM known
        JOIN disclosures_delayednotice n ON n.line_id = known.line_id AND n.disclosure_id = known.id
    WHERE (n.suppressed_until IS NULL OR n.suppressed_until > greatest(%(at)s, audit_now()))
        AND NOT EXISTS (
            SELECT FROM disclosures_delayednotice newer
            WHERE newer.line_id = n.line_id AND newer.disclosure_id = n.disclosure_id AND newer.number > n.number)
)
SELECT id, line_id FROM known WHERE NOT id IN (SELECT disclosure_id FROM hidden)
"""


class Also(Protocol):
    """What a higher app adds, named by its dotted path in ARCHIVE_ALSO."""

    def __call__(
        self, *, line: Line, reader: User, at: datetime, shown: Mapping[str, object]
    ) -> Iterable[tuple[str, str]]:
        """Files by name, for this reader, in the language that is active. `shown`: what every page of it shows."""


class _LeaseLost(Exception):
    """The archive is no longer this worker's: it was deleted, or another worker has begun it anew."""


class _Lease:
    """One worker's hold on one archive. Nothing is written without it."""

    def __init__(self, archive: Archive, now: Callable[[], datetime]) -> None:
        self.archive, self.now = archive, now

    def renew(self, **values: object) -> None:
        """Have it for longer, and write these with it. Locks the archive until the transaction ends; see _TakenAway."""
        if not self._mine().update(**{"leased_until": self.now() + LEASE, **values}):
            raise _LeaseLost

    def release(self, *, at: datetime) -> None:
        """Let the next run begin anew, if it is still ours to give."""
        self._mine().update(leased_until=at)

    def _mine(self) -> QuerySet[Archive]:
        return Archive.objects.filter(pk=self.archive.pk, state=Archive.State.MAKING, tries=self.archive.tries)


class _Sink(io.RawIOBase):
    """Takes the bytes of the ZIP as they come and stores them as sealed parts."""

    def __init__(self, lease: _Lease) -> None:
        super().__init__()
        self._lease, self._held, self._number, self.size = lease, bytearray(), 0, 0

    @override
    def writable(self) -> bool:
        return True

    @override
    def write(self, content: Buffer, /) -> int:
        given = bytes(memoryview(content))
        self._held += given
        self.size += len(given)
        while len(self._held) >= PART:
            self._keep(self._held[:PART])
            del self._held[:PART]
        return len(given)

    def end(self) -> None:
        """Store what is left."""
        if self._held:
            self._keep(self._held)

    @transaction.atomic
    def _keep(self, content: bytearray) -> None:
        self._lease.renew()
        sealed = seal_bytes(bytes(content))
        ArchivePart.objects.create(archive_id=self._lease.archive.pk, number=self._number, sealed=sealed)
        self._number += 1


class _Progress:
    """Counts rows as they are written, and tells the row of the archive now and then, which keeps the lease."""

    def __init__(self, lease: _Lease) -> None:
        self._lease, self._done = lease, 0

    def of[T](self, rows: Iterable[T]) -> Iterator[T]:
        """Yield the rows, counted."""
        for row in rows:
            yield row
            self._done += 1
            if self._done % STEP == 0:
                self._lease.renew(done=min(self._done, self._lease.archive.total))

    def besides[T](self, rows: Iterable[T]) -> Iterator[T]:
        """Rows that are not in the count: they keep the lease all the same."""
        for n, row in enumerate(rows, 1):
            yield row
            if n % STEP == 0:
                self._lease.renew()


def make(*, now: datetime, clock: Callable[[], float] = monotonic) -> int:
    """Delete what is over, and make one archive that waits. Returns how many were made.

    `clock`: seconds, by which the lease is kept while it lasts.
    """
    began = clock()
    _delete(Archive.objects.filter(expires_at__lte=now))
    archive = _claim(now)
    if archive is None:
        return 0
    lease = _Lease(archive, lambda: now + timedelta(seconds=clock() - began))
    try:
        _make(lease)
    except _LeaseLost:
        return 0
    except Exception:
        # Whatever it was, the next run tries again, and after some the person is told.
        lease.release(at=now)
        raise
    return 1


def find_visible_rows(*, disclosure_ids: Collection[UUID], at: datetime) -> Mapping[UUID, int]:
    """Return those of these rows that no order hides, with their lines. Call in the turn of whoever writes orders."""
    with connection.cursor() as cursor:
        cursor.execute(SHOWN_NOW, {"ids": sorted(disclosure_ids), "at": at})
        return dict(cursor.fetchall())


def take_away(*, line_ids: Collection[int]) -> None:
    """Delete the archives of these lines, finished or not: an order now hides what they may tell.

    Call in the transaction that writes the order, before any event of the trail.
    """
    if line_ids:
        _delete(Archive.objects.filter(line_id__in=line_ids))


@transaction.atomic
def _delete(archives: QuerySet[Archive]) -> None:
    """Locked first: else a worker could add a part to one that goes."""
    locked = archives.order_by("pk").select_for_update().values_list("pk", flat=True)
    Archive.objects.filter(pk__in=list(locked)).delete()


@transaction.atomic
def _claim(now: datetime) -> Archive | None:
    with connection.cursor() as cursor:
        cursor.execute(NO_ORDER_MEANWHILE)
    waiting = Archive.objects.select_for_update(skip_locked=True).order_by("asked_at")
    free = Q(state=Archive.State.WAITING) | Q(state=Archive.State.MAKING, leased_until__lte=now)
    archive = waiting.filter(free).first()
    if archive is None:
        return None
    if archive.tries >= MOST_TRIES:
        log.error("archive_failed", archive=str(archive.pk))
        Archive.objects.filter(pk=archive.pk).update(state=Archive.State.FAILED)
        return None
    archive.state, archive.as_of, archive.leased_until = Archive.State.MAKING, now, now + LEASE
    archive.tries, archive.done = archive.tries + 1, 0
    archive.total = PASSES * visible(line_id=archive.line_id, at=now).count() or 1
    archive.save()
    ArchivePart.objects.filter(archive=archive).delete()
    return archive


def _make(lease: _Lease) -> None:
    archive = lease.archive
    line = Line.objects.get(pk=archive.line_id)
    sink = _Sink(lease)
    zone = zone_of(line.state)
    with translation.override(archive.language), timezone.override(zone):
        with zipfile.ZipFile(sink, "w", zipfile.ZIP_DEFLATED) as packed:
            _Writer(packed, archive, line, _Progress(lease)).everything()
        sink.end()
    expires_at = lease.now() + LASTS
    lease.renew(state=Archive.State.READY, size=sink.size, done=archive.total, leased_until=None, expires_at=expires_at)


@dataclass
class _CompanySummary:
    """What one company asked for in the whole history."""

    name: str
    last_at: datetime
    n: int = 0
    refused: int = 0

    def count(self, row: Disclosure) -> None:
        """Count one more, older than those before."""
        self.refused += row.outcome == Outcome.REFUSED
        self.n += row.outcome != Outcome.REFUSED


class _Writer:
    """Writes the files of one archive, each a piece at a time."""

    def __init__(self, packed: zipfile.ZipFile, archive: Archive, line: Line, progress: _Progress) -> None:
        self._packed, self._line, self._progress = packed, line, progress
        self._at = archive.as_of or archive.asked_at
        self._reader = User.objects.get(pk=archive.user_id)
        self._companies: dict[str, _CompanySummary] = {}
        self._trails: dict[tuple[str, ...], tuple[str, Sequence[Hop]]] = {}
        self._shown: dict[str, object] = {
            "language": archive.language, "at": self._at, "zone": name_of(zone_of(line.state)),
            "number": _number(line, self._at),
        }  # fmt: skip

    def everything(self) -> None:
        """Write every file; last the page that leads to the others, when it is known which there are."""
        self._file("style.css", [render_to_string("archive/style.css")])
        everything = export_of(line=self._line, reader=self._reader.pk, at=self._at)
        self._file("data/everything.json", self._progress.of(everything))
        public_id = str(self._line.public_id)
        self._file("data/history.json", self._progress.of(as_json(rows=self._rows(), line=public_id, at=self._at)))
        self._file("data/history.csv", self._progress.of(as_csv(rows=self._rows())))
        self._file("data/keys.json", [json.dumps(keys.archive(at=self._at), indent=2)])
        kept = self._receipts()
        months = self._months()
        self._page(
            "access-log.html", "archive/log.html", "archive/_event.html", ({"entry": one} for one in self._log())
        )
        also = [name for writer in settings.ARCHIVE_ALSO for name in self._also(import_string(writer))]
        companies = sorted(self._companies.values(), key=lambda one: (-one.n, one.name))
        index = {"companies": companies, "choices": self._choices(), "receipts": kept, "months": months, "also": also}
        self._file("index.html", [render_to_string("archive/index.html", {**self._shown, **index})])

    def _also(self, writer: Also) -> Iterator[str]:
        """Yield what higher apps have of the line; the names of the files, each when it is written."""
        for name, content in writer(line=self._line, reader=self._reader, at=self._at, shown=self._shown):
            self._file(name, [content])
            yield name

    def _rows(self) -> Iterator[Disclosure]:
        rows = with_delay(rows=visible(line_id=self._line.pk, at=self._at), line_id=self._line.pk)
        told = rows.filter(recorded_at__lte=self._at).order_by("-occurred_at", "-id")
        return told.iterator(chunk_size=CHUNK)

    def _choices(self) -> Iterator[ChoiceRow]:
        for choice in Choice.objects.filter(STANDS, line_id=self._line.pk).order_by("-made_at", "-id").iterator(CHUNK):
            yield from rows_of(choices=[choice])

    def _receipts(self) -> int:
        kept = 0
        for choice in self._progress.besides(self._choices()):
            found = receipt_of(
                line_id=choice.line_id, choice_id=choice.id, order_ids=choice.order_ids, asks=choice.asks
            )
            if found is not None:
                body = receipts.file_of(receipt=found, at=self._at)
                self._file(f"receipts/receipt-{found.number}.json", [json.dumps(body, indent=2, ensure_ascii=False)])
                kept += 1
        return kept

    def _months(self) -> list[tuple[str, datetime]]:
        """Return the history as pages, one a month."""
        made: list[tuple[str, datetime]] = []
        for month, rows in groupby(self._progress.of(self._rows()), key=lambda row: _month(row.occurred_at)):
            name = f"history-{month:%Y-%m}.html"
            self._page(name, "archive/month.html", "archive/_row.html", self._list_page_rows(rows), month=month)
            made.append((name, month))
        return made

    def _list_page_rows(self, rows: Iterable[Disclosure]) -> Iterator[dict[str, object]]:
        for row in rows:
            path = tuple(row.path)
            if path not in self._trails:
                parties = Parties.read(set(path))
                self._trails[path] = (parties[company_of(path=path)].name, trail(path=path, parties=parties))
            name, stops = self._trails[path]
            self._companies.setdefault(name, _CompanySummary(name, row.occurred_at)).count(row)
            yield {
                "at": row.occurred_at, "trail": stops, "why": purpose_in_words(row.purpose),
                "precision": precision_in_words(row.precision_m), "words": judgement_in_words(describe_outcome(row)),
                "tone": tone_of(describe_outcome(row)), "delayed": vars(row)["delayed"],
            }  # fmt: skip

    def _log(self) -> Iterator[message_templates.Entry]:
        events = events_for(line=self._line, reader=self._reader.pk).filter(at__lte=self._at)
        for event in self._progress.besides(events.iterator(CHUNK)):
            yield message_templates.entry(event=event, reader=self._reader)

    def _page(self, name: str, frame: str, row: str, rows: Iterable[dict[str, object]], **more: object) -> None:
        """Write a long page: its frame around rows that are written one by one."""
        around = render_to_string(frame, {**self._shown, **more, "rows": MARK})
        head, _, tail = around.partition(MARK)
        one = get_template(row)
        self._file(name, (part for parts in ([head], (one.render(each) for each in rows), [tail]) for part in parts))

    def _file(self, name: str, pieces: Iterable[str]) -> None:
        with self._packed.open(name, "w", force_zip64=True) as file:
            for piece in pieces:
                file.write(piece.encode())


def _number(line: Line, at: datetime) -> str:
    msisdn = find_number(line_id=line.pk, at=at)
    return number_shown(msisdn) if msisdn else ""


def _month(at: datetime) -> datetime:
    return timezone.localtime(at).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
