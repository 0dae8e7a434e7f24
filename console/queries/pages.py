"""One party, contract or campaign with everything an officer asks of it."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Q, QuerySet

from consent.queries.termination import count_agreed
from console.queries.proposals import OpenProposal, list_open_proposals
from console.queries.standing import Standing, get_reminders, get_standing
from partners.clients import http
from partners.domain.keysets import jwks_uri_of
from partners.labels import party_name, sanitise_text
from partners.models import Campaign, Client, Contract, IdentifierLink, PartnerKeySet, Party, Suspension
from partners.policies.lifecycle import Stage, running
from revocations.models import Breach, Cohort
from support.queries import chains, names
from support.queries.chains import CampaignFacts, ContractFacts, Link, PartyFacts
from support.queries.counts import ROWS, Count, Health, cap_count, health_of, sum_counts
from support.queries.history import RecordedAct, done_to

NEWEST = 10
LOOK_UP_S = 1.0
MOST = 200
NO_ONE_YET = "No campaign is in force under it now: a change affects no one yet."
NOT_FOUND = "These people can no longer be found for medical or roadside help. 911 can still find them."
IN_FORCE = frozenset({Stage.IN_FORCE, Stage.ENDING})


@dataclass(frozen=True)
class PageSuspension:
    """A suspension that runs on something, and what it is called.

    `own`: on the thing itself, not on what is above. `denies_all`: not only requests that name whom it is on.
    """

    suspension: Suspension
    target: names.NamedTarget
    who: str
    own: bool
    denies_all: bool


@dataclass(frozen=True)
class ContractPage:
    """A contract's page. `events_refused`, `keys_refused`: why an address can't be used; "" where it may be tried.

    `lifelines`: which of them a suspension would deny now.
    """

    facts: ContractFacts
    campaigns: Sequence[CampaignFacts]
    held: Sequence[PageSuspension]
    asked: Sequence[OpenProposal]
    clients: Sequence[Client]
    events_refused: str
    keys: Sequence[str]
    keys_from: str
    keys_refused: str
    keys_at: datetime | None
    breaches: Sequence[Breach]
    cohort: Cohort | None
    history: Sequence[RecordedAct]
    standing: Standing
    lifelines: str


@dataclass(frozen=True)
class CampaignPage:
    """A campaign's page. `lifelines`: that a suspension would deny one now, or ""."""

    facts: CampaignFacts
    contract: ContractFacts
    held: Sequence[PageSuspension]
    asked: Sequence[OpenProposal]
    kin: Sequence[IdentifierLink]
    cohort: Cohort | None
    history: Sequence[RecordedAct]
    standing: Standing
    lifelines: str


@dataclass(frozen=True)
class PartyPage:
    """A party's page: every chain it stands in. `contracts`: its own, each with the day of its reminder or None.

    `health` is None where nothing is sent to it.

    `keys_refused`: why its keys can't be fetched from where they should be; "" where nothing speaks against it.
    `events_refused`: by contract, why nothing can be sent to its address. `lifelines`: which of them a suspension would
    deny now.
    """

    facts: PartyFacts
    chains: Sequence[Link]
    contracts: Sequence[tuple[ContractFacts, datetime | None]]
    held: Sequence[PageSuspension]
    asked: Sequence[OpenProposal]
    kin: Sequence[IdentifierLink]
    clients: Sequence[Client]
    keys_refused: str
    events_refused: Sequence[tuple[str, str]]
    health: Health | None
    history: Sequence[RecordedAct]
    standing: Standing
    lifelines: str


@dataclass(frozen=True)
class Term:
    """When something ends, and which medical and roadside services end with it."""

    ends_at: datetime
    lifelines: Sequence[str]


