"""Lists of whom the carrier deals with: parties, contracts, campaigns; and who asks for people: agents."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from django.urls import reverse

from console.queries.dashboard import ENDING, ends_before_contract, ends_within
from console.queries.machines import count_agent_requests
from console.queries.proposals import list_newest_proposals
from console.queries.standing import contracts_to_renew
from console.views import listing
from console.views.listing import Cell, Column, Filter, Listing, Rows, of_choices
from partners.labels import purpose_in_words, sanitise_text
from partners.models import AuthorizedAgent, Campaign, Contract, Party
from partners.policies.lifecycle import Stage
from partners.queries import key_of
from support.queries import chains
from support.queries.chains import campaigns_at, contracts_at, running_on

# What is answered now, whatever ends soon.
RUNNING = (Stage.IN_FORCE, Stage.ENDING)
STAGES = (("running", "In force or ending"), *((one.value, one.value.capitalize()) for one in Stage))
YES_NO = (("yes", "Yes"), ("no", "No"))


def _party_cells(rows: Sequence[Party], at: datetime) -> list[tuple[Cell, ...]]:
    return [
        (
            listing.party(one.party, under=sanitise_text(one.party.uri, at_most=70)),
            Cell(one.party.get_kind_display()),
            Cell(", ".join(one.roles) or "–"),
            listing.yes_or_dash(one.suspended, word="suspended", tone="bad"),
        )
        for one in chains.parties(rows=rows, at=at)
    ]


def _contract_cells(rows: Sequence[Contract], at: datetime) -> list[tuple[Cell, ...]]:
    return [
        (
            Cell(
                sanitise_text(one.contract.ref, at_most=60),
                href=reverse("admin:contract", args=[one.contract.pk]),
                under=sanitise_text(one.contract.aggregator.name, at_most=60),
            ),
            listing.stage(one.stage),
            listing.build_day(one.contract.ends_at, at),
            listing.count(one.campaigns),
            listing.count(one.lines),
            listing.count(one.lookups),
            Cell(one.health.word, tone=one.health.tone, under=one.health.method),
            Cell(listing.format_waiting(one.health.oldest, at) or "–", number=True, tone=_late(one, at)),
            listing.bad_count(one.breaches),
        )
        for one in chains.contracts(rows=rows, at=at)
    ]


def _campaign_cells(rows: Sequence[Campaign], at: datetime) -> list[tuple[Cell, ...]]:
    return [
        (
            Cell(
                sanitise_text(one.campaign.ref, at_most=60),
                href=reverse("admin:campaign", args=[one.campaign.pk]),
                under=f"under {sanitise_text(one.campaign.contract.ref, at_most=40)}",
            ),
            listing.stage(one.stage, under="draft wording" if one.campaign.is_draft else "frozen"),
            listing.party(one.campaign.lbs_provider),
            Cell(purpose_in_words(one.campaign.purpose), under=sanitise_text(one.campaign.purpose, at_most=60)),
            listing.yes_or_dash(one.campaign.lifeline, word="lifeline", tone="warn"),
            Cell(one.campaign.get_consideration_display() or "not recorded"),
            listing.count(one.approvals),
            listing.count(one.lookups),
        )
        for one in chains.campaigns(rows=rows, at=at)
    ]


def _agent_cells(rows: Sequence[AuthorizedAgent], at: datetime) -> list[tuple[Cell, ...]]:
    waiting = list_newest_proposals(of="authorized", target_ids=[one.number for one in rows], at=at)
    counted = count_agent_requests(agent_ids=[one.pk for one in rows], at=at)
    return [
        (
            Cell(
                sanitise_text(one.name, at_most=60),
                href=reverse("admin:authorized-agent", args=[one.number]),
                under=one.pk,
            ),
            _may_ask(one, waits=one.number in waiting),
            Cell(key_of(agent=one)),
            Cell(", ".join(one.hosts) or "none"),
            listing.moment(one.token_asked_at, none="never"),
            *(Cell(f"{n:,}" if n else "–", number=True) for n in counted[one.pk]),
        )
        for one in rows
    ]


def _may_ask(one: AuthorizedAgent, *, waits: bool) -> Cell:
    under = "waiting for a second officer" if waits else ""
    if one.ended_at is None:
        return Cell("active", tone="good", under=under)
    new = one.ended_at == one.registered_at
    return Cell("not active yet" if new else "suspended", tone="warn" if new else "bad", under=under)


def _late(one: chains.ContractFacts, at: datetime) -> str:
    return one.health.tone if one.health.oldest and one.health.tone != "good" else ""


def _stages(value: str) -> Sequence[str]:
    return RUNNING if value == "running" else [value]


def _ends(rows: Rows, value: str, at: datetime) -> Rows:
    """In its term, and out of it within so many days: as the dashboard counts them."""
    if value == BEFORE_CONTRACT[0]:
        return rows.filter(ends_before_contract(span=ENDING, at=at))
    return rows.filter(ends_within(span=timedelta(days=int(value)), at=at))


def _filter_by_suspension(rows: Rows, value: str, at: datetime) -> Rows:
    ids = running_on(at=at)["party"]
    return rows.filter(pk__in=ids) if value == "yes" else rows.exclude(pk__in=ids)


# As the dashboard counts what ends soon, and as a stage of theirs does.
ENDS = Filter("ends", "Ends within", (("30", "30 days"), (str(ENDING.days), f"{ENDING.days} days")), _ends)
BEFORE_CONTRACT = ("first", f"{ENDING.days} days, before its contract")


PARTIES = Listing(
    title="Companies",
    lead="Every company named in a contract or seen in a delivery path. Suspending a company denies it everywhere.",
    columns=(Column("Company", "name"), Column("Kind", "kind"), Column("Role in contracts"), Column("Status")),
    start=lambda _: Party.objects.order_by("name", "id"),
    cells=_party_cells,
    search=("name", "uri"),
    search_label="Name or address",
    filters=(
        of_choices("kind", "Kind", Party.Kind.choices),
        Filter("suspended", "Suspended", YES_NO, _filter_by_suspension),
    ),
    empty=("No companies yet", "Add one here, or load the carrier's file with import_parties."),
    acts=(("admin:party-add", "Add a company"),),
)
CONTRACTS = Listing(
    title="Contracts",
    lead="What is in force, what ends soon, and which partners have delivery problems. Look-ups are of the last 30"
    " days.",
    columns=(
        Column("Contract", "ref"), Column("Status"), Column("Ends", "ends_at"), Column("Campaigns", number=True),
        Column("Lines", number=True), Column("Look-ups", number=True), Column("Stream"),
        Column("Oldest unacknowledged", number=True), Column("Missed deadlines", number=True),
    ),
    start=lambda _: Contract.objects.select_related("aggregator").order_by("ends_at", "id"),
    cells=_contract_cells,
    search=("ref", "aggregator__name"),
    search_label="Contract or aggregator",
    filters=(
        Filter("stage", "Status", STAGES, lambda rows, v, at: contracts_at(rows=rows, stages=_stages(v), at=at)),
        ENDS,
        Filter(
            "remind", "Reminder", (("due", "Due"),),
            lambda rows, _due, at: rows.filter(pk__in=contracts_to_renew(at=at)),
        ),
    ),
    empty=("No contracts yet", "Draft a contract, or load the carrier's file with import_parties."),
    acts=(("admin:contract-draft", "Draft a contract"),),
)  # fmt: skip
CAMPAIGNS = Listing(
    title="Campaigns",
    lead="Each has one location service, one purpose and one consent flow. A campaign in force can't be changed: draft"
    " a new one.",
    columns=(
        Column("Campaign", "ref"), Column("Status"), Column("Location service", "lbs_provider__name"),
        Column("Purpose", "purpose"), Column("Lifeline"), Column("Payment", "consideration"),
        Column("Approvals", number=True), Column("Look-ups", number=True),
    ),
    start=lambda _: Campaign.objects.select_related("contract__aggregator", "lbs_provider").order_by("ref", "id"),
    cells=_campaign_cells,
    search=("ref", "lbs_provider__name", "contract__ref", "purpose"),
    search_label="Name, company or purpose",
    filters=(
        Filter("stage", "Status", STAGES, lambda rows, v, at: campaigns_at(rows=rows, stages=_stages(v), at=at)),
        replace(ENDS, choices=(*ENDS.choices, BEFORE_CONTRACT)),
        Filter("lifeline", "Lifeline", YES_NO, lambda rows, value, _: rows.filter(lifeline=value == "yes")),
        of_choices("consideration", "Payment", Campaign.Consideration.choices),
    ),
    empty=("No campaigns yet", "Draft a campaign on its contract's page."),
)  # fmt: skip
AGENTS = Listing(
    title="Authorized agents",
    lead="Agents that request stops on behalf of people (Data Rights Protocol). Each person confirms on their phone.",
    columns=(
        Column("Agent", "name"), Column("Status", "ended_at"), Column("Key"), Column("Callback hosts"),
        Column("Last signed in", "token_asked_at"), Column("Requests, 30 days", number=True),
        Column("Confirmed", number=True),
    ),
    start=lambda _: AuthorizedAgent.objects.order_by("name", "id"),
    cells=_agent_cells,
    search=("name", "id"),
    search_label="Name or id",
    filters=(
        Filter(
            "state", "Status", (("in", "Active"), ("out", "Not active")),
            lambda rows, value, _: rows.filter(ended_at__isnull=value == "in"),
        ),
    ),
    empty=("No authorized agents", ("Register an agent as listed in the protocol's directory. Another officer must"
    " agree.")),
    acts=(("admin:authorized-register", "Register an agent"),),
)  # fmt: skip
