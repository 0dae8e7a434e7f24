"""Keep which line had which number when: as rows report it, as a chunk of a file changes it, as the table holds it.

Each row is decided on with what the rows above it left. What follows from it waits in `LineChanges` until the chunk is
over, or until something else needs to find it written; then many lines are written at once.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import zip_longest
from typing import Any, Self

import audit.actions
from accounts.actions import people
from accounts.models import Line, LineNumber, LineState
from accounts.primitives.sealing import number_hash, seal
from consent.actions.lines import change_numbers, end_tenures
from consent.domain.change_notices import Change, notify_of_line_moves
from consent.domain.snapshots import list_allowed_campaigns, lock_lines
from consent.feeds.line_continuity import LineRecord
from consent.models import RejudgeRequest
from consent.workers.expiry import enqueue_current_states


@dataclass
class Period:
    """A line had a number from `starts_at` until `ends_at` (None: still). `pk` None: not stored yet.

    `known_since`: when its line was first heard of, where that was before this chunk.
    """

    line: str
    number: bytes
    msisdn: str
    starts_at: datetime
    ends_at: datetime | None
    pk: int | None = None
    changed: bool = False
    known_since: datetime | None = None

    def overlaps(self, starts_at: datetime, ends_at: datetime | None) -> bool:
        return (ends_at is None or self.starts_at < ends_at) and (self.ends_at is None or starts_at < self.ends_at)


@dataclass
class Timeline:
    """Periods by line (the carrier's id) and by number."""

    by_line: dict[str, list[Period]] = field(default_factory=lambda: defaultdict(list))
    by_number: dict[bytes, list[Period]] = field(default_factory=lambda: defaultdict(list))

    @classmethod
    def of(cls, periods: Iterable[Period]) -> Self:
        timeline = cls()
        for period in periods:
            timeline.put(period)
        return timeline

    def put(self, period: Period) -> None:
        self.by_number[period.number].append(period)
        self.by_line[period.line].append(period)
        self.by_line[period.line].sort(key=lambda one: one.starts_at)

    def free(self, number: bytes, starts_at: datetime, ends_at: datetime | None, *, line: str) -> bool:
        """Return whether nobody else has the number in that time."""
        return not any(one.line != line and one.overlaps(starts_at, ends_at) for one in self.by_number[number])

    def newest(self, line: str) -> Period:
        return self.by_line[line][-1]

    def starting_at(self, line: str, moment: datetime) -> Period | None:
        return next((one for one in self.by_line[line] if one.starts_at == moment), None)

    def insert(self, period: Period) -> bool:
        """Put a number of a line between those it had before and after. False, and nothing done, if it is not free.

        A number ends at the latest when the next begins. One that was given back before stays given back: by then it
        may be another line's.
        """
        before, after = self._neighbours(period)
        if after:
            period.ends_at = after.starts_at if period.ends_at is None else min(period.ends_at, after.starts_at)
        if not self.free(period.number, period.starts_at, period.ends_at, line=period.line):
            return False
        if before and before.overlaps(period.starts_at, period.ends_at):
            before.ends_at = period.starts_at
            before.changed = True
        self.put(period)
        return True

    def _neighbours(self, period: Period) -> tuple[Period | None, Period | None]:
        own = self.by_line[period.line]
        after = next((one for one in own if one.starts_at > period.starts_at), None)
        before = next((one for one in reversed(own) if one.starts_at < period.starts_at), None)
        return before, after


def period_in(*, record: LineRecord) -> Period:
    """Return the period that a row says a line has its number."""
    return Period(
        line=record.carrier_id,
        number=number_hash(record.msisdn),
        msisdn=record.msisdn,
        starts_at=record.has_number_since,
        ends_at=record.deactivated_at,
    )


def names_line(*, record: LineRecord, newest: Period) -> datetime:
    """Return since when the row says that the line has its number; if it does not say, the newest, where it fits."""
    fits = newest.number == number_hash(record.msisdn)
    over_by_then = record.is_over_by(newest.starts_at)
    return record.has_number_since if record.number_changed_at or not fits or over_by_then else newest.starts_at


def lacks_start(*, record: LineRecord, timeline: Timeline) -> bool:
    """Rows may come in any order: as long as the line's first time is missing, this is the row of it."""
    return record.number_changed_at is None and timeline.by_line[record.carrier_id][0].starts_at > record.activated_at


def periods_of(*, lines: Iterable[Line], numbers: Iterable[bytes]) -> list[Period]:
    """Return the periods of these lines, and of whoever had these numbers."""
    known = LineNumber.objects.filter(line__in=list(lines)) | LineNumber.objects.filter(msisdn_hash__in=list(numbers))
    return [
        Period(carrier_id, bytes(number), "", starts_at, ends_at, pk, known_since=known_since)
        for carrier_id, number, starts_at, ends_at, pk, known_since in known.values_list(
            "line__carrier_id", "msisdn_hash", "starts_at", "ends_at", "pk", "line__recorded_at"
        )
    ]


def store_periods(*, timeline: Timeline, lines: Iterable[Line]) -> None:
    """Write what changed of these lines' periods."""
    fresh: list[tuple[Period, LineNumber]] = []
    ended: list[LineNumber] = []
    for line in lines:
        for period in timeline.by_line[line.carrier_id]:
            if period.pk is None:
                fresh.append((period, _build_line_number(line, period)))
            elif period.changed:
                ended.append(LineNumber(pk=period.pk, ends_at=period.ends_at))
            period.changed = False
    LineNumber.objects.bulk_update(ended, ["ends_at"], batch_size=250)
    LineNumber.objects.bulk_create([row for _, row in fresh])
    for period, row in fresh:
        period.pk = row.pk


def _build_line_number(line: Line, period: Period) -> LineNumber:
    return LineNumber(
        line=line,
        msisdn_hash=period.number,
        msisdn_sealed=seal(period.msisdn),
        starts_at=period.starts_at,
        ends_at=period.ends_at,
    )


type Lines = dict[int, Line]


class LineChanges:
    """The changes of one chunk of rows that aren't written yet. `actor`: who brings them, as the trail names them."""

    def __init__(self, *, actor: str, timeline: Timeline, at: datetime) -> None:
        self._actor = actor
        self._timeline = timeline
        self._at = at
        self._clear()

    def _clear(self) -> None:
        self._warned: dict[Change, Lines] = defaultdict(dict)
        self._taken: Lines = {}
        self._taken_numbers: dict[int, str] = {}
        self._changed: Lines = {}
        self._columns: dict[int, set[str]] = defaultdict(set)
        self._renumbered: Lines = {}
        self._ended: Lines = {}
        # Lines of another state, with what the trail says of them.
        self._moved: dict[int, dict[str, Any]] = {}
        self._warned_of_state: Lines = {}
        self._rejudged: list[tuple[int, datetime]] = []
        self._details: dict[int, list[Mapping[str, object]]] = defaultdict(list)

    def concerns(self, line: Line) -> bool:
        """Return whether something of this line isn't written yet."""
        return line.pk in self._changed

    def warn(self, line: Line, change: Change) -> None:
        """Warn a line's person, at the number that the line has before what waits here is written."""
        self._write_moved_number(line)
        self._warned[change][line.pk] = line

    def warn_taken(self, line: Line, msisdn: str) -> None:
        """Warn whoever has the number that a line takes, once that is written; whether or not it still has that."""
        self._taken[line.pk], self._taken_numbers[line.pk] = line, msisdn

    def save(self, line: Line, columns: Sequence[str], detail: Mapping[str, object]) -> None:
        """Save these columns of a line; the trail says `detail`."""
        self._write_moved_number(line)
        self._change(line, columns)
        self._details[line.pk].append(detail)

    def change_state(self, line: Line, columns: Sequence[str], detail: dict[str, Any], *, warns: bool) -> None:
        """Save these columns, the state among them, which counts from now on; partners are told.

        `warns`: its person is told where the laws of the state before forbade what the new state's don't. Whoever moved
        may not know, and whoever did not must. The trail says which campaigns.
        """
        self.save(line, columns, detail)
        self._moved[line.pk] = detail
        self._rejudged.append((line.pk, self._at))
        if warns:
            self._warned_of_state[line.pk] = line

    def change_number(self, line: Line, columns: Sequence[str], *, since: datetime) -> None:
        """Save the number that a line has `since` then. Warn of it first."""
        self._change(line, columns)
        self._renumbered[line.pk] = line
        self._rejudged.append((line.pk, since))

    def end(self, line: Line, *, since: datetime) -> None:
        """Save the end of a line. Warn of it first. `since`: from when on that may change what was judged."""
        self._write_moved_number(line)
        self._change(line, ["deactivated_at"])
        self._ended[line.pk] = line
        self._rejudged.append((line.pk, since))

    def write(self) -> None:
        """Write all that waits, in as many statements for many lines as for one."""
        warned, taken, at = self._warned, self._taken, self._at
        for change, lines in warned.items():
            notify_of_line_moves(lines=lines.values(), change=change, at=at)
        allowed = self._lock_moved()
        self._save_lines()
        if self._moved:
            self._tell_of_states(allowed)
        if self._renumbered:
            change_numbers(line_ids=self._renumbered, at=at, actor=self._actor)
        if self._ended:
            people.end_tenures(line_ids=self._ended, at=at)
            end_tenures(line_ids=self._ended, at=at, actor=self._actor)
        if taken:
            notify_of_line_moves(lines=taken.values(), change=Change.TAKEN, numbers=self._taken_numbers, at=at)
        RejudgeRequest.objects.bulk_create(RejudgeRequest(line_id=pk, since=since) for pk, since in self._rejudged)
        self._write_trail()
        self._clear()

    def _change(self, line: Line, columns: Sequence[str]) -> None:
        self._changed[line.pk] = line
        self._columns[line.pk].update(columns)

    def _write_moved_number(self, line: Line) -> None:
        """Write a line's number and end first: they decide who is warned."""
        if line.pk in self._renumbered or line.pk in self._ended:
            self.write()

    def _lock_moved(self) -> Mapping[int, Mapping[str, int]]:
        """Lock the lines of another state. Returns what the gate allows of them until then, and how exactly."""
        if not self._moved:
            return {}
        lock_lines(line_ids=self._moved)
        return list_allowed_campaigns(line_ids=self._moved)

    def _tell_of_states(self, allowed: Mapping[int, Mapping[str, int]]) -> None:
        """Note since when the states count, tell partners, and find what they open that was not so `allowed`."""
        states = [LineState(line_id=pk, since=self._at, state=self._changed[pk].state) for pk in self._moved]
        LineState.objects.bulk_create(
            states, update_conflicts=True, unique_fields=["line", "since"], update_fields=["state"]
        )
        enqueue_current_states(line_ids=self._moved, but=())
        opened = {
            pk: _list_opened(allowed[pk], uses) for pk, uses in list_allowed_campaigns(line_ids=self._moved).items()
        }
        for pk, refs in opened.items():
            if refs:
                self._moved[pk]["opened"] = refs
        warned = [line for pk, line in self._warned_of_state.items() if opened[pk]]
        notify_of_line_moves(lines=warned, change=Change.STATE, at=self._at)

    def _save_lines(self) -> None:
        alike: dict[tuple[str, ...], list[Line]] = defaultdict(list)
        for pk, columns in self._columns.items():
            alike[tuple(sorted(columns))].append(self._changed[pk])
        for names, lines in alike.items():
            Line.objects.bulk_update(lines, names, batch_size=250)
        store_periods(timeline=self._timeline, lines=(self._renumbered | self._ended).values())

    def _write_trail(self) -> None:
        """One event for each detail, those of one line in order."""
        for together in zip_longest(*self._details.values()):
            details = {pk: one for pk, one in zip(self._details, together, strict=True) if one is not None}
            audit.actions.record_for_lines(action="line.changed", actor=self._actor, at=self._at, details=details)


def _list_opened(before: Mapping[str, int], now: Mapping[str, int]) -> list[str]:
    """The campaigns that are allowed now and were not before, or not as exactly."""
    return sorted(ref for ref, finest_m in now.items() if finest_m < before.get(ref, finest_m + 1))
