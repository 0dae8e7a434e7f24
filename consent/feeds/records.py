"""Write rows of the approvals and choices feeds: find known ones, hold those without a line, take in those of a line.

No yes is written for a line for which a stop waits: whoever brings the yes takes the stop in first. Rows are held and
found under one lock, so that no stop waits unseen. Nor is a yes written for a line that did not have its number.
"""

import uuid
from abc import ABC, abstractmethod
from collections import defaultdict
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import batched
from typing import Any, Protocol

import msgspec
from django.db import connection, transaction
from django.db.models import Q

import audit.queries
from accounts.primitives.sealing import number_hash, seal, unseal
from accounts.workers.one_by_one import unseal_or_report
from consent.domain.conflicts import retry_on_conflict
from consent.domain.snapshots import lock_lines, lock_terms
from consent.models import HeldRow
from partners.feeds.checking import (
    Fate,
    RowRefused,
    build_accepted_fate,
    build_rejected_fate,
    build_repeated_fate,
    content_hash,
    read,
)
from partners.feeds.command import Feed
from partners.feeds.reading import NumberedLine, Record

# For a thousand numbers at once, Django would take longer to make the statement than PostgreSQL to follow it.
PERIODS = "SELECT msisdn_hash, starts_at, ends_at, line_id FROM accounts_linenumber WHERE msisdn_hash = ANY (%s)"


class Holders:
    """Who held some numbers, and when."""

    def __init__(self, *, msisdns: Collection[str]) -> None:
        self._hashes = {msisdn: number_hash(msisdn) for msisdn in set(msisdns)}
        self._periods: dict[bytes, list[tuple[datetime, datetime | None, int]]] = defaultdict(list)
        with connection.cursor() as cursor:
            cursor.execute(PERIODS, [list(self._hashes.values())])
            for hashed, starts_at, ends_at, line_id in cursor.fetchall():
                self._periods[bytes(hashed)].append((starts_at, ends_at, line_id))

    def line_at(self, msisdn: str, at: datetime) -> int | None:
        """Return the line whose number this was at a moment."""
        for starts_at, ends_at, line_id in self._periods[self._hashes[msisdn]]:
            if starts_at <= at and (ends_at is None or at < ends_at):
                return line_id
        return None


class FeedRow(Protocol):
    """A row that was read and is well formed."""

    @property
    def source_id(self) -> str: ...
    @property
    def id(self) -> uuid.UUID: ...
    @property
    def content_hash(self) -> bytes: ...


@dataclass(frozen=True)
class Entry[R: FeedRow]:
    """A checked row with where it came from: its line in the file, the number it names, and its moment."""

    line: int
    msisdn: str
    at: datetime
    campaign: str
    told: msgspec.Struct
    row: R


@dataclass(frozen=True)
class WriteResult[R: FeedRow]:
    """What became of entries that were to be written.

    `there`: ids that were known by then, with the hash of their content. `moved`: yeses of another line's number.
    `pierced`: how many stops they outweigh.
    """

    new: Sequence[Entry[R]]
    there: Mapping[uuid.UUID, bytes]
    moved: Sequence[Entry[R]]
    pierced: int


@dataclass
class SortedEntries[R: FeedRow]:
    """What is to become of entries: known ones come again, some are a line's, the others of no line that we know.

    `known`: all ids that were taken in by now, with the hash of their content.
    """

    known: dict[uuid.UUID, bytes]
    by_line: dict[int, list[Entry[R]]] = field(default_factory=lambda: defaultdict(list))
    homeless: list[Entry[R]] = field(default_factory=list)
    again: list[Entry[R]] = field(default_factory=list)


def flatten[R: FeedRow](by_line: Mapping[int, Sequence[Entry[R]]]) -> list[Entry[R]]:
    """Return the entries of all lines, line after line."""
    return [entry for of_line in by_line.values() for entry in of_line]


def leave_out[R: FeedRow](
    by_line: Mapping[int, Sequence[Entry[R]]], leaves_out: Callable[[Entry[R]], bool]
) -> dict[int, list[Entry[R]]]:
    """Return the entries that stay, of the lines that have any."""
    stay = {line_id: [entry for entry in of_line if not leaves_out(entry)] for line_id, of_line in by_line.items()}
    return {line_id: of_line for line_id, of_line in stay.items() if of_line}


