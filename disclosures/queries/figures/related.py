"""What one figure would tell of another that stands beside it.

A company under one agreement may be told of every choice and asked about every dispute: then its counts are those of
the choices. What is not shown of the choices must not stand there, nor of how few of them it was not told. Kinds of
which there are few are in no count of what companies were told of (`statements.FOLLOWED`), so that such a count may be
nought where there was something.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

from disclosures.queries.figures.cells import Count, Row
from disclosures.queries.figures.statements import STATEMENTS, Figure

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
    """What of this figure is not shown beside these choices, as they are shown."""
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
    """What a company under one agreement was told of where it was told of everything."""
    told = sum(_get_shown_count(row["n"]) for row in choices if row["kind"] in TOLD)
    here = sum(
        _get_shown_count(row["n"]) - _get_shown_count(row["from_files"]) for row in choices if row["kind"] in SAID
    )
    return {column: here if column == "said_here" else told for column in OF_WHAT_WAS_TOLD}


def _get_shown_count(cell: object) -> int:
    return cell.n or 0 if isinstance(cell, Count) else 0


def _is_hidden(cell: object) -> bool:
    return isinstance(cell, Count) and cell.n is None
