"""Whether a figure could have been made of other counts, as far as anybody sees: then what it hides is not told by it.

Tried are tables of which one row differs by one here and there, or two rows do, so that sums that are shown stay. That
another one looks the same is proof; that none of these does is reason enough to hide more.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

type Counts = Mapping[str, int]


@dataclass(frozen=True)
class Alike:
    """A table as it is shown.

    `rows`: its counts by row and column; `sums`: the same of all rows, None where the figure has none. `hidden`: which
    columns of a row are not shown, `no_sum`: of the sums. `could_be`: whether a row, by its place (None: the sums),
    would look the same with these counts.
    """

    rows: Sequence[Counts]
    sums: Counts | None
    hidden: Sequence[Sequence[str]]
    no_sum: Sequence[str]
    could_be: Callable[[int | None, Counts], bool]

    def varies(self, place: int | None, weights: Counts) -> bool:
        """Whether the weighted sum of a row's counts (of the sums: None) is another one in a table that looks alike."""
        places = range(len(self.rows)) if place is None else [place]
        return any(
            any(self._sums_allow(all_of) for all_of in self._with_another(one, change))
            for one in places
            for change in self._changes(one)
            if sum(weights.get(column, 0) * by for column, by in change.items())
        )

    def _with_another(self, place: int, change: Counts) -> Iterator[Counts]:
        """What a row's change makes of the sums: by itself, and with a change of one other row that takes some back."""
        yield change
        if self.sums is None:
            return
        for other in range(len(self.rows)):
            for back in self._changes(other) if other != place else ():
                yield {column: change.get(column, 0) + back.get(column, 0) for column in {**change, **back}}

    def _changes(self, place: int) -> Iterator[Counts]:
        """How the hidden counts of a row may differ by one, so that it looks the same."""
        hidden, row = self.hidden[place], self.rows[place]
        for several in range(1, len(hidden) + 1):
            for columns in combinations(hidden, several):
                for change in _by_one(columns):
                    if self.could_be(place, _changed(row, change)):
                        yield change

    def _sums_allow(self, change: Counts) -> bool:
        if self.sums is None:
            return True
        moved = {column: by for column, by in change.items() if by}
        return all(column in self.no_sum for column in moved) and self.could_be(None, _changed(self.sums, moved))


def _by_one(columns: Sequence[str]) -> Iterator[Counts]:
    """All of them up, all down; of two, also one up and one down."""
    yield dict.fromkeys(columns, 1)
    yield dict.fromkeys(columns, -1)
    if len(columns) == 2:
        up, down = columns
        yield {up: 1, down: -1}
        yield {up: -1, down: 1}


def _changed(row: Counts, change: Counts) -> Counts:
    return {column: n + change.get(column, 0) for column, n in row.items()}
