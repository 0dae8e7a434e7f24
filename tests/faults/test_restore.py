"""A restore takes no stop back: the gate says no until what was lost is back, and says so whoever restored what."""

import uuid
from datetime import datetime, timedelta
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from django.conf import settings as portal
from django.core.management import CommandError, call_command
from django.utils import timezone
from pytest_django import Settings

import audit.actions
from accounts.actions.staff import end_staff
from accounts.models import BrowserSession, Delegation, Line, Message, User
from audit.models import AuditEvent
from audit.queries import database_clock
from consent.actions.choices import NotAllowable, allow, pause, stop
from consent.actions.records import FileChoice, record_file_choices
from consent.clients.archive_sink import open_sink
from consent.gate import deciding
from consent.gate.deciding import NOT_LOOKED, Opening
from consent.models import ArchiveQueueEntry, Choice, ChoiceReceipt, RejudgeRequest
from consent.workers import archive_comparison, archive_entries, archive_writing
from consent.workers.archive_entries import read_after_head
from disclosures.actions import restore_order
from disclosures.models import Disclosure, DisclosureRegister, HeldNotice
from disclosures.queries.visible import visible
from disclosures.tasks import rejudge
from partners.actions.clients import disable_client, register_client
from partners.actions.parties import add_link
from partners.actions.suspensions import suspend
from partners.clients import checkpoint_places
from partners.models import AuthorizedAgent, Campaign, Client, Contract, IdentifierLink, JurisdictionRule, Suspension
from partners.tasks import write_checkpoint
from partners.workers import checkpoints
from partners.workers.checkpoints import DatabaseBehind
from portal.restoring import MAY_BE_UNDONE
from revocations.models import Standing
from tests.agents import let_in
from tests.factories import FAR_OFF, NOW, a_campaign, a_contract, a_party, an_approval
from tests.faults.restored import dump, life_in
from tests.faults.restoring import (
    after_restore,
    agreed,
    an_end,
    as_owner,
    kept_outside,
    reasons,
    the_server_started,
    told,
)
from tests.feeds import choice_row, line_row, take_choices, take_lines
from tests.partners.outside import Signer
from tests.people import number_of
from tests.staff import an_agreed_proposal
from tests.stores import checkpoints_stored

pytestmark = pytest.mark.usefixtures("committed_db", "no_broker", "own_archive")
WHO: dict[str, Any] = {"actor": "subscriber:1", "channel": "web"}


@pytest.fixture
def campaign() -> Campaign:
    return a_campaign(a_contract(ref="AGR-1"))


def taken(line: Line) -> None:
    as_owner(
        "UPDATE revocations_order SET state = 'acknowledged', sent_at = now(), acknowledged_at = now(),"
        f" next_attempt_at = NULL WHERE line_id = {line.pk}"
    )


def file_choice(line: Line) -> None:
    said = FileChoice(
        id=uuid.uuid4(), source_id="f-1", kind=Choice.Kind.STOP, scope="all", ref="", made_at=NOW - timedelta(days=9),
        until=None, channel="file", program="", content_hash=b"f-1",
    )  # fmt: skip
    record_file_choices(by_line={line.pk: [said]}, actor="import:choices")