def group_by_line[R: FeedRow](entries: Collection[Entry[R]]) -> dict[int, list[Entry[R]]]:
    """Entries by the line that had their number then, without those that name nobody's."""
    holders = Holders(msisdns=[entry.msisdn for entry in entries])
    found: dict[int, list[Entry[R]]] = defaultdict(list)
    for entry in entries:
        line_id = holders.line_at(entry.msisdn, entry.at)
        if line_id is not None:
            found[line_id].append(entry)
    return found


HELD_BATCH = 1000
HELD = "consent.held_rows"
# Why a row is held.
LINE_UNKNOWN, NO_CAMPAIGN = ("msisdn", "line_unknown"), ("campaign", "campaign_unknown")
# Their gate rows are locked while they are written: a person's own stop must not wait for long.
LINES_AT_ONCE = 100
# A first import fills tables that have no statistics yet: each batch would read them whole.
BY_INDEXES = "set_config('enable_seqscan', 'off', true)"
# Whoever writes rows of these feeds does so alone: whether an id is new is decided on what others have written before.
ALONE = f"SELECT pg_advisory_xact_lock(hashtext('consent.feeds')), {BY_INDEXES}"
# Several processes take one file in, each with ids of its own: beside one another, and beside nobody else.
BESIDE_THE_POOL = f"SELECT pg_advisory_xact_lock_shared(hashtext('consent.feeds')), {BY_INDEXES}"
CANDIDATES = """
SELECT held.source_hash, held.row_sealed FROM consent_heldrow held
WHERE held.feed = %s AND held.source_hash > %s
    AND EXISTS (SELECT FROM accounts_linenumber n WHERE n.msisdn_hash = held.msisdn_hash)
    AND (held.feed = 'choices' OR held.campaign = ''
        OR EXISTS (SELECT FROM partners_campaign c WHERE c.ref = held.campaign))
ORDER BY held.source_hash LIMIT %s
"""
# The lines that these continue, however far, by line; nothing of one that continues none.
BEFORE = """
WITH RECURSIVE theirs AS (
    SELECT id, continues_line_id AS earlier FROM accounts_line WHERE id = ANY (%s) AND continues_line_id IS NOT NULL
    UNION
    SELECT theirs.id, before.continues_line_id
    FROM theirs JOIN accounts_line before ON before.id = theirs.earlier WHERE before.continues_line_id IS NOT NULL
)
SELECT id, array_agg(earlier) FROM theirs GROUP BY id
"""
# What waits under a number of these lines, or of lines that they continue and whose stops they take over, with the time
# in which it was theirs. By the number's index alone; what is in its ledger by now waits no more.
WAITING = """
WITH RECURSIVE theirs AS (
    SELECT id, continues_line_id FROM accounts_line WHERE id = ANY (%s)
    UNION
    SELECT before.id, before.continues_line_id
    FROM theirs JOIN accounts_line before ON before.id = theirs.continues_line_id
)
SELECT held.source_hash, held.row_sealed, n.starts_at, n.ends_at
FROM theirs JOIN accounts_linenumber n ON n.line_id = theirs.id
    JOIN consent_heldrow held ON held.msisdn_hash = n.msisdn_hash
WHERE held.feed = %s AND NOT EXISTS (SELECT FROM consent_choice c WHERE c.id = held.choice_id)
ORDER BY held.source_hash
"""
SET_ASIDE = "SELECT line_id, yes_id FROM consent_setaside WHERE line_id = ANY (%s) AND yes_id = ANY (%s)"

type Sealed = tuple[bytes, str]


def lock_feed(*, in_pool: bool = False) -> None:
    """Before it is looked up which ids are known: alone, or beside its pool alone, until this transaction ends."""
    with connection.cursor() as cursor:
        cursor.execute(BESIDE_THE_POOL if in_pool else ALONE)


