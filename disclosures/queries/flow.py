"""A path picture: how often a location went which way to one company, drawn on the server, the carrier on top."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from disclosures.queries.trails import Parties
from partners.labels import UNKNOWN, sanitise_text

WIDTH, ROW, TOP, BAR = 360, 92, 8, 10
MOST_IN_A_ROW = 3
CARRIER, OTHERS = "", "others"
LABEL = 17


@dataclass(frozen=True)
class Node:
    """One party at one place of the way. `kind`: carrier, party, lost (nobody knows who) or others (several)."""

    x: float
    y: float
    width: float
    middle: float
    label_y: float
    label: str
    kind: str
    n: int


@dataclass(frozen=True)
class Ribbon:
    """A stream from one node to one below it: an SVG path and its line's width."""

    d: str
    width: float


@dataclass(frozen=True)
class Flow:
    """The whole picture."""

    nodes: tuple[Node, ...]
    ribbons: tuple[Ribbon, ...]
    height: int
    width: int = WIDTH
    bar: int = BAR


def flow_of(*, paths: Iterable[tuple[Sequence[str], int]], parties: Parties) -> Flow | None:
    """The picture of these paths with their counts; None without any."""
    ways = [((CARRIER, *path), n) for path, n in paths if n]
    if not ways:
        return None
    levels = max(len(way) for way, _ in ways)
    counts, streams = _count_flow(ways, levels)
    total = sum(n for _, n in ways)
    placed = {
        (level, name): node for level, row in enumerate(counts) for name, node in _row(row, level, total, parties)
    }
    return Flow(
        nodes=tuple(placed.values()),
        ribbons=tuple(_ribbons(streams, placed)),
        height=TOP + levels * ROW - ROW // 2 + 12,
    )


def _count_flow(
    ways: Sequence[tuple[Sequence[str], int]], levels: int
) -> tuple[list[Counter[str]], Counter[tuple[int, str, str]]]:
    """How many came to each company at each level, and how many went from one to the next below it."""
    kept = [_list_frequent_uris(ways, level) for level in range(levels)]
    counts: list[Counter[str]] = [Counter() for _ in range(levels)]
    streams: Counter[tuple[int, str, str]] = Counter()
    for way, n in ways:
        names = [uri if uri in kept[level] else OTHERS for level, uri in enumerate(way)]
        for level, name in enumerate(names):
            counts[level][name] += n
        for level, (above, below) in enumerate(pairwise(names)):
            streams[level, above, below] += n
    return counts, streams


def _list_frequent_uris(ways: Sequence[tuple[Sequence[str], int]], level: int) -> set[str]:
    counted: Counter[str] = Counter()
    for way, n in ways:
        if level < len(way):
            counted[way[level]] += n
    if len(counted) <= MOST_IN_A_ROW:
        return set(counted)
    return {uri for uri, _ in sorted(counted.items(), key=lambda item: (-item[1], item[0]))[: MOST_IN_A_ROW - 1]}


def _row(counts: Mapping[str, int], level: int, total: int, parties: Parties) -> list[tuple[str, Node]]:
    """The nodes of one place, side by side, as wide as their share."""
    slot = WIDTH / len(counts)
    found = []
    for place, (uri, n) in enumerate(sorted(counts.items(), key=lambda item: (-item[1], item[0]))):
        middle = slot * (place + 0.5)
        width = max(14.0, min(slot - 16, (WIDTH * 0.62) * n / total))
        y = TOP + level * ROW
        kind = {CARRIER: "carrier", OTHERS: "others", UNKNOWN: "lost"}.get(uri, "party")
        label = sanitise_text(parties[uri].name, at_most=LABEL) if kind == "party" else ""
        node = Node(round(middle - width / 2, 1), y, round(width, 1), round(middle, 1), y + BAR + 16, label, kind, n)
        found.append((uri, node))
    return found


def _ribbons(streams: Mapping[tuple[int, str, str], int], placed: Mapping[tuple[int, str], Node]) -> Iterable[Ribbon]:
    leaving: Counter[tuple[int, str]] = Counter()
    arriving: Counter[tuple[int, str]] = Counter()
    for (level, above, below), n in sorted(streams.items(), key=lambda item: placed[item[0][0] + 1, item[0][2]].x):
        top, bottom = placed[level, above], placed[level + 1, below]
        width = max(2.0, min(top.width, bottom.width) * n / max(top.n, bottom.n, 1))
        start = top.x + top.width * (leaving[level, above] + n / 2) / top.n
        end = bottom.x + bottom.width * (arriving[level + 1, below] + n / 2) / bottom.n
        leaving[level, above] += n
        arriving[level + 1, below] += n
        y1, y2 = top.y + BAR, bottom.y
        bend = (y1 + y2) / 2
        yield Ribbon(f"M{start:.1f} {y1}C{start:.1f} {bend} {end:.1f} {bend} {end:.1f} {y2}", round(width, 1))
