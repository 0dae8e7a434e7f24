"""What of a figure is shown: no count of one to nine, and none that such a one could be worked out from.

A count of one to nine is FEW. Where what is left of a whole, besides what is shown, is one to nine, that is small too:
its only part is MOST (all but one to nine), of several the smallest is HELD back. Where the sum of a column is shown,
whoever subtracts must be left with ten or more, and with more than one way to share it out: else another is HELD, or
the sum. Last, all that is shown is taken together: while any small count, or small rest of a whole, would be told by
it, the sum goes, or else what stands beside it.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from disclosures.queries.figures.alike import Alike
from disclosures.queries.figures.statements import Statement

FEWEST = 10
# A count is large of which so many make the whole.
LARGE = 20
TOTAL = -1

type Raw = Mapping[str, str | int | float | None]


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


def shown(*, statement: Statement, rows: Sequence[Raw]) -> tuple[list[Row], Row | None]:
    """The rows of a figure as everybody may see them, and their sums where the figure has any."""
    table = _Table(statement, rows)
    table.hide()
    total = table.row(TOTAL, {}) if statement.totals else None
    return [table.row(place, raw) for place, raw in enumerate(rows)], total


class _Table:
    """The counts of a figure by row and column, the sums as one more row, and which of them are hidden."""

    def __init__(self, statement: Statement, rows: Sequence[Raw]) -> None:
        self._statement = statement
        self._rows = range(len(rows))
        self._n = {(place, column): int(raw[column] or 0) for place, raw in enumerate(rows) for column in self._columns}
        if statement.totals:
            self._n |= {
                (TOTAL, column): sum(self._n[place, column] for place in self._rows) for column in self._columns
            }
        self._why: dict[tuple[int, str], Why] = {cell: Why.FEW for cell, n in self._n.items() if _small(n)}

    @property
    def _columns(self) -> tuple[str, ...]:
        return self._statement.counts

    def hide(self) -> None:
        """Hide until nothing small can be worked out. Each turn hides one more or is the last."""
        while self._hide_a_part() or self._hide_for_a_sum() or self._hide_what_all_tells():
            pass

    def _hide_a_part(self) -> bool:
        for place in (*self._rows, *((TOTAL,) if self._statement.totals else ())):
            for whole, parts in self._statement.parts:
                if (place, whole) in self._why:
                    continue
                said = [self._n[place, part] for part in parts if (place, part) not in self._why]
                hidden = [
                    (self._why[place, part], self._n[place, part]) for part in parts if (place, part) in self._why
                ]
                left = self._n[place, whole] - sum(said)
                if _gives_away(hidden, left, more=True):
                    shown = [part for part in parts if (place, part) not in self._why and self._n[place, part]]
                    smallest = min(shown, key=lambda part: self._n[place, part])
                    self._why[place, smallest] = Why.MOST if len(parts) == 1 else Why.HELD
                    return True
        return False

    def _hide_for_a_sum(self) -> bool:
        for column in self._columns if self._statement.totals else ():
            hidden = [self._unsaid(place, column) for place in self._rows if (place, column) in self._why]
            if (TOTAL, column) not in self._why and _gives_away(hidden, sum(n for _, n in hidden), more=False):
                self._why[self._least_missed(column), column] = Why.HELD
                return True
        return False

    def _least_missed(self, column: str) -> int:
        """Whose count to hold back: the smallest other one's, but sooner the sum than a large part of it."""
        shown = [place for place in self._rows if (place, column) not in self._why and self._n[place, column]]
        smallest = min(shown, key=lambda place: self._n[place, column], default=TOTAL)
        return smallest if self._n[smallest, column] * LARGE <= self._n[TOTAL, column] else TOTAL

    def _unsaid(self, place: int, column: str) -> tuple[Why, int]:
        """How much of a hidden count is not said by what is shown beside it: of MOST, what is missing to its whole."""
        why, n = self._why[place, column], self._n[place, column]
        if why != Why.MOST:
            return why, n
        wholes = [self._n[place, whole] for whole, parts in self._statement.parts if column in parts]
        return Why.FEW, min(whole - n for whole in wholes if whole > n)

    def _hide_what_all_tells(self) -> bool:
        seen = self._as_seen()
        for place, weights in self._small_ones():
            if not seen.varies(None if place == TOTAL else place, weights):
                beside = self._beside(place, [*weights])
                if beside is not None:
                    self._why[beside] = Why.HELD
                    return True
        return False

    def _as_seen(self) -> Alike:
        def hidden(place: int) -> list[str]:
            return [column for column in self._columns if (place, column) in self._why]

        return Alike(
            rows=[self._counts(place) for place in self._rows],
            sums=self._counts(TOTAL) if self._statement.totals else None,
            hidden=[hidden(place) for place in self._rows],
            no_sum=hidden(TOTAL),
            could_be=lambda place, counts: self._could_be(TOTAL if place is None else place, counts),
        )

    def _counts(self, place: int) -> dict[str, int]:
        return {column: self._n[place, column] for column in self._columns}

    def _could_be(self, place: int, counts: Mapping[str, int]) -> bool:
        """Whether this row would be shown the same with these counts for what is hidden of it."""
        for column in self._columns:
            why = self._why.get((place, column))
            if (why == Why.FEW and not _small(counts[column])) or (why == Why.HELD and counts[column] < FEWEST):
                return False
        for whole, parts in self._statement.parts:
            rest = counts[whole] - sum(counts[part] for part in parts)
            is_most = len(parts) == 1 and self._why.get((place, parts[0])) == Why.MOST
            if rest < 0 or (is_most and _small(self._rest(place, whole, parts)) and not _small(rest)):
                return False
        return True

    def _rest(self, place: int, whole: str, parts: Sequence[str]) -> int:
        return self._n[place, whole] - sum(self._n[place, part] for part in parts)

    def _small_ones(self) -> Iterator[tuple[int, Mapping[str, int]]]:
        """What nobody may work out: small counts, and small rests of a whole. By row, as weights of its counts."""
        yield from ((place, {column: 1}) for (place, column), n in self._n.items() if _small(n))
        for place in (*self._rows, *((TOTAL,) if self._statement.totals else ())):
            for whole, parts in self._statement.parts:
                if _small(self._rest(place, whole, parts)):
                    yield place, {whole: 1, **dict.fromkeys(parts, -1)}

    def _beside(self, place: int, columns: Sequence[str]) -> tuple[int, str] | None:
        """What to hold back, if anything is left: the sum of such a column, or else the least in its row or column."""
        sums = [(TOTAL, column) for column in columns if self._statement.totals]
        in_row = [(place, column) for column in self._columns if place != TOTAL]
        in_column = [(row, column) for row in self._rows for column in columns]
        for cells in (sums, in_row, in_column):
            left = [cell for cell in cells if cell not in self._why and self._n[cell]]
            if left:
                return min(left, key=lambda cell: self._n[cell])
        return None

    def row(self, place: int, raw: Raw) -> Row:
        """One row as it is shown; of the sums (`raw` {}) the counts alone."""
        counts = {
            column: Count(
                None if (place, column) in self._why else self._n[place, column],
                self._why.get((place, column), Why.SHOWN),
            )
            for column in self._columns
        }
        if place == TOTAL:
            return counts
        return {
            **{column: raw[column] for column in (*self._statement.words, *self._statement.plain)},
            **counts,
            **{
                column: raw[column] if self._of(place, of) >= FEWEST else None
                for column, of in self._statement.times.items()
            },
        }

    def _of(self, place: int, columns: tuple[str, ...]) -> int:
        first, *less = (self._n[place, column] for column in columns)
        return first - sum(less)


def _small(n: int) -> bool:
    return 0 < n < FEWEST


def _gives_away(hidden: Sequence[tuple[Why, int]], left: int, *, more: bool) -> bool:
    """Whether it tells too much that these hidden counts add up to `left` (`more`: to that at most).

    Everybody knows that FEW is one to nine, and that HELD is ten or more.
    """
    few = sum(why == Why.FEW for why, _ in hidden)
    held = FEWEST * (len(hidden) - few)
    if _small(left):
        return True
    if not few:
        return False
    most = min((FEWEST - 1) * few, left - held)
    return most <= few if more or held else left in (few, (FEWEST - 1) * few)