class RecordsFeed[T: msgspec.Struct, R: FeedRow](Feed, ABC):
    """The common way of a feed whose rows name a number: check, tell repeats, attribute, take in or hold.

    `pierced`: how many stops taken over from files a newer yes from a file outweighs now. `in_pool`: others take in
    other ids of the same file meanwhile.
    """

    name: str
    header = "msisdn"
    chunk = 1000
    lines_at_once = LINES_AT_ONCE
    held_as: HeldRow.Feed
    decoder: msgspec.json.Decoder[T]
    kind: type[T]

    def __init__(self, *, in_pool: bool = False) -> None:
        self.pierced = 0
        self.in_pool = in_pool

    @abstractmethod
    def build_entry(self, told: T, line: int, at: datetime) -> Entry[R]:
        """Build the entry in a line, as known at `at`. Raises RowRefused."""

    @abstractmethod
    def find_stored_hashes(self, ids: Sequence[uuid.UUID]) -> dict[uuid.UUID, bytes]:
        """Find those of these ids that are taken in already, each with the hash of its content."""

    @abstractmethod
    def unknown_campaigns(self, entries: Sequence[Entry[R]]) -> set[str]:
        """Return the campaigns that entries need and that are not there yet."""

    @abstractmethod
    def take_in(self, by_line: Mapping[int, Sequence[Entry[R]]]) -> int:
        """Write the entries of some lines, in this transaction. Returns how many stops taken over they outweigh."""

    @abstractmethod
    def allows(self, entry: Entry[R]) -> bool:
        """Return whether it says yes, so that no stop of its line may wait when it is written."""

    @abstractmethod
    def stops(self) -> "RecordsFeed[Any, Any]":
        """The feed of those stops."""

    def take(self, *, lines: Sequence[NumberedLine | Record], at: datetime) -> list[Fate]:
        fates: list[Fate] = []
        entries: list[Entry[R]] = []
        for line in lines:
            try:
                entries.append(self.build_entry(read(line, self.decoder, self.kind), line.number, at))
            except RowRefused as refused:
                fates.append(build_rejected_fate(line.number, refused.field, refused.reason))
        fates += self.settle(entries, at)
        return sorted(fates, key=lambda fate: int(fate.line))

    def extra(self) -> dict[str, int]:
        return {"file_stops_pierced": self.pierced}

    def settle(self, entries: Sequence[Entry[R]], at: datetime) -> list[Fate]:
        """Take in, repeat, hold or refuse each entry."""
        holders = Holders(msisdns=[entry.msisdn for entry in entries])
        sorted_out = self._sort_out(entries, holders)
        fates: list[Fate] = []
        for line_ids in _batches(sorted_out.by_line, self.lines_at_once):
            fates += self._settle_lines(sorted_out, line_ids, at)
        fates += self._hold(sorted_out.homeless, at) if sorted_out.homeless else []
        return fates + [_judge_repeat(entry, sorted_out.known) for entry in sorted_out.again]

    def _sort_out(self, entries: Sequence[Entry[R]], holders: Holders) -> "SortedEntries[R]":
        found = SortedEntries[R](self.find_stored_hashes([entry.row.id for entry in entries]))
        missing = self.unknown_campaigns(entries)
        for entry in entries:
            line_id = holders.line_at(entry.msisdn, entry.at)
            if entry.row.id in found.known:
                found.again.append(entry)
            elif line_id is None or entry.campaign in missing:
                found.homeless.append(entry)
            else:
                found.known[entry.row.id] = entry.row.content_hash
                found.by_line[line_id].append(entry)
        return found

    def _settle_lines(self, found: "SortedEntries[R]", line_ids: Sequence[int], at: datetime) -> list[Fate]:
        """Take in the entries of some lines, after the stops that wait for them."""
        batch = {line_id: found.by_line[line_id] for line_id in line_ids}
        while (written := self._take_in(batch)) is None:
            self.take_stops_in(line_ids=line_ids, at=at)
        fates = [build_accepted_fate(entry.line) for entry in written.new]
        found.known.update(written.there)
        found.again += [entry for of_line in batch.values() for entry in of_line if entry.row.id in written.there]
        self.pierced += written.pierced
        return fates + (self.settle(written.moved, at) if written.moved else [])

    @retry_on_conflict
    @transaction.atomic
    def _take_in(self, by_line: Mapping[int, Sequence[Entry[R]]]) -> WriteResult[R] | None:
        """Write those entries of some lines that nobody has written meanwhile.

        None, and nothing written, where there is a yes among them and a stop that is not among them waits.
        """
        lock_feed(in_pool=self.in_pool)
        lock_terms(campaigns=[entry.campaign for entry in flatten(by_line)])
        there = self.find_stored_hashes([entry.row.id for entry in flatten(by_line)])
        there |= _list_invalidated_ids(by_line)
        new = leave_out(by_line, lambda entry: entry.row.id in there)
        allowing = {line_id: of_line for line_id, of_line in new.items() if any(map(self.allows, of_line))}
        moved = self._find_moved_entries(allowing) if allowing else []
        new = leave_out(new, lambda entry: entry in moved)
        fresh = flatten(new)
        if self._stops_come_first(list(allowing), fresh):
            return None
        pierced = self.take_in(new) if new else 0
        return WriteResult(fresh, there, moved, pierced)

    def _stops_come_first(self, may_allow: Sequence[int], fresh: Sequence[Entry[R]]) -> bool:
        return bool(may_allow) and self.stops_wait(line_ids=may_allow, besides=[entry.row.id for entry in fresh])

    def _find_moved_entries(self, by_line: Mapping[int, Sequence[Entry[R]]]) -> list[Entry[R]]:
        """The yeses whose number is known by now to have been another line's, or nobody's.

        Whoever takes a number from a line holds its gate row until that is committed; so is it held here.
        """
        lock_lines(line_ids=list(by_line))
        yeses = [(pk, entry) for pk, of_line in by_line.items() for entry in of_line if self.allows(entry)]
        holders = Holders(msisdns=[entry.msisdn for _, entry in yeses])
        return [entry for line_id, entry in yeses if holders.line_at(entry.msisdn, entry.at) != line_id]

    def replay(self, *, at: datetime) -> int:
        """Take in what was held for lines and campaigns that are known now. Returns how many rows it was."""
        taken, last = 0, b""
        while True:
            with connection.cursor() as cursor:
                cursor.execute(CANDIDATES, [self.held_as, last, HELD_BATCH])
                found = [(bytes(source), sealed) for source, sealed in cursor.fetchall()]
            if not found:
                return taken
            last = found[-1][0]
            opened = ((one, unseal_or_report(sealed=sealed, job=HELD, row=one.hex(), at=at)) for one, sealed in found)
            taken += self._settle_pending_rows([one for one in opened if one[1]], at)

    def stops_wait(self, *, line_ids: Sequence[int], besides: Collection[uuid.UUID] = ()) -> bool:
        """Return whether a stop or pause of these lines, or of lines that they continue, waits; besides these ids."""
        return any(entry.row.id not in besides for _, entry in self.stops().list_pending_denials(line_ids=line_ids))

    def take_stops_in(self, *, line_ids: Sequence[int], at: datetime) -> None:
        """Take in the stops and pauses that wait for these lines. Call outside a transaction."""
        stops = self.stops()
        stops.take_in_denials(line_ids=line_ids, at=at)
        self.pierced += stops.pierced

    def take_in_denials(self, *, line_ids: Sequence[int], at: datetime) -> None:
        """Take in what is held of these lines, or of lines that they continue, and is no yes."""
        self._settle_pending_rows([sealed for sealed, _ in self.list_pending_denials(line_ids=line_ids)], at)

    def list_pending_denials(self, *, line_ids: Sequence[int]) -> list[tuple[Sealed, Entry[R]]]:
        """List what is held of these lines, or of lines that they continue, though they are known, and is no yes."""
        with connection.cursor() as cursor:
            cursor.execute(WAITING, [list(line_ids), self.held_as])
            rows = cursor.fetchall()
        found = [(bytes(source), unseal(bytes(sealed))) for source, sealed, _, _ in rows]
        periods = [(starts_at, ends_at) for _, _, starts_at, ends_at in rows]
        return [
            (sealed, entry)
            for sealed, entry, (starts_at, ends_at) in zip(found, self._parse_pending_rows(found), periods, strict=True)
            if not self.allows(entry) and starts_at <= entry.at and (ends_at is None or entry.at < ends_at)
        ]

    def _settle_pending_rows(self, found: Sequence[Sealed], at: datetime) -> int:
        """Take in held rows, as far as what they name is known. Returns how many that were."""
        entries = self._parse_pending_rows(found)
        fates = {fate.line: fate for fate in self.settle(entries, at)}
        waits = {what for _, what in (LINE_UNKNOWN, NO_CAMPAIGN)}
        settled = [(source, entries[n]) for n, (source, _) in enumerate(found) if fates[n].reason not in waits]
        for some in batched(settled, self.lines_at_once, strict=False):
            self._let_go(dict(some))
        return sum(fate.status == "accepted" for fate in fates.values())

    @transaction.atomic
    def _let_go(self, settled: Mapping[bytes, Entry[R]]) -> None:
        """Hold no longer what is in the ledger.

        Who sets a yes aside there has the line's turn, and counts on it that what is held already stays held.
        """
        lock_feed()
        entries = list(settled.values())
        lock_lines(line_ids=list(group_by_line(entries)))
        # Whose they are is asked anew: whoever had a turn before us may have taken the number from the line.
        there = (
            self.find_stored_hashes([entry.row.id for entry in entries]).keys()
            | _list_invalidated_ids(group_by_line(entries)).keys()
        )
        done = [source for source, entry in settled.items() if entry.row.id in there]
        HeldRow.objects.filter(Q(feed=self.held_as, source_hash__in=done)).delete()

    def _parse_pending_rows(self, found: Sequence[Sealed]) -> list[Entry[R]]:
        """Held rows as entries. They were checked when they came, by a clock that may be ahead of this run's start."""
        now = audit.queries.database_clock()
        return [self.build_entry(self.decoder.decode(row), n, now) for n, (_, row) in enumerate(found)]

    def _hold(self, entries: Sequence[Entry[R]], at: datetime) -> list[Fate]:
        """Keep what names a line or campaign that is not known; what came to be known meanwhile is taken in."""
        held, late = self._split_pending_entries(entries, at)
        fates = [build_rejected_fate(entry.line, *what) for entry, what in held]
        return fates + self.settle(late, at) if late else fates

    @retry_on_conflict
    @transaction.atomic
    def _split_pending_entries(
        self, entries: Sequence[Entry[R]], at: datetime
    ) -> tuple[list[tuple[Entry[R], tuple[str, str]]], list[Entry[R]]]:
        """Those that are kept, each with why; and those that need not be any more.

        Alone: whoever writes a yes afterwards finds them, and what was known to whoever wrote one before is known here.
        """
        lock_feed()
        holders, missing = Holders(msisdns=[entry.msisdn for entry in entries]), self.unknown_campaigns(entries)
        held: list[tuple[Entry[R], tuple[str, str]]] = []
        late: list[Entry[R]] = []
        for entry in entries:
            if holders.line_at(entry.msisdn, entry.at) is None:
                held.append((entry, LINE_UNKNOWN))
            elif entry.campaign in missing:
                held.append((entry, NO_CAMPAIGN))
            else:
                late.append(entry)
        self.keep(entries=[entry for entry, _ in held], at=at)
        return held, late

    def keep(self, *, entries: Sequence[Entry[R]], at: datetime) -> None:
        """Hold entries until what they name is known; one that is held already stays as it is."""
        lock_terms(campaigns=[entry.campaign for entry in entries])
        HeldRow.objects.bulk_create(
            [
                HeldRow(
                    feed=self.held_as,
                    source_hash=content_hash(self.held_as, entry.row.source_id),
                    msisdn_hash=number_hash(entry.msisdn),
                    campaign=entry.campaign,
                    row_sealed=seal(msgspec.json.encode(entry.told).decode()),
                    held_at=at,
                    choice_id=entry.row.id if self.held_as == HeldRow.Feed.CHOICES else None,
                )
                for entry in entries
            ],
            ignore_conflicts=True,
        )


