"""Lists by stage: each contract and campaign stands in one list alone, the one of the stage that its facts give."""

import itertools
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta

import pytest
from django.test import Client

from partners.models import Campaign, Contract, Reach, Suspension
from partners.policies import lifecycle
from partners.policies.lifecycle import NOTICE_PERIOD, Stage
from support.queries.chains import campaigns_at, contracts_at
from tests.factories import ADS, FRAUD, a_campaign, a_contract, a_party
from tests.staff import an_actor
from tests.support.officers import staff

AT = datetime.now(UTC)
TICK, DAY = timedelta(microseconds=1), timedelta(days=1)
# Terms on each side of every moment that a stage turns on.
TERMS = (
    (-400 * DAY, -DAY), (-400 * DAY, timedelta()), (-400 * DAY, TICK), (-400 * DAY, NOTICE_PERIOD),
    (-400 * DAY, NOTICE_PERIOD + TICK), (timedelta(), 400 * DAY), (TICK, 400 * DAY), (DAY, 20 * DAY),
)  # fmt: skip
HELD = ("", "contract", "aggregator", "provider", "behind", "campaign", "lifted", "to come")
names = (f"Company {n}" for n in itertools.count(1))


def suspended(of: str, target_id: int, *, starts: timedelta = -DAY, ends: timedelta | None = None) -> Suspension:
    return Suspension(
        of=of, target_id=target_id, starts_at=AT + starts, ends_at=None if ends is None else AT + ends, reason="Sold.",
        actor="officer:1",
    )  # fmt: skip


def varied_world() -> None:
    """Every pair of a contract's and a campaign's term, drafts and not, and everything that suspends."""
    behind = a_party("Behind", "end_customer")
    for (starts, ends), is_draft in itertools.product(TERMS, (False, True)):
        contract = a_contract(a_party(next(names)), starts_at=AT + starts, ends_at=AT + ends, is_draft=is_draft)
        for (own_starts, own_ends), own_draft in itertools.product(TERMS, (False, True)):
            a_campaign(
                contract, a_party(next(names), "lbs_provider"), starts_at=AT + own_starts, ends_at=AT + own_ends,
                is_draft=own_draft,
            )  # fmt: skip
    for (starts, ends), held, names_recipient in itertools.product(TERMS, HELD, (False, True)):
        contract = a_contract(a_party(next(names)), starts_at=AT - 400 * DAY, ends_at=AT + 400 * DAY)
        campaign = a_campaign(
            contract, a_party(next(names), "lbs_provider"), starts_at=AT + starts, ends_at=AT + ends,
            names_recipient=names_recipient, purpose=ADS,
        )  # fmt: skip
        if held == "behind":
            Reach.objects.create(campaign=campaign, party=behind)
        Suspension.objects.bulk_create(_of(held, campaign))
    Suspension.objects.bulk_create([suspended("party", behind.pk)])


def _of(held: str, campaign: Campaign) -> Iterator[Suspension]:
    match held:
        case "contract":
            yield suspended("contract", campaign.contract_id)
        case "aggregator":
            yield suspended("party", campaign.contract.aggregator_id)
        case "provider":
            yield suspended("party", campaign.lbs_provider_id)
        case "campaign":
            yield suspended("campaign", campaign.pk)
        case "lifted":
            yield suspended("campaign", campaign.pk, starts=-2 * DAY, ends=-DAY)
        case "to come":
            yield suspended("contract", campaign.contract_id, starts=DAY)


def stands(found: Iterable[tuple[Stage, Iterable[int]]]) -> dict[int, list[Stage]]:
    """The lists that each stands in."""
    lists: dict[int, list[Stage]] = {}
    for stage, ids in found:
        for one in ids:
            lists.setdefault(one, []).append(stage)
    return lists


@pytest.mark.django_db
def test_each_stands_in_its_stage_s_list_alone() -> None:
    varied_world()
    contracts, campaigns = Contract.objects.all(), Campaign.objects.select_related("contract")
    of_contracts = lifecycle.contract_stages(contracts=contracts, at=AT)
    of_campaigns = lifecycle.campaign_stages(campaigns=campaigns, at=AT)
    assert set(of_contracts.values()) == set(of_campaigns.values()) == set(Stage)
    assert stands(
        (one, contracts_at(rows=contracts, stages=[one], at=AT).values_list("pk", flat=True)) for one in Stage
    ) == {pk: [stage] for pk, stage in of_contracts.items()}
    assert stands(
        (one, campaigns_at(rows=campaigns, stages=[one], at=AT).values_list("pk", flat=True)) for one in Stage
    ) == {pk: [stage] for pk, stage in of_campaigns.items()}
    both = campaigns_at(rows=campaigns, stages=[Stage.IN_FORCE, Stage.ENDING], at=AT)
    assert {one.pk for one in both} == {
        pk for pk, stage in of_campaigns.items() if stage in {Stage.IN_FORCE, Stage.ENDING}
    }


def counted(client: Client, path: str) -> int:
    page = client.get(path).content.decode()
    found = re.search(r"(\d+) in this list", page)
    return int(found.group(1)) if found else 0


@pytest.mark.django_db
def test_the_counts_of_the_lists_are_those_of_the_stages() -> None:
    at = datetime.now(UTC)
    for n in range(3):
        a_campaign(a_contract(a_party(f"Fine {n}")), a_party(f"Finder {n}", "lbs_provider"), purpose=FRAUD)
    sold = a_campaign(a_contract(a_party("Sold")), a_party("Sold Finder", "lbs_provider"), purpose=FRAUD)
    a_campaign(sold.contract, a_party("Fine 0 Finder", "lbs_provider"), purpose=ADS)
    Suspension.objects.create(
        of="contract", target_id=sold.contract_id, starts_at=at - DAY, reason="Sold.", actor=an_actor()
    )
    officer = staff().client
    lists = {
        of: {one: counted(officer, f"/admin/{of}/?stage={one}") for one in Stage} for of in ("contracts", "campaigns")
    }
    none = dict.fromkeys(Stage, 0)
    assert lists == {
        "contracts": {**none, Stage.IN_FORCE: 3, Stage.SUSPENDED: 1},
        "campaigns": {**none, Stage.IN_FORCE: 3, Stage.SUSPENDED: 2},
    }
    stages = lifecycle.campaign_stages(campaigns=Campaign.objects.select_related("contract"), at=at)
    assert Counter(stages.values()) == {Stage.IN_FORCE: 3, Stage.SUSPENDED: 2}
    rows = re.findall(r"<tr>(.*?)</tr>", officer.get("/admin/purposes/").content.decode(), flags=re.DOTALL)
    told = {term: re.findall(r'class="n">.*?<bdi[^>]*>(\d+)</bdi>', row, flags=re.DOTALL) for row in rows
            for term in (FRAUD, ADS) if term in row}  # fmt: skip
    assert told == {FRAUD: ["4", "3"], ADS: ["1", "0"]}
