"""Rows of a lines file that only its end decides on.

A role, a state, a language, a name, an account and a corrected end have no moment of their own in the file: the last
row of a line says how they are now. So a row that says something else than what is known waits until the file was
read. Rows that clash may be cured by a later row: they are tried again then.
"""

from dataclasses import dataclass
from datetime import datetime

from accounts.models import Line

type RowFate = tuple[str, str]


@dataclass(frozen=True)
class LineRecord:
    """One checked row of a lines file."""

    n: int
    carrier_id: str
    msisdn: str
    account: str
    holder_name: str
    user_role: Line.UserRole
    state: str
    language: str
    activated_at: datetime
    deactivated_at: datetime | None
    sim_changed_at: datetime | None
    number_changed_at: datetime | None
    forwarding_changed_at: datetime | None
    continues: str

    @property
    def has_number_since(self) -> datetime:
        """From when on the row says that the line has its number."""
        return max(self.activated_at, self.number_changed_at or self.activated_at)

    def is_over_by(self, moment: datetime) -> bool:
        """Return whether the row says that the line had ended by then."""
        return self.deactivated_at is not None and self.deactivated_at <= moment


@dataclass(frozen=True)
class Source:
    """Where rows come from: `actor`, as the trail names who brings them, and since when this import runs."""

    actor: str
    began_at: datetime

    @property
    def is_machine(self) -> bool:
        """Whether a machine brings them, of which each row is in the trail."""
        return self.actor.startswith("client:")

    def is_new_line(self, line: Line) -> bool:
        """Return whether this import is the first that names the line: what it says of it is how it begins."""
        return line.recorded_at >= self.began_at


class PendingRows:
    """What is open of one file. Its size is that of what differs from what is known, not that of the file."""

    def __init__(self) -> None:
        self._waiting: dict[str, tuple[LineRecord, RowFate]] = {}
        self._aside: list[tuple[LineRecord, RowFate]] = []
        self._replaced: list[tuple[LineRecord, RowFate]] = []
        # Of lines with a row put aside: since when the row that had its say last says that the line has its number, and
        # where it stands. The one put aside may stand above it, and yet speak of a newer number.
        self._had_aside: set[str] = set()
        self._last_heard: dict[str, tuple[datetime, int]] = {}
        self._grown: list[int] = []

    def wait(self, record: LineRecord, fate: RowFate) -> None:
        """Keep a row until the file was read. `fate`: what became of it if a later row of its line takes its place."""
        self._replace(record.carrier_id)
        self._waiting[record.carrier_id] = (record, fate)

    def heard(self, record: LineRecord, *, since: datetime) -> None:
        """Note that what is known is now as this row says: a row of the same line that waits does not count any more.

        `since`: of which time of the line's it speaks.
        """
        self._replace(record.carrier_id)
        if record.carrier_id in self._had_aside:
            self._last_heard[record.carrier_id] = since, record.n

    def is_outdated(self, record: LineRecord, *, since: datetime) -> bool:
        """Return whether a row of a later time of the same line, or a later row of the same time, was heard already."""
        last = self._last_heard.get(record.carrier_id)
        return last is not None and last > (since, record.n)

    def defer_conflict(self, record: LineRecord, fate: RowFate) -> None:
        """Keep a row that clashes, with the reason that it is refused for if nothing cures it."""
        self._had_aside.add(record.carrier_id)
        self._aside.append((record, fate))

    def pop_replaced_rows(self) -> list[tuple[LineRecord, RowFate]]:
        """Return the rows whose place others took since this was asked last."""
        replaced, self._replaced = self._replaced, []
        return replaced

    def grew_up(self, line_id: int) -> None:
        """Note that a child's line is an adult's: what others allowed for it is to end once that is written."""
        self._grown.append(line_id)

    def pop_adult_lines(self) -> list[int]:
        """Return the lines that grew up since this was asked last."""
        grown, self._grown = self._grown, []
        return grown

    def to_try(self) -> list[LineRecord]:
        """Return all that is open, in the order of the file; it is open no more."""
        rows = [record for record, _ in [*self._waiting.values(), *self._aside]]
        self._waiting, self._aside = {}, []
        return sorted(rows, key=lambda record: record.n)

    def incurable(self) -> list[tuple[LineRecord, RowFate]]:
        """Return the rows that still clash."""
        clashing, self._aside = self._aside, []
        return clashing

    def _replace(self, carrier_id: str) -> None:
        before = self._waiting.pop(carrier_id, None)
        if before is not None:
            self._replaced.append(before)
