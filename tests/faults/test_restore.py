"""A restore takes no stop back: the gate says no until what was lost is back, and says so whoever restored what."""

import shutil
import uuid
from collections.abc import Sequence
from contextlib import closing
from datetime import datetime, timedelta
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as portal
from django.core.cache import cache
from django.core.management import CommandError, call_command
from django.db import ProgrammingError, connection, connections
from django.utils import timezone
from pytest_django import Settings
from structlog.testing import capture_logs

import audit.actions
from accounts.actions.staff import end_staff
from accounts.models import Delegation, Line, Message, User
from audit.models import AuditEvent
from audit.queries import database_clock
from consent.actions.choices import NotAllowable, allow, pause, refuse, stop
from consent.actions.records import FileChoice, record_file_choices
from consent.clients.archive_sink import FolderSink, open_sink
from consent.gate import deciding
from consent.gate.deciding import NOT_LOOKED, Opening
from consent.gate.shapes import as_agreed
from consent.models import ArchiveHead, ArchiveQueueEntry, Choice, ChoiceReceipt, GateOpening, Tightening
from consent.workers import archive_comparison, archive_entries, archive_writing
from consent.workers.archive_comparison import find_missing
from consent.workers.archive_entries import read_after_head
from consent.workers.archive_writing import requeue_everything
from disclosures.actions import restore_order
from disclosures.models import Disclosure, DisclosureRegister, HeldNotice
from disclosures.queries.visible import visible
from disclosures.tasks import rejudge
from partners.actions.clients import disable_client, register_client
from partners.actions.parties import add_link
from partners.actions.suspensions import suspend
from partners.clients import checkpoint_places
from partners.models import Campaign, Client, Contract, IdentifierLink, JurisdictionRule, Suspension
from partners.tasks import write_checkpoint
from partners.workers import checkpoints
from partners.workers.checkpoints import DatabaseBehind
from portal.restoring import MAY_BE_UNDONE
from revocations.models import Cohort, Order, Standing
from tests.factories import FAR_OFF, NOW, a_campaign, a_contract, a_line, a_party, an_approval
from tests.faults.restored import dump, life_in
from tests.partners.outside import Signer
from tests.staff import an_agreed_proposal
from tests.stores import checkpoints_stored

pytestmark = pytest.mark.usefixtures("committed_db", "no_broker")
WHO: dict[str, Any] = {"actor": "subscriber:1", "channel": "web"}


