"""A chart drawn on the server as SVG: look-ups a week by company for twelve weeks."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from disclosures.queries.trails import Parties

WEEKS = 12
NAMED = 4
WIDTH, HEIGHT, FOOT = 560, 170, 34
DIGIT, BESIDE = 12, 8
GAP = 2


@dataclass(frozen=True)
class Bar:
    """One rectangle: a company's share of a week. `tint` is the number of its colour."""

    x: float
    y: float
    width: float
    height: float
    tint: int


@dataclass(frozen=True)
class Week:
    """One column: its Monday, its counts in the order of the series, and where its label stands."""

    starts: date
    counts: tuple[int, ...]
    total: int
    middle: float
    labelled: bool
    bars: tuple[Bar, ...]


@dataclass(frozen=True)
class Series:
    """One company of the chart; `other` stands for all that are not named."""

    name: str
    other: bool
    tint: int
    total: int


@dataclass(frozen=True)
class Tick:
    """A line of the grid and the number beside it."""

    y: float
    label_y: float
    value: int


@dataclass(frozen=True)
class Chart:
    """The whole picture. `left` and `right` bound the grid's lines."""

    weeks: tuple[Week, ...]
    series: tuple[Series, ...]
    ticks: tuple[Tick, ...]
    total: int
    width: int = WIDTH
    height: int = HEIGHT + FOOT
    foot: int = HEIGHT + 27
    left: int = 0
    right: int = WIDTH

    @property
    def rows(self) -> list[tuple[Week, list[tuple[Series, int]]]]:
        """The weeks as a table's rows, each number with its company."""
        return [(week, list(zip(self.series, week.counts, strict=True))) for week in self.weeks]


def first_week(*, zone: ZoneInfo, at: datetime) -> date:
    """Return the Monday on which the chart starts."""
    today = at.astimezone(zone).date()
    return today - timedelta(days=today.weekday(), weeks=WEEKS - 1)


def chart_of(*, counted: Mapping[tuple[date, str], int], parties: Parties, zone: ZoneInfo, at: datetime) -> Chart:
    """Return the picture of look-ups by week (its Monday) and company. Reads nothing."""
    starts = [first_week(zone=zone, at=at) + timedelta(weeks=n) for n in range(WEEKS)]
    totals = Counter[str]()
    for (_, company), n in counted.items():
        totals[company] += n
    named = [uri for uri, _ in sorted(totals.items(), key=lambda item: (-item[1], item[0]))[:NAMED]]
    columns = [_counts(counted, start, named) for start in starts]
    most = _round_up(max((sum(column) for column in columns), default=0))
    # Room for the highest number beside the grid.
    left = DIGIT * max(len(str(most)), 3) + BESIDE
    series = _series(totals, named, parties)
    return Chart(
        weeks=tuple(
            _week(place, start, column[: len(series)], most, left)
            for place, (start, column) in enumerate(zip(starts, columns, strict=True))
        ),
        series=tuple(series),
        ticks=tuple(Tick(_y(value, most), _y(value, most) + 6, value) for value in sorted({0, most // 2, most})),
        total=sum(totals.values()),
        left=left,
    )


def _series(totals: Counter[str], named: Sequence[str], parties: Parties) -> list[Series]:
    """Return one for each company that is named, and one for all others together."""
    series = [Series(parties[uri].name, other=False, tint=tint, total=totals[uri]) for tint, uri in enumerate(named)]
    rest = sum(totals.values()) - sum(one.total for one in series)
    if rest:
        series.append(Series("", other=True, tint=NAMED, total=rest))
    return series


def _counts(counted: Mapping[tuple[date, str], int], start: date, named: Sequence[str]) -> list[int]:
    own = [counted.get((start, uri), 0) for uri in named]
    others = sum(n for (week, uri), n in counted.items() if week == start and uri not in named)
    return [*own, others]


def _week(place: int, start: date, counts: Sequence[int], most: int, left: int) -> Week:
    step = (WIDTH - left) / WEEKS
    x, width = left + place * step + step * 0.16, step * 0.68
    bars, below = [], 0
    for tint, n in enumerate(counts):
        if n:
            top, bottom = _y(below + n, most), _y(below, most)
            bars.append(
                Bar(round(x, 1), round(top, 1), round(width, 1), round(max(bottom - top - GAP / 2, 1.0), 1), tint)
            )
        below += n
    return Week(
        starts=start,
        counts=tuple(counts),
        total=sum(counts),
        middle=WIDTH if place == WEEKS - 1 else round(x + width / 2, 1),
        labelled=place % 4 == 0 or place == WEEKS - 1,
        bars=tuple(bars),
    )


def _y(value: int, most: int) -> float:
    return round(HEIGHT - (HEIGHT - 14) * value / most, 1)


def _round_up(most: int) -> int:
    """Return the top of the scale: 2, 4, 10, 20, 40, 100 …, never less than the highest week."""
    top = 2
    while top < most:
        top = top * 2 if str(top)[0] != "4" else top // 4 * 10
    return top
