"""Keep choices, and what else tightens, outside the database as well, so that a restore can take no stop back.

The archive is a chain of signed lines by day (`archive_entries`) in a folder or another store (`clients.archive_sink`).
After each start of the database's server the two are compared (`archive_comparison`), and until then the gate says no.

The row is the queue: it goes once the archive has the entry on its disk. A worker killed between the two writes the
entry again, and a reader knows it by its id. Nothing is written while the gate is closed: what a restored database
lacks must stay the newest that the archive tells of.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import UUID

import msgspec
import structlog
from django.db import connection, transaction
from django.db.models import F

from accounts.models import Line
from accounts.primitives.slots import lock_job
from consent.clients.archive_sink import Sink, open_sink
from consent.models import ArchiveHead, ArchiveQueueEntry, Choice, ChoiceReceipt, Tightening
from consent.workers.archive_comparison import NotThere, close_gate, compare_archive
from consent.workers.archive_entries import (
    ArchivedChoice,
    ArchivedEnd,
    ArchivedSuspension,
    ArchivedTightening,
    BadEntry,
    Entry,
    digest,
    encode_entry,
    line_mac,
    list_missing_entries,
    read,
)
from partners.models import Campaign, Contract, Party, Suspension
from revocations.models import Cohort

log = structlog.get_logger(__name__)
BATCH = 500
TURN = "stop archive"
# As the database queues them, in the order in which they came.
AGAIN = (
    """
INSERT INTO consent_unarchived (kind, line_id, object_id, queued_at)
SELECT 'choice', c.line_id, c.id::text, clock_timestamp() FROM consent_choice c
WHERE NOT EXISTS (SELECT FROM consent_unarchived u WHERE u.line_id = c.line_id AND u.object_id = c.id::text)
ORDER BY c.recorded_at
""",
    """
INSERT INTO consent_unarchived (kind, line_id, object_id, queued_at)
SELECT 'suspension', 0, s.id::text, clock_timestamp() FROM partners_suspension s
WHERE s.id::text NOT IN (SELECT object_id FROM consent_unarchived WHERE line_id = 0) ORDER BY s.id
""",
    """
