"""The switch: everything under a party, contract or campaign is denied when the transaction ends, by one row."""

import json
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import nullcontext
from datetime import datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import msgspec
import psycopg
import pytest
from django.db import IntegrityError, connection, connections, transaction
from django.test.utils import CaptureQueriesContext

from accounts.models import Line
from accounts.queries import StaffOnly
from audit.models import AuditEvent
from audit.queries import database_clock
from consent.actions.choices import stop
from consent.gate import deciding
from partners.actions.suspensions import lift, suspend
from partners.models import Campaign, Party, Proposal, Reach, Suspension
from partners.policies.lifecycle import NotNow
from revocations.models import Order
from tests.factories import NOW, a_campaign, a_contract, a_line, a_party, an_approval
from tests.gate_questions import ask, judged, question
from tests.moments import A_MOMENT
from tests.overlapping import elsewhere, overlap
from tests.staff import an_actor, an_agreed_proposal
from tools.bench import suspend as bench
from tools.bench.measure import BenchmarkFailed, check_disk

WHY = "Sold look-ups to bounty hunters."


@pytest.fixture
def line(committed_db: None, no_broker: None) -> Line:
    return a_line()


@pytest.fixture
def campaign(line: Line) -> Campaign:
    """A use to which the line agreed, behind which a third company is known."""
    campaign = a_campaign(a_contract(a_party("GeoBridge")), a_party("RoadAid", "lbs_provider"))
    Reach.objects.create(campaign=campaign, party=a_party("BailNow", "end_customer"))
    an_approval(line, campaign)
    return campaign


def suspended(of: str, target_id: int, actor: str = "", reason: str = WHY, **more: Any) -> Suspension:
    return suspend(
        of=of, target_id=target_id, actor=actor or an_actor(), reason=reason, **{"at": database_clock(), **more}
    )


TARGETS: dict[str, Callable[[Campaign], tuple[str, int]]] = {
    "aggregator": lambda campaign: ("party", campaign.contract.aggregator_id),
    "provider": lambda campaign: ("party", campaign.lbs_provider_id),
    "in reach": lambda campaign: ("party", a_party("BailNow", "end_customer").pk),
    "contract": lambda campaign: ("contract", campaign.contract_id),
    "campaign": lambda campaign: ("campaign", campaign.pk),
}


def test_no_is_the_answer_from_the_commit_on(line: Line, campaign: Campaign) -> None:
    officer = an_actor()
    untouched = a_campaign(a_contract(a_party("NorthLink")), a_party("MedAlert", "lbs_provider"))
    an_approval(line, untouched)
    for name, target in TARGETS.items():
        with transaction.atomic():
            made = suspended(*target(campaign), officer)
            assert ask(line, campaign) == "partner_suspended"
            assert elsewhere(lambda: ask(line, campaign)) == "", name
        assert elsewhere(lambda: ask(line, campaign)) == "partner_suspended"
        assert ask(line, untouched) == ""
        assert judged(line, campaign, database_clock()) == "partner_suspended"
        assert judged(line, campaign, made.starts_at - A_MOMENT) == "permitted"
        lift(proposal=agreed(*target(campaign), database_clock()), at=database_clock())
    with transaction.atomic():
        suspended("party", campaign.lbs_provider_id, officer)
        transaction.set_rollback(True)
    assert (ask(line, campaign), Suspension.objects.filter(ends_at=None).count()) == ("", 0)
    # A door whose clock is ahead does not put it off.
    suspended("contract", campaign.contract_id, officer, at=database_clock() + timedelta(minutes=5))
    assert ask(line, campaign) == "partner_suspended"
    # A person's stop is written and told meanwhile.
    (order_id,) = stop(line_id=line.pk, scope="all", actor="subscriber:1", channel="web").order_ids[:1]
    order = Order.objects.get(id=order_id)
    assert (order.state, order.snapshot["state"]) == ("queued", [])


def test_a_recipient_that_is_named_is_judged_by_its_name(line: Line) -> None:
    bail, ring = a_party("BailNow", "end_customer"), a_party("Ring", "end_customer")
    campaign = a_campaign(names_recipient=True)
    for party in (bail, ring):
        Reach.objects.create(campaign=campaign, party=party)
    an_approval(line, campaign)
    suspended("party", bail.pk)
    asked = question(line, campaign)
    named = [msgspec.structs.replace(asked, recipient=uri) for uri in (bail.uri, ring.uri)]
    assert [answer.reason for answer in deciding.evaluate(questions=named)] == ["partner_suspended", ""]


