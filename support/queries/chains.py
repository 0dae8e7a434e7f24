"""Contracts, campaigns and parties with all that an officer asks of them, by page or stage; what is suspended now."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import reduce
from operator import and_, or_

from django.db import connection
from django.db.models import Q, QuerySet

from partners.labels import purpose_in_words
from partners.models import Campaign, Contract, Party, Reach, Suspension
from partners.policies.lifecycle import NOTICE_PERIOD, Stage, campaign_stages, contract_stages, running
from support.queries.counts import CAP, NONE, Count, Health, cap_count, health_of, lines_of, lookups, sum_counts

TONES: Mapping[Stage, str] = {
    Stage.DRAFT: "plain",
    Stage.NOT_YET: "plain",
    Stage.IN_FORCE: "good",
    Stage.ENDING: "warn",
    Stage.SUSPENDED: "bad",
    Stage.ENDED: "plain",
}


def running_on(*, at: datetime) -> Mapping[str, QuerySet[Suspension, int]]:
    """Return what a suspension runs on, by kind ("party", "contract", "campaign"): its ids, to be read or compared."""
    rows = running(at=at).order_by().values_list("target_id", flat=True)
    return {of: rows.filter(of=of) for of in ("party", "contract", "campaign")}


def contracts_at(*, rows: QuerySet[Contract], stages: Collection[str], at: datetime) -> QuerySet[Contract]:
    """Return the contracts that stand at one of these stages, by the same order of rules as `lifecycle`."""
    suspended = running_on(at=at)
    held = Q(pk__in=suspended["contract"]) | Q(aggregator__in=suspended["party"])
    return rows.filter(_at_one_of(stages, at, held, ("",)))


def campaigns_at(*, rows: QuerySet[Campaign], stages: Collection[str], at: datetime) -> QuerySet[Campaign]:
    """The campaigns that stand at one of these stages, by the same rules, of their own terms and their contracts'."""
    suspended = running_on(at=at)
    parties = suspended["party"]
    reached = Reach.objects.filter(campaign__names_recipient=False, party__in=parties)
    held = (
        Q(pk__in=suspended["campaign"])
        | Q(contract__in=suspended["contract"])
        | Q(contract__aggregator__in=parties)
        | Q(lbs_provider__in=parties)
        | Q(pk__in=reached.values("campaign_id"))
    )
    return rows.filter(_at_one_of(stages, at, held, ("", "contract__")))


def _at_one_of(stages: Collection[str], at: datetime, held: Q, terms: tuple[str, ...]) -> Q:
    """That one of these stages applies, and none before it. `terms`: how the fields of each term are reached."""
    applies = {
        Stage.DRAFT: _any(terms, is_draft=True),
        Stage.ENDED: _any(terms, ends_at__lte=at),
        Stage.SUSPENDED: held,
        Stage.NOT_YET: _any(terms, starts_at__gt=at),
        Stage.ENDING: _any(terms, ends_at__lte=at + NOTICE_PERIOD),
        Stage.IN_FORCE: Q(),
    }
    order = list(Stage)
    return reduce(
        or_,
        (
            reduce(and_, (~applies[before] for before in order[: order.index(one)]), applies[one])
            for one in map(Stage, stages)
        ),
    )


def _any(terms: tuple[str, ...], **says: object) -> Q:
    return reduce(or_, (Q(**{f"{term}{name}": value}) for term in terms for name, value in says.items()))


MOST_CHAINS = 500
RECIPIENT = "other recipient"
# A contract keeps its missed deadlines for good. Those that are open have an index of their own.
BREACHES = """
SELECT contract_id, least(count(*), %s) FROM revocations_breach
WHERE mended_at IS NULL AND contract_id = ANY (%s) GROUP BY contract_id
"""
APPROVALS = """
SELECT wanted.ref, (SELECT count(*) FROM (
    SELECT FROM consent_approval WHERE campaign = wanted.ref LIMIT %s) AS found)
FROM unnest(%s::text[]) AS wanted (ref)
"""


@dataclass(frozen=True)
class ContractFacts:
    """One contract at a glance. `lines` are those whose data its aggregator received."""

    contract: Contract
    stage: Stage
    campaigns: int
    lines: Count
    lookups: Count
    health: Health
    breaches: Count


@dataclass(frozen=True)
class CampaignFacts:
    """One campaign at a glance. `approvals` on record, whether or not a later stop covers them."""

    campaign: Campaign
    stage: Stage
    approvals: Count
    lookups: Count
    reached: tuple[Party, ...] = ()

    @property
    def purpose(self) -> str:
        """What it is for, in the words that subscribers read."""
        return purpose_in_words(self.campaign.purpose)


@dataclass(frozen=True)
class Link:
    """One chain a party stands in: its campaign, its contract's aggregator, and as what."""

    facts: CampaignFacts
    as_what: str


