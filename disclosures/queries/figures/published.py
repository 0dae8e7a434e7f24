"""The figures as they were last made, as everybody may see them. One small table is read, and nothing else."""

import csv
import io
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time

from disclosures.models import PastFigure, PublishedFigure
from disclosures.models.figures import CountedFigure
from disclosures.queries.downloads import plain_cell
from disclosures.queries.figures.cells import Cell, Count, Row, Why, suppress_small_cells
from disclosures.queries.figures.statements import FEWEST, STATEMENTS, Figure

# What companies are told of, and what of it people said.
SAID = ("stop", "dispute", "refuse", "pause")
TOLD = (*SAID, "ours")
OF_WHAT_WAS_TOLD = ("received", "said_here", "acknowledged", "completed")


@dataclass(frozen=True)
class Beside:
    """What of a figure is not shown beside another: as `cells.suppress_small_cells` takes it."""

    held: Collection[str] = ()
    partial: Collection[str] = ()
    all_of: Mapping[str, int] = field(default_factory=dict)


def beside(*, name: Figure, choices: Sequence[Row]) -> Beside:
    """Return what of this figure is not shown beside these choices, as they are shown."""
    few = _kinds_with_hidden(choices, "n")
    from_few_files = _kinds_with_hidden(choices, "from_files")
    match name:
        case Figure.FOLLOWED:
            return Beside(
                held=["said_here"] if (from_few_files - few) & {*SAID} else [],
                partial=OF_WHAT_WAS_TOLD if few & {*TOLD} else [],
                all_of=_all_of(choices),
            )
        case Figure.DISPUTES if "dispute" in few:
            return Beside(held=STATEMENTS[name].counts)
        case _:
            return Beside()


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
    hidden = beside(name=name, choices=of_choices)
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
