"""Promise 2, in the database: what two officers agreed to opens that one thing, once, and nothing round it does."""

import uuid
from datetime import UTC, datetime, timedelta

import pytest
from django.db import IntegrityError, transaction
from django.db.models import QuerySet

from accounts.models import Line, User
from accounts.policies.permissions import actor_of
from partners.models import Campaign, Contract, Proposal, Suspension
from tests.factories import FAR_OFF, LONG_AGO, a_campaign, a_contract, a_line, an_approval
from tests.fixtures import Refusal
from tests.promises.asking import reason
from tests.staff import a_staff_user, an_actor, an_agreed_proposal

pytestmark = pytest.mark.django_db
NOW = datetime.now(UTC)
DAY = timedelta(days=1)


def fresh(campaign: Campaign) -> Campaign:
    return Campaign.objects.select_related("contract__aggregator", "lbs_provider").get(pk=campaign.pk)


def suspended(campaign: Campaign, since: datetime) -> int:
    """Its contract, until two officers lift that."""
    return Suspension.objects.create(
        of="contract", target_id=campaign.contract_id, starts_at=since, reason="Due", actor="officer:1"
    ).pk


def test_a_campaign_that_was_in_force_is_no_draft_again(line: Line, refused: Refusal) -> None:
    ended = a_campaign(ends_at=NOW - 100 * DAY)
    an_approval(line, ended)
    refused("UPDATE partners_campaign SET is_draft = true", constraint="partners_campaign_no_draft_again")
    assert reason(line, fresh(ended)) == "campaign_not_in_force"


def test_one_officer_alone_says_nowhere_that_less_is_paid() -> None:
    marylander = a_line(state="MD")
    sold = a_campaign(consideration="monetary")
    an_approval(marylander, sold)
    paid = Campaign.objects.filter(pk=sold.pk)
    an_agreed_proposal("paid_for_less", "campaign", a_campaign().pk, payload={"consideration": "none"}, at=NOW)
    an_agreed_proposal("paid_for_less", "campaign", sold.pk, payload={"consideration": "other"}, at=NOW)
    for consideration in ("none", ""):
        with pytest.raises(IntegrityError, match="two officers"), transaction.atomic():
            paid.update(consideration=consideration)
    assert reason(marylander, fresh(sold)) == "jurisdiction_prohibits"
    assert paid.update(consideration="other") == 1
    an_agreed_proposal("paid_for_less", "campaign", sold.pk, payload={"consideration": "none"}, at=NOW)
    assert paid.update(consideration="none") == 1
    assert paid.update(consideration="monetary") == 1
    assert reason(marylander, fresh(sold)) == "jurisdiction_prohibits"


def test_what_two_lifted_can_be_suspended_anew(line: Line) -> None:
    campaign = a_campaign()
    an_approval(line, campaign)
    proposal = an_agreed_proposal("lift_suspension", "contract", campaign.contract_id, at=NOW)
    first = suspended(campaign, LONG_AGO)
    assert Suspension.objects.filter(pk=first).update(ends_at=NOW, lifted_by=proposal) == 1
    assert reason(line, campaign) == ""
    for since in (NOW + timedelta(microseconds=1), LONG_AGO + DAY):
        again = Suspension.objects.filter(pk=suspended(campaign, since))
        for ends_at in (NOW + DAY, NOW - DAY):
            with pytest.raises(IntegrityError, match="another suspension"), transaction.atomic():
                again.update(ends_at=ends_at, lifted_by=proposal)
        assert reason(line, campaign) == "partner_suspended"
        mine = an_agreed_proposal("lift_suspension", "contract", campaign.contract_id, at=NOW + DAY)
        assert again.update(ends_at=NOW + 2 * DAY, lifted_by=mine) == 1
    for moved in (NOW + DAY, None):
        with pytest.raises(IntegrityError, match="lifted or left as it is"), transaction.atomic():
            Suspension.objects.filter(pk=first).update(ends_at=moved)


