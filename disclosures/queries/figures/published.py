"""Read the public figures as they were last made, without any count from which a small one could be worked out.

A count of one to nine is FEW. What is left of a whole, besides what is shown, may be small too: its only part is MOST
then (all but one to nine); of several each is HELD, but for one that is half of it or more and leaves enough to the
others. How a count is marked depends on its own row alone. A sum is shown where every count in it is, and a time where
the counts that are shown say that it speaks of ten or more: so neither tells anything that they do not. One small table
is read, and nothing else.
"""

import csv
import io
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time
from enum import StrEnum

from disclosures.models import PastFigure, PublishedFigure
from disclosures.models.figures import CountedFigure
from disclosures.queries.downloads import plain_cell
from disclosures.queries.figures.statements import FEWEST, STATEMENTS, Figure, Statement

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


# What companies are told of, and what of it people said.
SAID = ("stop", "dispute", "refuse", "pause")
TOLD = (*SAID, "ours")
OF_WHAT_WAS_TOLD = ("received", "said_here", "acknowledged", "completed")


@dataclass(frozen=True)
class Suppression:
    """What of a figure is not shown beside another: as `suppress_small_cells` takes it."""

    held: Collection[str] = ()
    partial: Collection[str] = ()
    all_of: Mapping[str, int] = field(default_factory=dict)


def find_suppression(*, name: Figure, choices: Sequence[Row]) -> Suppression:
    """Return what of this figure is not shown beside these choices, as they are shown."""
    few = _kinds_with_hidden(choices, "n")
    from_few_files = _kinds_with_hidden(choices, "from_files")
    match name:
        case Figure.FOLLOWED:
            return Suppression(
                held=["said_here"] if (from_few_files - few) & {*SAID} else [],
                partial=OF_WHAT_WAS_TOLD if few & {*TOLD} else [],
                all_of=_all_of(choices),
            )
        case Figure.DISPUTES if "dispute" in few:
            return Suppression(held=STATEMENTS[name].counts)
        case _:
            return Suppression()


def _kinds_with_hidden(choices: Sequence[Row], column: str) -> set[str]:
    return {str(row["kind"]) for row in choices if _is_hidden(row[column])}


def _all_of(choices: Sequence[Row]) -> Mapping[str, int]:
    """Return what a company under one agreement was told of where it was told of everything."""
    told = sum(_get_shown_count(row["n"]) for row in choices if row["kind"] in TOLD)
    here = sum(
        _get_shown_count(row["n"]) - _get_shown_count(row["from_files"]) for row in choices if row["kind"] in SAID
    )
    return {column: here if column == "said_here" else told for column in OF_WHAT_WAS_TOLD}


def _get_shown_count(cell: object) -> int:
    return cell.n or 0 if isinstance(cell, Count) else 0


def _is_hidden(cell: object) -> bool:
    return isinstance(cell, Count) and cell.n is None


EVERY_COLUMN = ("figure", "of", "measure", "value", "since", "until", "made_at")
# What the row with the sums is about.
ALL = "all"
WHY = {Why.FEW: f"<{FEWEST}", Why.MOST: f"all but <{FEWEST}", Why.HELD: "not shown"}


@dataclass(frozen=True)
class PublicFigure:
    """One figure: its rows, their sums where it has any, the days it is about and the statement that counted it.

    It is about what was from `since` until before `until`.
    """

    name: Figure
    rows: Sequence[Row]
    total: Mapping[str, Count] | None
    query: str
    made_at: datetime
    since: datetime
    until: datetime


def get_public_figures(
    *, names: Sequence[Figure] = tuple(Figure), month: date | None = None
) -> Mapping[Figure, PublicFigure]:
    """Return these figures by name, as last made or of a month (its first day); none of them where none was made."""
    wanted = PublishedFigure.objects.filter(name__in={*names, Figure.CHOICES})
    if month is None:
        return _build_public_figures(names, wanted)
    since = datetime.combine(month, time(), UTC)
    # The newest month is not past yet. The companies are of the day on which they were counted.
    newest = wanted.filter(since=since).exclude(name=Figure.COMPANIES)
    return _build_public_figures(names, [*PastFigure.objects.filter(since=since), *newest])


