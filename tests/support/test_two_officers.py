"""What loosens needs two officers: one proposes, another agrees, and only then is it so."""

import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction

from accounts.actions.staff import end_staff
from accounts.models import Line
from accounts.policies.permissions import actor_of
from accounts.queries import StaffOnly
from audit.models import AuditEvent
from consent.actions import choices
from consent.actions.lines import terminate
from consent.domain.snapshots import reason_against
from consent.models import RejudgeRequest
from consent.queries import termination
from console.actions import proposals as proposals_actions
from console.actions import terms
from console.actions.proposals import propose_termination
from console.actions.terms import put_in_force
from partners.actions import proposals
from partners.actions.drafts import ContractTerms, draft_contract
from partners.actions.suspensions import suspend
from partners.actions.terms import shorten_term
from partners.models import Campaign, Contract, IdentifierLink, JurisdictionRule, Proposal, Suspension
from partners.policies import loosening
from partners.policies.lifecycle import NotNow
from revocations.models import Cohort, Order
from support.workers import term_change_propagation
from tests.factories import FAR_OFF, LONG_AGO, ROADSIDE, a_campaign, a_contract, a_line, a_party, an_approval
from tests.staff import a_staff_user, an_actor

pytestmark = pytest.mark.usefixtures("db", "no_broker")
NOW = datetime.now(UTC)
DAY = timedelta(days=1)


def propose(act: str, of: str, target_id: int, actor: str, **payload: object) -> Proposal:
    return proposals.propose(
        act=act, of=of, target_id=target_id, payload=payload, reason="Renewed", actor=actor, at=NOW
    )


def agree(proposal: Proposal, actor: str, *, after: timedelta = DAY) -> Proposal:
    return proposals_actions.agree_to_proposal(proposal_id=proposal.id, reason="I read it", actor=actor, at=NOW + after)


def test_what_an_officer_proposed_who_left_is_declined() -> None:
    contract, first, two = a_contract(ends_at=NOW + 10 * DAY), a_staff_user(), an_actor()
    proposal = propose("extend_term", "contract", contract.pk, actor_of(first), ends_at=FAR_OFF.isoformat())
    end_staff(email=first.email, actor="command:end_staff", at=NOW)
    with pytest.raises(NotNow, match="Whoever proposed it is no longer an officer"):
        agree(proposal, two)
    assert Contract.objects.get().ends_at == NOW + 10 * DAY
    proposals.decline(proposal_id=proposal.id, reason="They left", actor=two, at=NOW + DAY)
    agree(propose("extend_term", "contract", contract.pk, two, ends_at=FAR_OFF.isoformat()), an_actor())
    assert Contract.objects.get().ends_at == FAR_OFF


def test_a_later_end_needs_a_second_officer() -> None:
    contract, one, two = a_contract(ends_at=NOW + 10 * DAY), an_actor(), an_actor()
    proposal = propose("extend_term", "contract", contract.pk, one, ends_at=FAR_OFF.isoformat())
    for name in (one, one.replace(":", ":0")):
        with pytest.raises(NotNow):
            agree(proposal, name)
    with pytest.raises(NotNow, match="another officer must approve it"):
        agree(proposal, one)
    assert Contract.objects.get().ends_at == NOW + 10 * DAY
    agree(proposal, two)
    assert Contract.objects.get().ends_at == FAR_OFF
    with pytest.raises(NotNow, match="already decided: agreed"):
        agree(proposal, two)
    events = AuditEvent.objects.filter(target=f"contract:{contract.pk}").order_by("id")
    assert [(event.action, event.actor, event.reason) for event in events] == [
        ("proposal.made", one, "Renewed"),
        ("proposal.agreed", two, "I read it"),
        ("contract.extended", two, "I read it"),
    ]
    assert events[2].detail == {
        "ref": contract.ref, "was": (NOW + 10 * DAY).isoformat(), "ends_at": FAR_OFF.isoformat(),
        "proposal": str(proposal.id), "proposed_by": one,
    }  # fmt: skip