def _batches(line_ids: Collection[int], at_once: int) -> Iterator[list[int]]:
    """Lines to take in together, in order; one that continues another, however far, only after the other.

    What a line takes over from the other is told before what is its own, as if each line came by itself.
    """
    with connection.cursor() as cursor:
        cursor.execute(BEFORE, [sorted(line_ids)])
        before: dict[int, list[int]] = dict(cursor.fetchall())
    batch: list[int] = []
    for line_id in sorted(line_ids):
        if len(batch) == at_once or not set(before.get(line_id, ())).isdisjoint(batch):
            yield batch
            batch = []
        batch.append(line_id)
    if batch:
        yield batch


def _list_invalidated_ids(by_line: Mapping[int, Sequence[Entry[Any]]]) -> dict[uuid.UUID, bytes]:
    """The ids of those that are set aside on this very line, which the number came back to: there they stay so."""
    rows = {(line_id, entry.row.id): entry.row for line_id, of_line in by_line.items() for entry in of_line}
    with connection.cursor() as cursor:
        cursor.execute(SET_ASIDE, [list(by_line), [row_id for _, row_id in rows]])
        return {one[1]: rows[one].content_hash for one in cursor.fetchall() if one in rows}


def _judge_repeat(entry: Entry[Any], known: Mapping[uuid.UUID, bytes]) -> Fate:
    same = known[entry.row.id] == entry.row.content_hash
    return build_repeated_fate(entry.line) if same else build_rejected_fate(entry.line, "id", "id_conflict")
