"""The choices feed: stops, pauses and allows taken over from an earlier system, whose list may be of tens of millions.

A large file is taken in over several connections. Lines of one number go to one process, so that they stay in their
order and no process waits for another's. So does an id that is on its way already, whatever number it comes with: one
process decides whether it is new.
"""

import uuid
from collections import Counter, defaultdict, deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from datetime import datetime
from itertools import batched, chain
from typing import Literal
from zlib import crc32

import msgspec
from django.db import connection

import audit.queries
from consent.actions.records import FileChoice, record_file_choices
from consent.feeds.line_continuity import copy_rows_to_successors
from consent.feeds.records import Entry, RecordsFeed
from consent.models import Choice, HeldRow
from consent.queries.approvals import count_overridden_stops
from partners.feeds.checking import (
    Fate,
    FreeText,
    Instant,
    InstantOrEmpty,
    Msisdn,
    RowRefused,
    Text,
    content_hash,
    instant,
    instant_or_none,
)
from partners.feeds.reading import NumberedLine, Record
from partners.feeds.worker_pool import AHEAD, ClaimTurn, WorkerPool
from partners.labels import UNKNOWN

IDS = uuid.UUID("9d3f1f3e-7c0d-4a66-8f55-1f6f2f9b7c02")
ACTOR = "import:choices"
# Of a campaign: nothing that is longer is one.
LONGEST_CHANNEL, LONGEST_REF = 40, 200
KNOWN = """
SELECT c.id, c.content_hash FROM consent_choice c WHERE c.id = ANY (%s)
    AND NOT EXISTS (SELECT FROM consent_setaside x WHERE x.line_id = c.line_id AND x.yes_id = c.id)
"""

# A file within this is taken in by one process: starting more would take longer.
SMALL = 2_000_000
LINES_IN_A_PART = 1_000
# Two files at once, each with a pool, might bring the same id: the second is taken in by one process.
ONE_POOL = "SELECT pg_try_advisory_lock(hashtext('consent.feeds.crew'))"
OVER = "SELECT pg_advisory_unlock(hashtext('consent.feeds.crew'))"

type Line = NumberedLine | Record


class ReportedChoice(msgspec.Struct, frozen=True):
    """One line of a choices file as it stands there."""

    id: Text
    msisdn: Msisdn
    made_at: Instant
    kind: Literal["stop", "allow", "pause"]
    scope: Literal["all", "party", "purpose", "campaign"]
    channel: Text
    ref: FreeText | None = None
    until: InstantOrEmpty | None = None
    program: FreeText | None = None


class ChoicesFeed(RecordsFeed[ReportedChoice, FileChoice]):
    """Takes choices in. A stop never has an end, whatever the file says, and its programme never limits it."""

    name = "choices"
    held_as = HeldRow.Feed.CHOICES
    decoder = msgspec.json.Decoder(ReportedChoice)
    kind = ReportedChoice
    # A part of a second, whatever partners have to be told: so long a person's own stop may have to wait.
    lines_at_once = 250
    # Of a file imported in the console: the officer who decided on it, and why.
    decided_by = reason = ""

    def build_entry(self, told: ReportedChoice, line: int, at: datetime) -> Entry[FileChoice]:
        made_at = instant("made_at", told.made_at)
        until = instant_or_none("until", told.until)
        _refuse_contradictions(told, made_at, until, at)
        row = FileChoice(
            id=uuid.uuid5(IDS, told.id),
            source_id=told.id,
            kind=Choice.Kind(told.kind),
            scope=told.scope,
            ref="" if told.scope == "all" else told.ref or "",
            made_at=made_at,
            until=None if told.kind == "stop" else until,
            channel=told.channel,
            program=told.program or "",
            content_hash=content_hash(
                told.msisdn, made_at, told.kind, told.scope, told.ref, until, told.channel, told.program
            ),
            msisdn=told.msisdn,
        )
        # Held for its line, a yes names its campaign, which is what was agreed to from then on.
        campaign = row.ref if row.kind == Choice.Kind.ALLOW and len(row.ref) <= LONGEST_REF else ""
        return Entry(line, told.msisdn, made_at, campaign, told, row)

    def entry_of(self, *, row: Choice, msisdn: str, at: datetime) -> Entry[FileChoice] | None:
        """Return the entry that a yes of the ledger came as, if it came by this number."""
        told = ReportedChoice(
            id=row.source_id,
            msisdn=msisdn,
            made_at=row.made_at.isoformat(),
            kind="allow",
            scope="campaign",
            channel=row.channel,
            ref=row.ref,
            until=row.until.isoformat() if row.until else None,
            program=row.program or None,
        )
        entry = self.build_entry(told, 0, at)
        return entry if entry.row.content_hash == bytes(row.content_hash or b"") else None

    def find_stored_hashes(self, ids: Sequence[uuid.UUID]) -> dict[uuid.UUID, bytes]:
        with connection.cursor() as cursor:
            cursor.execute(KNOWN, [list(ids)])
            return {one: bytes(was or b"") for one, was in cursor.fetchall()}

    def unknown_campaigns(self, entries: Sequence[Entry[FileChoice]]) -> set[str]:
        """None is needed: a choice that names what is not known yet applies when it appears."""
        del entries
        return set()

    def _allows_and_denials(
        self, by_line: Mapping[int, Sequence[Entry[FileChoice]]]
    ) -> tuple[Mapping[int, list[FileChoice]], Mapping[int, list[FileChoice]]]:
        allows: dict[int, list[FileChoice]] = defaultdict(list)
        denials: dict[int, list[FileChoice]] = defaultdict(list)
        for line_id, entries in by_line.items():
            for entry in entries:
                (allows if self.allows(entry) else denials)[line_id].append(entry.row)
        return allows, denials

    def take_in(self, by_line: Mapping[int, Sequence[Entry[FileChoice]]]) -> int:
        # Allows first: a partner that one of them names is affected by the stops beside it.
        for together in filter(None, self._allows_and_denials(by_line)):
            record_file_choices(by_line=together, actor=ACTOR, decided_by=self.decided_by, reason=self.reason)
        new = {line_id: [entry.row.id for entry in entries] for line_id, entries in by_line.items()}
        copy_rows_to_successors(ids=new, actor=ACTOR)
        return count_overridden_stops(line_ids=list(new), new=[one for ids in new.values() for one in ids])

    def allows(self, entry: Entry[FileChoice]) -> bool:
        return entry.row.kind == Choice.Kind.ALLOW

    def stops(self) -> "ChoicesFeed":
        return ChoicesFeed()


