"""What ends by its own term: on the day, once, and with all that an officer's Terminate brings about."""

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from django.conf import settings
from django.db import connection, connections

from audit.models import AuditEvent
from audit.queries import database_clock
from consent import tasks
from consent.actions.choices import allow, stop
from consent.actions.lines import terminate
from consent.queries import termination
from consent.workers import cohorts
from consent.workers.cohorts import build_manifests, end_terms
from console.actions import proposals as proposals_actions
from console.actions.proposals import propose_termination
from partners.actions import proposals
from partners.actions.suspensions import suspend
from partners.actions.terms import shorten_term
from partners.models import Campaign, Contract, IdentifierLink, Suspension
from partners.policies.lifecycle import NotNow, Stage, get_stage
from revocations.models import Cohort, ManifestShard, Order, StreamEvent
from tests.consent.ending import MachineDied, build, dealt, listed, names
from tests.factories import FRAUD, LONG_AGO, a_campaign, a_contract, a_line, a_party, an_approval
from tests.gate_questions import ask
from tests.moments import A_MOMENT
from tests.orders import bring_to
from tests.overlapping import elsewhere
from tests.staff import an_actor

pytestmark = pytest.mark.usefixtures("committed_db", "no_broker")
SECOND, HOUR, DAY = timedelta(seconds=1), timedelta(hours=1), timedelta(days=1)


def over_since(row: Contract | Campaign, ago: timedelta = HOUR) -> datetime:
    """Its term was over so long ago."""
    row.ends_at = database_clock() - ago
    row.save(update_fields=["ends_at"])
    return row.ends_at


def a_beat() -> int:
    return end_terms(now=database_clock())


@pytest.fixture
def campaign() -> Campaign:
    """Roadside help by RoadAid, through GeoBridge."""
    return a_campaign(a_contract(a_party("GeoBridge")), a_party("RoadAid", "lbs_provider"))


# The day


@pytest.mark.parametrize("of", ["contract", "campaign"])
def test_on_its_day_it_is_ended_once_and_not_before(campaign: Campaign, of: str) -> None:
    lines = [a_line() for _ in range(3)]
    for line in lines[:2]:
        an_approval(line, campaign)
    dealt(lines[2], campaign)
    row = campaign.contract if of == "contract" else campaign
    assert a_beat() == 0
    day = over_since(row)
    assert ask(lines[0], campaign) == f"{of}_not_in_force"
    assert (end_terms(now=day - A_MOMENT), Cohort.objects.count()) == (0, 0)
    at = day
    assert [end_terms(now=at), end_terms(now=at), a_beat()] == [1, 0, 0]
    cohort, contract = Cohort.objects.get(), Contract.objects.get()
    assert (cohort.of, cohort.target_id, cohort.contract_id, cohort.party_id) == (
        of, row.pk, contract.pk, contract.aggregator_id,
    )  # fmt: skip
    assert (cohort.actor, cohort.second_actor, cohort.reason, cohort.by_term) == (
        "system:terms", "", "Its term expired.", True,
    )  # fmt: skip
    assert (cohort.epoch, contract.epoch, cohort.plan["lines"]) == (2, 2, 3)
    # Nothing was in force from the day on; the partner's time runs from when it is told.
    assert (cohort.terminated_at, cohort.complete_by) == (day, at + 10 * DAY)
    row.refresh_from_db()
    assert row.ends_at == day
    noted = AuditEvent.objects.get(action=f"{of}.ended")
    assert (noted.actor, noted.target, noted.at) == ("system:terms", f"{of}:{row.pk}", at)
    assert noted.detail == {"cohort": str(cohort.pk), "epoch": 2, "lines": 3, "second_actor": ""}
    assert not AuditEvent.objects.filter(action=f"{of}.terminated").exists()


def test_its_partner_is_told_once_with_the_list(campaign: Campaign) -> None:
    lines = [a_line() for _ in range(5)]
    for line in lines:
        an_approval(line, campaign)
    over_since(campaign.contract)
    assert a_beat() == 1
    assert (build(batch=2, shard=3), build()) == (1, 0)
    cohort, event = Cohort.objects.get(), StreamEvent.objects.get()
    assert set(listed(cohort)) == names(campaign.contract.aggregator, lines)
    assert (event.pk, event.kind, event.cohort_id) == (cohort.event_id, "cohort-revoked", cohort.pk)
    said = event.claims["event"]
    assert (said["initiating_entity"], said["epoch"], said["subject_count"]) == ("system", 2, 5)
    assert said["required_actions"] == ["stop_use", "delete_held", "notify_downstream"]
    assert said["complete_by"] == f"{cohort.complete_by:%Y-%m-%dT%H:%M:00Z}"
    assert Order.objects.count() == 0