@pytest.mark.parametrize("role", ["agent", "auditor", "legal", "subscriber"])
def test_the_second_is_an_officer_too(role: str) -> None:
    contract, one = a_contract(ends_at=NOW + 10 * DAY), an_actor()
    proposal = propose("extend_term", "contract", contract.pk, one, ends_at=FAR_OFF.isoformat())
    for verb in (proposals_actions.agree_to_proposal, proposals.decline, proposals.withdraw):
        with pytest.raises(StaffOnly):
            verb(proposal_id=proposal.id, reason="Due", actor=an_actor(role), at=NOW)
    assert Proposal.objects.get().decision == ""


def test_the_database_refuses_one_officer_s_own_yes() -> None:
    proposal = propose("terminate", "contract", a_contract().pk, an_actor())
    with pytest.raises(IntegrityError, match="another officer agrees to it"), transaction.atomic():
        Proposal.objects.filter(pk=proposal.pk).update(
            decision="agreed", decided_by=proposal.proposed_by, decided_at=NOW
        )


def test_a_proposal_counts_for_seven_days() -> None:
    contract, one, two = a_contract(ends_at=NOW + 30 * DAY), an_actor(), an_actor()
    old = proposals.propose(
        act="extend_term", of="contract", target_id=contract.pk, payload={"ends_at": FAR_OFF.isoformat()}, reason="Due",
        actor=one, at=NOW - 7 * DAY,
    )  # fmt: skip
    again = propose("extend_term", "contract", contract.pk, one, ends_at=FAR_OFF.isoformat())
    old.refresh_from_db()
    assert (old.decision, old.decided_by) == ("withdrawn", "system:expiry")
    with pytest.raises(NotNow, match="more than 7 days old"):
        agree(again, two, after=7 * DAY)
    agree(again, two, after=7 * DAY - timedelta(seconds=1))
    assert Contract.objects.get().ends_at == FAR_OFF


def test_no_clock_that_is_behind_makes_them_more() -> None:
    week_ago = NOW - 7 * DAY
    proposal = proposals.propose(
        act="terminate", of="contract", target_id=a_contract().pk, payload={}, reason="Due", actor=an_actor(),
        at=week_ago,
    )  # fmt: skip
    with pytest.raises(NotNow, match="more than 7 days old"):
        proposals_actions.agree_to_proposal(proposal_id=proposal.pk, reason="Due", actor=an_actor(), at=week_ago)
    with pytest.raises(IntegrityError, match="another officer agrees to it"), transaction.atomic():
        Proposal.objects.update(decision="agreed", decided_by=an_actor(), decided_at=week_ago)


def test_one_waits_at_a_time_until_withdrawn_or_declined() -> None:
    contract, one, two = a_contract(ends_at=NOW + 10 * DAY), an_actor(), an_actor()
    for verb, right, wrong, decision in (
        (proposals.withdraw, one, two, "withdrawn"),
        (proposals.decline, two, one, "declined"),
    ):
        proposal = propose("extend_term", "contract", contract.pk, one, ends_at=FAR_OFF.isoformat())
        with pytest.raises(NotNow, match="already proposed"):
            propose("extend_term", "contract", contract.pk, two, ends_at=FAR_OFF.isoformat())
        with pytest.raises(NotNow):
            verb(proposal_id=proposal.id, reason="Due", actor=wrong, at=NOW)
        assert verb(proposal_id=proposal.id, reason="Not now.", actor=right, at=NOW).decision == decision
        proposal.refresh_from_db()
        assert (proposal.decision, proposal.decision_reason) == (decision, "Not now.")
        with pytest.raises(NotNow, match=f"already decided: {decision}"):
            agree(proposal, two)
    assert Contract.objects.get().ends_at == NOW + 10 * DAY


