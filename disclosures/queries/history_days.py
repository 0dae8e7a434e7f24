"""The days of a history: what repeats drawn together, and how much each has."""

import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import astuple, dataclass
from datetime import date, datetime

from disclosures.labels import NOT_ALLOWED, basis_in_words, describe_outcome, judgement_in_words, tone_of
from disclosures.models import Basis, Disclosure, Outcome
from disclosures.queries.trails import Hop, NamedParty, Parties, company_of, describe_reported_path, trail
from partners.labels import precision_in_words, purpose_in_words, sanitise_text

MOST_TIMES = 60
# Of the day that is open, so many kinds are read without asking for more.
FEW_GROUPS = 6
# What those have in common that are drawn together; a judgement tells the basis; `delayed` is no column of theirs.
ALIKE = (
    "path", "campaign", "purpose", "precision_m", "outcome", "judgement", "basis_doubtful", "delayed",
    "authority_ref", "path_completed",
)  # fmt: skip


@dataclass(frozen=True)
class HistoryTally:
    """How many look-ups, how many of them were not allowed; how many were refused; how many need no consent."""

    looked_up: int = 0
    not_allowed: int = 0
    refused: int = 0
    outside: int = 0

    def __add__(self, other: "HistoryTally") -> "HistoryTally":
        return HistoryTally(*(mine + theirs for mine, theirs in zip(astuple(self), astuple(other), strict=True)))


def tally_of(*, basis: str, outcome: str, judgement: str, n: int) -> HistoryTally:
    """Return the tally of so many disclosures alike."""
    if outcome == Outcome.REFUSED:
        return HistoryTally(refused=n)
    if basis != Basis.APPROVAL:
        return HistoryTally(outside=n)
    return HistoryTally(looked_up=n, not_allowed=n if judgement in NOT_ALLOWED else 0)


@dataclass(frozen=True)
class Group:
    """Disclosures of one day alike in all but their time.

    `of_day`: how many such the whole day has where a page ended, or begins, within it; 0 where the page has all of it.
    `instead`: who can be stopped where nobody can name who received it. `completed`: the report left out part of the
    path, and we filled it.
    """

    id: uuid.UUID
    company: NamedParty
    trail: tuple[Hop, ...]
    instead: tuple[NamedParty, ...]
    why: str
    precision: str
    basis: str
    basis_words: str
    judgement: str
    words: str
    tone: str
    refused: bool
    delayed: bool
    doubtful: bool
    authority: str
    completed: bool
    times: tuple[datetime, ...]
    of_day: int = 0

    @property
    def n(self) -> int:
        """How often, as far as this page goes."""
        return len(self.times)

    @property
    def in_all(self) -> int:
        """How often that day."""
        return max(self.n, self.of_day)

    @property
    def elsewhere(self) -> bool:
        """Whether some of them are not on this page."""
        return self.in_all > self.n

    @property
    def first_at(self) -> datetime:
        """The earliest of them."""
        return self.times[-1]

    @property
    def last_at(self) -> datetime:
        """The latest of them."""
        return self.times[0]

    @property
    def shown_times(self) -> tuple[datetime, ...]:
        """As many single moments as a page lists; the download has them all."""
        return self.times[:MOST_TIMES]

    @property
    def is_approval_based(self) -> bool:
        """Whether it rested on the person's agreement: the only kind that a choice can stop."""
        return self.basis == Basis.APPROVAL


@dataclass(frozen=True)
class Day:
    """One day of the line's zone."""

    day: date
    groups: tuple[Group, ...]

    @property
    def tally(self) -> HistoryTally:
        """How much the whole day has of what is asked for, on whatever pages."""
        return sum(
            (
                tally_of(
                    basis=group.basis,
                    outcome=Outcome.REFUSED if group.refused else Outcome.RELEASED,
                    judgement=group.judgement,
                    n=group.in_all,
                )
                for group in self.groups
            ),
            HistoryTally(),
        )

    @property
    def names(self) -> tuple[str, ...]:
        """The companies whose acts they were, each once."""
        return tuple(dict.fromkeys(group.company.name for group in self.groups))

    @property
    def first_groups(self) -> tuple[Group, ...]:
        """Those that are read without asking for more."""
        return self.groups[:FEW_GROUPS]

    @property
    def more_groups(self) -> tuple[Group, ...]:
        """The others."""
        return self.groups[FEW_GROUPS:]


def build_day(
    *, day: date, rows: Iterable[Disclosure], parties: Parties, counts: Mapping[tuple[object, ...], int]
) -> Day:
    """Return one day of a page. `counts`: how often the whole day has each likeness, where a page has only some."""
    alike: dict[tuple[object, ...], list[Disclosure]] = {}
    for row in rows:
        alike.setdefault(likeness_of(row=row), []).append(row)
    return Day(day, tuple(_group(each, parties, counts.get(like, 0)) for like, each in alike.items()))


def likeness_of(*, row: Disclosure) -> tuple[object, ...]:
    """Return what a row has in common with those that are drawn together with it."""
    path, *rest = (vars(row)[one] for one in ALIKE)
    return (tuple(path), *rest)


def _group(rows: Sequence[Disclosure], parties: Parties, of_day: int) -> Group:
    first = rows[0]
    return Group(
        id=first.id,
        company=parties[company_of(path=first.path)],
        trail=trail(path=first.path, parties=parties),
        instead=describe_reported_path(paths=[first.path], parties=parties),
        why=purpose_in_words(first.purpose),
        precision=precision_in_words(first.precision_m),
        basis=first.basis,
        basis_words=basis_in_words(first.basis),
        judgement=first.judgement,
        words=judgement_in_words(describe_outcome(first)),
        tone=tone_of(describe_outcome(first)),
        refused=first.outcome == Outcome.REFUSED,
        delayed=vars(first)["delayed"],
        doubtful=first.basis_doubtful,
        authority=sanitise_text(first.authority_ref, at_most=200),
        completed=bool(first.path_completed),
        times=tuple(row.occurred_at for row in rows),
        of_day=of_day,
    )