def test_the_list_waits_for_what_was_open_then(campaign: Campaign) -> None:
    an_approval(a_line(), campaign)
    over_since(campaign.contract)
    at = database_clock()
    with connections["owner"].cursor() as cursor:
        cursor.execute("BEGIN")
        cursor.execute("SELECT pg_current_xact_id()")
        try:
            assert end_terms(now=at) == 1
            assert build_manifests(now=at + SECOND) == 0
            assert build_manifests(now=at + cohorts.PATIENCE) == 1
        finally:
            cursor.execute("ROLLBACK")


def test_a_clock_of_ours_that_runs_ahead_ends_nothing(campaign: Campaign) -> None:
    assert end_terms(now=campaign.contract.ends_at + DAY) == 0
    assert Contract.objects.get().epoch == 1
    # A term that an officer shortened ends in the same way, however long ago that was.
    now = database_clock()
    for of, pk, ago in (("campaign", campaign.pk, 500 * DAY), ("contract", campaign.contract_id, HOUR)):
        shorten_term(
            of="contract" if of == "contract" else "campaign", target_id=pk, ends_at=now - ago, reason="Due",
            actor=an_actor(), at=now - ago - HOUR,
        )  # fmt: skip
        assert (end_terms(now=now - ago - HOUR), end_terms(now=now)) == (0, 1)
        assert Cohort.objects.get(of=of).terminated_at == now - ago


def test_beat_has_a_task_for_it(campaign: Campaign) -> None:
    over_since(campaign.contract)
    assert settings.CELERY_BEAT_SCHEDULE["end-terms"] == {"task": tasks.end_terms.name, "schedule": 60.0}
    tasks.end_terms()
    assert Cohort.objects.get().by_term


# What has an end of its own


def test_a_contracts_end_is_that_of_every_campaign_under_it(campaign: Campaign) -> None:
    a_campaign(campaign.contract, a_party("FraudShield", "lbs_provider"), purpose=FRAUD)
    # Over before, while nobody looked; over on the same day; and longer than its contract.
    over_since(campaign, 2 * HOUR)
    day = over_since(campaign.contract)
    a_campaign(campaign.contract, a_party("MedAlert", "lbs_provider"), ends_at=day)
    assert (a_beat(), a_beat()) == (1, 0)
    assert [one.of for one in Cohort.objects.all()] == ["contract"]


def test_a_campaign_and_later_its_contract_are_two_ends(campaign: Campaign) -> None:
    over_since(campaign)
    assert a_beat() == 1
    over_since(campaign.contract, timedelta(0))
    assert a_beat() == 1
    assert list(Cohort.objects.order_by("epoch").values_list("of", "epoch")) == [("campaign", 2), ("contract", 3)]


def test_what_never_began_or_was_ended_already_is_left_alone(campaign: Campaign) -> None:
    provider, over = a_party("MedAlert", "lbs_provider"), database_clock() - HOUR
    a_contract(is_draft=True, ends_at=over)
    a_campaign(campaign.contract, provider, is_draft=True, ends_at=over)
    a_campaign(a_contract(is_draft=True), provider, ends_at=over)
    a_campaign(a_contract(starts_at=database_clock() + DAY), provider, ends_at=over)
    terminated = a_campaign(a_contract(a_party("NorthLink")), provider, ends_at=over)
    for of, pk in (("campaign", terminated.pk), ("contract", terminated.contract_id)):
        seen = termination.plan(of=of, target_id=pk, at=database_clock())
        terminate(of=of, target_id=pk, actor=an_actor(), reason="Due", plan_digest=seen.digest, at=database_clock())
    a_campaign(terminated.contract, provider, ends_at=over)
    assert (a_beat(), Cohort.objects.filter(actor="system:terms").count()) == (0, 0)


# How things stand when it is over