def contract_page(*, contract_id: int, at: datetime) -> ContractPage | None:
    """Return everything about one contract; None where there is none. Looks names up: never inside a transaction."""
    contract = Contract.objects.select_related("aggregator").filter(pk=contract_id).first()
    if contract is None:
        return None
    rows = Campaign.objects.filter(contract=contract).select_related("contract__aggregator", "lbs_provider")
    campaigns = chains.campaigns(rows=chains.list_lifelines_first(rows=rows, most=MOST), at=at)
    keys_from, known = _find_keys(contract)
    refused = http.find_resolved_url_refusals(urls=[contract.endpoint_url, keys_from], seconds=LOOK_UP_S)
    return ContractPage(
        facts=chains.contracts(rows=[contract], at=at)[0],
        campaigns=campaigns,
        held=_list_page_suspensions([("contract", contract.pk), ("party", contract.aggregator_id)], at),
        asked=list_open_proposals(of="contract", target_id=contract.pk, at=at),
        clients=list(Client.objects.filter(party=contract.aggregator_id).order_by("client_id")),
        keys=_list_key_ids(known.jwks if known else {}),
        events_refused=refused.get(contract.endpoint_url, ""),
        keys_from=keys_from,
        keys_refused=refused.get(keys_from, ""),
        keys_at=known.fetched_at if known else None,
        breaches=list(Breach.objects.filter(contract_id=contract.pk).order_by("-at", "-id")[:NEWEST]),
        cohort=_cohort("contract", contract.pk),
        history=done_to(target=f"contract:{contract.pk}"),
        standing=_standing_of("contract", contract.pk, contract.aggregator, campaigns, at, contract=contract),
        lifelines=describe_lifelines(facts=campaigns, at=at),
    )


def _find_keys(contract: Contract) -> tuple[str, PartnerKeySet | None]:
    """Where a contract's keys are, and those fetched there: of an address that only a draft has we keep none."""
    fetched_from = jwks_uri_of(party=contract.aggregator)
    keys_from = (contract.jwks_uri if contract.is_draft else "") or fetched_from
    known = PartnerKeySet.objects.filter(party=contract.aggregator_id) if keys_from == fetched_from else None
    return keys_from, known.first() if known is not None else None


def _standing_of(
    of: str,
    target_id: int,
    party: Party,
    campaigns: Sequence[CampaignFacts],
    at: datetime,
    *,
    contract: Contract | None = None,
    has_orders: bool = True,
) -> Standing:
    consents = sum_counts(counts=[one.approvals for one in campaigns])
    return get_standing(
        of=of,
        target_id=target_id,
        party=party,
        refs=[one.campaign.ref for one in campaigns],
        consents=consents,
        has_orders=has_orders,
        contract=contract,
        at=at,
    )


def campaign_page(*, campaign_id: int, at: datetime) -> CampaignPage | None:
    """Return everything about one campaign; None where there is none."""
    campaign = Campaign.objects.select_related("contract__aggregator", "lbs_provider").filter(pk=campaign_id).first()
    if campaign is None:
        return None
    facts = chains.campaigns(rows=[campaign], at=at)[0]
    above = [
        ("campaign", campaign.pk),
        ("contract", campaign.contract_id),
        *(("party", one.pk) for one in (campaign.contract.aggregator, campaign.lbs_provider, *facts.reached)),
    ]
    return CampaignPage(
        facts=facts,
        contract=chains.contracts(rows=[campaign.contract], at=at)[0],
        held=_list_page_suspensions(above, at, apart=_list_partial_targets(campaign)),
        asked=list_open_proposals(of="campaign", target_id=campaign.pk, at=at),
        kin=_list_links(IdentifierLink.Of.CAMPAIGN, campaign.ref),
        cohort=_cohort("campaign", campaign.pk),
        history=done_to(target=f"campaign:{campaign.pk}"),
        standing=_standing_of("campaign", campaign.pk, campaign.lbs_provider, [facts], at, contract=campaign.contract),
        lifelines=_describe_own_lifeline(facts, at),
    )


def _describe_own_lifeline(facts: CampaignFacts, at: datetime) -> str:
    if not facts.campaign.lifeline or facts.stage not in IN_FORCE:
        return ""
    return f"It is a lifeline, with {_format_agreed(_count_agreed([facts], at)[facts.campaign.ref])}. {NOT_FOUND}"


