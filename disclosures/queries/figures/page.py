"""Show the public figures on their page: the words for each, and bars as SVG, drawn on the server.

One bar for each row, with its parts; what is not shown is not drawn.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Literal

from django.contrib.humanize.templatetags.humanize import intcomma
from django.utils.functional import Promise
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from accounts.domain.sentences import sentence
from disclosures.labels import CHOICE_KINDS, COMPANY_ROLES, COMPANY_STATES, FIGURE_TITLES, basis_in_words
from disclosures.queries.figures.published import (
    Cell,
    Count,
    PublicFigure,
    Row,
    Why,
    get_figures_before,
    get_public_figures,
    list_past_months,
)
from disclosures.queries.figures.statements import STATEMENTS, Figure
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


type Words = Mapping[str, Cell]

# The count that a row's bar stands for, and that is compared with the days before.
WHOLE: Mapping[Figure, str] = {
    Figure.CHOICES: "n",
    Figure.FOLLOWED: "received",
    Figure.RELEASES: "released",
    Figure.PHONES: "phones",
    Figure.DISPUTES: "asked",
}
# What is drawn of it in which colour, then the rest, then what may be either.
_PARTS: Mapping[Figure, tuple[Sequence[tuple[str, Tint]], Tint, Tint]] = {
    Figure.CHOICES: ((), "s0", "s0"),
    Figure.FOLLOWED: ((("completed", "s0"), ("acknowledged", "s1")), "s4", "s4"),
    Figure.RELEASES: ((("not_allowed", "sbad"),), "s0", "s4"),
    Figure.PHONES: ((), "s0", "s0"),
    Figure.DISPUTES: ((), "s0", "s0"),
}
_LEGENDS: Mapping[Figure, Sequence[tuple[Tint, Promise]]] = {
    Figure.FOLLOWED: (
        ("s0", _("Signed as done")), ("s1", _("Received")), ("s4", _("Not confirmed, or too few to show")),
    ),
    Figure.RELEASES: (
        ("s0", _("Allowed by the person")), ("sbad", _("Not allowed (the person sees this too)")),
        ("s4", _("Too few to say which")),
    ),
}  # fmt: skip
# What the bars say first.
_LEADERS: Mapping[Figure, Promise] = {
    Figure.CHOICES: _("Most common choice: %(label)s (%(n)s)."),
    Figure.FOLLOWED: _("Most stops and pauses sent to: %(label)s (%(n)s)."),
    Figure.RELEASES: _("Most look-ups: %(label)s (%(n)s)."),
    Figure.PHONES: _("Most phones found: %(label)s (%(n)s)."),
    Figure.DISPUTES: _("Asked for proof most often: %(label)s (%(n)s)."),
}


@dataclass(frozen=True)
class Legend:
    """What one colour of the bars stands for."""

    tint: Tint
    words: str


@dataclass(frozen=True)
class DisplayedFigure:
    """One figure: its rows with their words, its sums, its bars and how it was counted.

    `not_drawn`: the rows whose bar would be of a count that is not shown. Each row's `change` is how much its count
    differs from the days before, in words' terms: `more`, `fewer` or `is_same`; none of them where one of the two is
    not shown. `month`: of whose address it is.
    """

    name: str
    made_at: datetime
    since: datetime
    until: datetime
    rows: Sequence[Words]
    total: Mapping[str, Count] | None
    bars: Sequence[Bar]
    not_drawn: Sequence[str]
    query: str
    month: date | None = None

    @property
    def title(self) -> str:
        """What it is called."""
        return str(FIGURE_TITLES[self.name])

    @property
    def legend(self) -> Sequence[Legend]:
        """What its colours stand for."""
        return [Legend(tint, str(words)) for tint, words in _LEGENDS.get(Figure(self.name), ())]

    @property
    def leader(self) -> Words | None:
        """The row with the highest count that is drawn; None without bars."""
        whole = WHOLE.get(Figure(self.name), "")
        drawn = [row for row in self.rows if row.get("basis", "approval") == "approval" and _get_count(row.get(whole))]
        return max(({**row, "n": row[whole]} for row in drawn), key=lambda row: _get_count(row["n"]), default=None)

    @property
    def leader_words(self) -> SafeString:
        """Which row that is, in a sentence; "" without bars."""
        row = self.leader
        if row is None:
            return SafeString("")
        return sentence(_LEADERS[Figure(self.name)], label=row["label"], n=intcomma(_get_count(row["n"])))

    @property
    def last_moment(self) -> datetime:
        """The last moment that is in it."""
        return self.until - timedelta(microseconds=1)


@dataclass(frozen=True)
class FiguresPage:
    """All figures. `made_at`: when what counts people was counted; the companies have a moment of their own.

    `months`: those that have an address of their own. A month's page has no companies: they are of today alone.
    """

    made_at: datetime
    since: datetime
    until: datetime
    choices: DisplayedFigure
    followed: DisplayedFigure
    releases: DisplayedFigure
    disputes: DisplayedFigure
    phones: DisplayedFigure | None = None
    companies: DisplayedFigure | None = None
    months: Sequence[date] = ()
    month: date | None = None

    @property
    def last_moment(self) -> datetime:
        """The last moment that is in it."""
        return self.until - timedelta(microseconds=1)

    @property
    def whole_days(self) -> bool:
        """Whether it is about whole days of UTC alone."""
        return self.until.astimezone(UTC).time() == time.min


def figures_page(*, month: date | None = None) -> FiguresPage | None:
    """Return the page's figures, as last made or of a month (its first day); None where they were never made."""
    found = get_public_figures(month=month)
    if not {*Figure} - {Figure.PHONES, Figure.COMPANIES} <= set(found):
        return None
    newest = found[Figure.RELEASES]
    before = get_figures_before(since=newest.since)
    return FiguresPage(
        newest.made_at,
        newest.since,
        newest.until,
        **{name.value: _build_displayed_figure(figure, before.get(name), month) for name, figure in found.items()},
        months=list_past_months(),
        month=month,
    )


