"""Fill the places that a reported path leaves out, so that a release is not misjudged for how it was reported.

A path names the companies that a location went through, the aggregator first. Two places can be filled from the rest of
the report. The aggregator, which the report also names in a field of its own, goes first where the path does not begin
with an aggregator. The campaign's LBS provider goes behind the aggregators where the path names nobody there and the
report carries the decision id by which the gate allowed this very release. A place that is taken stays as it is: a path
that begins with another aggregator is judged as it was reported.

What was filled is noted on the row (`Disclosure.path_completed`).
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass

from django.db.backends.utils import CursorWrapper

from disclosures.domain.ingest.rows import had_the_gates_yes
from disclosures.models import PathCompleted
from partners.labels import UNKNOWN

AGGREGATORS = "SELECT uri FROM partners_party WHERE kind = 'aggregator' AND uri = ANY (%s)"
PROVIDERS = """
SELECT c.ref, aggregator.uri, provider.uri
FROM partners_campaign c
    JOIN partners_contract k ON k.id = c.contract_id
    JOIN partners_party aggregator ON aggregator.id = k.aggregator_id
    JOIN partners_party provider ON provider.id = c.lbs_provider_id
WHERE c.ref = ANY (%s)
"""
WITHOUT_PROVIDER = """
SELECT fresh.term, fresh.n, fresh.line_id, fresh.occurred_at, incoming.decision_id
FROM fresh JOIN incoming ON incoming.n = fresh.n WHERE fresh.term = ANY (%s)
"""
# A row whose provider was filled in has another path than those it was reported like: a term of its own.
NEW_TERM = """
WITH made AS (
    INSERT INTO term (term, aggregator, path, campaign, purpose, scope, basis, outcome, path_completed)
    SELECT (SELECT max(term) + 1 FROM term), aggregator, %s, campaign, purpose, scope, basis, outcome, %s
    FROM term WHERE term = %s
    RETURNING term
)
UPDATE fresh SET term = made.term FROM made WHERE fresh.n = ANY (%s)
"""
# The companies by which a stored release `d` is judged. A path that was given its aggregator because nobody knew yet
# what its first company was counts as it was reported once that company turns out to be another aggregator.
JUDGED_BY = """CASE WHEN d.path[1] = d.aggregator AND NOT (
        d.path_completed IN ('aggregator', 'both')
        AND EXISTS (SELECT FROM partners_party first WHERE first.uri = d.path[2] AND first.kind = 'aggregator'))
    THEN d.path
    WHEN d.path[1] = d.aggregator THEN d.path[2:] || d.aggregator
    ELSE d.path || d.aggregator END"""


@dataclass(frozen=True)
class Completion:
    """A path with its missing places filled, and which those were."""

    path: tuple[str, ...]
    completed: PathCompleted


@dataclass(frozen=True)
class ReportedPath:
    """What of a report its path is completed from. `needs_approval`: it is a release by approval."""

    aggregator: str
    path: tuple[str, ...]
    campaign: str
    needs_approval: bool


class PathCompleter:
    """Completes the paths of one chunk. `terms`: what its reports have in common, by number."""

    def __init__(self, *, cursor: CursorWrapper, terms: Mapping[int, ReportedPath]) -> None:
        self._cursor = cursor
        self._terms = terms
        self._aggregators = _aggregators_in(cursor, terms.values())
        self._completions = {number: _with_aggregator(term, self._aggregators) for number, term in terms.items()}

    def __getitem__(self, number: int) -> Completion:
        """The path of a term, its aggregator filled in."""
        return self._completions[number]

    def fill_providers(self) -> None:
        """Fill in the provider of each stored row that lacks it and was allowed by the gate for that provider."""
        lacking = [number for number, term in self._terms.items() if self._names_no_provider(number, term)]
        if not lacking:
            return
        providers = self._providers({self._terms[number].campaign for number in lacking})
        for number, rows in self._allowed_rows(lacking).items():
            term = self._terms[number]
            provider = providers.get((term.campaign, term.aggregator))
            if provider:
                filled = self._with_provider(number, provider)
                self._cursor.execute(NEW_TERM, [list(filled.path), filled.completed, number, rows])

    def _names_no_provider(self, number: int, term: ReportedPath) -> bool:
        path = self._completions[number].path
        return (
            term.needs_approval
            and term.campaign != ""
            and path[0] == term.aggregator
            and all(uri == UNKNOWN or uri in self._aggregators for uri in path[1:])
        )

    def _allowed_rows(self, lacking: list[int]) -> Mapping[int, list[int]]:
        """Return the rows that the gate allowed, by the number of their term."""
        self._cursor.execute(WITHOUT_PROVIDER, [lacking])
        allowed = defaultdict[int, list[int]](list)
        for number, n, line_id, occurred_at, decision_id in self._cursor.fetchall():
            campaign = self._terms[number].campaign
            if had_the_gates_yes(line_id=line_id, campaign=campaign, decision_id=decision_id, occurred_at=occurred_at):
                allowed[number].append(n)
        return allowed

    def _providers(self, campaigns: Collection[str]) -> Mapping[tuple[str, str], str]:
        """Return the provider of each campaign, by the campaign and its aggregator."""
        self._cursor.execute(PROVIDERS, [sorted(campaigns)])
        return {(ref, aggregator): provider for ref, aggregator, provider in self._cursor.fetchall()}

    def _with_provider(self, number: int, provider: str) -> Completion:
        before = self._completions[number]
        place = 1 + max(n for n, uri in enumerate(before.path) if n == 0 or uri in self._aggregators)
        both = before.completed == PathCompleted.AGGREGATOR
        return Completion(
            (*before.path[:place], provider, *before.path[place:]),
            PathCompleted.BOTH if both else PathCompleted.LBS_PROVIDER,
        )


def _aggregators_in(cursor: CursorWrapper, terms: Collection[ReportedPath]) -> set[str]:
    """Return the aggregators among the companies of these paths, as far as anything may be missing there.

    Nearly every path names its aggregator and then a provider, and nothing behind a provider can be missing.
    """
    asked = [term for term in terms if term.needs_approval and term.campaign]
    first = {term.path[0] for term in terms if term.path and term.path[0] != term.aggregator}
    found = _aggregators_among(cursor, first | _behind_the_first(asked))
    return found | _aggregators_among(cursor, _behind_aggregators(asked, found))


def _behind_the_first(terms: Iterable[ReportedPath]) -> set[str]:
    return {term.path[1] for term in terms if len(term.path) > 1}


def _behind_aggregators(terms: Iterable[ReportedPath], aggregators: Collection[str]) -> set[str]:
    """Return who stands behind a second company that is an aggregator or not known."""
    behind = (term.path[2:] for term in terms if term.path[1:2] and term.path[1] in {*aggregators, UNKNOWN})
    return {uri for path in behind for uri in path}


def _aggregators_among(cursor: CursorWrapper, uris: Set[str]) -> set[str]:
    if not uris - {UNKNOWN}:
        return set()
    cursor.execute(AGGREGATORS, [sorted(uris)])
    return {uri for (uri,) in cursor.fetchall()}


def _with_aggregator(term: ReportedPath, aggregators: Collection[str]) -> Completion:
    if term.path and (term.path[0] == term.aggregator or term.path[0] in aggregators):
        return Completion(term.path, PathCompleted.NOTHING)
    return Completion((term.aggregator, *term.path), PathCompleted.AGGREGATOR)


def reported_paths(*, path: Sequence[str], completed: str) -> Iterator[list[str]]:
    """Yield each path that may have been reported for this stored one: where a provider was put in is not kept."""
    first = 1 if completed in {PathCompleted.AGGREGATOR, PathCompleted.BOTH} else 0
    if completed not in {PathCompleted.LBS_PROVIDER, PathCompleted.BOTH}:
        yield [*path[first:]]
        return
    for place in range(1, len(path)):
        yield [*path[first:place], *path[place + 1 :]]
