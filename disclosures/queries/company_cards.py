"""The card of one company: what it received about a line, whether anybody agreed to that, and what stands now."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from consent.domain.disputes import Disputes
from consent.domain.notices import list_covered_uses
from consent.models import Choice
from consent.queries.current_consent_uses import Proof, Sharing, Use
from consent.queries.progress import OrderState
from disclosures.labels import NOT_ALLOWED
from disclosures.models import Judgement, Outcome
from disclosures.queries.judgement_counts import (
    Involvement,
    OutsideAgreements,
    Tally,
    build_involvement,
    filter_under_agreements,
    list_outside_agreements,
)
from disclosures.queries.release_counts import Facts
from disclosures.queries.trails import Hop, NamedParty, Parties, describe_reported_path, trail
from partners.labels import link, precision_in_words, purpose_in_words, sanitise_text

MOST_TRAILS = 3
# The gate's reasons that a yes alone would change.
WANTING = frozenset({"no_approval", "approval_expired", "approval_unverified"})


type Orders = Mapping[int, OrderState]


@dataclass(frozen=True)
class PartnerState:
    """The order that stands at one of the aggregators through which a company is reached."""

    name: str
    order: OrderState


@dataclass(frozen=True)
class UseCard:
    """One use by a company: why, how exact, how often, on what proof. `use` is None where no campaign was named."""

    why: str
    purpose: str
    precision: str
    n: int
    recent: int
    last_at: datetime | None
    use: Use | None
    proof: Proof


@dataclass(frozen=True)
class CompanyCard:
    """A company that received the line's location, or may: everything its card says.

    Counts are of look-ups of its own, released in the name of an agreement; `recent` of those in the last 30 days.
    `not_allowed` counts the ones that were not permitted, by reason, `recent_not_allowed` those in the last 30 days;
    `outside`, what it got without an agreement being asked for. `got_it`: whether it got the location at all, itself
    or through others.
    `instead`: who can be stopped where nobody can name who received it. `stopped_at` is set while the person's stop
    covers all its uses; `denied_since`, while a stop or pause does; `by_record`: a file says so, and the person does
    not; `by_us`: we do, for what it did, and the person does not. `no_authors`: who said what is theirs, as the ledger
    names them, the newest first. `gate_is_open`: as in `Sharing`.
    `also_stops`: names of the other companies that a stop of it would block now. `disputes`: by scope and ref, each "I
    never agreed" of the line that stands.
    """

    company: NamedParty
    about: str
    website: str
    trails: tuple[tuple[Hop, ...], ...]
    more_trails: int
    instead: tuple[NamedParty, ...]
    uses: tuple[UseCard, ...]
    n: int
    recent: int
    last_at: datetime | None
    refused: int
    not_allowed: tuple[Tally, ...]
    outside: OutsideAgreements
    got_it: bool
    no_record: bool
    recent_not_allowed: int
    after_stop: int
    stopped_at: datetime | None
    paused_until: datetime | None
    denied_since: datetime | None
    by_record: bool
    by_us: bool
    no_authors: tuple[str, ...]
    gate_is_open: bool
    orders: tuple[PartnerState, ...]
    also_stops: tuple[str, ...]
    disputes: Disputes

    @property
    def had_it_lately(self) -> bool:
        """Whether it got the location in the last 30 days: in the name of an agreement, or as a seller of look-ups."""
        return bool(self.recent or self.outside.doubtful)

    @property
    def stands_out(self) -> bool:
        """Whether it got what nobody agreed to, what it was told not to get, or what no seller of look-ups should."""
        return bool(self.no_record or self.after_stop or self.outside.doubtful)

    @property
    def is_stopped(self) -> bool:
        """Whether the person's own no covers every use of this company that we know."""
        return self.stopped_at is not None or self.paused_until is not None

    @property
    def is_stopped_by_person(self) -> bool:
        """Whether the person's own stop covers every use of this company that we know."""
        return self.stopped_at is not None and not self.by_record and not self.by_us

    @property
    def block_start(self) -> datetime | None:
        """Since when nothing could pass without a gap, whatever stood in the way first; None where nobody knows.

        A pause is told from its own beginning to its end.
        """
        if self.is_stopped and self.stopped_at is None:
            return self.denied_since
        starts = [_find_block_start(one.use, self.last_at) for one in self.uses if one.use]
        if not starts:
            return min(filter(None, (self.denied_since, self.last_at)), default=None)
        return None if None in starts else max(filter(None, starts))

    @property
    def is_suspended(self) -> bool:
        """Whether an officer has suspended somebody whom one of its uses goes through."""
        return any(one.use is not None and one.use.is_suspended for one in self.uses)

    @property
    def is_allowed(self) -> bool:
        """Whether the gate says yes to any of its uses."""
        return any(one.use is not None and one.use.allowed for one in self.uses)

    def has_newer_approval(self, *, since: datetime) -> bool:
        """Return whether a use to which the gate says yes rests on something that says so since after a moment."""
        proofs = [proof for one in self.uses if one.use and one.use.allowed for proof in one.use.proofs]
        return any(one.counts and one.at is not None and one.at > since for one in proofs)

    def allowed_by_person(self, *, since: datetime) -> bool:
        """Return whether they said a yes to one of its uses on these pages after a moment."""
        proofs = [proof for one in self.uses if one.use for proof in one.use.proofs]
        return any(one.by_person and one.at is not None and one.at > since for one in proofs)

    @property
    def not_for(self) -> tuple[str, ...]:
        """Names of the companies that it may not ask for, though it may for others."""
        return tuple(sorted({name for one in self.uses if one.use and one.use.allowed for name in one.use.not_for}))

    @property
    def proof(self) -> Proof:
        """The best proof there is for any of its uses."""
        ranked = sorted(
            self.uses, key=lambda one: (one.proof.kind in {"agreed", "allowed"}, one.proof.kind == "claimed")
        )
        return ranked[-1].proof if ranked else Proof("none")

    @property
    def lifeline(self) -> bool:
        """Whether it finds the person when they call for help."""
        return any(one.use is not None and one.use.lifeline for one in self.uses)

    @property
    def stop_cuts_help(self) -> bool:
        """Whether it may do so now, and would not after a stop."""
        return any(one.use is not None and one.use.lifeline and one.use.allowed for one in self.uses)

    @property
    def family_tracking(self) -> bool:
        """Whether somebody near the person may notice a stop."""
        return any(one.use is not None and one.use.family_tracking for one in self.uses)

    @property
    def drags_along(self) -> bool:
        """Whether it does not tell us for whom it asks, so that a stop of one of its customers stops it too."""
        return self.company.kind == "end_customer" and any(one.use and not one.use.names_recipient for one in self.uses)

    @property
    def dispute(self) -> tuple[str, str]:
        """Scope and ref of "I never agreed": its one campaign, else the company."""
        campaigns = {one.use.campaign for one in self.uses if one.use}
        return ("campaign", campaigns.pop()) if len(campaigns) == 1 else ("party", self.company.uri)

    @property
    def standing_dispute(self) -> Choice | None:
        """The "I never agreed" that was said and stands: to say it again would change nothing."""
        return self.disputes.get(self.dispute)

    @property
    def dispute_blocks(self) -> tuple[str, ...]:
        """Names of the companies that "I never agreed" blocks: this one first, then others that lose access by it."""
        open_to = [one.use for one in self.uses if one.use and one.use.allowed]
        besides = {use.provider_name for use in open_to if use.provider_uri != self.company.uri}
        return (self.company.name, *(self.also_stops if self.dispute[0] == "party" else sorted(besides)))

    @property
    def allowable(self) -> tuple[Use, ...]:
        """The uses agreed to once that a new yes could open again. Nobody is asked for a first yes here."""
        once = {"agreed", "allowed"}
        return tuple(one.use for one in self.uses if one.use and one.use.may_be_allowed and one.proof.kind in once)

    @property
    def risk(self) -> tuple[bool, bool, bool, int, float, str]:
        """By which the riskiest come first: no proof, after a stop, on a doubtful ground, most look-ups; the newest."""
        last = self.last_at.timestamp() if self.last_at else 0.0
        doubtful = bool(self.outside.doubtful)
        return (not self.no_record, not self.after_stop, not doubtful, -self.recent, -last, self.company.uri)