INSERT INTO consent_unarchived (kind, line_id, object_id, queued_at)
SELECT 'end', 0, e.id::text, clock_timestamp() FROM revocations_cohort e
WHERE e.id::text NOT IN (SELECT object_id FROM consent_unarchived WHERE line_id = 0) ORDER BY e.recorded_at
""",
)

type Waiting = Mapping[int, Entry]


def write(*, now: datetime) -> int:
    """Write what waits, oldest first. Returns how many entries; none where another worker is at it. Raises OSError."""
    done = 0
    with lock_job(name=TURN) as mine:
        if not mine or not compare_archive().is_open:
            return 0
        place = open_sink()
        while rows := list(ArchiveQueueEntry.objects.order_by("queued_at", "id")[:BATCH]):
            before = _end_of(place)
            if before is None:
                return done
            _write(rows, place, before, now)
            done += len(rows)
        while kept := list(Tightening.objects.filter(archived_at__isnull=True).order_by("at", "id")[:BATCH]):
            before = _end_of(place)
            if before is None:
                return done
            _write_tightenings(kept, place, before, now)
            done += len(kept)
    return done


def append(*, entries: Sequence[Entry], now: datetime) -> None:
    """Write these entries as they are, linked to what is there; for who has the turn already. Raises OSError."""
    place = open_sink()
    last = place.last()
    _append(place, entries, digest(last) if last else "", now)


def requeue_everything() -> int:
    """Queue all that the archive is to hold again, for one that was lost. Returns how much of it did not wait yet."""
    # What a restore did once more waits as its own act. Its row from the archive that was lost is dated by the restore,
    # and would seem newer than what was said just before.
    written = Tightening.objects.filter(archived_at__isnull=False).exclude(archived_at=F("at"))
    queued = written.update(archived_at=None)
    with connection.cursor() as cursor:
        for statement in AGAIN:
            cursor.execute(statement)
            queued += cursor.rowcount
    return queued


def _end_of(place: Sink) -> str | None:
    """The digest that the next entry names; None where the archive is not the one that this database wrote to."""
    head = ArchiveHead.objects.filter(pk=ArchiveHead.ID).first()
    last = place.last()
    if (digest(last) if last else "") == (head.digest if head else ""):
        return digest(last) if last else ""
    if not last:
        log.error("archive.gone", place=str(place))
        return None
    try:
        known = not list_missing_entries(entries=[read(last)])
    except BadEntry:
        known = False
    if not known:
        close_gate(why="the archive's newest entry is not of this database")
        return None
    return digest(last)


def _write(rows: Sequence[ArchiveQueueEntry], place: Sink, before: str, now: datetime) -> None:
    made = {**_choices(rows), **_suspensions(rows), **_ends(rows)}
    day, newest = _append(place, [made[row.id] for row in rows if row.id in made], before, now)
    with transaction.atomic():
        ArchiveQueueEntry.objects.filter(pk__in=[row.pk for row in rows]).delete()
        if newest:
            _remember(day, newest, now)


def _write_tightenings(rows: Sequence[Tightening], place: Sink, before: str, now: datetime) -> None:
    made = [
        Entry(id=str(row.id), before="", tightening=ArchivedTightening(kind=row.kind, facts=row.facts)) for row in rows
    ]
    day, newest = _append(place, made, before, now)
    with transaction.atomic():
        Tightening.objects.filter(id__in=[row.id for row in rows]).update(archived_at=now)
        _remember(day, newest, now)


def _remember(day: str, newest: str, now: datetime) -> None:
    ArchiveHead.objects.update_or_create(pk=ArchiveHead.ID, defaults={"day": day, "digest": newest, "written_at": now})


def _append(place: Sink, entries: Sequence[Entry], before: str, now: datetime) -> tuple[str, str]:
    days = place.days()
    if before and not days:
        # It went away since its end was read: what is written now would begin another archive.
        raise NotThere(f"in {place}: it is empty, and has not been")
    # A clock that was set back must not put what is newer into an older day.
    day = max([f"{now:%Y-%m-%d}", *days[-1:]])
    lines = []
    for entry in entries:
        lines.append(encode_entry(msgspec.structs.replace(entry, before=before)))
        before = digest(lines[-1])
    if lines:
        place.append(day=day, lines=lines)
    return day, before


def _choices(rows: Sequence[ArchiveQueueEntry]) -> Waiting:
    wanted = {UUID(row.object_id): row for row in rows if row.kind == ArchiveQueueEntry.Kind.CHOICE}
    lines = Line.objects.in_bulk({row.line_id for row in wanted.values()})
    receipts = {one.choice_id: one for one in ChoiceReceipt.objects.filter(line_id__in=lines, choice_id__in=wanted)}
    return {
        wanted[choice.id].id: Entry(
            id=str(choice.id), before="", choice=_choice(choice, lines[choice.line_id], receipts.get(choice.id))
        )
        for choice in Choice.objects.filter(line_id__in=lines, id__in=wanted)
    }


def _choice(choice: Choice, line: Line, receipt: ChoiceReceipt | None) -> ArchivedChoice:
    return ArchivedChoice(
        line=line.public_id,
        line_mac=line_mac(line.carrier_id),
        kind=choice.kind,
        scope=choice.scope,
        ref=choice.ref,
        made_at=choice.made_at,
        until=choice.until,
        origin=choice.origin,
        channel=choice.channel,
        program=choice.program,
        reason=choice.reason,
        actor=choice.actor,
        recorded_at=choice.recorded_at,
        source_id=choice.source_id,
        content_hash=bytes(choice.content_hash).hex() if choice.content_hash is not None else "",
        notice=choice.notice,
        number=receipt.number if receipt else "",
        token=receipt.token if receipt else "",
    )


def _suspensions(rows: Sequence[ArchiveQueueEntry]) -> Waiting:
    wanted = {int(row.object_id): row.id for row in rows if row.kind == ArchiveQueueEntry.Kind.SUSPENSION}
    found: dict[int, Entry] = {}
    for one in Suspension.objects.filter(pk__in=wanted):
        ref = _ref(one.of, one.target_id)
        if ref:
            said = ArchivedSuspension(
                of=one.of, ref=ref, starts_at=one.starts_at, automatic=one.automatic, actor=one.actor
            )
            found[wanted[one.pk]] = Entry(id=f"suspension {one.pk}", before="", suspension=said)
    return found


def _ends(rows: Sequence[ArchiveQueueEntry]) -> Waiting:
    wanted = {UUID(row.object_id): row.id for row in rows if row.kind == ArchiveQueueEntry.Kind.END}
    return {
        wanted[one.pk]: Entry(
            id=str(one.pk),
            before="",
            end=ArchivedEnd(
                of=one.of,
                ref=_ref(one.of, one.target_id),
                contract=_ref("contract", one.contract_id),
                epoch=one.epoch,
                actor=one.actor,
            ),
        )
        for one in Cohort.objects.filter(pk__in=wanted)
    }


def _ref(of: str, target_id: int) -> str:
    """The name by which a party, contract or campaign is known outside; "" where there is none."""
    match of:
        case "party":
            found = Party.objects.filter(pk=target_id).values_list("uri", flat=True).first()
        case "contract":
            found = Contract.objects.filter(pk=target_id).values_list("ref", flat=True).first()
        case _:
            found = Campaign.objects.filter(pk=target_id).values_list("ref", flat=True).first()
    return found or ""