def test_what_was_lost_with_the_database_is_back_before_the_gate_says_yes(campaign: Campaign, tmp_path: Path) -> None:
    before, lost, paused, filed, yes, untouched = lines = agreed(campaign, 6)
    Line.objects.update(recorded_at=timezone.now() - timedelta(days=2))
    adly = a_party("Adly", "lbs_provider")
    ads = a_campaign(campaign.contract, adly, ref="CMP-ads", purpose="dpv:TargetedAdvertising")
    an_approval(untouched, ads)
    stop(line_id=before.pk, scope="all", **WHO)
    stop(line_id=yes.pk, scope="all", **WHO)
    taken(yes)
    assert kept_outside() == 2
    backup = dump(tmp_path)
    made = stop(line_id=lost.pk, scope="all", **WHO)
    pause(line_id=paused.pk, scope="party", ref="https://roadaid.example", until=FAR_OFF, **WHO)
    file_choice(filed)
    allow(line_id=yes.pk, campaign=campaign.ref, **WHO)
    suspend(of="party", target_id=adly.pk, actor="system:test", reason="Due", at=database_clock(), automatic=True)
    receipt = ChoiceReceipt.objects.get(choice_id=made.choice_id)
    assert kept_outside() == 5
    with life_in(backup):
        assert Choice.objects.count() == 2
        assert set(reasons(campaign, lines)) == {"restoring"}
        # What counts for a line is still known: a stop made meanwhile tells partners the right thing, and is taken.
        assert reasons(campaign, [before, lost, untouched], for_release=False) == ["stopped_all", "", ""]
        late = stop(line_id=before.pk, scope="purpose", ref=campaign.purpose, **WHO)
        with pytest.raises(NotAllowable, match="restoring"):
            allow(line_id=untouched.pk, campaign=campaign.ref, **WHO)
        assert not archive_comparison.compare_archive().is_open
        assert (archive_writing.write(now=timezone.now()), ArchiveQueueEntry.objects.count()) == (0, 1)
        with pytest.raises(DatabaseBehind):
            checkpoints.write(place=checkpoint_places.place(), at=timezone.now())

        said = after_restore("--confirm-lost-events", "Nothing but what is in the archive.")
        assert "5 of them lost with the database" in said
        assert said.endswith("The gate is open.\n")
        assert reasons(campaign, lines) == [
            "stopped_purpose", "stopped_all", "paused", "stopped_all", "stopped_all", "",
        ]  # fmt: skip
        assert reasons(ads, [untouched]) == ["partner_unhealthy"]
        again = Choice.objects.get(pk=(lost.pk, made.choice_id))
        assert (again.made_at, again.origin, again.actor) == (made.made_at, "person", "subscriber:1")
        proof = ChoiceReceipt.objects.get(choice_id=made.choice_id)
        assert (proof.number, proof.token) == (receipt.number, receipt.token)
        assert told(lines) == [(2, 0), (2, 0), (2, 0), (2, 0), (2, 0), None]
        assert Contract.objects.get().epoch == 2
        assert set(Standing.objects.values_list("epoch", flat=True)) == {2}
        assert set(AuditEvent.objects.filter(action__startswith="restore.").values_list("action", flat=True)) == {
            "restore.stop", "restore.pause", "restore.suspension", "restore.allow_lost", "restore.completed",
            "restore.lost_events_confirmed",
        }  # fmt: skip
        assert list(Message.objects.filter(line_id=yes.pk).values_list("kind", flat=True)) == ["confirmed", "records"]
        call_command("verify_audit", stdout=StringIO())
        assert "Nothing to do" in after_restore()
        assert Contract.objects.get().epoch == 2
        # What was brought back and what came meanwhile goes out like everything else.
        assert archive_writing.write(now=timezone.now()) == 5
        assert archive_comparison.describe_missing_entries() == ""
        assert Choice.objects.filter(pk=(before.pk, late.choice_id)).exists()


def released(line: Line, campaign: Campaign) -> uuid.UUID:
    aggregator = campaign.contract.aggregator.uri
    row = Disclosure.objects.create(
        line_id=line.pk, occurred_at=NOW, id=uuid.uuid4(), source_id="d-1", aggregator=aggregator,
        path=[aggregator, campaign.lbs_provider.uri],
        campaign=campaign.ref, purpose=campaign.purpose, scope=campaign.scope, precision_m=500, basis="approval",
        outcome="released", judgement="permitted", recorded_at=NOW,
    )  # fmt: skip
    DisclosureRegister.objects.create(id=row.id, line_id=line.pk, occurred_at=NOW, content_hash=b"")
    return row.id


