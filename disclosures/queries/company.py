"""One company's page: what it got, through whom, on what proof, the orders about it, its history."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from accounts.models import Line
from consent.domain.disputes import list_standing_disputes
from consent.domain.notices import Coverage, preview_stops
from consent.queries.current_consent import sharing
from consent.queries.current_consent_uses import Proof, Sharing, Use
from consent.queries.progress import Asks, Progress, newest_order_states, standing_progress
from consent.queries.termination import EndedAgreement, ended_agreements
from disclosures.models import Anomaly
from disclosures.queries.company_cards import CompanyCard, card_of
from disclosures.queries.flow import Flow, flow_of
from disclosures.queries.history import Filters, HistoryPage, history_page
from disclosures.queries.judgement_counts import (
    How,
    Involvement,
    build_involvement,
    describe_involvement,
    filter_under_agreements,
)
from disclosures.queries.line_alerts import LineAlert, list_line_anomalies, merge_alerts
from disclosures.queries.no_record import NoRecord, explain_no_record
from disclosures.queries.release_counts import Facts, facts_of
from disclosures.queries.trails import Parties, uris_of
from partners.labels import UNKNOWN
from partners.models import Party

NEWEST_ROWS = 20
WAYS: tuple[How, ...] = ("itself", "through", "to")


@dataclass(frozen=True)
class Evidence:
    """One record that speaks for an agreement: for which use, and who took it down. `by_itself`: the page's company."""

    campaign: str
    why: str
    proof: Proof
    captured_by: str
    by_itself: bool


@dataclass(frozen=True)
class StopPreview:
    """Whom a stop of a company, "I never agreed" and a stop of each of its purposes would touch."""

    stop: Coverage
    dispute: Coverage
    purposes: tuple[tuple[Use, Coverage], ...]


@dataclass(frozen=True)
class CompanyPage:
    """Everything the page of one company says to one line. `got`: for each way in which anything came to it."""

    card: CompanyCard
    got: tuple[Involvement, ...]
    evidence: tuple[Evidence, ...]
    orders: tuple[Progress, ...]
    flow: Flow | None
    history: HistoryPage
    preview: StopPreview
    no_record: NoRecord | None
    ended: tuple[EndedAgreement, ...] = ()
    noticed: tuple[LineAlert, ...] = ()


@dataclass(frozen=True)
class _Relationship:
    """What a line and a party have to do with each other: its look-ups, what stands, and the card of both."""

    party: Party
    facts: Sequence[Facts]
    by_agreement: Sequence[Facts]
    standing: Sharing
    parties: Parties
    card: CompanyCard


def has_company_page(*, line: Line, party_id: int, zone: ZoneInfo, at: datetime) -> bool:
    """Return whether the page of one party is there for this line, without what else the page says."""
    return _find_relationship(line, party_id, zone, at) is not None


def company_page(*, line: Line, party_id: int, zone: ZoneInfo, at: datetime) -> CompanyPage | None:
    """Return the page of one party, wherever on a path it stands; None where this line and it have nothing to do.

    A company that nobody can name has none: there is nobody to stop.

    Fewer than thirty queries, whatever the length of the history.
    """
    found = _find_relationship(line, party_id, zone, at)
    if found is None:
        return None
    party, facts, by_agreement = found.party, found.facts, found.by_agreement
    parties, card = found.parties, found.card
    partners = _partners(by_agreement, card, parties)
    return CompanyPage(
        card=card,
        got=_list_involvements(party.uri, facts),
        evidence=_evidence(card, parties),
        orders=_orders(line, card, partners, at),
        flow=flow_of(facts=by_agreement, parties=parties, recent=False),
        history=history_page(line_id=line.pk, filters=Filters(company=party.uri), zone=zone, at=at, rows=NEWEST_ROWS),
        noticed=merge_alerts(
            found=_anomalies_of(line, party, at), facts=facts, parties=parties, zone=zone, card=lambda _: card, at=at
        ),
        preview=_preview(line, card, found.standing),
        no_record=explain_no_record(line_id=line.pk, card=card, facts=facts, parties=parties, at=at),
        ended=_ended_with(line, party, partners | _list_beside(by_agreement, parties), at),
    )