def test_an_end_that_moved_meanwhile_was_not_agreed_on() -> None:
    contract, one, two = a_contract(ends_at=NOW + 30 * DAY), an_actor(), an_actor()
    proposal = propose("extend_term", "contract", contract.pk, one, ends_at=FAR_OFF.isoformat())
    shorten_term(of="contract", target_id=contract.pk, ends_at=NOW + 5 * DAY, reason="Due", actor=two, at=NOW)
    with pytest.raises(NotNow, match=r"changed (since|after) it was proposed"):
        agree(proposal, two)
    proposal.refresh_from_db()
    assert (proposal.decision, Contract.objects.get().ends_at) == ("", NOW + 5 * DAY)


def test_what_has_ended_begins_anew_as_another() -> None:
    contract, one, two = a_contract(ends_at=NOW + DAY), an_actor(), an_actor()
    proposal = propose("extend_term", "contract", contract.pk, one, ends_at=FAR_OFF.isoformat())
    with pytest.raises(NotNow, match="has ended in the meantime"):
        agree(proposal, two)
    with pytest.raises(NotNow):
        propose("extend_term", "contract", a_contract(ends_at=NOW).pk, one, ends_at=FAR_OFF.isoformat())


def test_a_state_s_rule_ends_by_two() -> None:
    one, two = an_actor(), an_actor()
    rule = JurisdictionRule.objects.create(
        state="WA", starts_at=LONG_AGO, purposes=[ROADSIDE], sale_test=False, source="test: a law"
    )
    line, campaign = a_line(), a_campaign()
    an_approval(line, campaign)
    assert not allowed(line, campaign)
    agree(propose("relax_rule", "rule", rule.pk, one, ends_at=LONG_AGO.isoformat()), two)
    rule.refresh_from_db()
    assert rule.ends_at == NOW + DAY
    event = AuditEvent.objects.get(action="rule.relaxed")
    assert (event.actor, event.target, event.reason) == (two, f"rule:{rule.pk}", "I read it")
    assert (event.detail["state"], event.detail["ends_at"]) == ("WA", rule.ends_at.isoformat())
    with pytest.raises(NotNow, match="already fixed"):
        propose("relax_rule", "rule", rule.pk, one, ends_at=FAR_OFF.isoformat())
    # Nor does the yes to its end move that end.
    with pytest.raises(IntegrityError, match="a rule only ever ends"), transaction.atomic():
        JurisdictionRule.objects.filter(pk=rule.pk).update(ends_at=rule.ends_at - DAY)


def test_less_is_paid_by_two() -> None:
    campaign, one, two = a_campaign(consideration="monetary"), an_actor(), an_actor()
    with pytest.raises(NotNow, match="one officer may set it"):
        propose("paid_for_less", "campaign", a_campaign(consideration="").pk, one, consideration="other")
    agree(propose("paid_for_less", "campaign", campaign.pk, one, consideration="none"), two)
    assert Campaign.objects.get(pk=campaign.pk).consideration == "none"
    event = AuditEvent.objects.get(action="campaign.paid_for_less")
    assert (event.actor, event.target, event.reason) == (two, f"campaign:{campaign.pk}", "I read it")
    assert (event.detail["was"], event.detail["consideration"]) == ("monetary", "none")


@pytest.mark.parametrize(
    ("act", "of", "payload"),
    [
        ("extend_term", "contract", {}),
        ("extend_term", "contract", {"ends_at": "tomorrow"}),
        ("extend_term", "contract", {"ends_at": "2096-01-01T00:00:00"}),
        ("extend_term", "contract", {"ends_at": "2096-01-01T00:00:00Z", "also": 1}),
        ("extend_term", "party", {"ends_at": "2096-01-01T00:00:00Z"}),
        ("relax_rule", "contract", {"ends_at": "2096-01-01T00:00:00Z"}),
        ("paid_for_less", "campaign", {"consideration": "monetary"}),
        ("paid_for_less", "contract", {"consideration": "none"}),
        ("terminate", "contract", {"when": "now"}),
        ("anything", "contract", {}),
    ],
)
def test_a_proposal_out_of_shape_is_refused(act: str, of: str, payload: dict[str, object]) -> None:
    campaign = a_campaign(a_contract(ends_at=NOW + DAY), consideration="monetary")
    target = {"contract": campaign.contract_id, "party": campaign.lbs_provider_id}.get(of, campaign.pk)
    with pytest.raises(loosening.BadProposal):
        propose(act, of, target, an_actor(), **payload)
    assert not Proposal.objects.exists()