def extended(campaign: Campaign, was: datetime, to: datetime) -> None:
    """Two officers agreed to a longer term."""
    terms = {"was": was.isoformat(), "ends_at": to.isoformat()}
    an_agreed_proposal("extend_term", "campaign", campaign.pk, payload=terms, at=database_clock())
    Campaign.objects.filter(pk=campaign.pk).update(ends_at=to)


def given_access(line: Line) -> list[uuid.UUID]:
    """Two who look after a line."""
    by = User.objects.create(username="by")
    asked, until = timezone.now(), timezone.now() + timedelta(days=90)
    return [
        Delegation.objects.create(
            id=uuid.uuid4(), line=line, by=by, asked_hash=name, asked_sealed=b"-", may="see", asked_at=asked,
            ends_at=until,
        ).pk
        for name in (b"1", b"2")
    ]  # fmt: skip


def test_what_else_had_tightened_is_so_again(campaign: Campaign, tmp_path: Path) -> None:
    line, hidden = agreed(campaign, 2)
    cared, other = given_access(line)
    old_key, new_key = (dict(Signer(name).public) for name in ("old", "new"))
    gateway: dict[str, Any] = {"client_id": "gateway-1", "kind": Client.Kind.GATEWAY, "party": None}
    machine = register_client(**gateway, public_jwk=old_key, actor="system:test", at=NOW)
    ads = a_campaign(a_contract(ref="AGR-2"), a_party("Adly", "lbs_provider"), ref="CMP-ads")
    shared = released(hidden, campaign)
    staff = User.objects.create(username="s-1", email="s@carrier.example", role=User.Role.AGENT)
    backup = dump(tmp_path)
    JurisdictionRule.objects.create(state="WA", starts_at=NOW, purposes=[campaign.purpose], source="RCW 1")
    add_link(of="party", ref="https://roadaid.example", kin_ref="https://newname.example", link="succeeds", at=NOW)
    register_client(**gateway, public_jwk=new_key, actor="system:test", at=NOW)
    disable_client(client_id=machine.pk, actor="system:test", reason="Due", at=NOW)
    shorter, longer = timezone.now() + timedelta(days=9), timezone.now() + timedelta(days=30)
    Contract.objects.filter(ref="AGR-2").update(ends_at=shorter)
    Campaign.objects.filter(pk=ads.pk).update(ends_at=shorter, consideration="monetary")
    extended(ads, shorter, longer)
    Delegation.objects.filter(pk=cared).update(ended_at=timezone.now())
    end_staff(email=staff.email, actor="system:test", at=NOW)
    restore_order(disclosure_id=shared, suppressed_until=None, order_ref="WA-1", at=NOW)
    waits = uuid.uuid4()
    restore_order(disclosure_id=waits, suppressed_until=FAR_OFF, order_ref="WA-2", at=NOW)
    assert kept_outside() == 12
    with life_in(backup):
        said = StringIO()
        with pytest.raises(CommandError, match="The gate stays closed"):
            call_command("after_restore", stdout=said)
        assert [line for line in said.getvalue().splitlines() if line.startswith("WRONG")] == [
            line
            for line in said.getvalue().splitlines()
            if line.startswith("WRONG: events of the audit trail are gone,")
        ]
        listed = [line[4:] for line in said.getvalue().splitlines() if line.startswith("  - ")]
        assert listed == list(MAY_BE_UNDONE)
        assert listed[0].startswith("safe numbers, separations, protected lines. First: someone's safety")
        assert reasons(campaign, [line]) == ["restoring"]
        assert not AuditEvent.objects.filter(action="restore.lost_events_confirmed").exists()
        after_restore("--confirm-lost-events", "Officer Ruiz went through the list.")
        assert reasons(campaign, [line]) == ["jurisdiction_prohibits"]
        assert list(IdentifierLink.objects.values_list("of", "ref", "kin_ref", "link")) == [
            ("party", "https://roadaid.example", "https://newname.example", "succeeds")
        ]
        again = Client.objects.get(pk=machine.pk)
        assert (again.disabled_at is not None, again.public_jwk) == (True, new_key)
        assert Contract.objects.get(ref="AGR-2").ends_at == shorter
        ads.refresh_from_db()
        assert (ads.ends_at, ads.consideration) == (longer, "monetary")
        assert [Delegation.objects.get(pk=one).ended_at is None for one in (cared, other)] == [False, True]
        assert not User.objects.get(pk=staff.pk).is_active
        assert not visible(line_id=hidden.pk, at=timezone.now()).exists()
        assert HeldNotice.objects.get().disclosure_id == waits
        confirmed = AuditEvent.objects.get(action="restore.lost_events_confirmed")
        assert confirmed.reason == "Officer Ruiz went through the list."
        # The archive knows them now: nothing is lost, and a start of the server asks nothing.
        archive_writing.write(now=timezone.now())
        the_server_started()
        assert archive_comparison.compare_archive().is_open
        assert archive_entries.list_missing_entries(entries=read_after_head(sink=open_sink()).entries) == []


