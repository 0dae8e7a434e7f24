"""Who received a line's location: one card per company, the riskiest first."""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from zoneinfo import ZoneInfo

from accounts.models import Line
from consent.queries.current_consent.lines import sharing
from consent.queries.current_consent.proofs import Proof
from consent.queries.current_consent.uses import Sharing, Use
from consent.queries.ended import EndedAgreement, ended_agreements
from consent.queries.progress import OrderState, newest_order_states
from disclosures.models import Basis, Judgement, Outcome
from disclosures.queries.chart import Chart, chart_of
from disclosures.queries.line_alerts import LineAlert, list_line_anomalies, merge_alerts
from disclosures.queries.release_counts import Facts, facts_of
from disclosures.queries.tallies import Outside, Tally, build_involvement, outside_of, released_outside
from disclosures.queries.trails import NamedParty, Parties, Stop, instead_of, trail, uris_of
from partners.labels import link, precision_in_words, purpose_in_words, sanitise_text

MOST_TRAILS = 3
# Of the companies under one heading of home: laid open at once, at most where some stand out, named where folded away.
LAID_OPEN, MOST_LAID_OPEN, NAMED = 3, 6, 5
MOST_RECENT, MOST_EARLIER = 24, 12


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
    `not_allowed` counts the ones that were not permitted, by reason; `outside`, what it got without an agreement being
    asked for. `got_it`: whether it got the location at all, itself or through others. `instead`: who can be stopped
    where nobody can name who received it. `stopped_at` is set while the person's stop covers all its uses;
    `denied_since`, while a stop or pause does; `by_record`, `by_us`: not the person but a file says so, or we do.
    """

    company: NamedParty
    about: str
    website: str
    trails: tuple[tuple[Stop, ...], ...]
    more_trails: int
    instead: tuple[NamedParty, ...]
    uses: tuple[UseCard, ...]
    n: int
    recent: int
    last_at: datetime | None
    refused: int
    not_allowed: tuple[Tally, ...]
    outside: Outside
    got_it: bool
    no_record: bool
    unverified: bool
    after_stop: int
    stopped_at: datetime | None
    paused_until: datetime | None
    denied_since: datetime | None
    by_record: bool
    by_us: bool
    gate_is_open: bool
    orders: tuple[PartnerState, ...]

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
    def is_suspended(self) -> bool:
        """Whether an officer has suspended somebody whom one of its uses goes through."""
        return any(one.use is not None and one.use.is_suspended for one in self.uses)

    @property
    def is_allowed(self) -> bool:
        """Whether the gate says yes to any of its uses."""
        return any(one.use is not None and one.use.allowed for one in self.uses)

    def has_newer_approval(self, *, since: datetime) -> bool:
        """Whether a use to which the gate says yes rests on something that says so since after a moment."""
        proofs = [proof for one in self.uses if one.use and one.use.allowed for proof in one.use.proofs]
        return any(one.counts and one.at is not None and one.at > since for one in proofs)

    def allowed_by_person(self, *, since: datetime) -> bool:
        """Whether they said a yes to one of its uses on these pages after a moment."""
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
    def allowable(self) -> tuple[Use, ...]:
        """The uses agreed to once that a new yes could open again. Nobody is asked for a first yes here."""
        once = {"agreed", "allowed"}
        return tuple(one.use for one in self.uses if one.use and one.use.may_be_allowed and one.proof.kind in once)


@dataclass(frozen=True)
class Laid:
    """The companies under one heading of home: laid open, folded away below their number, the last of these in short.

    Whoever stands out is laid open, if they are not more than anybody reads before the rest of the page.
    """

    first: tuple[CompanyCard, ...]
    folded: tuple[CompanyCard, ...]
    in_short: tuple[CompanyCard, ...]

    @property
    def n(self) -> int:
        """How many are folded away."""
        return len(self.folded) + len(self.in_short)

    @property
    def company_names(self) -> tuple[str, ...]:
        """By name, the first of them."""
        return tuple(card.company.name for card in (*self.folded, *self.in_short)[:NAMED])


@dataclass(frozen=True)
class Companies:
    """All cards of a line, and what the page says of them in one sentence.

    `recent`: who got it in the last 30 days, in the name of an agreement or although it sells look-ups; `lookups`
    counts the former. `outside`: whoever got it. `nothing`: there is no record at all that may be shown.
    """

    sharing: Sharing
    recent: tuple[CompanyCard, ...]
    earlier: tuple[CompanyCard, ...]
    lookups: int
    no_record: int
    unverified: int
    passed_by: tuple[str, ...]
    passed_on: tuple[str, ...]
    unnamed_next: bool
    outside: Outside
    nothing: bool
    chart: Chart
    ended: tuple[EndedAgreement, ...] = ()
    noticed: tuple[LineAlert, ...] = ()

    @property
    def recent_laid(self) -> Laid:
        """As home lays out `recent`."""
        return _laid(self.recent, at_least=LAID_OPEN, at_most=MOST_RECENT)

    @property
    def earlier_laid(self) -> Laid:
        """As home lays out `earlier`: whoever got it lately comes first."""
        return _laid(self.earlier, at_least=0 if self.recent else LAID_OPEN, at_most=MOST_EARLIER)


def companies_of(*, line: Line, zone: ZoneInfo, at: datetime) -> Companies:
    """Every company that received this line's location or is allowed to. Eight queries, whatever their number."""
    facts = facts_of(line_id=line.pk, zone=zone, at=at)
    by_agreement = _by_agreement(facts)
    asked = {(one.campaign, one.company) for one in by_agreement if one.campaign}
    standing = sharing(line=line, campaigns={campaign for campaign, _ in asked}, recipients=asked, at=at)
    uses = standing.uses.values()
    paths = {one.path for one in facts}
    agreed = {use.provider_uri for use in uses} | {use.aggregator_uri for use in uses}
    parties = Parties.read(uris_of(paths=paths) | agreed)
    orders = newest_order_states(line_id=line.pk, at=at)
    outside = released_outside(facts=facts)
    names = {one.company for one in by_agreement} | {use.provider_uri for use in uses if use.proof.kind != "none"}
    names |= {one.company for one in outside if one.doubtful}
    cards = [
        card_of(
            uri=uri,
            facts=[one for one in facts if one.company == uri],
            standing=standing,
            parties=parties,
            orders=orders,
        )
        for uri in names
    ]
    cards.sort(key=_risk)
    by_uri = {card.company.uri: card for card in cards}
    recent = tuple(card for card in cards if card.had_it_lately)
    released = [one for one in by_agreement if one.outcome == Outcome.RELEASED and one.recent]
    found = list_line_anomalies(line_id=line.pk, at=at)
    return Companies(
        sharing=standing,
        recent=recent,
        earlier=tuple(card for card in cards if not card.had_it_lately),
        lookups=sum(card.recent for card in recent),
        no_record=sum(card.no_record for card in recent),
        unverified=sum(card.unverified and not card.no_record for card in recent),
        passed_by=_list_party_names(
            {uri for one in released for uri in one.path[:1]} - {card.company.uri for card in recent}, parties
        ),
        passed_on=_list_party_names(
            uris_of(paths=[one.path[2:] for one in released]) - {"unknown", *(card.company.uri for card in recent)},
            parties,
        ),
        unnamed_next=any("unknown" in one.path or len(one.path) == 1 for one in released),
        outside=outside_of(facts=outside),
        nothing=not (facts or cards),
        chart=chart_of(counted=_by_week(by_agreement), parties=parties, zone=zone, at=at),
        ended=ended_agreements(line_id=line.pk, at=at),
        noticed=merge_alerts(found=found, facts=facts, parties=parties, zone=zone, card=by_uri.get, at=at),
    )