def _refuse_contradictions(told: ReportedChoice, made_at: datetime, until: datetime | None, at: datetime) -> None:
    if made_at > at:
        raise RowRefused("made_at", "in_future")
    _refuse_other_scope(told)
    if told.kind == "pause" and until is None:
        raise RowRefused("until", "missing")
    if told.kind != "stop" and until is not None and until <= made_at:
        raise RowRefused("until", "before_made_at")
    if len(told.channel) > LONGEST_CHANNEL:
        raise RowRefused("channel", "too_long")


def _refuse_other_scope(told: ReportedChoice) -> None:
    if told.scope != "all" and not told.ref:
        raise RowRefused("ref", "missing")
    if told.scope == "party" and told.ref == UNKNOWN:
        raise RowRefused("ref", "names_no_party")
    if told.kind == "allow" and told.scope != "campaign":
        raise RowRefused("scope", "allow_names_one_campaign")


class ImportResult(msgspec.Struct, frozen=True):
    """What became of some lines: how many of each fate, those refused in order, and how many stops are outweighed."""

    lines: int
    counts: dict[str, int]
    refused: list[Fate]
    pierced: int


class _Marks(msgspec.Struct, frozen=True):
    id: str = ""
    msisdn: str = ""


def import_choices(*, lines: Iterator[Line], workers: int) -> Iterator[ImportResult]:
    """Take a file in, part by part in its order. Constant memory. Call outside a transaction. Raises WorkerGone."""
    first, held = list[Line](), 0
    while held < SMALL and (line := next(lines, None)):
        first.append(line)
        held += _length_of(line)
    lines = chain(first, lines)
    with ExitStack() as stack:
        if held >= SMALL and workers > 1:
            pool = stack.enter_context(WorkerPool(size=workers, work=_import_in_pool))
            if _ask(ONE_POOL):
                stack.callback(_ask, OVER)
                parts = _deal_parts(lines, workers)
                for together in batched(pool.results(parts), workers, strict=True):
                    yield _sum(together)
                return
            stack.pop_all().close()
        for some in batched(lines, LINES_IN_A_PART, strict=False):
            yield _import_lines(some, ChoicesFeed())


def _length_of(line: Line) -> int:
    return len(line.content) if isinstance(line, NumberedLine) else sum(map(len, line.values.values()))


def _ask(statement: str) -> bool:
    with connection.cursor() as cursor:
        cursor.execute(statement)
        return bool(*(cursor.fetchone() or ()))


def _deal_parts(lines: Iterator[Line], workers: int) -> Iterator[list[Line]]:
    """In turn a part for each process, maybe an empty one."""
    underway: deque[dict[str, int]] = deque(maxlen=AHEAD + 1)
    for some in batched(lines, LINES_IN_A_PART * workers, strict=False):
        underway.append({})
        parts: list[list[Line]] = [[] for _ in range(workers)]
        for line in some:
            marks = _get_deal_key(line)
            known = next((ids[marks.id] for ids in underway if marks.id in ids), None)
            place = crc32(marks.msisdn.encode()) % workers if known is None else known
            underway[-1][marks.id] = place
            parts[place].append(line)
        yield from parts


def _get_deal_key(line: Line) -> _Marks:
    """By what a line is dealt; nothing of one that will be refused."""
    try:
        if isinstance(line, NumberedLine):
            return msgspec.json.decode(line.content, type=_Marks)
        return msgspec.convert(line.values, _Marks)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return _Marks()


def _import_in_pool(lines: Sequence[Line], turn: ClaimTurn) -> ImportResult:
    turn.check()
    return _import_lines(lines, ChoicesFeed(in_pool=True))


def _import_lines(lines: Sequence[Line], feed: ChoicesFeed) -> ImportResult:
    fates = feed.take(lines=lines, at=audit.queries.database_clock()) if lines else []
    refused = [fate for fate in fates if fate.status == "rejected"]
    return ImportResult(len(lines), Counter(fate.status for fate in fates), refused, feed.pierced)


def _sum(together: Iterable[ImportResult]) -> ImportResult:
    """What several processes did with neighbouring lines."""
    lines = pierced = 0
    counts, refused = Counter[str](), list[Fate]()
    for one in together:
        lines += one.lines
        counts.update(one.counts)
        refused += one.refused
        pierced += one.pierced
    return ImportResult(lines, counts, sorted(refused, key=lambda fate: int(fate.line)), pierced)