def test_past_uses_are_judged_anew_by_what_had_tightened(campaign: Campaign, tmp_path: Path) -> None:
    linked, paid = agreed(campaign, 2)
    sold = a_campaign(a_contract(ref="AGR-2"), a_party("Adly", "lbs_provider"), ref="CMP-sold")
    released(linked, campaign)
    released(paid, sold)
    backup = dump(tmp_path)
    add_link(of="party", ref="https://roadaid.example", kin_ref="https://newname.example", link="succeeds", at=NOW)
    Campaign.objects.filter(pk=sold.pk).update(consideration="monetary")
    assert kept_outside() == 2
    with life_in(backup):
        RejudgeRequest.objects.all().delete()
        after_restore("--confirm-lost-events", "Nothing else was done.")
        assert set(RejudgeRequest.objects.values_list("line_id", flat=True)) == {linked.pk, paid.pk}


def test_nobody_else_is_ended_with_those_who_were(campaign: Campaign, tmp_path: Path) -> None:
    ads = a_campaign(a_contract(ref="AGR-2"), a_party("Adly", "lbs_provider"), ref="CMP-ads")
    for name in ("first", "second"):
        register_client(
            client_id=name, kind=Client.Kind.GATEWAY, party=None, public_jwk=dict(Signer(name).public),
            actor="system:test", at=NOW,
        )  # fmt: skip
        let_in(name.upper(), name, Ed25519PrivateKey.generate())
        signed_in = BrowserSession(key_hash=name.encode(), data=b"", user=an_agent(name), expires_at=FAR_OFF)
        signed_in.save()
    backup = dump(tmp_path)
    came, now = an_agent("came later"), timezone.now()
    for email in ("first@carrier.example", came.email):
        end_staff(email=email, actor="system:test", at=now)
    disable_client(client_id="first", actor="system:test", reason="Due", at=now)
    AuthorizedAgent.objects.filter(pk="FIRST").update(ended_at=now, changed_at=now, token_hash=None)
    Contract.objects.filter(ref="AGR-2").update(ends_at=now + timedelta(days=9))
    Campaign.objects.filter(pk=ads.pk).update(ends_at=now + timedelta(days=9), consideration="monetary")
    assert kept_outside() == 7
    with life_in(backup):
        assert an_agent("came since").pk == came.pk
        after_restore("--confirm-lost-events", "Looked through.")
        assert [User.objects.get(is_active=False).username, BrowserSession.objects.get().key_hash] == [
            "first", b"second",
        ]  # fmt: skip
        assert Client.objects.get(disabled_at__isnull=False).pk == "first"
        assert AuthorizedAgent.objects.get(ended_at__isnull=False).pk == "FIRST"
        assert Contract.objects.get(ends_at__lt=FAR_OFF).ref == "AGR-2"
        assert Campaign.objects.get(ends_at__lt=FAR_OFF) == Campaign.objects.get(consideration="monetary") == ads


def an_agent(name: str) -> User:
    return User.objects.create(username=name, email=f"{name}@carrier.example", role=User.Role.AGENT)