def get_figures_before(*, since: datetime) -> Mapping[Figure, PublicFigure]:
    """Return the figures of the days before those that begin then, where they were counted."""
    return _build_public_figures(tuple(Figure), PastFigure.objects.filter(until=since))


def list_past_months() -> Sequence[date]:
    """Return the months (their first days) that have figures and are not the newest, newest first."""
    kept = PastFigure.objects.filter(name=Figure.CHOICES).order_by("-since").values_list("since", flat=True)
    return [since.date() for since in kept if since.astimezone(UTC).time() == time.min and since.day == 1]


def _build_public_figures(names: Sequence[Figure], rows: Iterable[CountedFigure]) -> Mapping[Figure, PublicFigure]:
    """Return those that can be shown: what an older statement counted has other columns."""
    known = {row.name: row for row in rows if row.name in set(Figure) and _has_its_columns(row)}
    return {name: _build_public_figure(name, known) for name in names if name in known}


def _has_its_columns(row: CountedFigure) -> bool:
    return all(set(one) == set(STATEMENTS[Figure(row.name)].columns) for one in row.rows)


def _build_public_figure(name: Figure, known: Mapping[str, CountedFigure]) -> PublicFigure:
    row, choices = known[name], known.get(Figure.CHOICES)
    of_choices = suppress_small_cells(statement=STATEMENTS[Figure.CHOICES], rows=choices.rows)[0] if choices else []
    hidden = find_suppression(name=name, choices=of_choices)
    rows, total = suppress_small_cells(
        statement=STATEMENTS[name], rows=row.rows, held=hidden.held, partial=hidden.partial, all_of=hidden.all_of
    )
    return PublicFigure(name, rows, total, row.query, row.made_at, row.since, row.until)


def figure_as_csv(*, name: Figure, figure: PublicFigure | None) -> str:
    """Return one figure, a row a line and its sums last; the header alone where it was not made yet."""
    columns = STATEMENTS[name].columns
    lines: list[Sequence[object]] = [(*columns, "since", "until", "made_at")]
    if figure is not None:
        lines += [[*(_format_cell(row[column]) for column in columns), *_days(figure)] for row in _rows(figure)]
    return _csv(lines)


def all_as_csv(*, figures: Mapping[Figure, PublicFigure]) -> str:
    """Return all figures, a number a line: of which figure, of what, which number it is."""
    return _csv([EVERY_COLUMN, *(line for figure in figures.values() for line in _lines(figure))])


def _rows(figure: PublicFigure) -> Sequence[Row]:
    """Its rows, and its sums as one more, where there is anything to add up; there are none of times."""
    if figure.total is None or not figure.rows:
        return figure.rows
    statement = STATEMENTS[figure.name]
    return [*figure.rows, {**dict.fromkeys(statement.words, ALL), **figure.total, **dict.fromkeys(statement.times)}]


def _lines(figure: PublicFigure) -> Iterator[Sequence[object]]:
    words = STATEMENTS[figure.name].words
    for row in _rows(figure):
        of = " / ".join(str(row[word]) for word in words)
        for measure, value in row.items():
            if measure not in words:
                yield figure.name, plain_cell(value=of), measure, _format_cell(value), *_days(figure)


def _days(figure: PublicFigure) -> tuple[str, ...]:
    return tuple(
        moment.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
        for moment in (figure.since, figure.until, figure.made_at)
    )


def _format_cell(value: Cell) -> object:
    """As a spreadsheet reads it. A time that is not shown is an empty cell."""
    if isinstance(value, Count):
        return value.n if value.n is not None else WHY[value.why]
    if isinstance(value, float):
        return round(value, 3)
    return plain_cell(value=value)


def _csv(lines: Sequence[Sequence[object]]) -> str:
    written = io.StringIO()
    csv.writer(written).writerows(lines)
    return "\ufeff" + written.getvalue()