@pytest.fixture(autouse=True)
def _outside(settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.STOP_ARCHIVE_DIR = tmp_path / "stop-archive"
    settings.CHECKPOINT_DIR = tmp_path / "checkpoints"
    monkeypatch.setattr("revocations.tasks.deliver_due.delay", lambda **_: None)


@pytest.fixture
def campaign() -> Campaign:
    return a_campaign(a_contract(ref="AGR-1"))


def agreed(campaign: Campaign, count: int) -> list[Line]:
    lines = [a_line() for _ in range(count)]
    for line in lines:
        an_approval(line, campaign)
    return lines


def reasons(campaign: Campaign, lines: Sequence[Line], *, for_release: bool = True) -> list[str]:
    questions = [as_agreed(campaign=campaign, line=line.carrier_id) for line in lines]
    return [answer.reason for answer in deciding.evaluate(questions=questions, for_release=for_release)]


def kept_outside() -> int:
    done = archive_writing.write(now=timezone.now())
    checkpoints.write(place=checkpoint_places.place(), at=timezone.now())
    return done


def after_restore(*args: str) -> str:
    said = StringIO()
    call_command("after_restore", *args, stdout=said)
    return said.getvalue()


def told(lines: Sequence[Line]) -> list[tuple[int, int] | None]:
    """Of each line: the epoch in which its partner was last told, and how many uses are allowed by that."""
    standing = {one.line_id: one for one in Standing.objects.all()}
    orders = {one.id: one for one in Order.objects.filter(id__in=[one.order_id for one in standing.values()])}
    newest = {line_id: orders[one.order_id] for line_id, one in standing.items()}
    return [
        (newest[line.pk].epoch, len(newest[line.pk].snapshot["state"])) if line.pk in newest else None for line in lines
    ]


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


def as_owner(statement: str) -> None:
    """As who may do anything, without a trigger."""
    with connections["owner"].cursor() as cursor:
        cursor.execute("SET session_replication_role = replica")
        cursor.execute(statement)
        cursor.execute("SET session_replication_role = origin")


def an_end(campaign: Campaign) -> Cohort:
    now = timezone.now()
    return Cohort.objects.create(
        id=uuid.uuid4(), of="campaign", target_id=campaign.pk, contract_id=campaign.contract_id,
        party_id=campaign.contract.aggregator_id, epoch=2, terminated_at=now, actor="officer:1", reason="Due", plan={},
        complete_by=now,
    )  # fmt: skip


def the_server_started() -> None:
    """As after a start of the server, or of one that has the same files."""
    as_owner("UPDATE consent_gateopening SET server_started = '-infinity'")


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
    an_agreed_proposal("extend_term", "campaign", campaign.pk, payload=terms, at=NOW)
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
    assert kept_outside() == 2
    wrong = (
        "WRONG: suspended or ended, and not here: party https://adly.example, campaign CMP-ads."
        " Bring in the parties file, then run this again\n"
    )
    with life_in(backup):
        for _ in range(2):
            said = StringIO()
            with pytest.raises(CommandError, match="The gate stays closed"):
                call_command("after_restore", stdout=said)
            assert wrong in said.getvalue()
            assert "it is suspended now" not in said.getvalue()
        assert reasons(campaign, [line]) == ["restoring"]
        # The parties file brings them in again, and nothing of the suspension.
        ads = a_campaign(a_contract(ref="AGR-2"), a_party("Adly", "lbs_provider"), ref="CMP-ads")
        an_approval(line, ads)
        said_now = after_restore("--confirm-lost-events", "Looked through.")
        assert "The campaign CMP-ads had been ended: it is suspended now." in said_now
        assert said_now.endswith("The gate is open.\n")
        assert (reasons(campaign, [line]), reasons(ads, [line])) == ([""], ["partner_suspended"])
        assert set(Suspension.objects.values_list("of", flat=True)) == {"party", "campaign"}


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


def test_a_disk_s_older_snapshot_is_found_by_the_archive_and_by_the_checkpoints(campaign: Campaign) -> None:
    first, second = agreed(campaign, 2)
    kept_outside()
    assert not ArchiveHead.objects.exists()
    made = stop(line_id=first.pk, scope="all", **WHO)
    kept_outside()
    of_it = ("consent_choicereceipt", "consent_choiceorder")
    as_owner("; ".join(f"DELETE FROM {table} WHERE choice_id = '{made.choice_id}'" for table in of_it))
    as_owner(f"DELETE FROM consent_choice WHERE id = '{made.choice_id}'; DELETE FROM consent_archivehead")
    as_owner("UPDATE consent_linegate SET stops = '{}', newest_at = NULL")
    the_server_started()
    assert archive_comparison.compare_archive().why == "the archive holds 1 entries that the database lacks"
    # It stays so, whoever looks again, and the database's own role can't open it.
    assert not archive_comparison.compare_archive().is_open
    with pytest.raises(ProgrammingError, match="permission denied"), connections["default"].cursor() as cursor:
        cursor.execute("SELECT consent_gate_open()")
    after_restore()
    assert reasons(campaign, [first, second]) == ["stopped_all", ""]
    audit.actions.record(action="test.done", actor="system:test", target="thing:1", at=timezone.now())
    checkpoints.write(place=checkpoint_places.place(), at=timezone.now())
    as_owner("DELETE FROM audit_auditevent WHERE target = 'thing:1'; UPDATE audit_chainhead SET seq = seq - 1")
    the_server_started()
    assert archive_comparison.compare_archive().why == "a checkpoint outside signed events that the database lacks"


def test_an_entry_that_was_changed_or_taken_out_is_refused_and_named(campaign: Campaign) -> None:
    lines = agreed(campaign, 4)
    for line in lines:
        stop(line_id=line.pk, scope="all", **WHO)
    kept_outside()
    (day,) = open_sink().days()
    file = Path(portal.STOP_ARCHIVE_DIR) / f"{day}.jws"
    whole = file.read_text().splitlines(keepends=True)
    as_owner("DELETE FROM consent_archivehead")
    file.write_text(
        "".join([*whole[:1], whole[1][:80] + ("A" if whole[1][80] != "A" else "B") + whole[1][81:], *whole[2:]])
    )
    the_server_started()
    named = f"{day}.jws, line 2: was changed, or is none of ours"
    assert archive_comparison.compare_archive().why == f"the archive can't be trusted: {named}"
    with pytest.raises(CommandError, match="The gate stays closed"):
        after_restore()
    assert set(reasons(campaign, lines)) == {"restoring"}
    file.write_text("".join([whole[0], *whole[2:]]))
    said = StringIO()
    with pytest.raises(CommandError):
        call_command("after_restore", stdout=said)
    assert f"WRONG: {day}.jws, line 2: an entry before it is missing" in said.getvalue()
    assert after_restore("--despite", "Officer Ruiz saw the file").endswith("The gate is open.\n")
    opened = AuditEvent.objects.get(action="restore.completed")
    assert (opened.reason, len(opened.detail["problems"])) == ("Officer Ruiz saw the file", 1)
    # The epochs rose once, however often it was begun.
    assert Contract.objects.get().epoch == 2
    assert GateOpening.objects.get().epochs_raised_at is None


def test_a_line_that_a_crash_cut_off_harms_nothing(campaign: Campaign) -> None:
    first, second = agreed(campaign, 2)
    stop(line_id=first.pk, scope="all", **WHO)
    archive_writing.write(now=timezone.now())
    file = Path(portal.STOP_ARCHIVE_DIR) / f"{open_sink().days()[0]}.jws"
    with file.open("a") as half:
        half.write(file.read_text()[:200])
    stop(line_id=second.pk, scope="all", **WHO)
    archive_writing.write(now=timezone.now() - timedelta(days=1))  # and the clock was set back
    as_owner("DELETE FROM consent_archivehead")
    found = read_after_head(sink=open_sink())
    assert (len(found.entries), found.faults, archive_comparison.describe_missing_entries()) == (2, [], "")
    assert [path.name for path in Path(portal.STOP_ARCHIVE_DIR).iterdir()] == [file.name]


def test_after_a_planned_switch_nobody_is_told_anew(campaign: Campaign) -> None:
    (line,) = agreed(campaign, 1)
    stop(line_id=line.pk, scope="all", **WHO)
    kept_outside()
    as_owner("UPDATE consent_gateopening SET incarnation = 'another', server_started = '-infinity'")
    assert not archive_comparison.compare_archive().is_open
    after_restore("--switched-over")
    assert (reasons(campaign, [line]), told([line]), Contract.objects.get().epoch) == (["stopped_all"], [(1, 0)], 1)


def test_what_waited_longest_is_written_first_whatever_server_numbered_it(campaign: Campaign) -> None:
    """Where lines are spread over servers each numbers what waits there from a range of its own."""
    suspend(
        of="contract", target_id=campaign.contract_id, actor="system:test", reason="Due", at=database_clock(),
        automatic=True,
    )  # fmt: skip
    made = [stop(line_id=line.pk, scope="all", **WHO).choice_id for line in agreed(campaign, 3)]
    assert ArchiveQueueEntry.objects.filter(line_id=0).count() == 1
    as_owner("UPDATE consent_unarchived SET id = id + (1::bigint << 48) WHERE line_id = 0")
    as_owner(
        "UPDATE consent_unarchived SET queued_at = now() - interval '1 hour',"
        f" id = id + (2::bigint << 48) WHERE object_id = '{made[2]}'"
    )
    assert archive_writing.write(now=timezone.now()) == 4
    as_owner("DELETE FROM consent_archivehead")
    entries = read_after_head(sink=open_sink()).entries
    assert [one.id for one in entries if one.choice] == [str(made[2]), str(made[0]), str(made[1])]
    assert [one.suspension is not None for one in entries] == [False, True, False, False]
    assert not ArchiveQueueEntry.objects.exists()


def test_what_never_waited_is_found_by_the_sweep(campaign: Campaign) -> None:
    (line,) = agreed(campaign, 1)
    stop(line_id=line.pk, scope="all", **WHO)
    ArchiveQueueEntry.objects.all().delete()
    later = timezone.now() + timedelta(minutes=6)
    assert (find_missing(now=later), find_missing(now=later)) == (1, 0)
    assert (archive_writing.write(now=later), find_missing(now=later)) == (1, 0)


def test_the_next_look_goes_no_further_than_what_may_still_come(campaign: Campaign) -> None:
    """What waits, or is being written, when a look is done is looked for again, however long after."""
    cache.clear()
    hour, soon = timedelta(hours=1), timezone.now() + timedelta(minutes=6)
    first, second = agreed(campaign, 2)
    stop(line_id=first.pk, scope="all", **WHO)
    assert [find_missing(now=soon + hours * hour) for hours in (0, 4)] == [0, 0]
    ArchiveQueueEntry.objects.all().delete()
    assert find_missing(now=soon + 8 * hour) == 1
    archive_writing.write(now=timezone.now())
    importing = connection.copy()
    with closing(importing), importing.cursor() as other:
        other.execute("BEGIN")
        assert [find_missing(now=soon + hours * hour) for hours in (12, 16)] == [0, 0]
        stop(line_id=second.pk, scope="all", **WHO)
        ArchiveQueueEntry.objects.all().delete()
        assert find_missing(now=soon + 20 * hour) == 1


def test_the_archive_holds_no_number_and_no_id_of_the_carrier_s(campaign: Campaign) -> None:
    line = a_line(msisdn="+12065550199", carrier_id="CARRIER-77")
    refuse(line_id=line.pk, campaign=campaign.ref, **WHO)
    archive_writing.write(now=timezone.now())
    as_owner("DELETE FROM consent_archivehead")
    (entry,) = read_after_head(sink=open_sink()).entries
    assert entry.choice is not None
    assert (entry.choice.line, entry.choice.kind) == (line.public_id, "refuse")
    said = repr(entry)
    assert [word for word in ("2065550199", "CARRIER-77", "Ada") if word in said] == []


def test_where_the_archive_is_not_mounted_nobody_opens_the_gate_and_nobody_closes_it_for_good(
    campaign: Campaign,
) -> None:
    (line,) = agreed(campaign, 1)
    stop(line_id=line.pk, scope="party", ref="https://roadaid.example", **WHO)
    kept_outside()
    folder = Path(portal.STOP_ARCHIVE_DIR)
    away = folder.rename(folder.with_name("not-mounted"))
    the_server_started()
    with capture_logs() as logs:
        assert archive_comparison.compare_archive() == Opening(is_open=False, why=NOT_LOOKED, may_reopen=True)
    ((event, error, said),) = [(one["event"], one["error"], one["said"]) for one in logs]
    assert (event, error) == ("archive.unreadable", "NotThere")
    assert said.startswith(f"in {folder}: ")
    away.rename(folder)
    assert archive_comparison.compare_archive().is_open
    # Lost for good, and begun anew: nothing is written over the gap until somebody says so.
    shutil.rmtree(folder)
    stop(line_id=line.pk, scope="all", **WHO)
    with capture_logs() as logs:
        assert archive_writing.write(now=timezone.now()) == 0
    assert [(one["event"], one["place"]) for one in logs] == [("archive.gone", str(folder))]
    with pytest.raises(CommandError, match="stays closed"):
        after_restore()
    assert "1 more entries wait" in after_restore("--despite", "The disk broke.")
    assert (archive_writing.write(now=timezone.now()), archive_comparison.describe_missing_entries()) == (2, "")


def test_an_archive_that_goes_away_while_it_is_written_to_is_not_begun_anew(
    campaign: Campaign, monkeypatch: pytest.MonkeyPatch
) -> None:
    (line,) = agreed(campaign, 1)
    stop(line_id=line.pk, scope="party", ref="https://roadaid.example", **WHO)
    kept_outside()
    stop(line_id=line.pk, scope="all", **WHO)
    folder, read_last = Path(portal.STOP_ARCHIVE_DIR), FolderSink.last

    def then_gone(sink: FolderSink) -> str:
        found = read_last(sink)
        folder.rename(folder.with_name("not-mounted"))
        return found

    monkeypatch.setattr(FolderSink, "last", then_gone)
    with pytest.raises(archive_comparison.NotThere, match="it is empty, and has not been"):
        archive_writing.write(now=timezone.now())
    assert not folder.exists()


def test_an_archive_that_was_lost_is_given_all_again(campaign: Campaign, tmp_path: Path) -> None:
    (line,) = agreed(campaign, 1)
    adly = a_party("Adly", "lbs_provider")
    ads = a_campaign(a_contract(ref="AGR-2"), adly, ref="CMP-ads")
    backup = dump(tmp_path)
    stop(line_id=line.pk, scope="party", ref="https://roadaid.example", **WHO)
    suspend(of="party", target_id=adly.pk, actor="system:test", reason="Due", at=database_clock(), automatic=True)
    an_end(ads)
    JurisdictionRule.objects.create(state="WA", starts_at=NOW, purposes=[campaign.purpose], source="RCW 1")
    restore_order(disclosure_id=uuid.uuid4(), suppressed_until=FAR_OFF, order_ref="WA-2", at=NOW)
    assert kept_outside() == 5
    shutil.rmtree(portal.STOP_ARCHIVE_DIR)
    restore_order(disclosure_id=uuid.uuid4(), suppressed_until=FAR_OFF, order_ref="WA-3", at=NOW)
    assert "5 more entries wait" in after_restore("--despite", "The disk broke.")
    assert (kept_outside(), archive_comparison.describe_missing_entries()) == (6, "")
    with life_in(backup):
        found = read_after_head(sink=open_sink()).entries
        assert [
            next(what for what in ("choice", "suspension", "end", "tightening", "epochs") if getattr(entry, what))
            for entry in found
        ] == ["epochs", "choice", "suspension", "end", "tightening", "tightening", "tightening"]
        assert [one.tightening.facts.get("order_ref", "") for one in found if one.tightening] == ["", "WA-2", "WA-3"]
        after_restore("--confirm-lost-events", "Looked through.")
        assert JurisdictionRule.objects.filter(state="WA", source="RCW 1").count() == 1
        assert set(HeldNotice.objects.values_list("order_ref", flat=True)) == {"WA-2", "WA-3"}
        assert set(Suspension.objects.values_list("of", flat=True)) == {"party", "campaign"}


def test_a_key_that_was_replaced_on_the_restored_database_stays(campaign: Campaign, tmp_path: Path) -> None:
    first, second, third = (dict(Signer(name).public) for name in ("first", "second", "third"))

    def replaced(name: str, key: dict[str, Any]) -> None:
        register_client(
            client_id=name, kind=Client.Kind.GATEWAY, party=None, public_jwk=key, actor="system:test", at=NOW
        )

    for name in ("gateway-1", "gateway-2"):
        replaced(name, third)
        replaced(name, first)
    # What waits in the backup went out after it, and before what is newer: it keeps nothing back.
    backup = dump(tmp_path)
    Contract.objects.update(ends_at=timezone.now() + timedelta(days=9))
    for name in ("gateway-1", "gateway-2"):
        replaced(name, second)
    assert kept_outside() == 5
    with life_in(backup):
        replaced("gateway-1", third)
        # So does a file of the carrier's that shortens a term by less than was lost.
        Contract.objects.update(ends_at=timezone.now() + timedelta(days=30))
        after_restore("--confirm-lost-events", "Looked through.")
        assert dict(Client.objects.values_list("client_id", "public_jwk")) == {"gateway-1": third, "gateway-2": second}
        assert Contract.objects.get(ref=campaign.contract.ref).ends_at < timezone.now() + timedelta(days=10)
        # And in the archive they are the newest too.
        archive_writing.write(now=timezone.now())
    with life_in(backup):
        after_restore("--confirm-lost-events", "Looked through.")
        assert dict(Client.objects.values_list("client_id", "public_jwk")) == {"gateway-1": third, "gateway-2": second}


def test_what_a_restore_passed_over_is_not_the_newest_of_an_archive_begun_anew(
    campaign: Campaign, tmp_path: Path
) -> None:
    row, soon = uuid.uuid4(), timezone.now() + timedelta(days=1)
    backup = dump(tmp_path)
    Contract.objects.filter(pk=campaign.contract_id).update(ends_at=soon)
    restore_order(disclosure_id=row, suppressed_until=soon, order_ref="lost", at=NOW)
    assert kept_outside() == 2
    with life_in(backup):
        restore_order(disclosure_id=row, suppressed_until=None, order_ref="since", at=NOW)
        after_restore("--confirm-lost-events", "Looked through.")
        archive_writing.write(now=timezone.now())
        assert requeue_everything() == 2
        waiting = Tightening.objects.filter(archived_at__isnull=True).order_by("at")
        assert [one.facts.get("order_ref", "AGR-1") for one in waiting] == ["since", "AGR-1"]


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
