"""How often, in words: by judgement where an agreement was named, by basis where none is ever asked for."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from disclosures.labels import NOT_ALLOWED, OUTSIDE, judgement_in_words, tone_of
from disclosures.models import Basis, Outcome
from disclosures.queries.release_counts import Facts

How = Literal["itself", "through", "to"]


@dataclass(frozen=True)
class Tally:
    """How often something was judged so, in words."""

    judgement: str
    words: str
    tone: str
    n: int


@dataclass(frozen=True)
class OutsideAgreements:
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


@dataclass(frozen=True)
class Involvement:
    """What one company had to do with in one way: it asked itself; others asked through it; others passed it on to it.

    `n`: look-ups released in the name of an agreement, `recent` of them in the last 30 days, `not_allowed` of them not
    permitted, by reason. What it asked for itself is counted on home as well, and by the same rule.
    """

    how: How
    n: int
    recent: int
    last_at: datetime | None
    refused: int
    not_allowed: tuple[Tally, ...]
    outside: OutsideAgreements


def describe_involvement(*, uri: str, facts: Facts) -> How:
    """In which way a party stands on the path of a disclosure that it is on."""
    if facts.company == uri:
        return "itself"
    return "through" if facts.path[0] == uri else "to"


def build_involvement(*, how: How, facts: Iterable[Facts]) -> Involvement:
    """Return what disclosures come to, all of which a company stands on in the same way."""
    facts = list(facts)
    by_agreement = filter_under_agreements(facts=facts)
    released = [one for one in by_agreement if one.outcome == Outcome.RELEASED]
    return Involvement(
        how=how,
        n=sum(one.n for one in released),
        recent=sum(one.recent for one in released),
        last_at=max((one.last_at for one in released), default=None),
        refused=_count_refused(by_agreement),
        not_allowed=count_by_judgement(facts=[one for one in released if one.judgement in NOT_ALLOWED]),
        outside=count_outside_agreements(facts=facts),
    )


def _count_refused(facts: Iterable[Facts]) -> int:
    return sum(one.n for one in facts if one.outcome == Outcome.REFUSED)


def filter_under_agreements(*, facts: Iterable[Facts]) -> list[Facts]:
    """Return those that an agreement was asked for."""
    return [one for one in facts if one.basis == Basis.APPROVAL]


def count_by_judgement(*, facts: Iterable[Facts]) -> tuple[Tally, ...]:
    """By judgement, the most frequent first."""
    counted: dict[str, int] = {}
    for one in facts:
        counted[one.judgement] = counted.get(one.judgement, 0) + one.n
    return tuple(_tally(judgement, n) for judgement, n in sorted(counted.items(), key=lambda item: (-item[1], item[0])))


def count_outside_agreements(*, facts: Iterable[Facts]) -> OutsideAgreements:
    """Return what of these never asked for consent."""
    released = list_outside_agreements(facts=facts)
    return OutsideAgreements(
        recent=_by_basis((one.basis, one.recent) for one in released),
        before=_by_basis((one.basis, one.n - one.recent) for one in released),
        doubtful=sum(one.recent for one in released if one.doubtful),
        doubtful_before=sum(one.n - one.recent for one in released if one.doubtful),
        last_at=max((one.last_at for one in released), default=None),
    )


def list_outside_agreements(*, facts: Iterable[Facts]) -> Sequence[Facts]:
    """Return those of them that were released without an agreement ever being asked for."""
    return [one for one in facts if one.basis in OUTSIDE and one.outcome == Outcome.RELEASED]


def _by_basis(counts: Iterable[tuple[str, int]]) -> tuple[Tally, ...]:
    counted: dict[str, int] = {}
    for basis, n in counts:
        if n:
            counted[basis] = counted.get(basis, 0) + n
    return tuple(_tally(basis, n) for basis, n in sorted(counted.items()))


def _tally(judgement: str, n: int) -> Tally:
    return Tally(judgement, judgement_in_words(judgement), tone_of(judgement), n)
