"""Bars drawn on the server as SVG: one for each row, with its parts; what is not shown is not drawn."""

from collections.abc import Mapping, Sequence
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
    """One row: its name, the count it stands for, and its rectangles."""

    label: str
    count: Count
    segments: tuple[Segment, ...]


def bars_of(
    *, rows: Sequence[Row], label: str, whole: str, parts: Sequence[tuple[str, Tint]], rest: Tint, untold: Tint,
    with_noughts: bool = False,
) -> tuple[Bar, ...]:  # fmt: skip
    """A bar for each row whose `whole` is shown and not nought, or also for each nought.

    `parts` are cumulative: each is a part of the one after it. All but a few of many is drawn as all, and a few of many
    as none. Beside what else is not shown nobody can tell what the rest is: it is `untold`.
    """
    counted = [(row, _count(row[whole])) for row in rows]
    drawn = [(row, count, count.n) for row, count in counted if count.n is not None]
    most = max((n for *_, n in drawn), default=0)
    return tuple(
        Bar(str(row[label]), count, _segments(row, n, most, parts, rest, untold))
        for row, count, n in drawn
        if n or with_noughts
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


SIDE, TOP, STEP, ROW, WIDE = 24, 142, 46, 22, 720
FILLS: Mapping[Tint, str] = {
    "s0": "#0b5c55", "s1": "#3f7fb8", "s2": "#8a6d1f", "s3": "#7a4a8c", "s4": "#7b7f82", "sbad": "#9b1128",
}  # fmt: skip


@dataclass(frozen=True)
class Rect:
    """One rectangle of a picture that stands by itself."""

    x: int
    width: int
    fill: str


@dataclass(frozen=True)
class Line:
    """One bar of such a picture, with its words above it."""

    bar: Bar
    label_y: int
    rect_y: int
    rects: Sequence[Rect]


@dataclass(frozen=True)
class Picture:
    """Bars as a picture that stands by itself. `starts` and `ends`: where a line of words does, as it is read.

    `legend`: of each colour where its line stands, the colour and its words.
    """

    lines: Sequence[Line]
    legend: Sequence[tuple[int, str, str]]
    starts: int
    ends: int
    source_y: int
    height: int
    width: int = WIDE
    inner: int = WIDE - 2 * SIDE


def picture_of(*, bars: Sequence[Bar], legend: Sequence[tuple[Tint, str]], right_to_left: bool) -> Picture:
    """Lay bars out between a head and what their colours stand for. The picture needs no style sheet."""
    inner, foot = WIDE - 2 * SIDE, TOP + STEP * len(bars)
    lines = []
    for place, bar in enumerate(bars):
        rects = []
        for one in bar.segments:
            x, width = one.x * inner // WIDTH, max(1, one.width * inner // WIDTH)
            rects.append(Rect(WIDE - SIDE - x - width if right_to_left else SIDE + x, width, FILLS[one.tint]))
        lines.append(Line(bar, TOP + STEP * place, TOP + STEP * place + 8, rects))
    sides = (WIDE - SIDE, SIDE) if right_to_left else (SIDE, WIDE - SIDE)
    foots = [(foot + ROW * place, FILLS[tint], words) for place, (tint, words) in enumerate(legend)]
    source = foot + ROW * len(legend)
    return Picture(lines, foots, *sides, source_y=source, height=source + SIDE)