def test_what_is_suspended_ends_and_stays_suspended(campaign: Campaign) -> None:
    line = a_line()
    an_approval(line, campaign)
    suspend(of="contract", target_id=campaign.contract_id, actor=an_actor(), reason="First.", at=database_clock())
    over_since(campaign.contract, timedelta(0))
    assert (a_beat(), build()) == (1, 1)
    assert listed(Cohort.objects.get()) == list(names(campaign.contract.aggregator, [line]))
    assert (ask(line, campaign), Suspension.objects.get().ends_at) == ("partner_suspended", None)
    assert get_stage(Contract.objects.get(), at=database_clock()) == Stage.ENDED


def test_an_officer_finds_it_ended(campaign: Campaign) -> None:
    contract = campaign.contract
    of, pk, officer = "contract", contract.pk, an_actor()
    at = database_clock()
    seen = termination.plan(of=of, target_id=pk, at=at).digest
    waits = propose_termination(of=of, target_id=pk, plan=seen, reason="Due", actor=officer, at=at)
    over_since(contract)
    assert a_beat() == 1
    cohort = Cohort.objects.get()
    assert terminate(of=of, target_id=pk, actor=officer, reason="Due", plan_digest=seen, at=at).pk == cohort.pk
    told = f"Its term was over on {cohort.terminated_at:%-d %b %Y}. Nothing is left to end."
    with pytest.raises(NotNow, match=told):
        propose_termination(of=of, target_id=pk, plan=seen, reason="Due", actor=officer, at=at)
    with pytest.raises(NotNow, match=told):
        proposals_actions.agree_to_proposal(proposal_id=waits.pk, reason="Due", actor=an_actor(), at=at)
    with pytest.raises(NotNow, match="has ended"):
        proposals.propose(
            act="extend_term", of=of, target_id=pk, payload={"ends_at": "2097-01-01T00:00:00+00:00"}, reason="Due",
            actor=officer, at=at,
        )  # fmt: skip
    assert (Cohort.objects.count(), Contract.objects.get().epoch) == (1, 2)


def test_an_officer_who_terminates_first_did_it(campaign: Campaign) -> None:
    over_since(campaign.contract)
    seen = termination.plan(of="contract", target_id=campaign.contract_id, at=database_clock())
    terminate(
        of="contract", target_id=campaign.contract_id, actor=an_actor(), reason="Due", plan_digest=seen.digest,
        at=database_clock(),
    )  # fmt: skip
    assert (a_beat(), Cohort.objects.get().by_term, Contract.objects.get().epoch) == (0, False, 2)


# The campaign that follows


@pytest.fixture
def successor(campaign: Campaign) -> Campaign:
    """The same company for the same use, under the same contract; it began a while ago."""
    made = a_campaign(campaign.contract, campaign.lbs_provider, starts_at=LONG_AGO)
    IdentifierLink.objects.create(
        of="campaign", ref=made.ref, kin_ref=campaign.ref, link="succeeds", recorded_at=database_clock()
    )
    return made


def test_who_agreed_to_what_follows_stays_allowed(campaign: Campaign, successor: Campaign) -> None:
    both, told, only_before, stopped = (a_line() for _ in range(4))
    for line in (both, told, only_before, stopped):
        an_approval(line, campaign)
    for line in (both, stopped):
        an_approval(line, successor)
    allow(line_id=told.pk, campaign=successor.ref, actor="subscriber:1", channel="web")
    stop(line_id=stopped.pk, scope="all", actor="subscriber:1", channel="web")
    bring_to("acknowledged", Order.objects.filter(line_id=told.pk), acknowledged_at=database_clock())
    over_since(campaign)
    assert a_beat() == 1
    before = set(Order.objects.values_list("id", flat=True))
    assert (build(), build()) == (1, 0)
    cohort = Cohort.objects.get()
    assert len(listed(cohort)) == 4
    anew = Order.objects.exclude(id__in=before).order_by("line_id")
    allowed = [one for one in anew if one.snapshot["state"]]
    assert [(one.line_id, one.epoch, one.version) for one in allowed] == [(both.pk, 2, 1), (told.pk, 2, 1)]
    assert {one.snapshot["state"][0]["recipient"] for one in allowed} == {campaign.lbs_provider.uri}
    assert (allowed[0].snapshot["changes"], allowed[0].snapshot["required_actions"]) == ([], [])
    # It comes before the end, so that the end takes nothing of it away.
    assert max(one.queued_at for one in allowed) < StreamEvent.objects.get().queued_at
    for line, answer in ((both, ""), (told, ""), (only_before, "no_approval"), (stopped, "stopped_all")):
        assert ask(line, successor) == answer
    assert only_before.pk not in {one.line_id for one in anew}