def card_of(
    *, uri: str, facts: Sequence[Facts], standing: Sharing, parties: Parties, orders: Orders, disputes: Disputes
) -> CompanyCard:
    """Return the card of one party, from the facts in which it plays a part.

    Only its own acts are counted; where it has none, all of them are, for they say how it stands.
    """
    own = _own_acts(uri, facts) or facts
    got, released, counted = build_involvement(how="itself", facts=own), _list_releases(facts), _list_releases(own)
    outside, uses = list_outside_agreements(facts=facts), _uses(uri, released, standing)
    known = [one.use for one in uses if one.use]
    company = parties[uri]
    paths = _most_used(released) or _agreed_path(known) or _most_used([*filter_under_agreements(facts=facts), *outside])
    no = standing.no_to(uri=uri, uses=known)
    return CompanyCard(
        company=company,
        about=sanitise_text(company.about, at_most=300),
        website=link(company.website),
        trails=tuple(trail(path=path, parties=parties) for path in paths[:MOST_TRAILS]),
        more_trails=max(0, len(paths) - MOST_TRAILS),
        instead=describe_reported_path(paths=[one.path for one in released], parties=parties),
        uses=uses,
        n=got.n,
        recent=got.recent,
        last_at=got.last_at,
        refused=got.refused,
        not_allowed=got.not_allowed,
        outside=got.outside,
        got_it=bool([*released, *outside]),
        no_record=_lacks_record(uri, got, counted, standing),
        recent_not_allowed=_count_recent_not_allowed(counted),
        after_stop=_count_after_stop(counted),
        stopped_at=no.stopped_at,
        paused_until=no.paused_until,
        denied_since=no.since,
        by_record=no.by_record,
        by_us=no.by_us,
        no_authors=no.authors,
        gate_is_open=standing.gate_is_open,
        orders=_orders_through(paths, known, parties, orders),
        also_stops=_list_also_stopped(uri, standing),
        disputes=disputes,
    )