def party_page(*, party_id: int, at: datetime) -> PartyPage | None:
    """Return everything about one party; None where there is none. Looks names up: never inside a transaction."""
    party = Party.objects.filter(pk=party_id).first()
    if party is None:
        return None
    rows = Contract.objects.filter(aggregator=party).select_related("aggregator").order_by("ref")
    own = list(rows)
    used = {one.ref: one.endpoint_url for one in own if one.ends_at > at}
    refused = http.find_resolved_url_refusals(urls=[party.jwks_uri, *used.values()], seconds=LOOK_UP_S)
    links = chains.chains_of(party=party, at=at)
    facts = [one.facts for one in links]
    return PartyPage(
        facts=chains.parties(rows=[party], at=at)[0],
        chains=links,
        contracts=_list_own_contracts(rows, at),
        held=_list_page_suspensions([("party", party.pk)], at),
        asked=list_open_proposals(of="party", target_id=party.pk, at=at),
        kin=_list_links(IdentifierLink.Of.PARTY, party.uri),
        clients=list(Client.objects.filter(party=party).order_by("client_id")),
        keys_refused=refused.get(party.jwks_uri, ""),
        events_refused=[(ref, refused[url]) for ref, url in used.items() if refused.get(url)],
        health=health_of(party_ids=[party.pk], at=at)[party.pk] if own else None,
        history=done_to(target=f"party:{party.pk}"),
        standing=_standing_of("party", party.pk, party, facts, at, has_orders=bool(own)),
        lifelines=describe_lifelines(facts=facts, at=at),
    )


def _list_own_contracts(rows: QuerySet[Contract], at: datetime) -> list[tuple[ContractFacts, datetime | None]]:
    reminders = get_reminders(contracts=rows)
    return [(one, reminders.get(one.contract.pk)) for one in chains.contracts(rows=list(rows), at=at)]


def term_of(*, of: str, target_id: int, at: datetime) -> Term:
    """Return the end of a contract or campaign as it is now. Two statements."""
    model: type[Contract | Campaign] = Contract if of == "contract" else Campaign
    under = Campaign.objects.filter(lifeline=True, is_draft=False, ends_at__gt=at)
    help_ends = under.filter(contract=target_id) if of == "contract" else under.filter(pk=target_id)
    named = help_ends.order_by("lbs_provider__name").values_list("lbs_provider__name", "lbs_provider__uri").distinct()
    return Term(
        ends_at=model.objects.values_list("ends_at", flat=True).get(pk=target_id),
        lifelines=[party_name(name, uri) for name, uri in named],
    )


def describe_suspension_impact(*, facts: Sequence[CampaignFacts], at: datetime) -> list[str]:
    """Say how many campaigns a suspension would deny now, for how many lines, and which lifelines."""
    counted = _count_in_force(facts, at)
    if not counted:
        return ["No campaign is in force now, so no subscriber loses anything."]
    return [f"Denied: {counted}.", describe_lifelines(facts=facts, at=at) or "No lifeline is among them."]


def describe_impact(*, facts: Sequence[CampaignFacts], at: datetime) -> str:
    """Say how many campaigns a change of these concerns now, and how many lines agreed to them."""
    counted = _count_in_force(facts, at)
    return f"A change concerns {counted}." if counted else NO_ONE_YET


def _count_in_force(facts: Sequence[CampaignFacts], at: datetime) -> str:
    """The campaigns in force and who agreed, in words, a line counted once for each campaign; "" for none."""
    counting = [one for one in facts if one.stage in IN_FORCE]
    agreed = _format_agreed(sum_counts(counts=[*_count_agreed(counting, at).values()]))
    campaigns = "1 campaign" if len(counting) == 1 else f"{len(counting)} campaigns"
    least = "at least " if len(facts) >= MOST else ""
    return f"{least}{campaigns} in force, with {least}{agreed}" if counting else ""


def describe_lifelines(*, facts: Sequence[CampaignFacts], at: datetime) -> str:
    """Say which lifelines in force are among these campaigns, for how many lines; "" where there is none."""
    lifelines = [one for one in facts if one.campaign.lifeline and one.stage in IN_FORCE]
    agreed = _count_agreed(lifelines, at)
    providers = [(one.campaign.lbs_provider, _format_agreed(agreed[one.campaign.ref])) for one in lifelines]
    named = ", ".join(f"{party_name(one.name, one.uri)} ({lines})" for one, lines in providers)
    are = "1 lifeline is" if len(lifelines) == 1 else f"{len(lifelines)} lifelines are"
    return f"{are} among them: {named}. {NOT_FOUND}" if lifelines else ""


