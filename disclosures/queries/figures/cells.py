"""What of a figure is shown: no count of one to nine, and none that such a one could be worked out from.

A count of one to nine is FEW. What is left of a whole, besides what is shown, may be small too: its only part is MOST
then (all but one to nine); of several each is HELD, but for one that is half of it or more and leaves enough to the
others. How a count is marked depends on its own row alone. A sum is shown where every count in it is, and a time where
the counts that are shown say that it speaks of ten or more: so neither tells anything that they do not.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from disclosures.queries.figures.statements import FEWEST, Statement

# All but one to nine of eleven, and ten at least, is ten: of so many a part is shown where it is all of it or nothing.
TOLD_BY_ITS_REST = FEWEST + 1

type Raw = Mapping[str, str | int | float | None]
NOWHERE: Mapping[str, int] = {}


class Why(StrEnum):
    """Why a count is not shown. SHOWN: it is."""

    SHOWN = ""
    FEW = "few"
    MOST = "most"
    HELD = "held"


@dataclass(frozen=True)
class Count:
    """A count, or None and why it is not shown."""

    n: int | None
    why: Why = Why.SHOWN


type Cell = str | int | float | Count | None
type Row = Mapping[str, Cell]


def suppress_small_cells(
    *,
    statement: Statement,
    rows: Sequence[Raw],
    held: Collection[str] = (),
    partial: Collection[str] = (),
    all_of: Mapping[str, int] = NOWHERE,
) -> tuple[list[Row], Mapping[str, Count] | None]:
    """Return the rows of a figure as everybody may see them, and their sums where the figure has any.

    Because of another figure: `held`, columns of which nothing but nought is shown; `partial`, those that leave
    something out, in which nought of nothing is not shown either; `all_of`, by column, a count there of which this one
    is all, once or several times, where nothing is missing to it.
    """
    counted = [_Row(statement, raw, held, partial, all_of) for raw in rows]
    found = [_shown_row(statement, raw, row) for raw, row in zip(rows, counted, strict=True)]
    sums = {column: _sum([row.cell(column) for row in counted]) for column in statement.counts}
    return found, sums if statement.totals else None


def _shown_row(statement: Statement, raw: Raw, row: "_Row") -> Row:
    return {
        **{column: raw[column] for column in (*statement.words, *statement.plain)},
        **{column: row.cell(column) for column in statement.counts},
        **{column: raw[column] if row.many(of) else None for column, of in statement.times.items()},
    }


def _sum(cells: Sequence[Count]) -> Count:
    known = [cell.n for cell in cells if cell.n is not None]
    return Count(sum(known)) if len(known) == len(cells) else Count(None, Why.HELD)


class _Row:
    """The counts of one row, and how each is marked: wholes before their parts."""

    def __init__(
        self, statement: Statement, raw: Raw, held: Collection[str], partial: Collection[str], all_of: Mapping[str, int]
    ) -> None:
        self._n = {column: int(raw[column] or 0) for column in statement.counts}
        self._held, self._partial, self._all_of = held, partial, all_of
        self._why: dict[str, Why] = {}
        for column in statement.counts:
            self._why[column] = self._alone(column, statement.parts)
        for whole, parts in statement.parts:
            if len(parts) > 1:
                self._hold(whole, parts)

    def cell(self, column: str) -> Count:
        why = self._why[column]
        return Count(None if why else self._n[column], why)

    def many(self, columns: Sequence[str]) -> bool:
        """Return whether what is shown says that the first of these counts, less the others, is ten or more."""
        first, *less = columns
        if any(self._why[column] in {Why.MOST, Why.HELD} for column in less):
            return False
        at_most = sum(FEWEST - 1 if self._why[column] else self._n[column] for column in less)
        match self._why[first]:
            case Why.SHOWN:
                at_least = self._n[first]
            case Why.MOST:
                at_least = FEWEST
            case _:
                return False
        return at_least - at_most >= FEWEST

    def _alone(self, column: str, parts_of: Sequence[tuple[str, tuple[str, ...]]]) -> Why:
        """Return how it is marked beside the wholes that it is a part of, which are marked already."""
        own = [(whole, parts) for whole, parts in parts_of if column in parts]
        if any(self._is_some_of(column, whole) for whole, _ in own):
            return Why.HELD
        if not self._n[column]:
            return self._nought(column, own)
        wholes = [(self._n[whole], parts) for whole, parts in own if self._shows(whole)]
        return self._beside(column, wholes, is_part=bool(own))

    def _nought(self, column: str, own: Sequence[tuple[str, tuple[str, ...]]]) -> Why:
        nothing = not any(self._n[whole] for whole, _ in own)
        return Why.HELD if nothing and column in self._partial else Why.SHOWN

    def _beside(self, column: str, wholes: Sequence[tuple[int, tuple[str, ...]]], *, is_part: bool) -> Why:
        """Return how a count that is not nought is marked beside the wholes that are shown."""
        n = self._n[column]
        if self._is_implied_by_rest(column, wholes):
            return Why.HELD
        if _small(n):
            return Why.FEW
        if any(_small(whole - n) for whole, parts in wholes if parts == (column,)):
            return Why.MOST
        if not _short(n, self._all_of.get(column, 0)):
            return Why.SHOWN
        # What is missing to a whole is missing to its parts too, which may be as large.
        return Why.HELD if is_part else Why.MOST

    def _is_implied_by_rest(self, column: str, wholes: Sequence[tuple[int, tuple[str, ...]]]) -> bool:
        n = self._n[column]
        if column in self._held or n < self._all_of.get(column, 0) == TOLD_BY_ITS_REST:
            return True
        return any(n < whole == TOLD_BY_ITS_REST for whole, _ in wholes)

    def _hold(self, whole: str, parts: Sequence[str]) -> None:
        n = self._n[whole]
        if not self._shows(whole) or not _small(n - sum(self._n[part] for part in parts if self._shows(part))):
            return
        for part in parts:
            if self._n[part] and not self._is_half(part, n):
                self._why[part] = Why.HELD

    def _is_half(self, part: str, whole: int) -> bool:
        return 2 * self._n[part] >= whole and whole - self._n[part] > TOLD_BY_ITS_REST

    def _is_some_of(self, column: str, whole: str) -> bool:
        """Return whether it would tell of how few, of its own or of the rest, something is missing to the whole.

        All that would tell of less than twice as many look the same; so do all where there is not enough of either.
        """
        part_there = self._all_of.get(column, 0)
        rest_there = self._all_of.get(whole, 0) - part_there
        if not part_there or rest_there <= 0 or not self._n[whole] % (part_there + rest_there):
            return False
        rest = self._n[whole] - self._n[column]
        missing = (-self._n[column] % part_there, -rest % rest_there)
        return min(part_there, rest_there) < 4 * FEWEST or any(0 < n < 2 * FEWEST for n in missing)

    def _shows(self, column: str) -> bool:
        return not self._why[column]


def _small(n: int) -> bool:
    return 0 < n < FEWEST


def _short(n: int, whole: int) -> bool:
    """Return whether one to nine are missing to the whole, or to several times as much."""
    return whole > 0 and _small(-n % whole)