def test_nothing_is_proposed_about_what_is_not_so() -> None:
    one = an_actor()
    for act, of, target in (
        ("terminate", "contract", 0),
        ("terminate", "contract", a_contract(is_draft=True).pk),
        ("lift_suspension", "contract", a_contract().pk),
    ):
        with pytest.raises(NotNow):
            propose(act, of, target, one)
    with pytest.raises(NotNow, match="There is no such proposal"):
        proposals_actions.agree_to_proposal(proposal_id=uuid.uuid4(), reason="Due", actor=one, at=NOW)


def test_an_early_yes_keeps_a_draft_from_force() -> None:
    one = an_actor()
    contract = draft_contract(
        ref="AGR-d", aggregator=a_party().uri,
        terms=ContractTerms(LONG_AGO, LONG_AGO, FAR_OFF, (ROADSIDE,), jwks_uri="https://geobridge.example/jwks"),
        reason="Due", actor=one, at=NOW,
    )  # fmt: skip
    line, campaign = a_line(), a_campaign(contract)
    an_approval(line, campaign)
    with pytest.raises(NotNow, match="Create a new campaign"):
        put_in_force(of="contract", target_id=contract.pk, reason="Due", actor=one, at=NOW)
    assert (Contract.objects.get().is_draft, allowed(line, campaign)) == (True, False)


def test_a_claim_alone_does_not_keep_it_from_force() -> None:
    campaign = a_campaign(is_draft=True, consideration="none")
    an_approval(a_line(), campaign, verified_by="partner")
    put_in_force(of="campaign", target_id=campaign.pk, reason="Due", actor=an_actor(), at=NOW)
    assert not Campaign.objects.get().is_draft


@pytest.mark.parametrize("of", ["party", "contract", "campaign"])
def test_a_suspension_is_lifted_by_two(of: str) -> None:
    one, two = an_actor(), an_actor()
    line, campaign = a_line(), a_campaign()
    an_approval(line, campaign)
    target = {"party": campaign.lbs_provider_id, "contract": campaign.contract_id, "campaign": campaign.pk}[of]
    suspend(of=of, target_id=target, actor=one, reason="Resold data", at=NOW - DAY)
    assert not allowed(line, campaign)
    proposal = propose("lift_suspension", of, target, one)
    with pytest.raises(NotNow, match="another officer must approve it"):
        agree(proposal, one)
    assert not allowed(line, campaign)
    agree(proposal, two)
    assert allowed(line, campaign)
    suspension = Suspension.objects.get()
    assert (suspension.lifted_by, suspension.ends_at is None) == (proposal, False)


def test_the_database_refuses_to_lift_without_two() -> None:
    contract, one = a_contract(), an_actor()
    suspend(of="contract", target_id=contract.pk, actor=one, reason="Due", at=NOW - DAY)
    proposal = propose("lift_suspension", "contract", contract.pk, one)
    for lifted_by in (None, proposal):
        with pytest.raises(IntegrityError, match="two officers"), transaction.atomic():
            Suspension.objects.update(ends_at=NOW, lifted_by=lifted_by)


