"""What was lost with the database and is written down again: whose act it stays, from when on it counts, and once."""

import uuid
from datetime import datetime, timedelta
from typing import Any

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from accounts.models import Line, LineNumber, Message
from accounts.primitives.sealing import number_hash, seal
from audit.models import AuditEvent
from audit.queries import database_clock
from consent.actions.choices import stop
from consent.actions.restore import (
    RestoreOutcome,
    notify_lost_approval,
    planned_epochs,
    raise_epochs,
    restore_choice,
    restore_suspension,
    restore_tightening,
    suspend_ended,
)
from consent.models import Choice, ChoiceReceipt, Notice, RejudgeRequest
from consent.workers.archive_entries import ArchivedChoice, ArchivedEnd, ArchivedSuspension, ArchivedTightening
from partners.domain import keys
from partners.models import AuthorizedAgent, Campaign, Contract, JurisdictionRule, SigningKey, Suspension
from revocations.models import EvidenceRequest, Order
from tests.agents import let_in
from tests.factories import FAR_OFF, NOW, a_campaign, a_contract, a_line, a_party, an_approval
from tests.faults.restoring import an_end
from tests.moments import A_MOMENT

pytestmark = pytest.mark.usefixtures("committed_db", "no_broker")
HOUR = timedelta(hours=1)
REPLAYED, KNOWN = RestoreOutcome.REPLAYED, RestoreOutcome.KNOWN
RESTORED = "Restored from the archive of stops."


def lost(made_at: datetime, **said: Any) -> ArchivedChoice:
    """A stop of everything that its person made on the web, but for what is said."""
    choice = ArchivedChoice(
        line=uuid.uuid4(), line_mac="", kind="stop", scope="all", ref="", made_at=made_at, until=None, origin="person",
        channel="web", program="", reason="", actor="subscriber:1", recorded_at=made_at, source_id="", content_hash="",
        notice="",
    )  # fmt: skip
    return msgspec.structs.replace(choice, **said)


def events(action: str) -> list[tuple[str, str, str, datetime]]:
    found = AuditEvent.objects.filter(action=action).order_by("at")
    return [(one.actor, one.target, one.reason, one.at) for one in found]


@pytest.fixture
def campaign() -> Campaign:
    return a_campaign(a_contract(ref="AGR-1"), ref="CMP-1")


def test_a_choice_says_what_it_said_and_is_written_down_once(campaign: Campaign) -> None:
    line, choice_id, made_at = a_line(), uuid.uuid4(), database_clock() - HOUR
    an_approval(line, campaign)
    read = Notice.objects.create(
        digest="0" * 64, use="stop", language="en", version=1, body="Stop?", companies=[], first_shown_at=made_at
    )
    paused = lost(
        made_at, kind="pause", scope="party", ref="https://roadaid.example", until=FAR_OFF, channel="call",
        actor="agent:7", reason="lost_phone", notice=read.pk,
    )  # fmt: skip
    came = [restore_choice(line_id=line.pk, choice_id=choice_id, archived=paused) for _ in range(2)]
    assert came == [REPLAYED, KNOWN]
    again = Choice.objects.get()
    assert (again.id, again.kind, again.scope, again.ref, again.made_at, again.until) == (
        choice_id, "pause", "party", "https://roadaid.example", made_at, FAR_OFF,
    )  # fmt: skip
    assert (again.origin, again.channel, again.actor, again.reason, again.notice) == (
        "person", "call", "agent:7", "lost_phone", read.pk,
    )  # fmt: skip
    told = Order.objects.get().snapshot
    assert [(one["from"], one["to"]) for one in told["changes"]] == [("granted", "withdrawn")]
    # A pause asks no partner to delete anything, and its person has a receipt for it.
    assert told["required_actions"] == ["stop_use", "notify_downstream"]
    assert ChoiceReceipt.objects.get().choice_id == choice_id
    # What was released since it was made is judged again.
    assert list(RejudgeRequest.objects.values_list("line_id", "since")) == [(line.pk, made_at)]
    assert [one[:2] for one in events("restore.pause")] == [("system:restore", f"choice:{choice_id}")]


