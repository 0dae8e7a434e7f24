"""The numbers of lines over time: as rows report them, as one chunk of a file changes them, as the table keeps them."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Self

from accounts.models import Line, LineNumber
from accounts.primitives.sealing import number_hash, seal
from consent.feeds.pending_rejudgement import LineRecord


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
            period.ends_at = _earlier(period.ends_at, after.starts_at)
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


def _earlier(ends_at: datetime | None, moment: datetime) -> datetime:
    return moment if ends_at is None else min(ends_at, moment)


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
        for carrier_id, number, starts_at, ends_at, pk, known_since in known.distinct().values_list(
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