def test_the_same_again_is_the_one_that_runs(line: Line, campaign: Campaign) -> None:
    officer = an_actor()
    first = suspended("campaign", campaign.pk, officer)
    again = suspended("campaign", campaign.pk, reason="Once more.")
    assert (again.pk, again.reason) == (first.pk, WHY)
    event = AuditEvent.objects.get(action="suspension.began")
    assert (event.actor, event.target, event.reason, event.detail) == (
        officer, f"campaign:{campaign.pk}", WHY, {"suspension": first.pk, "automatic": False},
    )  # fmt: skip


def test_two_who_press_at_once_make_one(line: Line, campaign: Campaign) -> None:
    officer = an_actor()

    def press() -> int:
        return suspended("party", campaign.lbs_provider_id, officer).pk

    made = set(overlap(press, press))
    assert len(made) == Suspension.objects.count() == AuditEvent.objects.filter(action="suspension.began").count() == 1


def test_nobody_who_changes_the_partner_meanwhile_holds_it_up(line: Line, campaign: Campaign) -> None:
    officer = an_actor()
    with transaction.atomic():
        Party.objects.select_for_update().get(pk=campaign.lbs_provider_id)
        elsewhere(lambda: suspended("party", campaign.lbs_provider_id, officer))
    assert ask(line, campaign) == "partner_suspended"


def test_it_writes_as_much_for_many_lines_as_for_one(line: Line, campaign: Campaign) -> None:
    officer, counted = an_actor(), []
    for target in (campaign.lbs_provider_id, campaign.contract.aggregator_id):
        with CaptureQueriesContext(connection) as queries:
            suspended("party", target, officer)
        counted.append(len(queries))
        for _ in range(5):
            an_approval(a_line(), campaign)
    assert len(set(counted)) == 1
    assert Order.objects.count() == 0


def test_it_needs_a_reason_an_officer_and_a_target(line: Line, campaign: Campaign) -> None:
    for reason in ("", "  "):
        with pytest.raises(NotNow):
            suspended("campaign", campaign.pk, reason=reason)
    for role in ("agent", "auditor", "legal", "subscriber"):
        with pytest.raises(StaffOnly):
            suspended("campaign", campaign.pk, an_actor(role))
    for of, target_id in (("party", 999), ("purpose", 1)):
        with pytest.raises(NotNow):
            suspended(of, target_id)
    assert Suspension.objects.count() == 0


def test_the_stream_rules_suspend_beside_an_officer(line: Line, campaign: Campaign) -> None:
    of, target_id = "party", campaign.contract.aggregator_id
    automatic = suspended(of, target_id, "system:clocks", "No answer.", automatic=True)
    assert ask(line, campaign) == "partner_unhealthy"
    own = suspended(of, target_id)
    assert ask(line, campaign) == "partner_suspended"
    assert (automatic.automatic, own.automatic, automatic.pk == own.pk) == (True, False, False)


def agreed(of: str, target_id: int, at: datetime, act: str = "lift_suspension") -> Proposal:
    return an_agreed_proposal(act, of, target_id, at=at)


def test_two_officers_lift_all_that_ran_when_it_was_proposed(line: Line, campaign: Campaign) -> None:
    of, target_id = "party", campaign.contract.aggregator_id
    made = [suspended(of, target_id, "system:clocks", "-", automatic=True), suspended(of, target_id)]
    during = database_clock()
    proposal = agreed(of, target_id, database_clock())
    with transaction.atomic():
        lifted = lift(proposal=proposal, at=database_clock())
        assert elsewhere(lambda: ask(line, campaign)) == "partner_suspended"
    assert [one.pk for one in lifted] == [one.pk for one in made]
    assert elsewhere(lambda: ask(line, campaign)) == ""
    assert judged(line, campaign, during) == "partner_suspended"
    event = AuditEvent.objects.get(action="suspension.lifted")
    assert (event.actor, event.detail["proposed_by"]) == (proposal.decided_by, proposal.proposed_by)
    with pytest.raises(NotNow):
        lift(proposal=proposal, at=database_clock())


def test_what_began_after_the_proposal_was_before_nobody_s_eyes(line: Line, campaign: Campaign) -> None:
    suspended("campaign", campaign.pk)
    proposal = agreed("campaign", campaign.pk, database_clock())
    lift(proposal=proposal, at=database_clock())
    suspended("campaign", campaign.pk, reason="Again.")
    with pytest.raises(NotNow):
        lift(proposal=proposal, at=database_clock())
    assert ask(line, campaign) == "partner_suspended"