def test_what_began_after_the_proposal_is_not_lifted_by_it(line: Line) -> None:
    campaign = a_campaign()
    an_approval(line, campaign)
    proposal = an_agreed_proposal("lift_suspension", "contract", campaign.contract_id, at=NOW)
    in_that_moment = Suspension.objects.filter(pk=suspended(campaign, NOW))
    assert in_that_moment.update(ends_at=NOW + DAY, lifted_by=proposal) == 1
    later = suspended(campaign, NOW + timedelta(microseconds=1))
    with pytest.raises(IntegrityError, match="another suspension"), transaction.atomic():
        Suspension.objects.filter(pk=later).update(ends_at=NOW + DAY, lifted_by=proposal)
    assert reason(line, campaign) == "partner_suspended"


def test_a_shortened_term_is_not_extended_by_the_same_yes(line: Line) -> None:
    campaign = a_campaign(ends_at=NOW - DAY)
    an_approval(line, campaign)
    term = Campaign.objects.filter(pk=campaign.pk)
    longer = datetime(2095, 1, 1, tzinfo=UTC)
    an_agreed_proposal(
        "extend_term", "campaign", campaign.pk, at=NOW,
        payload={"ends_at": longer.isoformat(), "was": campaign.ends_at.isoformat()},
    )  # fmt: skip
    with pytest.raises(IntegrityError, match="two officers"), transaction.atomic():
        term.update(ends_at=FAR_OFF)
    assert term.update(ends_at=longer) == 1
    assert term.update(ends_at=NOW - 2 * DAY) == 1
    with pytest.raises(IntegrityError, match="two officers"), transaction.atomic():
        term.update(ends_at=longer)
    assert reason(line, campaign) == "campaign_not_in_force"


def test_what_is_in_force_never_began_earlier() -> None:
    campaign, tick = a_campaign(), timedelta(microseconds=1)
    terms: list[QuerySet[Campaign] | QuerySet[Contract]] = [
        Campaign.objects.filter(pk=campaign.pk), Contract.objects.filter(pk=campaign.contract_id),
    ]  # fmt: skip
    for term in terms:
        with pytest.raises(IntegrityError, match="two officers"), transaction.atomic():
            term.update(starts_at=campaign.starts_at - tick)
        assert term.update(starts_at=campaign.starts_at) == 1
    draft = a_contract(is_draft=True)
    assert Contract.objects.filter(pk=draft.pk).update(starts_at=draft.starts_at - tick) == 1


def open_proposal(by: str) -> QuerySet[Proposal]:
    made = Proposal.objects.create(
        id=uuid.uuid4(), act="lift_suspension", of="contract", target_id=a_campaign().contract_id, reason="test",
        proposed_by=by, proposed_at=NOW,
    )  # fmt: skip
    return Proposal.objects.filter(pk=made.pk)


@pytest.mark.parametrize("change", [{"is_active": False}, {"role": "auditor"}])
def test_nobody_agrees_to_what_one_who_is_no_officer_any_more_proposed(change: dict[str, object]) -> None:
    first = a_staff_user()
    proposal, agreed = open_proposal(actor_of(first)), {"decided_by": an_actor(), "decided_at": NOW + DAY}
    User.objects.filter(pk=first.pk).update(**change)
    with pytest.raises(IntegrityError, match="another officer agrees"), transaction.atomic():
        proposal.update(decision="agreed", **agreed)
    assert proposal.update(decision="declined", **agreed) == 1


def test_a_proposal_is_agreed_to_within_seven_days() -> None:
    proposal, second = open_proposal(an_actor()), an_actor()
    with pytest.raises(IntegrityError, match="another officer agrees"), transaction.atomic():
        proposal.update(decision="agreed", decided_by=second, decided_at=NOW + 7 * DAY)
    just_before = NOW + 7 * DAY - timedelta(microseconds=1)
    assert proposal.update(decision="agreed", decided_by=second, decided_at=just_before) == 1


@pytest.mark.parametrize(
    "wider", [{"purposes": ["dpv:Marketing"]}, {"ack_within_s": 901}, {"complete_within_days": 11}]
)
def test_what_was_signed_only_narrows(wider: dict[str, object]) -> None:
    contracts = Contract.objects.filter(pk=a_campaign().contract_id)
    assert contracts.update(ack_within_s=900, complete_within_days=10) == 1
    with pytest.raises(IntegrityError, match="than was signed"), transaction.atomic():
        contracts.update(**wider)
    assert contracts.update(purposes=[], ack_within_s=899, complete_within_days=9) == 1
    draft = Contract.objects.filter(pk=a_contract(is_draft=True).pk)
    assert draft.update(**wider) == 1
