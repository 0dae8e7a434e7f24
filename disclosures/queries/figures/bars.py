"""Bars drawn on the server as SVG: one for each row, with its parts; what is not shown is not drawn."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from disclosures.queries.figures.cells import Count, Row, Why

WIDTH = 1000
LEAST = 4
# Of so many, all but a few is nearly all.
MANY = 100

type Tint = Literal["s0", "s1", "s2", "s3", "s4", "sbad"]


@dataclass(frozen=True)
class Segment:
    """One rectangle of a bar, in thousandths of the longest."""

    x: int
    width: int
    tint: Tint


@dataclass(frozen=True)
class Bar:
    """One row: its name, the count it stands for, and its rectangles; none where the count is not shown."""

    label: str
    count: Count
    segments: tuple[Segment, ...]


def bars_of(
    *, rows: Sequence[Row], label: str, whole: str, parts: Sequence[tuple[str, Tint]], rest: Tint, untold: Tint,
    with_noughts: bool = False,
) -> tuple[Bar, ...]:  # fmt: skip
    """A bar for each row whose `whole` is not nought, or for each row.

    `parts` are cumulative: each is a part of the one after it. All but a few of many is drawn as all, and a few of many
    as none. Beside what else is not shown nobody can tell what the rest is: it is `untold`.
    """
    known = [(str(row[label]), _count(row[whole]), row) for row in rows]
    most = max((count.n or 0 for _, count, _ in known), default=0)
    return tuple(
        Bar(name, count, _segments(row, count.n or 0, most, parts, rest, untold))
        for name, count, row in known
        if count.n != 0 or with_noughts
    )


def _segments(
    row: Row, whole: int, most: int, parts: Sequence[tuple[str, Tint]], rest: Tint, untold: Tint
) -> tuple[Segment, ...]:
    found: list[Segment] = []
    x, before = 0, 0
    if not whole:
        return ()
    drawn = [(_get_drawn_count(_count(row[column]), whole), tint) for column, tint in parts]
    left = rest if all(n is not None for n, _ in drawn) else untold
    for n, tint in [*drawn, (whole, left)]:
        if n is not None and n > before:
            width = max(LEAST, round(WIDTH * (n - before) / most))
            found.append(Segment(x, min(width, WIDTH - x), tint))
            x, before = x + width, n
    return tuple(found)


def _get_drawn_count(count: Count, whole: int) -> int | None:
    """As how many it is drawn; None: nobody can tell."""
    if whole >= MANY and count.why in {Why.MOST, Why.FEW}:
        return whole if count.why == Why.MOST else 0
    return count.n


def _count(cell: object) -> Count:
    return cell if isinstance(cell, Count) else Count(0)
