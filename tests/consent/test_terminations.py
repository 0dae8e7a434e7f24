"""The end of a contract or campaign: what is seen before, what is so from the commit on, who is told, and once."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest
from django.db import connection, transaction
from django.db.models import QuerySet
from django.test.utils import CaptureQueriesContext

from accounts.models import Line
from accounts.queries import StaffOnly
from audit.models import AuditEvent
from audit.queries import database_clock
from consent.actions.choices import allow, stop
from consent.actions.lines import terminate
from consent.queries import termination
from consent.workers.cohorts import PlanChanged
from partners.models import Campaign, Contract, Party, Reach
from partners.policies.lifecycle import NotNow
from revocations.models import Cohort, ManifestShard, Order, State, StreamEvent
from tests.consent.ending import build, dealt
from tests.factories import FRAUD, NOW, a_campaign, a_contract, a_line, a_party, an_approval
from tests.gate_questions import ask, judged
from tests.moments import A_MOMENT
from tests.orders import bring_to
from tests.overlapping import elsewhere
from tests.staff import an_actor

pytestmark = pytest.mark.usefixtures("committed_db", "no_broker")
SECOND = timedelta(seconds=1)
WHY = "It sold what it was lent."


def ends(of: str, target: Contract | Campaign, **changed: str) -> Cohort:
    seen = termination.plan(of=of, target_id=target.pk, at=database_clock())
    given = {"actor": an_actor(), "reason": WHY, "plan_digest": seen.digest, **changed}
    return terminate(of=of, target_id=target.pk, at=database_clock(), **given)


@pytest.fixture
def campaign() -> Campaign:
    """Roadside help by RoadAid, through GeoBridge."""
    return a_campaign(a_contract(a_party("GeoBridge")), a_party("RoadAid", "lbs_provider"), lifeline=True)


@pytest.fixture
def other(campaign: Campaign) -> Campaign:
    """Fraud checks by FraudShield, under the same contract."""
    return a_campaign(campaign.contract, a_party("FraudShield", "lbs_provider"), purpose=FRAUD)


# What an officer sees


def test_the_plan_says_what_ends_and_for_whom(campaign: Campaign, other: Campaign) -> None:
    agreed, claimed, allowed, dealing, ran_out, stranger = (a_line() for _ in range(6))
    an_approval(agreed, campaign)
    an_approval(agreed, other)
    an_approval(claimed, other, verified_by="partner")
    an_approval(ran_out, campaign, expires_at=NOW - timedelta(days=1))
    an_approval(allowed, campaign, expires_at=NOW - timedelta(days=1))
    allow(line_id=allowed.pk, campaign=campaign.ref, actor="subscriber:1", channel="web")
    bail = a_party("BailNow", "end_customer")
    for party in (bail, other.contract.aggregator):
        Reach.objects.create(campaign=other, party=party)
    dealt(dealing, other, bail, at=database_clock())
    dealt(agreed, campaign, at=database_clock() - timedelta(days=31))
    an_approval(stranger, a_campaign(a_contract(a_party("NorthLink")), a_party("MedAlert", "lbs_provider")))
    stop(line_id=agreed.pk, scope="all", actor="subscriber:1", channel="web")
    plan = termination.plan(of="contract", target_id=campaign.contract_id, at=database_clock())
    assert (plan.lines, plan.approvals, plan.allows, plan.dealings, plan.orders) == (5, 4, 1, 2, 2)
    assert (plan.company, plan.epoch, plan.open_orders, plan.receipts_owed) == ("GeoBridge", 2, 2, 1)
    assert [(one.company, one.lifeline, one.agreed, one.recent) for one in plan.campaigns] == [
        ("RoadAid", True, 2, 0),
        ("FraudShield", False, 1, 1),
    ]
    assert ([one.ref for one in plan.lifelines], plan.lifeline_lines) == ([campaign.ref], 2)
    assert [one.ref for one in plan.recent] == [other.ref]
    # By name, whatever their addresses.
    assert plan.below == ("BailNow", "FraudShield", "RoadAid")
    Party.objects.filter(pk=bail.pk).update(name="Zealous")
    plan = termination.plan(of="contract", target_id=campaign.contract_id, at=database_clock())
    assert plan.below == ("FraudShield", "RoadAid", "Zealous")


def test_the_plan_counts_each_line_once_and_to_the_very_end(campaign: Campaign) -> None:
    """A yes until its end, and what came within thirty days, by whichever campaign: lifelines first."""
    at = database_clock() + timedelta(days=1)
    own = a_campaign(campaign.contract, campaign.contract.aggregator)
    helps = a_campaign(campaign.contract, a_party("MedAlert", "lbs_provider"), lifeline=True)
    until, allowed, both, earlier = (a_line() for _ in range(4))
    an_approval(until, campaign, expires_at=at)
    allow(line_id=allowed.pk, campaign=campaign.ref, until=at, actor="subscriber:1", channel="web")
    an_approval(both, campaign)
    allow(line_id=both.pk, campaign=campaign.ref, actor="subscriber:1", channel="web")
    stop(line_id=earlier.pk, scope="campaign", ref=campaign.ref, actor="subscriber:1", channel="web")
    dealt(both, campaign, at=at - timedelta(days=30))
    dealt(earlier, campaign, at=at - timedelta(days=30) - A_MOMENT)

    def counted(more: timedelta) -> list[tuple[str, int, int]]:
        plan = termination.plan(of="contract", target_id=campaign.contract_id, at=at + more)
        return [(one.ref, one.agreed, one.recent) for one in plan.campaigns]

    assert counted(-A_MOMENT) == [(campaign.ref, 3, 2), (helps.ref, 0, 0), (own.ref, 0, 2)]
    assert counted(timedelta(0)) == [(campaign.ref, 1, 1), (helps.ref, 0, 0), (own.ref, 0, 1)]
    assert counted(A_MOMENT) == [(campaign.ref, 1, 0), (helps.ref, 0, 0), (own.ref, 0, 0)]


def test_what_is_signed_or_replaced_is_open_and_owed_no_longer(campaign: Campaign) -> None:
    waits, received, signed, replaced = (a_line() for _ in range(4))
    for line in (waits, received, signed, replaced):
        an_approval(line, campaign)
        stop(line_id=line.pk, scope="all", actor="subscriber:1", channel="web")

    def about(line: Line) -> QuerySet[Order]:
        return Order.objects.filter(line_id=line.pk)

    older = about(replaced).get()
    allow(line_id=replaced.pk, campaign=campaign.ref, actor="subscriber:1", channel="web")
    newer = about(replaced).exclude(pk=older.pk).get()
    bring_to(State.SUPERSEDED, about(replaced).filter(pk=older.pk), superseded_by=newer.id)
    bring_to(State.ACKNOWLEDGED, about(received), acknowledged_at=NOW)
    for one in (about(signed), about(replaced).filter(pk=newer.pk)):
        bring_to(State.COMPLETED, one, acknowledged_at=NOW, completed_at=NOW)
    plan = termination.plan(of="contract", target_id=campaign.contract_id, at=database_clock())
    assert (plan.orders, plan.open_orders, plan.receipts_owed) == (2, 1, 2)


def test_the_plan_of_a_campaign_leaves_others_out(campaign: Campaign, other: Campaign) -> None:
    both, one, dealing, elsewhere, refused = (a_line() for _ in range(5))
    for line in (both, one):
        an_approval(line, campaign)
    an_approval(both, other)
    an_approval(elsewhere, other)
    dealt(dealing, campaign)
    dealt(elsewhere, other)
    stop(line_id=refused.pk, scope="campaign", ref=campaign.ref, actor="subscriber:1", channel="web")
    plan = termination.plan(of="campaign", target_id=campaign.pk, at=database_clock())
    assert (plan.lines, plan.approvals, plan.allows, plan.dealings, plan.orders) == (3, 2, 0, 1, 0)
    assert [ending.agreed for ending in plan.campaigns] == [2]
    assert [ending.ref for ending in plan.campaigns] == [campaign.ref]
    assert plan.below == ("RoadAid",)


def test_the_plan_takes_no_more_statements_for_many_lines(campaign: Campaign) -> None:
    counted = []
    for _ in range(2):
        with CaptureQueriesContext(connection) as queries:
            termination.plan(of="contract", target_id=campaign.contract_id, at=database_clock())
        counted.append(len(queries))
        for _ in range(20):
            an_approval(a_line(), campaign)
    assert counted[0] == counted[1] <= 15


def test_the_digest_stands_for_what_was_seen(campaign: Campaign) -> None:
    lines = [a_line() for _ in range(3)]
    for line in lines[:2]:
        an_approval(line, campaign)
    seen = termination.plan(of="contract", target_id=campaign.contract_id, at=database_clock())
    an_approval(lines[2], campaign)
    a_campaign(a_contract(a_party("NorthLink")), campaign.lbs_provider)
    now = termination.plan(of="contract", target_id=campaign.contract_id, at=database_clock())
    assert now.is_what_was_seen(seen.digest)
    facts, _, lifeline = now.digest.split(".")
    assert not now.is_what_was_seen(f"{facts}.1000.{lifeline}")
    assert not now.is_what_was_seen(f"{facts}.{now.lines}.1000")
    for nonsense in ("", "x", "a.b.c", f"{facts[::-1]}.3.3"):
        assert not now.is_what_was_seen(nonsense)


def test_a_plan_that_changed_since_is_refused(campaign: Campaign) -> None:
    contract = Contract.objects.filter(pk=campaign.contract_id)
    changes: list[Callable[[], object]] = [
        lambda: a_campaign(campaign.contract, a_party("FraudShield", "lbs_provider"), purpose=FRAUD),
        lambda: Reach.objects.create(campaign=campaign, party=a_party("BailNow", "end_customer")),
        lambda: contract.update(ends_at=NOW.replace(year=2094)),
        lambda: contract.update(epoch=2),
    ]
    for change in changes:
        seen = termination.plan(of="contract", target_id=campaign.contract_id, at=database_clock())
        change()
        with pytest.raises(PlanChanged):
            ends("contract", campaign.contract, plan_digest=seen.digest)
    assert Cohort.objects.count() == 0


# The end itself


@pytest.mark.parametrize("of", ["contract", "campaign"])
def test_no_is_the_answer_from_the_commit_on(campaign: Campaign, other: Campaign, of: str) -> None:
    line = a_line()
    for one in (campaign, other):
        an_approval(line, one)
    reason = {"contract": "contract_not_in_force", "campaign": "campaign_not_in_force"}[of]
    target = campaign.contract if of == "contract" else campaign
    officer = an_actor()
    with transaction.atomic():
        cohort = ends(of, target, actor=officer)
        assert ask(line, campaign) == reason
        assert elsewhere(lambda: ask(line, campaign)) == ""
    assert elsewhere(lambda: ask(line, campaign)) == reason
    assert ask(line, other) == (reason if of == "contract" else "")
    target.refresh_from_db()
    assert target.ends_at <= database_clock()
    assert judged(line, campaign, target.ends_at) == reason
    assert judged(line, campaign, target.ends_at - SECOND) == "permitted"
    contract = Contract.objects.get(pk=campaign.contract_id)
    assert (contract.epoch, cohort.epoch, cohort.party_id) == (2, 2, contract.aggregator_id)
    assert (cohort.actor, cohort.reason, cohort.plan["lines"]) == (officer, WHY, 1)
    assert cohort.complete_by == cohort.terminated_at + timedelta(days=10)
    event = AuditEvent.objects.get(action=f"{of}.terminated")
    assert (event.actor, event.target, event.reason) == (officer, f"{of}:{target.pk}", WHY)
    assert event.detail == {"cohort": str(cohort.pk), "epoch": 2, "lines": 1, "second_actor": ""}


def test_nobody_loses_what_is_over_or_has_yet_to_begin(campaign: Campaign) -> None:
    now, provider = database_clock(), a_party("MedAlert", "lbs_provider")
    over = a_campaign(campaign.contract, provider, lifeline=True, ends_at=now - timedelta(days=1))
    for one in (
        over,
        a_campaign(campaign.contract, provider, lifeline=True, ends_at=now),
        a_campaign(campaign.contract, provider, lifeline=True, starts_at=now + timedelta(days=1)),
        a_campaign(campaign.contract, provider, lifeline=True, is_draft=True),
    ):
        an_approval(a_line(), one)
    plan = termination.plan(of="contract", target_id=campaign.contract_id, at=now)
    assert ([one.ref for one in plan.campaigns], [one.ref for one in plan.lifelines]) == ([campaign.ref],) * 2
    assert (plan.lines, plan.lifeline_lines, plan.digest.rpartition(".")[2]) == (4, 0, "0")
    # Of what is over the data is deleted all the same, and nothing is lost.
    ended = termination.plan(of="campaign", target_id=over.pk, at=now)
    assert (ended.lines, ended.campaigns, ended.lifeline_lines) == (1, (), 0)


def test_nothing_is_written_per_line(campaign: Campaign) -> None:
    counted: list[int] = []
    for contract in (campaign.contract, a_campaign(a_contract(a_party("NorthLink")), lifeline=True).contract):
        (one,) = contract.campaigns.all()
        for _ in range(1 + 9 * len(counted)):
            an_approval(a_line(), one)
        seen, officer = termination.plan(of="contract", target_id=contract.pk, at=database_clock()), an_actor()
        with CaptureQueriesContext(connection) as queries:
            terminate(
                of="contract", target_id=contract.pk, actor=officer, reason=WHY, plan_digest=seen.digest,
                at=database_clock(),
            )  # fmt: skip
        counted.append(len(queries))
    assert counted[0] == counted[1]
    assert (Order.objects.count(), StreamEvent.objects.count()) == (0, 0)


def test_what_ran_out_is_ended_once_and_keeps_its_date(campaign: Campaign) -> None:
    assert ends("campaign", campaign).epoch == 2
    Contract.objects.filter(pk=campaign.contract_id).update(ends_at=NOW - timedelta(days=30))
    first = ends("contract", campaign.contract)
    assert ends("contract", campaign.contract, reason="Again.").pk == first.pk
    contract = Contract.objects.get(pk=campaign.contract_id)
    assert (contract.ends_at, contract.epoch) == (NOW - timedelta(days=30), 3)
    # An end for nobody is told too.
    build()
    first.refresh_from_db()
    told = StreamEvent.objects.filter(cohort_id=first.pk).count()
    assert (first.subject_count, ManifestShard.objects.count(), told) == (0, 0, 1)


def test_what_is_not_in_force_or_not_there_cannot_end() -> None:
    for contract in (a_contract(is_draft=True), a_contract(starts_at=NOW.replace(year=2095))):
        with pytest.raises(NotNow):
            ends("contract", contract)
    for of in ("party", "contract", "campaign"):
        with pytest.raises(NotNow, match=rf"^There is no such {of}\.$"):
            terminate(of=of, target_id=999, actor=an_actor(), reason=WHY, plan_digest="x", at=database_clock())


def test_who_may_end_it(campaign: Campaign) -> None:
    officer = an_actor()
    for changed, error in (
        ({"actor": an_actor("auditor")}, StaffOnly),
        ({"actor": officer, "second_actor": officer}, NotNow),
        ({"second_actor": an_actor("agent")}, StaffOnly),
        ({"reason": " "}, NotNow),
    ):
        with pytest.raises(error):
            ends("contract", campaign.contract, **changed)
    second = an_actor()
    cohort = ends("contract", campaign.contract, actor=officer, second_actor=second)
    assert (cohort.actor, cohort.second_actor) == (officer, second)


def test_choice_made_later_makes_an_order_of_the_new_epoch(campaign: Campaign) -> None:
    line = a_line()
    an_approval(line, campaign)
    stop(line_id=line.pk, scope="campaign", ref=campaign.ref, actor="subscriber:1", channel="web")
    ends("contract", campaign.contract)
    build()
    stop(line_id=line.pk, scope="all", actor="subscriber:1", channel="web")
    orders = Order.objects.order_by("epoch", "version").values_list("epoch", "version", "state")
    assert list(orders) == [(1, 1, "queued"), (2, 1, "queued")]


def test_about_as_many_people_is_what_was_seen(campaign: Campaign) -> None:
    plan = termination.plan(of="campaign", target_id=campaign.pk, at=database_clock())
    facts, lines, lifeline = plan.digest.split(".")

    def is_seen(facts: str, more: int, more_lifeline: int) -> bool:
        return plan.is_what_was_seen(f"{facts}.{int(lines) + more}.{int(lifeline) + more_lifeline}")

    assert [is_seen(facts, n, 0) for n in (50, 51)] == [True, False]
    assert [is_seen(facts, 0, n) for n in (50, 51)] == [True, False]
    assert not is_seen("0" * len(facts), 0, 0)
    # Of very many, a twentieth of what was seen.
    for n, same in ((2100, True), (2101, False), (1900, True), (1899, False)):
        assert replace(plan, lines=n).is_what_was_seen(f"{facts}.2000.{lifeline}") is same, n