def _find_relationship(line: Line, party_id: int, zone: ZoneInfo, at: datetime) -> _Relationship | None:
    party = Party.objects.filter(pk=party_id).exclude(uri=UNKNOWN).first()
    if party is None:
        return None
    facts = [one for one in facts_of(line_id=line.pk, zone=zone, at=at) if party.uri in one.path]
    by_agreement = filter_under_agreements(facts=facts)
    standing = _standing(line, party, by_agreement, at)
    parties = _parties(party, facts, standing)
    orders = newest_order_states(line_id=line.pk, at=at)
    disputes = list_standing_disputes(line_id=line.pk)
    card = card_of(uri=party.uri, facts=facts, standing=standing, parties=parties, orders=orders, disputes=disputes)
    if not facts and all(use.proof.kind == "none" for use in card.uses):
        return None
    return _Relationship(party, facts, by_agreement, standing, parties, card)


def _standing(line: Line, party: Party, by_agreement: Sequence[Facts], at: datetime) -> Sharing:
    campaigns = {one.campaign for one in by_agreement if one.campaign}
    asked = {(campaign, party.uri) for campaign in campaigns}
    return sharing(line=line, campaigns=campaigns, recipients=asked, at=at)


def _preview(line: Line, card: CompanyCard, standing: Sharing) -> StopPreview:
    stop, uses = ("party", card.company.uri), [one.use for one in card.uses if one.use and not one.use.is_stopped]
    scopes = [stop, card.dispute, *(("purpose", use.purpose) for use in uses)]
    covers = preview_stops(line_id=line.pk, standing=standing, scopes=scopes)
    purposes = tuple((use, covers["purpose", use.purpose]) for use in uses)
    return StopPreview(covers[stop], covers[card.dispute], purposes)


def _partners(by_agreement: Sequence[Facts], card: CompanyCard, parties: Parties) -> set[int]:
    """Return the aggregators through which it received, or was agreed to."""
    through = {parties[path[0]].id for one in by_agreement if (path := one.path)}
    return through | {parties[one.use.aggregator_uri].id for one in card.uses if one.use}


def _anomalies_of(line: Line, party: Party, at: datetime) -> list[Anomaly]:
    return [one for one in list_line_anomalies(line_id=line.pk, at=at) if one.party == party.uri]


def _list_beside(by_agreement: Sequence[Facts], parties: Parties) -> set[int]:
    return {parties[uri].id for one in by_agreement for uri in one.path}


def _ended_with(line: Line, party: Party, beside: Collection[int], at: datetime) -> tuple[EndedAgreement, ...]:
    ended = ended_agreements(line_id=line.pk, at=at)
    return tuple(one for one in ended if one.concerns(party_id=party.pk, beside=beside))


def _list_involvements(uri: str, facts: Sequence[Facts]) -> tuple[Involvement, ...]:
    ways = {how: [one for one in facts if describe_involvement(uri=uri, facts=one) == how] for how in WAYS}
    return tuple(build_involvement(how=how, facts=each) for how, each in ways.items() if each)


def _parties(party: Party, facts: Sequence[Facts], standing: Sharing) -> Parties:
    uses = standing.uses.values()
    return Parties.read(
        uris_of(paths=[one.path for one in facts])
        | {party.uri}
        | {use.aggregator_uri for use in uses}
        | {use.provider_uri for use in uses}
        | {proof.captured_by for use in uses for proof in use.proofs if proof.captured_by}
    )


def _orders(line: Line, card: CompanyCard, partners: Collection[int], at: datetime) -> tuple[Progress, ...]:
    if card.denied_since is None:
        return ()
    asks: Asks = "delete" if card.stopped_at else "stop"
    return tuple(standing_progress(line_id=line.pk, partner_ids=partners, asks=asks, since=card.denied_since, at=at))


def _evidence(card: CompanyCard, parties: Parties) -> tuple[Evidence, ...]:
    return tuple(
        Evidence(
            campaign=one.use.campaign,
            why=one.why,
            proof=proof,
            captured_by=parties[proof.captured_by].name if proof.captured_by else "",
            by_itself=proof.captured_by == card.company.uri,
        )
        for one in card.uses
        if one.use
        for proof in one.use.proofs
    )