def test_a_restore_that_lost_nothing_asks_nothing(campaign: Campaign, tmp_path: Path) -> None:
    (line,) = agreed(campaign, 1)
    stop(line_id=line.pk, scope="all", **WHO)
    kept_outside()
    with life_in(dump(tmp_path)):
        said = after_restore()
        assert "Events of the audit trail are gone" not in said
        assert said.endswith("The gate is open.\n")


def test_what_was_suspended_or_ended_and_is_not_in_the_backup_keeps_the_gate_closed(
    campaign: Campaign, tmp_path: Path
) -> None:
    (line,) = agreed(campaign, 1)
    backup = dump(tmp_path)
    adly = a_party("Adly", "lbs_provider")
    ads = a_campaign(a_contract(ref="AGR-2"), adly, ref="CMP-ads")
    for _ in range(2):
        suspend(of="party", target_id=adly.pk, actor="system:test", reason="Due", at=database_clock(), automatic=True)
    an_end(ads)
    soon = timezone.now() + timedelta(days=9)
    Contract.objects.filter(ref="AGR-2").update(ends_at=soon)
    Campaign.objects.filter(pk=ads.pk).update(consideration="monetary")
    assert kept_outside() == 4
    again = "Bring in the parties file, then run this again\n"
    wrong = (
        f"WRONG: suspended or ended, and not here: party https://adly.example, campaign CMP-ads. {again}"
        "WRONG: their terms were shortened or their payment said, and they are not here: AGR-2, CMP-ads. " + again
    )
    with life_in(backup):
        for _ in range(2):
            said = StringIO()
            with pytest.raises(CommandError, match="The gate stays closed"):
                call_command("after_restore", stdout=said)
            assert wrong in said.getvalue()
            assert "it is suspended now" not in said.getvalue()
            # However often it is run, once for each restore.
            assert Contract.objects.get(ref="AGR-1").epoch == 2
        assert reasons(campaign, [line]) == ["restoring"]
        # The parties file brings them in again, and nothing of the suspension.
        adly = a_party("Adly", "lbs_provider")
        ads = a_campaign(a_contract(ref="AGR-2"), adly, ref="CMP-ads")
        an_approval(line, ads)
        # None of these is the one that was lost: another's, of a contract, by an officer, and one with an end.
        for of, pk, by_rule, ends_at in (
            ("party", a_party("Elsewhere").pk, True, None), ("contract", adly.pk, True, None),
            ("party", adly.pk, False, None), ("party", adly.pk, True, FAR_OFF),
            ("campaign", a_campaign(ads.contract, adly).pk, False, None),
        ):  # fmt: skip
            Suspension.objects.create(
                of=of, target_id=pk, automatic=by_rule, starts_at=NOW, ends_at=ends_at, reason="Due", actor="x"
            )
        said_now = after_restore("--confirm-lost-events", "Looked through.")
        assert "The campaign CMP-ads had been ended: it is suspended now." in said_now
        assert said_now.endswith("The gate is open.\n")
        assert (reasons(campaign, [line]), reasons(ads, [line])) == ([""], ["partner_suspended"])
        assert sorted(Suspension.objects.exclude(starts_at=NOW).values_list("of", "automatic", "ends_at")) == [
            ("campaign", False, None), ("party", True, None),
        ]  # fmt: skip
        ads.refresh_from_db()
        assert (ads.contract.ends_at, ads.consideration) == (soon, "monetary")


def test_a_server_that_only_started_is_compared_and_opened_by_whoever_comes_first(campaign: Campaign) -> None:
    (line,) = agreed(campaign, 1)
    stop(line_id=line.pk, scope="party", ref="https://roadaid.example", **WHO)
    kept_outside()
    the_server_started()
    assert reasons(campaign, [line]) == ["restoring"]
    assert deciding.read_opening() == Opening(is_open=False, why=NOT_LOOKED, may_reopen=True)
    assert archive_comparison.compare_archive().is_open
    assert reasons(campaign, [line]) == ["stopped_party"]


