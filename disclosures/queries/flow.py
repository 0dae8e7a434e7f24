"""The paths a location took as one picture: a stream that leaves the carrier and branches at every company.

On a phone each company is a row below the one before it on the path, so that names have room in any language; where
there is room, it is in the next column. The style sheet decides which; here is how wide each line is.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from disclosures.labels import NOT_ALLOWED
from disclosures.models import Outcome
from disclosures.queries.release_counts import Facts
from disclosures.queries.trails import NO_ID, NamedParty, Parties, company_of
from partners.labels import UNKNOWN

# So many paths are drawn, and so many companies of one; what is beyond them is counted.
MOST_PATHS, LONGEST = 12, 4
OTHERS = ""
THINNEST, WIDEST = 2.5, 14

type Kind = Literal["carrier", "party", "lost", "next", "others"]
# The companies from the first to this one.
type Place = tuple[str, ...]


@dataclass(frozen=True)
class PathCount:
    """One path with its look-ups, `not_allowed` of them not permitted by the person."""

    path: Place
    n: int
    not_allowed: int


@dataclass(frozen=True)
class Stroke:
    """One line of the picture: how wide it is, and the part that was not allowed, which is drawn upon it.

    `allowed`: 0 where nothing was, and then `against` is the whole line.
    """

    allowed: float
    against: float


@dataclass(frozen=True)
class Branch:
    """One company. `more`: how many companies "others" stands for.

    `arriving`: the line that ends here; `past`: what leaves the company before for those drawn after this one;
    `onward`: what goes on from here. Each is None where there is no such line.
    """

    kind: Kind
    name: str
    id: int
    n: int
    not_allowed: int
    more: int
    arriving: Stroke | None
    past: Stroke | None
    onward: Stroke | None
    below: "tuple[Branch, ...]"


@dataclass(frozen=True)
class Row:
    """One row of the table: the names on a path, None for a company that nobody can name."""

    names: tuple[str | None, ...]
    more: int
    n: int
    not_allowed: int


@dataclass(frozen=True)
class Flow:
    """The whole picture, and its table. `not_allowed`: of all look-ups."""

    root: Branch
    rows: tuple[Row, ...]
    n: int
    not_allowed: int


def flow_of(*, facts: Iterable[Facts], parties: Parties, recent: bool) -> Flow | None:
    """Return the picture of what was released, `recent`: in the last 30 days; None without any. Reads nothing."""
    ranked = _merge(_count_releases(facts, recent=recent))
    if not ranked:
        return None
    drawn, companies = _fold(ranked)
    tree = _Tree(_sum_up(drawn), companies, parties)
    rows = (Row(tree.names(one.path), tree.more(one.path), one.n, one.not_allowed) for one in drawn)
    total = tree.counts[()]
    return Flow(tree.branch((), past=(0, 0)), tuple(rows), total.n, total.not_allowed)


def _count_releases(facts: Iterable[Facts], *, recent: bool) -> Iterator[tuple[Place, int, int]]:
    for one in facts:
        n = one.recent if recent else one.n
        if one.outcome == Outcome.RELEASED and one.path and n:
            yield one.path, n, n if one.judgement in NOT_ALLOWED else 0


def _merge(paths: Iterable[tuple[Place, int, int]]) -> list[PathCount]:
    """Return each path once: those with look-ups that nobody allowed first, then the most used."""
    counted: dict[Place, tuple[int, int]] = {}
    for path, n, against in paths:
        known = counted.get(path, (0, 0))
        counted[path] = (known[0] + n, known[1] + against)
    found = [PathCount(path, *counts) for path, counts in counted.items()]
    return sorted(found, key=lambda one: (-one.not_allowed, -one.n, one.path))


def _fold(ranked: Sequence[PathCount]) -> tuple[list[PathCount], Mapping[Place, set[str]]]:
    """Return the paths to draw, and which companies each "others" among them stands for."""
    first = ranked if len(ranked) == MOST_PATHS + 1 else ranked[:MOST_PATHS]
    companies: dict[Place, set[str]] = {}
    folded = []
    for one in ranked:
        place = one.path if one in first else _place_among_others(one.path, first)
        if len(place) > LONGEST:
            place = (*place[: LONGEST - 1], OTHERS)
        if place != one.path:
            beyond = {company_of(path=one.path)} if one not in first else set(one.path[LONGEST - 1 :])
            companies.setdefault(place, set()).update(beyond)
        elif len(place) == 1:
            # Somebody got it from there, and nobody says who.
            place = (*place, UNKNOWN)
        folded.append((place, one.n, one.not_allowed))
    return _merge(folded), companies


def _place_among_others(path: Place, drawn: Sequence[PathCount]) -> Place:
    """Return where a path that is not drawn is counted: below its aggregator, if that is drawn."""
    return (path[0], OTHERS) if any(one.path[0] == path[0] for one in drawn) else (OTHERS,)


def _sum_up(drawn: Sequence[PathCount]) -> Mapping[Place, PathCount]:
    """Return what came to each place, whether it ended there or went on."""
    counted = _merge(
        (one.path[:length], one.n, one.not_allowed) for one in drawn for length in range(len(one.path) + 1)
    )
    return {one.path: one for one in counted}


class _Tree:
    """The places of all paths that are drawn, each below the one before it."""

    def __init__(
        self, counts: Mapping[Place, PathCount], companies: Mapping[Place, set[str]], parties: Parties
    ) -> None:
        self.counts, self._companies, self._parties = counts, companies, parties

    def branch(self, place: Place, *, past: tuple[int, int]) -> Branch:
        """Return one company with all below it.

        `past`: look-ups that go on to those drawn after it, and how many of them nobody allowed.
        """
        here, below = self.counts[place], self._below(place)
        n, against = onward = sum(one.n for one in below), sum(one.not_allowed for one in below)
        children = []
        for one in below:
            n, against = n - one.n, against - one.not_allowed
            children.append(self.branch(one.path, past=(n, against)))
        known = self._parties[place[-1]] if place else NamedParty(NO_ID, "", "")
        return Branch(
            kind=self._kind(place),
            name=known.name,
            id=known.id,
            n=here.n,
            not_allowed=here.not_allowed,
            more=self.more(place),
            arriving=self._stroke(here.n, here.not_allowed) if place else None,
            past=self._stroke(*past),
            onward=self._stroke(*onward),
            below=tuple(children),
        )

    def _below(self, place: Place) -> list[PathCount]:
        """Return the places right below one, the most used first, others last."""
        below = [one for one in self.counts.values() if one.path and one.path[:-1] == place]
        return sorted(below, key=lambda one: (one.path[-1] == OTHERS, -one.n, one.path))

    def _stroke(self, n: int, against: int) -> Stroke | None:
        return Stroke(self._width(n if against < n else 0), self._width(against)) if n else None

    def _width(self, n: int) -> float:
        return round(max(THINNEST, WIDEST * n / self.counts[()].n), 1) if n else 0

    def more(self, place: Place) -> int:
        """Return how many companies "others" stands for there."""
        return len(self._companies.get(place, ()))

    def names(self, path: Place) -> tuple[str | None, ...]:
        """Return the names on a path, without "others"."""
        return tuple(None if uri == UNKNOWN else self._parties[uri].name for uri in path if uri != OTHERS)

    def _kind(self, place: Place) -> Kind:
        if not place:
            return "carrier"
        if place[-1] == OTHERS:
            return "others"
        if place[-1] != UNKNOWN:
            return "party"
        return "lost" if self._goes_on(place) else "next"

    def _goes_on(self, place: Place) -> bool:
        return len(place) == 1 or any(one[: len(place)] == place and one != place for one in self.counts)