def _count_agreed(facts: Sequence[CampaignFacts], at: datetime) -> Mapping[str, Count]:
    """Count as the plan of a termination does, so that both say the same; no further than the cap."""
    counted = count_agreed(refs=[one.campaign.ref for one in facts], at=at, rows=ROWS) if facts else {}
    return {ref: cap_count(n) for ref, n in counted.items()}


def _format_agreed(n: Count) -> str:
    return "1 line agreed" if str(n) == "1" else f"{n} lines agreed"


def list_campaigns_under(*, of: str, target_id: int, at: datetime) -> list[CampaignFacts]:
    """Return the campaigns that a suspension of this company, contract or campaign denies."""
    if of == "party":
        return [one.facts for one in chains.chains_of(party=Party.objects.get(pk=target_id), at=at)]
    under = Q(contract=target_id) if of == "contract" else Q(pk=target_id)
    rows = Campaign.objects.filter(under).select_related("contract__aggregator", "lbs_provider")
    return chains.campaigns(rows=chains.list_lifelines_first(rows=rows, most=MOST), at=at)


def list_possible_acts(*, stage: Stage, ended: bool, held: Sequence[PageSuspension] = ()) -> frozenset[str]:
    """Return the acts that fit a stage: which buttons a page shows. The verbs themselves decide.

    `ended`: terminated. `held`: by what it is suspended; what an officer suspended is not suspended once more.
    """
    allowed: Mapping[Stage, frozenset[str]] = {
        Stage.DRAFT: frozenset({"change", "force", "discard"}),
        Stage.NOT_YET: frozenset({"suspend", "shorten", "extend"}),
        Stage.IN_FORCE: frozenset({"suspend", "shorten", "extend", "terminate"}),
        Stage.ENDING: frozenset({"suspend", "shorten", "extend", "terminate"}),
        Stage.SUSPENDED: frozenset({"suspend", "shorten", "terminate"}),
        Stage.ENDED: frozenset({"terminate"}),
    }
    return frozenset() if ended else allowed[stage] - list_acts_already_done(held=held)


def list_acts_already_done(*, held: Sequence[PageSuspension]) -> frozenset[str]:
    """What is done already: an officer's own suspension runs. One by the stream rules keeps nobody from another."""
    mine = any(one.own and not one.suspension.automatic for one in held)
    return frozenset({"suspend"}) if mine else frozenset()


def _list_partial_targets(campaign: Campaign) -> set[str]:
    """The targets of suspensions that deny only requests that name whom they are on."""
    return set(campaign.cover.targets) - set(campaign.cover.named_targets) if campaign.names_recipient else set()


def _list_page_suspensions(
    wanted: Sequence[tuple[str, int]], at: datetime, *, apart: Collection[str] = ()
) -> list[PageSuspension]:
    keys = set(wanted)
    found = [one for one in running(at=at) if (one.of, one.target_id) in keys]
    named = names.targets(wanted={(one.of, one.target_id) for one in found})
    who = names.actors(wanted={one.actor for one in found})
    return [
        PageSuspension(
            suspension=one,
            target=named[one.of, one.target_id],
            who=who[one.actor],
            own=(one.of, one.target_id) == wanted[0],
            denies_all=f"{one.of}:{one.target_id}" not in apart,
        )
        for one in found
    ]


def _cohort(of: str, target_id: int) -> Cohort | None:
    return Cohort.objects.filter(of=of, target_id=target_id).defer("index_token").first()


def _list_links(of: str, ref: str) -> list[IdentifierLink]:
    both = IdentifierLink.objects.filter(of=of, ref=ref) | IdentifierLink.objects.filter(of=of, kin_ref=ref)
    return list(both.order_by("recorded_at", "id")[:MOST])


def _list_key_ids(jwks: Mapping[str, object]) -> list[str]:
    keys = jwks.get("keys")
    found = (
        [one.get("kid") or one.get("kty") for one in keys if isinstance(one, dict)] if isinstance(keys, list) else []
    )
    return [sanitise_text(str(one), at_most=60) for one in found[:NEWEST]]