def test_its_receipt_names_the_number_of_its_very_moment() -> None:
    line, changed_at = a_line(msisdn="+12065550142"), database_clock() - HOUR
    line.numbers.update(ends_at=changed_at)
    number = "+12065550143"
    LineNumber.objects.create(
        line=line, msisdn_hash=number_hash(number), msisdn_sealed=seal(number), starts_at=changed_at
    )
    for made_at, phone in ((changed_at - A_MOMENT, "•••• ••42"), (changed_at, "•••• ••43")):
        choice_id = uuid.uuid4()
        restore_choice(line_id=line.pk, choice_id=choice_id, archived=lost(made_at))
        token = ChoiceReceipt.objects.get(choice_id=choice_id).token
        assert keys.verify_own(use=SigningKey.Use.RECEIPT, token=token)["phone"] == phone


def test_of_words_that_are_not_here_a_choice_names_none() -> None:
    line = a_line()
    restore_choice(line_id=line.pk, choice_id=uuid.uuid4(), archived=lost(database_clock() - HOUR, notice="1" * 64))
    assert Choice.objects.get().notice == ""


def test_who_said_they_never_agreed_is_shown_proof_after_all(campaign: Campaign) -> None:
    line, choice_id = a_line(), uuid.uuid4()
    an_approval(line, campaign)
    disputed = lost(database_clock() - HOUR, scope="campaign", ref="CMP-1", reason="never_agreed")
    assert restore_choice(line_id=line.pk, choice_id=choice_id, archived=disputed) == REPLAYED
    assert EvidenceRequest.objects.get().choice_id == choice_id


def test_what_a_file_said_keeps_its_moment_behind_a_newer_stop() -> None:
    line, choice_id = a_line(), uuid.uuid4()
    made_at = stop(line_id=line.pk, scope="all", actor="subscriber:1", channel="web").made_at - HOUR
    filed = lost(made_at, origin="file", channel="file", source_id="f-1", content_hash="00ff")
    assert restore_choice(line_id=line.pk, choice_id=choice_id, archived=filed) == REPLAYED
    again = Choice.objects.get(id=choice_id)
    assert (again.made_at, again.origin, again.source_id, bytes(again.content_hash or b"")) == (
        made_at, "file", "f-1", b"\x00\xff",
    )  # fmt: skip


def test_who_hears_of_a_lost_yes(campaign: Campaign) -> None:
    line, now = a_line(), database_clock()
    Line.objects.update(recorded_at=now - timedelta(days=2))
    assert notify_lost_approval(line_id=line.pk, choice_id=uuid.uuid4(), campaign="CMP-1", at=now)
    assert Order.objects.get().snapshot["state"] == []
    assert list(Message.objects.values_list("line_id", "kind")) == [(line.pk, "records")]


def test_a_suspension_is_whoever_s_it_was_and_of_its_moment() -> None:
    party, now = a_party(), database_clock()
    for automatic, actor in ((True, "system:evidence"), (False, "officer:1")):
        said = ArchivedSuspension(of="party", ref=party.uri, starts_at=now - HOUR, automatic=automatic, actor=actor)
        assert [restore_suspension(archived=said, at=now) for _ in range(2)] == [REPLAYED, KNOWN]
    assert list(Suspension.objects.order_by("actor").values_list("actor", "automatic", "starts_at", "reason")) == [
        ("officer:1", False, now - HOUR, RESTORED), ("system:evidence", True, now - HOUR, RESTORED),
    ]  # fmt: skip
    assert events("restore.suspension") == [("system:restore", f"party:{party.pk}", RESTORED, now)] * 2


def test_what_had_ended_is_suspended_by_the_restore_from_now_on(campaign: Campaign) -> None:
    now = database_clock()
    said = ArchivedEnd(of="campaign", ref="CMP-1", contract="AGR-1", epoch=2, actor="officer:1")
    assert suspend_ended(archived=said, at=now) == REPLAYED
    why = "It had been ended, and the database that knows of it was lost: end it again."
    assert list(Suspension.objects.values_list("of", "target_id", "actor", "automatic", "starts_at", "reason")) == [
        ("campaign", campaign.pk, "system:restore", False, now, why)
    ]
    assert events("restore.suspension") == [("system:restore", f"campaign:{campaign.pk}", why, now)]


