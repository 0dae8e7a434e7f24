"""How often, in words: by judgement where an agreement was named, by basis where none is ever asked for."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from disclosures.models import Outcome
from disclosures.queries.counted import Facts
from disclosures.words import OUTSIDE, judgement_in_words, tone_of


@dataclass(frozen=True)
class Tally:
    """How often something was judged so, in words."""

    judgement: str
    words: str
    tone: str
    n: int


@dataclass(frozen=True)
class Outside:
    """Releases that never ask for consent: for an emergency, by a lawful order, to run the network.

    `recent`: by basis, in the last 30 days; `before`: earlier. `doubtful` of the recent ones, and `doubtful_before` of
    the others, went to a company that sells look-ups.
    """

    recent: tuple[Tally, ...] = ()
    before: tuple[Tally, ...] = ()
    doubtful: int = 0
    doubtful_before: int = 0
    last_at: datetime | None = None

    @property
    def n_recent(self) -> int:
        """How many in the last 30 days."""
        return sum(one.n for one in self.recent)

    @property
    def n_before(self) -> int:
        """How many earlier."""
        return sum(one.n for one in self.before)

    @property
    def n(self) -> int:
        """How many in all."""
        return self.n_recent + self.n_before

    @property
    def all_doubtful(self) -> int:
        """How many went to a company that sells look-ups."""
        return self.doubtful + self.doubtful_before

    @property
    def beyond_doubt(self) -> int:
        """How many of the recent ones went to nobody who sells look-ups."""
        return self.n_recent - self.doubtful


def judged_so(*, facts: Iterable[Facts]) -> tuple[Tally, ...]:
    """By judgement, the most frequent first."""
    counted: dict[str, int] = {}
    for one in facts:
        counted[one.judgement] = counted.get(one.judgement, 0) + one.n
    return tuple(_tally(judgement, n) for judgement, n in sorted(counted.items(), key=lambda item: (-item[1], item[0])))


def outside_of(*, facts: Iterable[Facts]) -> Outside:
    """What of these never asked for consent."""
    released = released_outside(facts=facts)
    return Outside(
        recent=_by_basis((one.basis, one.recent) for one in released),
        before=_by_basis((one.basis, one.n - one.recent) for one in released),
        doubtful=sum(one.recent for one in released if one.doubtful),
        doubtful_before=sum(one.n - one.recent for one in released if one.doubtful),
        last_at=max((one.last_at for one in released), default=None),
    )


def released_outside(*, facts: Iterable[Facts]) -> Sequence[Facts]:
    """Those of them that were released without an agreement ever being asked for."""
    return [one for one in facts if one.basis in OUTSIDE and one.outcome == Outcome.RELEASED]


def _by_basis(counts: Iterable[tuple[str, int]]) -> tuple[Tally, ...]:
    counted: dict[str, int] = {}
    for basis, n in counts:
        if n:
            counted[basis] = counted.get(basis, 0) + n
    return tuple(_tally(basis, n) for basis, n in sorted(counted.items()))


def _tally(judgement: str, n: int) -> Tally:
    return Tally(judgement, judgement_in_words(judgement), tone_of(judgement), n)