def test_no_other_proposal_lifts_it(line: Line, campaign: Campaign) -> None:
    suspended("campaign", campaign.pk)
    at = database_clock()
    undecided = Proposal(
        id=uuid.uuid4(), act="lift_suspension", of="campaign", target_id=campaign.pk, proposed_by=an_actor(),
        proposed_at=at,
    )  # fmt: skip
    for proposal in (undecided, agreed("campaign", campaign.pk, at, act="terminate")):
        with pytest.raises(NotNow):
            lift(proposal=proposal, at=at)
    undecided.decision = "agreed"  # as code might that did not ask the second officer
    with pytest.raises(IntegrityError), transaction.atomic():
        lift(proposal=undecided, at=at)
    assert ask(line, campaign) == "partner_suspended"


def test_the_look_up_does_not_grow_with_past_suspensions(line: Line, campaign: Campaign) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO partners_suspension (of, target_id, automatic, starts_at, ends_at, reason, actor)"
            " SELECT 'party', 100000 + n, false, %s, %s, 'past', 'officer:1' FROM generate_series(1, 5000) AS n",
            [NOW - timedelta(days=2), NOW - timedelta(days=1)],
        )
    with connections["owner"].cursor() as cursor:
        cursor.execute("ANALYZE partners_suspension")
    suspended("campaign", campaign.pk)
    nodes = list(suspensions_in(plan_of(line, campaign)))
    assert {str(node["Index Name"]) for node in nodes} <= {"partners_suspension_target"}
    assert nodes
    assert [node.get("Rows Removed by Filter", 0) for node in nodes] == [0] * len(nodes)


def plan_of(line: Line, campaign: Campaign) -> dict[str, object]:
    """How the database went about the gate's own statement."""
    seen: list[tuple[Any, Sequence[str]]] = []

    def keep(execute: Callable[..., object], sql: Any, params: Sequence[str], *rest: object) -> object:
        seen.append((sql, params))
        return execute(sql, params, *rest)

    with connection.execute_wrapper(keep):
        assert ask(line, campaign) == "partner_suspended"
    ((sql, params),) = seen
    with psycopg.RawCursor(connection.connection) as cursor:
        cursor.execute(b"EXPLAIN (ANALYZE, FORMAT JSON) " + sql, params)
        ((plan,),) = cursor.fetchall()
    (whole,) = json.loads(plan) if isinstance(plan, str) else plan
    found = whole["Plan"]
    assert isinstance(found, dict)
    return found


def suspensions_in(node: Mapping[str, object]) -> Iterator[Mapping[str, object]]:
    """The parts of a plan that read suspensions, each with the index it reads them by."""
    if node.get("Relation Name") == "partners_suspension":
        yield node if "Index Name" in node else {**node, "Index Name": "none"}
    below = node.get("Plans", [])
    assert isinstance(below, list)
    for child in below:
        yield from suspensions_in(child)


def test_the_benchmark_measures_each_size(committed_db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bench, "TRIALS", 3)
    monkeypatch.setattr(bench, "WARM_UP", 1)
    told: list[str] = []
    small, large = bench.suspend_growth(sizes=(2, 5), tell=told.append, by_trigger=3)
    assert min(small, large) > 0
    assert [text for text in told if text.endswith("lines")] == [
        "suspend: 2 lines", "suspend: 3 lines", "suspend: 5 lines",
    ]  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM consent_linegate g WHERE g = consent_replayed_gate(g.line_id)")
        assert cursor.fetchone() == (5,)
    assert (Line.objects.count(), Suspension.objects.filter(ends_at=None).count()) == (5, 0)


@pytest.mark.parametrize(("names", "fits"), [(["suspend_growth"], True), (["suspend_growth", "gate"], False)])
def test_bare_lines_need_a_third_of_full_ones_room(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, names: list[str], *, fits: bool
) -> None:
    monkeypatch.setattr("shutil.disk_usage", lambda _: SimpleNamespace(free=30_000_000_000))
    with (
        nullcontext()
        if fits
        else pytest.raises(BenchmarkFailed, match=r"needs about 80.0 GB of disk and there are 30.0 GB")
    ):
        check_disk(folder=tmp_path, names=names, lines=10_000_000, disclosures=1)