def test_every_live_agreement_rises_above_what_its_partner_may_have_heard(campaign: Campaign) -> None:
    for ref, epoch, draft in (("AGR-2", 5, False), ("AGR-3", 5, False), ("AGR-4", 1, True), ("AGR-5", 1, False)):
        a_contract(ref=ref, epoch=epoch, is_draft=draft)
    contracts = {one.ref: one for one in Contract.objects.all()}
    # The end of a campaign, whatever its number, is not that of the agreement.
    an_end(a_campaign(contracts["AGR-2"], pk=contracts["AGR-3"].pk))
    an_end(a_campaign(contracts["AGR-5"]), of="contract")
    to = planned_epochs(at_least={"AGR-1": 7, "AGR-2": 3, "AGR-5": 9})
    assert to == {"AGR-1": 8, "AGR-2": 6, "AGR-3": 6}
    # One that an officer raised since does not fall back.
    Contract.objects.filter(ref="AGR-3").update(epoch=8)
    now = database_clock()
    raise_epochs(to=to, at=now)
    assert dict(Contract.objects.values_list("ref", "epoch")) == {
        "AGR-1": 8, "AGR-2": 6, "AGR-3": 8, "AGR-4": 1, "AGR-5": 1,
    }  # fmt: skip
    raised = AuditEvent.objects.filter(action="contract.epoch_raised")
    assert sorted((one.target, one.detail, one.actor, one.reason, one.at) for one in raised) == sorted(
        (f"contract:{contracts[ref].pk}", {"epoch": epoch}, "system:restore", RESTORED, now)
        for ref, epoch in (("AGR-1", 8), ("AGR-2", 6), ("AGR-3", 8))
    )


def tightened(kind: str, **facts: object) -> list[RestoreOutcome]:
    """Restored twice under its id, and once as another that says the same."""
    ids, archived = (uuid.uuid4(), uuid.uuid4()), ArchivedTightening(kind=kind, facts=facts)
    return [restore_tightening(tightening_id=one, archived=archived, at=database_clock()) for one in (ids[0], *ids)]


def test_a_rule_is_back_word_for_word_and_judges_what_was_released_meanwhile() -> None:
    said = {
        "state": "WA", "starts_at": NOW.isoformat(), "purposes": ["dpv:TargetedAdvertising"], "sale_test": True,
        "consideration": "monetary", "max_radius_m": 564, "source": "RCW 1",
    }  # fmt: skip
    assert tightened("rule", **said) == [REPLAYED, KNOWN, KNOWN]
    rule = JurisdictionRule.objects.get(source="RCW 1")
    assert (rule.purposes, rule.sale_test, rule.consideration, rule.max_radius_m) == (
        ["dpv:TargetedAdvertising"], True, "monetary", 564,
    )  # fmt: skip
    assert [one[:3] for one in events("rule.added")] == [("system:restore", f"rule:{rule.pk}", RESTORED)]
    # The trail tells of what changed something.
    assert [(one[0], one[2]) for one in events("restore.rule")] == [("system:restore", RESTORED)]


def test_a_term_and_a_payment_only_tighten(campaign: Campaign) -> None:
    soon = NOW + timedelta(days=2000)
    Contract.objects.update(ends_at=soon)
    Campaign.objects.update(consideration="monetary")
    assert tightened("contract", ref="AGR-1", ends_at=FAR_OFF.isoformat()) == [KNOWN] * 3
    assert tightened("payment", ref="CMP-1", consideration="none") == [KNOWN] * 3
    assert (Contract.objects.get().ends_at, Campaign.objects.get().consideration) == (soon, "monetary")


def test_the_key_of_an_agent_that_was_ended_opens_nothing() -> None:
    agent = let_in("FIRST", "First", Ed25519PrivateKey.generate())
    AuthorizedAgent.objects.filter(pk=agent.pk).update(token_hash=b"token")
    assert tightened("agent", id="FIRST") == [REPLAYED, KNOWN, KNOWN]
    agent.refresh_from_db()
    assert (agent.token_hash, agent.ended_at == agent.changed_at) == (None, True)
