"""The figures as the public page shows them: with words for what they are about, and a bar for each row."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from typing import Literal

from django.utils.translation import gettext

from disclosures.labels import CHOICE_KINDS, COMPANY_ROLES, COMPANY_STATES, basis_in_words
from disclosures.queries.figures.cells import Cell, Count, Row, Why
from disclosures.queries.figures.published import PublicFigure, get_public_figures
from disclosures.queries.figures.statements import Figure
from partners.labels import party_name, purpose_in_words

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
    *, rows: Sequence[Row], label: str, whole: str, parts: Sequence[tuple[str, Tint]], rest: Tint, untold: Tint
) -> tuple[Bar, ...]:
    """A bar for each row whose `whole` is not nought. `parts` are cumulative: each is a part of the one after it.

    All but a few of many is drawn as all, and a few of many as none. Beside what else is not shown nobody can tell what
    the rest is: it is `untold`.
    """
    known = [(str(row[label]), _count(row[whole]), row) for row in rows]
    most = max((count.n or 0 for _, count, _ in known), default=0)
    return tuple(
        Bar(name, count, _segments(row, count.n or 0, most, parts, rest, untold))
        for name, count, row in known
        if count.n != 0
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


type Words = Mapping[str, Cell]


@dataclass(frozen=True)
class DisplayedFigure:
    """One figure: its rows with their words, its sums, its bars and how it was counted."""

    name: str
    made_at: datetime
    rows: Sequence[Words]
    total: Mapping[str, Count] | None
    bars: Sequence[Bar]
    query: str


@dataclass(frozen=True)
class FiguresPage:
    """All figures. `made_at`: when what counts people was counted; the companies have a moment of their own."""

    made_at: datetime
    since: datetime
    until: datetime
    companies: DisplayedFigure
    choices: DisplayedFigure
    followed: DisplayedFigure
    releases: DisplayedFigure
    disputes: DisplayedFigure

    @property
    def last_moment(self) -> datetime:
        """The last moment that is in it."""
        return self.until - timedelta(microseconds=1)

    @property
    def whole_days(self) -> bool:
        """Whether it is about whole days of UTC alone."""
        return self.until.astimezone(UTC).time() == time.min


def figures_page() -> FiguresPage | None:
    """Return the page's figures; None while they were never made. One query."""
    found = get_public_figures()
    if set(found) != set(Figure):
        return None
    newest = found[Figure.RELEASES]
    return FiguresPage(
        newest.made_at,
        newest.since,
        newest.until,
        **{name.value: _build_displayed_figure(figure) for name, figure in found.items()},
    )


def _build_displayed_figure(figure: PublicFigure) -> DisplayedFigure:
    rows = [{**row, **_words(figure.name, row)} for row in figure.rows]
    return DisplayedFigure(figure.name, figure.made_at, rows, figure.total, _bars(figure.name, rows), figure.query)


def _words(name: Figure, row: Row) -> Words:
    match name:
        case Figure.CHOICES:
            return {"label": str(CHOICE_KINDS[str(row["kind"])])}
        case Figure.RELEASES:
            purpose = str(row["purpose"])
            basis = {"basis_in_words": basis_in_words(str(row["basis"]))}
            return {"label": purpose_in_words(purpose) if purpose else gettext("Other or none named"), **basis}
        case Figure.COMPANIES:
            words, tone = COMPANY_STATES[str(row["state"])]
            role = {"role_in_words": str(COMPANY_ROLES[str(row["role"])])}
            return {"label": party_name(str(row["company"]), ""), "state_in_words": str(words), "tone": tone, **role}
        case _:
            return {"label": party_name(str(row["company"]), "")}


def _bars(name: Figure, rows: Sequence[Row]) -> Sequence[Bar]:
    match name:
        case Figure.RELEASES:
            released = [row for row in rows if row["basis"] == "approval"]
            return bars_of(
                rows=released, label="label", whole="released", parts=[("not_allowed", "sbad")], rest="s0", untold="s4"
            )
        case Figure.FOLLOWED:
            parts: list[tuple[str, Tint]] = [("completed", "s0"), ("acknowledged", "s1")]
            return bars_of(rows=rows, label="label", whole="received", parts=parts, rest="s4", untold="s4")
        case _:
            return ()