def test_a_checkpoint_that_a_crash_cut_off_closes_nothing(campaign: Campaign) -> None:
    (line,) = agreed(campaign, 1)
    stop(line_id=line.pk, scope="party", ref="https://roadaid.example", **WHO)
    kept_outside()
    audit.actions.record(action="test.done", actor="system:test", target="thing:1", at=timezone.now())
    torn = checkpoints.write(place=checkpoint_places.place(), at=timezone.now())
    (Path(portal.CHECKPOINT_DIR) / torn).write_text("")
    the_server_started()
    assert archive_comparison.compare_archive().is_open


def test_a_restore_with_checkpoints_in_a_store(
    campaign: Campaign, tmp_path: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    (line,) = agreed(campaign, 1)
    with checkpoints_stored(settings, monkeypatch) as store:
        kept_outside()
        backup = dump(tmp_path)
        stop(line_id=line.pk, scope="all", **WHO)
        kept_outside()
        assert len(store.told()["objects"]) == 2
        with life_in(backup):
            with pytest.raises(DatabaseBehind):
                write_checkpoint()
            store.told("503", "503", "503")
            away = (
                r"^External storage can't be reached: the checkpoints' store answered 503 SlowDown\. Mount it, then run"
            )
            with pytest.raises(CommandError, match=away):
                after_restore()
            assert reasons(campaign, [line]) == ["restoring"]
            with pytest.raises(CommandError, match="The gate stays closed"):
                after_restore()
            assert len(store.told()["objects"]) == 2
            # Two lists and both objects, to find the one that fits; two and one, what is claimed; the same to write.
            store.told(*[""] * (4 + 3 + 3), "503", "503", "503")
            with pytest.raises(CommandError, match=away):
                after_restore("--confirm-lost-events", "Nothing.")
            assert (reasons(campaign, [line]), len(store.told()["objects"])) == (["restoring"], 2)
            assert "The gate is open." in after_restore("--confirm-lost-events", "Nothing.")
            assert reasons(campaign, [line]) == ["stopped_all"]
            assert len(store.told()["objects"]) == 3
            assert checkpoints.find_gap(place=checkpoint_places.place()) == ""
            call_command("verify_audit", stdout=StringIO())
            assert "Nothing to do" in after_restore()
            write_checkpoint()
            assert len(store.told()["objects"]) == 4


def test_what_was_released_is_judged_by_the_terms_that_came_back(campaign: Campaign, tmp_path: Path) -> None:
    (line,) = agreed(campaign, 1)
    row = released(line, campaign)
    backup = dump(tmp_path)
    Contract.objects.filter(pk=campaign.contract_id).update(ends_at=NOW)
    assert kept_outside() == 1
    with life_in(backup):
        after_restore("--confirm-lost-events", "Looked through.")
        rejudge()
        assert Disclosure.objects.get(pk=(line.pk, NOW, row)).judgement == "contract_not_in_force"


def test_what_was_stopped_on_the_line_before_is_taken_over_once(tmp_path: Path) -> None:
    take_lines(line_row(), line_row(line_id="L2", msisdn="+12065550188"))
    old, new = Line.objects.order_by("carrier_id")
    stop(line_id=old.pk, scope="all", **WHO)
    assert take_choices(choice_row(msisdn=number_of(old), made_at="2025-01-01T00:00:00Z"))[0].status == "accepted"
    kept_outside()
    backup, linked = dump(tmp_path), line_row(line_id="L2", msisdn="+12065550188", continues_line_id="L1")
    take_lines(linked)
    copied = set(Choice.objects.filter(line_id=new.pk).values_list("id", flat=True))
    kept_outside()
    with life_in(backup):
        after_restore("--confirm-lost-events", "Nothing but what is in the archive.")
        assert [one.status for one in take_lines(linked)] == ["accepted"]
        assert (len(copied), set(Choice.objects.filter(line_id=new.pk).values_list("id", flat=True))) == (2, copied)