def card_of(
    *,
    uri: str,
    facts: Sequence[Facts],
    standing: Sharing,
    parties: Parties,
    orders: Mapping[int, OrderState],
) -> CompanyCard:
    """The card of one party, from the facts in which it plays a part.

    Only its own acts are counted; where it has none, all of them are, for they say how it stands.
    """
    own = [one for one in facts if one.company == uri] or facts
    got, released, counted = build_involvement(how="itself", facts=own), _list_releases(facts), _list_releases(own)
    outside = released_outside(facts=facts)
    uses = _uses(uri, released, standing)
    known = [one.use for one in uses if one.use]
    company = parties[uri]
    agreed = [(use.aggregator_uri, use.provider_uri) for use in known[:1]]
    paths = _most_used(released) or agreed or _most_used([*_by_agreement(facts), *outside])
    no_record = any(one.judgement == Judgement.NO_APPROVAL and one.recent for one in counted) or (
        bool(got.recent) and all(one.proof.kind == "none" for one in _uses(uri, counted, standing))
    )
    no = standing.no_to(uri=uri, uses=known)
    through = {path[0] for path in paths if path} | {use.aggregator_uri for use in known}
    return CompanyCard(
        company=company,
        about=sanitise_text(company.about, at_most=300),
        website=link(company.website),
        trails=tuple(trail(path=path, parties=parties) for path in paths[:MOST_TRAILS]),
        more_trails=max(0, len(paths) - MOST_TRAILS),
        instead=instead_of(paths=[one.path for one in released], parties=parties),
        uses=uses,
        n=got.n,
        recent=got.recent,
        last_at=got.last_at,
        refused=got.refused,
        not_allowed=got.not_allowed,
        outside=got.outside,
        got_it=bool(released or outside),
        no_record=no_record,
        unverified=any(one.judgement == Judgement.APPROVAL_UNVERIFIED and one.recent for one in counted),
        after_stop=sum(one.n for one in counted if one.judgement == Judgement.AFTER_STOP),
        stopped_at=no.stopped_at,
        paused_until=no.paused_until,
        denied_since=no.since,
        by_record=no.by_record,
        by_us=no.by_us,
        gate_is_open=standing.gate_is_open,
        orders=tuple(
            PartnerState(parties[aggregator].name, order)
            for order in orders.values()
            for aggregator in sorted(through)
            if parties[aggregator].id == order.partner_id
        ),
    )