# Twice, at once, and cut off


def test_two_beats_at_once_end_it_once(campaign: Campaign, monkeypatch: pytest.MonkeyPatch) -> None:
    over_since(campaign.contract)
    runs: list[int] = []
    real = termination.plan

    def another_comes(*, of: str, target_id: int, at: datetime) -> termination.Plan:
        if not runs:
            runs.append(elsewhere(a_beat))
        return real(of=of, target_id=target_id, at=at)

    monkeypatch.setattr("consent.workers.cohorts.termination.plan", another_comes)
    assert (a_beat(), runs, Cohort.objects.count(), Contract.objects.get().epoch) == (1, [0], 1, 2)


def test_without_a_turn_the_slower_one_ends_nothing(campaign: Campaign, monkeypatch: pytest.MonkeyPatch) -> None:
    over_since(campaign.contract)
    runs: list[int] = []
    real = termination.plan

    def another_was_quicker(*, of: str, target_id: int, at: datetime) -> termination.Plan:
        seen = real(of=of, target_id=target_id, at=at)
        if not runs:
            runs.append(0)
            elsewhere(lambda: cohorts._end_by_term("contract", target_id, at))
        return seen

    monkeypatch.setattr("consent.workers.cohorts.termination.plan", another_was_quicker)
    a_beat()
    assert (runs, Cohort.objects.count(), Contract.objects.get().epoch) == ([0], 1, 2)


def a_change(campaign: Campaign) -> None:
    a_campaign(campaign.contract, a_party("MedAlert", "lbs_provider"))


def a_longer_term(campaign: Campaign) -> None:
    at = database_clock()
    proposal = proposals.propose(
        act="extend_term", of="contract", target_id=campaign.contract_id, payload={"ends_at": "2097-01-01T00:00:00Z"},
        reason="Due", actor=an_actor(), at=at - DAY,
    )  # fmt: skip
    proposals_actions.agree_to_proposal(proposal_id=proposal.pk, reason="Due", actor=an_actor(), at=at - 3 * HOUR)


@pytest.mark.parametrize(("meanwhile", "next_beat"), [(a_change, 1), (a_longer_term, 0)])
def test_what_changes_meanwhile_is_looked_at_again(
    campaign: Campaign, monkeypatch: pytest.MonkeyPatch, meanwhile: Callable[[Campaign], None], next_beat: int
) -> None:
    other = a_campaign(a_contract(a_party("NorthLink")), a_party("MedAlert", "lbs_provider"))
    over_since(campaign.contract, 2 * HOUR)
    over_since(other.contract)
    runs: list[int] = []
    real = termination.plan

    def while_it_looks(*, of: str, target_id: int, at: datetime) -> termination.Plan:
        seen = real(of=of, target_id=target_id, at=at)
        if not runs:
            runs.append(0)
            meanwhile(campaign)
        return seen

    monkeypatch.setattr("consent.workers.cohorts.termination.plan", while_it_looks)
    # The others are not kept waiting by it.
    assert (a_beat(), [one.contract_id for one in Cohort.objects.all()]) == (1, [other.contract_id])
    assert a_beat() == next_beat


SEAMS = (
    "consent.workers.cohorts.termination.plan", "consent.workers.cohorts.guards.lock_target",
    "consent.workers.cohorts.termination.facts_digest", "consent.workers.cohorts.Cohort.objects.create",
    "consent.workers.cohorts.audit.actions.record",
)  # fmt: skip


def test_killed_anywhere_nothing_is_half_done(campaign: Campaign, monkeypatch: pytest.MonkeyPatch) -> None:
    line = a_line()
    an_approval(line, campaign)
    over_since(campaign.contract)

    def dies(*_: object, **__: object) -> None:
        raise MachineDied

    for seam in SEAMS:
        with monkeypatch.context() as patched:
            patched.setattr(seam, dies)
            with pytest.raises(MachineDied):
                a_beat()
        connection.close()
        assert (Cohort.objects.count(), Contract.objects.get().epoch, AuditEvent.objects.count()) == (0, 1, 0), seam
    assert (a_beat(), a_beat(), Contract.objects.get().epoch) == (1, 0, 2)
    # Killed after its commit, the list is left to the beat that makes lists.
    connection.close()
    assert (build(), build(), ManifestShard.objects.count(), StreamEvent.objects.count()) == (1, 0, 1, 1)