@dataclass
class PartyFacts:
    """One party at a glance: how many chains it stands in, and as what."""

    party: Party
    suspended: bool
    contracts: int = 0
    campaigns: int = 0
    behind: int = 0
    roles: list[str] = field(default_factory=list)


def contracts(*, rows: Sequence[Contract], at: datetime) -> list[ContractFacts]:
    """The facts of these contracts, whose aggregators are loaded, in their order. Nine statements, however many."""
    stages = contract_stages(contracts=rows, at=at)
    refs: dict[int, list[str]] = defaultdict(list)
    for contract_id, ref in Campaign.objects.filter(contract__in=rows).values_list("contract_id", "ref"):
        refs[contract_id].append(ref)
    party_ids = {one.aggregator_id for one in rows}
    lines, released = lines_of(party_ids=party_ids), lookups(at=at)
    health, breached = health_of(party_ids=party_ids, at=at), _count_by_key(BREACHES, [one.pk for one in rows])
    return [
        ContractFacts(
            contract=one,
            stage=stages[one.pk],
            campaigns=len(refs[one.pk]),
            lines=lines.get(one.aggregator_id, NONE),
            lookups=sum_counts(counts=[released[ref] for ref in refs[one.pk]]),
            health=health[one.aggregator_id],
            breaches=breached.get(one.pk, NONE),
        )
        for one in rows
    ]


def campaigns(*, rows: Sequence[Campaign], at: datetime) -> list[CampaignFacts]:
    """Return the facts of these campaigns, whose contracts and parties are loaded, in their order.

    Five statements, or six while a party is suspended.
    """
    stages = campaign_stages(campaigns=rows, at=at)
    behind: dict[int, list[Party]] = defaultdict(list)
    for reach in Reach.objects.filter(campaign__in=rows).select_related("party").order_by("party__name"):
        behind[reach.campaign_id].append(reach.party)
    agreed, released = _count_by_key(APPROVALS, [one.ref for one in rows]), lookups(at=at)
    return [
        CampaignFacts(
            campaign=one,
            stage=stages[one.pk],
            approvals=agreed.get(one.ref, NONE),
            lookups=released[one.ref],
            reached=tuple(behind[one.pk]),
        )
        for one in rows
    ]


def parties(*, rows: Sequence[Party], at: datetime) -> list[PartyFacts]:
    """Return the facts of these parties, in their order. Four statements."""
    held = set(running_on(at=at)["party"])
    found = {one.pk: PartyFacts(one, one.pk in held) for one in rows}
    for (party_id,) in Contract.objects.filter(aggregator__in=rows).values_list("aggregator_id"):
        found[party_id].contracts += 1
    for (party_id,) in Campaign.objects.filter(lbs_provider__in=rows).values_list("lbs_provider_id"):
        found[party_id].campaigns += 1
    for party_id, provider_id in Reach.objects.filter(party__in=rows).values_list(
        "party_id", "campaign__lbs_provider_id"
    ):
        found[party_id].behind += party_id != provider_id
    for one in found.values():
        one.roles = [*_roles(one)]
    return list(found.values())


def chains_of(*, party: Party, at: datetime, whole: bool = False) -> list[Link]:
    """Return the campaigns in whose chain this party stands, as aggregator, provider, or somewhere behind it.

    `whole`: all of them, not only as many as a page has room for.
    """
    rows = Campaign.objects.filter(
        Q(lbs_provider=party)
        | Q(contract__aggregator=party)
        | Q(pk__in=Reach.objects.filter(party=party).values("campaign_id"))
    ).select_related("contract__aggregator", "lbs_provider")
    found = list_lifelines_first(rows=rows, most=None if whole else MOST_CHAINS)
    return [Link(one, _as_what(one.campaign, party)) for one in campaigns(rows=found, at=at)]


def list_lifelines_first(*, rows: QuerySet[Campaign], most: int | None) -> list[Campaign]:
    """Return `most` campaigns by contract and reference; of more, lifelines and those that end last. None: all."""
    found = rows.order_by("is_draft", "-lifeline", "-ends_at", "pk")[:most]
    return sorted(found, key=lambda one: (one.contract.ref, one.ref))


def _count_by_key[K: (int, str)](statement: str, keys: Sequence[K]) -> Mapping[K, Count]:
    with connection.cursor() as cursor:
        cursor.execute(statement, [CAP + 1, list(keys)])
        return {key: cap_count(n) for key, n in cursor.fetchall()}


def _roles(one: PartyFacts) -> list[str]:
    said = (
        (one.contracts, "aggregator in {n} contract", "aggregator in {n} contracts"),
        (one.campaigns, "provider of {n} campaign", "provider of {n} campaigns"),
        (one.behind, "other recipient in {n} campaign", "other recipient in {n} campaigns"),
    )
    return [(single if n == 1 else many).format(n=n) for n, single, many in said if n]


def _as_what(campaign: Campaign, party: Party) -> str:
    if campaign.contract.aggregator_id == party.pk:
        return "aggregator"
    return "location service" if campaign.lbs_provider_id == party.pk else RECIPIENT
