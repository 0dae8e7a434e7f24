"""The numbers of lines over time, as one chunk of a lines file changes them. No database: rows in, rows out."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Self


@dataclass
class Period:
    """A line had a number from `starts_at` until `ends_at` (None: still). `pk` None: not stored yet."""

    line: str
    number: bytes
    msisdn: str
    starts_at: datetime
    ends_at: datetime | None
    pk: int | None = None
    changed: bool = False

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
        """Whether nobody else has the number in that time."""
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