def displayed_figure(*, name: Figure, month: date | None = None) -> DisplayedFigure | None:
    """Return one figure as the page shows it; None where it was not made."""
    figure = get_public_figures(names=[name], month=month).get(name)
    if figure is None:
        return None
    return _build_displayed_figure(figure, get_figures_before(since=figure.since).get(name), month)


def _build_displayed_figure(figure: PublicFigure, before: PublicFigure | None, month: date | None) -> DisplayedFigure:
    changes = count_changes(now=figure.rows, before=before.rows if before else (), name=figure.name)
    rows = [
        {**row, **_words(figure.name, row), **_compare(change)}
        for row, change in zip(figure.rows, changes, strict=True)
    ]
    drawn, whole = [row for row in rows if row.get("basis", "approval") == "approval"], WHOLE.get(figure.name, "")
    bars = _bars(figure.name, drawn)
    hidden = [str(row["label"]) for row in drawn if isinstance(cell := row.get(whole), Count) and cell.n is None]
    return DisplayedFigure(
        figure.name, figure.made_at, figure.since, figure.until, rows, figure.total, bars, hidden, figure.query, month
    )


def _compare(change: int | None) -> Words:
    if change is None:
        return {"more": None, "fewer": None, "is_same": False}
    return {"more": max(change, 0), "fewer": max(-change, 0), "is_same": not change}


def count_changes(*, now: Sequence[Row], before: Sequence[Row], name: Figure) -> Sequence[int | None]:
    """Return by how much each row's count differs from the days before: from what is shown of both, and nothing else.

    Where either is not shown, or two rows have one name, there is None.
    """
    words, whole = STATEMENTS[name].words, WHOLE.get(name, "")
    known: dict[tuple[Cell, ...], list[Cell]] = defaultdict(list)
    for row in before:
        known[tuple(row[word] for word in words)].append(row.get(whole))
    changes: list[int | None] = []
    for row in now:
        own, then = row.get(whole), known.get(tuple(row[word] for word in words), [])
        is_known = len(then) == 1 and _is_shown(own) and _is_shown(then[0])
        changes.append(_get_count(own) - _get_count(then[0]) if is_known else None)
    return changes


def _is_shown(cell: Cell) -> bool:
    return isinstance(cell, Count) and cell.n is not None


def _get_count(cell: Cell) -> int:
    return cell.n or 0 if isinstance(cell, Count) else 0


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
    if name not in WHOLE:
        return ()
    parts, rest, untold = _PARTS[name]
    return bars_of(rows=rows, label="label", whole=WHOLE[name], parts=parts, rest=rest, untold=untold)