@pytest.mark.parametrize("named", [True, False])
def test_two_end_a_contract_by_the_plan_seen(*, named: bool) -> None:
    one, two = an_actor(), an_actor()
    line, campaign = a_line(), a_campaign()
    an_approval(line, campaign)
    seen = termination.plan(of="contract", target_id=campaign.contract_id, at=NOW).digest
    agree(propose("terminate", "contract", campaign.contract_id, one, **({"plan": seen} if named else {})), two)
    cohort = Cohort.objects.get()
    assert (cohort.actor, cohort.second_actor, cohort.epoch) == (one, two, 2)
    assert not allowed(line, campaign)


def test_what_is_terminated_is_not_agreed_to_again() -> None:
    one, two, campaign = an_actor(), an_actor(), a_campaign()
    of: dict[str, Any] = {"of": "contract", "target_id": campaign.contract_id}
    plan = termination.plan(**of, at=NOW).digest
    waits = propose_termination(**of, plan=plan, reason="Due", actor=one, at=NOW)
    terminate(**of, actor=two, reason="Due", plan_digest=plan, at=NOW)
    with pytest.raises(NotNow, match=f"terminated already, on {NOW:%-d %b %Y}"):
        agree(waits, two)
    proposals.withdraw(proposal_id=waits.id, reason="Due", actor=one, at=NOW)
    with pytest.raises(NotNow, match="terminated already"):
        propose_termination(**of, plan=plan, reason="Due", actor=one, at=NOW)
    assert (Cohort.objects.count(), Proposal.objects.filter(decision="").count()) == (1, 0)


def test_a_plan_that_is_no_longer_true_ends_nothing() -> None:
    one, two = an_actor(), an_actor()
    campaign = a_campaign()
    seen = termination.plan(of="contract", target_id=campaign.contract_id, at=NOW).digest
    proposal = propose("terminate", "contract", campaign.contract_id, one, plan=seen)
    a_campaign(campaign.contract, a_party("Tow", "lbs_provider"))
    with pytest.raises(NotNow, match="see the plan again"):
        agree(proposal, two)
    proposal.refresh_from_db()
    assert (proposal.decision, Cohort.objects.exists()) == ("", False)


def test_a_link_carries_a_stop_and_its_partner_hears() -> None:
    line, campaign = a_line(), a_campaign()
    old = a_party("Old", "lbs_provider")
    for one in (campaign, a_campaign(campaign.contract, old)):
        an_approval(line, one)
    choices.stop(line_id=line.pk, scope="party", ref=old.uri, actor="subscriber:1", channel="web")
    assert [entry["recipient"] for entry in newest_order(line).snapshot["state"]] == [campaign.lbs_provider.uri]
    assert allowed(line, campaign)
    linked = {"of": "party", "ref": campaign.lbs_provider.uri, "kin_ref": old.uri, "link": "succeeds"}
    for of, ref in (("party", "https://nobody.example"), ("campaign", "CMP-none")):
        with pytest.raises(ValidationError, match=f"There is no such {of}"):
            terms.link(**{**linked, "of": of, "ref": ref}, reason="Merged", actor=an_actor(), at=NOW)
    assert terms.link(**linked, reason="Merged", actor=an_actor(), at=NOW)
    assert (allowed(line, campaign), Order.objects.count()) == (False, 1)
    assert term_change_propagation.settle(now=NOW + DAY) == 1
    assert (newest_order(line).snapshot["state"], Order.objects.count()) == ([], 2)
    assert (term_change_propagation.settle(now=NOW + DAY), Order.objects.count()) == (0, 2)
    assert not terms.link(**linked, reason="Again", actor=an_actor(), at=NOW)
    assert (IdentifierLink.objects.count(), RejudgeRequest.objects.exists()) == (1, False)


def allowed(line: Line, campaign: Campaign) -> bool:
    """What the gate says of the campaign's own question now."""
    return reason_against(line_id=line.pk, campaign=campaign) == ""


def newest_order(line: Line) -> Order:
    return Order.objects.filter(line_id=line.pk).order_by("-epoch", "-version")[0]