def _list_also_stopped(uri: str, standing: Sharing) -> tuple[str, ...]:
    covered = list_covered_uses(standing=standing, scope=("party", uri))
    return tuple(sorted({use.provider_name for use in covered if use.allowed and use.provider_uri != uri}))


def _own_acts(uri: str, facts: Sequence[Facts]) -> list[Facts]:
    return [one for one in facts if one.company == uri]


def _agreed_path(known: Sequence[Use]) -> list[tuple[str, ...]]:
    return [(use.aggregator_uri, use.provider_uri) for use in known[:1]]


def _find_block_start(use: Use, last_at: datetime | None) -> datetime | None:
    """Since when a use has been blocked: by a no, a suspension or the want of a yes, whichever began first."""
    starts = (use.denied_since, use.suspended_since, _find_refusal_start(use, last_at))
    return None if use.allowed else min(filter(None, starts), default=None)


def _find_refusal_start(use: Use, last_at: datetime | None) -> datetime | None:
    """Since when it had no yes: the last look-up, or the end of the last yes if later; None where nobody knows."""
    ends = [proof.ended_at for proof in use.proofs if proof.kind != "claimed"]
    if last_at is None or not all(ends) or not (use.is_stopped or use.beneath in WANTING):
        return None
    return max((last_at, *filter(None, ends)))


def _lacks_record(uri: str, got: Involvement, counted: Sequence[Facts], standing: Sharing) -> bool:
    """Return whether it received lately what nobody had said yes to, as far as is on record."""
    if any(one.judgement == Judgement.NO_APPROVAL and one.recent for one in counted):
        return True
    return bool(got.recent) and all(one.proof.kind == "none" for one in _uses(uri, counted, standing))


def _count_recent_not_allowed(counted: Sequence[Facts]) -> int:
    return sum(one.recent for one in counted if one.judgement in NOT_ALLOWED)


def _count_after_stop(counted: Sequence[Facts]) -> int:
    return sum(one.n for one in counted if one.judgement == Judgement.AFTER_STOP)


def _orders_through(
    paths: Sequence[Sequence[str]], known: Sequence[Use], parties: Parties, orders: Orders
) -> tuple[PartnerState, ...]:
    """Return how the newest orders to the aggregators of these paths and uses stand, by the aggregators' names."""
    through = {path[0] for path in paths if path} | {use.aggregator_uri for use in known}
    found = [
        PartnerState(parties[aggregator].name, orders[contract_id])
        for contract_id in sorted(orders)
        for aggregator in through
        if parties[aggregator].id == orders[contract_id].partner_id
    ]
    return tuple(sorted(found, key=lambda one: one.name.casefold()))


def _list_releases(facts: Iterable[Facts]) -> list[Facts]:
    return [one for one in filter_under_agreements(facts=facts) if one.outcome == Outcome.RELEASED]


def _uses(uri: str, released: Sequence[Facts], standing: Sharing) -> tuple[UseCard, ...]:
    """Return one entry per campaign, and one per purpose where none was named."""
    groups: dict[tuple[str, str], list[Facts]] = {}
    for one in released:
        groups.setdefault((one.campaign if one.campaign in standing.uses else "", one.purpose), []).append(one)
    for use in standing.uses.values():
        if uri == use.provider_uri and use.proof.kind != "none":
            groups.setdefault((use.campaign, use.purpose), [])
    cards = [
        _use_card(standing.use_by(campaign=campaign, uri=uri), purpose, each)
        for (campaign, purpose), each in groups.items()
    ]
    return tuple(sorted(cards, key=lambda card: (-card.recent, -card.n, card.purpose)))


def _use_card(use: Use | None, purpose: str, facts: Sequence[Facts]) -> UseCard:
    finest = min((one.finest_m for one in facts), default=use.precision_m if use else 0)
    return UseCard(
        why=purpose_in_words(purpose),
        purpose=purpose,
        precision=precision_in_words(finest),
        n=sum(one.n for one in facts),
        recent=sum(one.recent for one in facts),
        last_at=max((one.last_at for one in facts), default=None),
        use=use,
        proof=use.proof if use else Proof("none"),
    )


def _most_used(facts: Iterable[Facts]) -> list[tuple[str, ...]]:
    counted: Counter[tuple[str, ...]] = Counter()
    for one in facts:
        counted[one.path] += one.n
    return sorted(counted, key=lambda path: (-counted[path], path))