def _by_agreement(facts: Iterable[Facts]) -> list[Facts]:
    return [one for one in facts if one.basis == Basis.APPROVAL]


def _list_releases(facts: Iterable[Facts]) -> list[Facts]:
    return [one for one in _by_agreement(facts) if one.outcome == Outcome.RELEASED]


def _uses(uri: str, released: Sequence[Facts], standing: Sharing) -> tuple[UseCard, ...]:
    """One entry per campaign, and one per purpose where none was named."""
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


def _by_week(facts: Iterable[Facts]) -> Counter[tuple[date, str]]:
    counted: Counter[tuple[date, str]] = Counter()
    for one in facts:
        if one.outcome == Outcome.RELEASED:
            for week, n in one.weeks.items():
                counted[week, one.company] += n
    return counted


def _list_party_names(uris: Collection[str], parties: Parties) -> tuple[str, ...]:
    return tuple(sorted((parties[uri].name for uri in uris if uri != "unknown"), key=str.casefold))


def _laid(cards: tuple[CompanyCard, ...], *, at_least: int, at_most: int) -> Laid:
    """Those who stand out are the first in their order."""
    n = min(max(at_least, sum(card.stands_out for card in cards)), MOST_LAID_OPEN)
    return Laid(cards[:n], cards[n:at_most], cards[at_most:])


def _risk(card: CompanyCard) -> tuple[bool, bool, bool, int, float, str]:
    """Riskiest first: no proof, released after a stop, on a doubtful ground, most look-ups; then the newest."""
    last = card.last_at.timestamp() if card.last_at else 0.0
    return (not card.no_record, not card.after_stop, not card.outside.doubtful, -card.recent, -last, card.company.uri)
