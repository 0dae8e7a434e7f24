"""The archive of stops outside the database: what is written to it, and what is found wrong with it."""

import shutil
import uuid
from contextlib import closing
from datetime import timedelta
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as portal
from django.core.cache import cache
from django.core.management import CommandError, call_command
from django.db import ProgrammingError, connection, connections
from django.utils import timezone
from structlog.testing import capture_logs

import audit.actions
from audit.models import AuditEvent
from audit.queries import database_clock
from consent.actions.choices import refuse, stop
from consent.clients.archive_sink import FolderSink, open_sink
from consent.gate.deciding import NOT_LOOKED, Opening
from consent.models import ArchiveHead, ArchiveQueueEntry, GateOpening, Tightening
from consent.workers import archive_comparison, archive_writing
from consent.workers.archive_comparison import find_missing
from consent.workers.archive_entries import read_after_head
from consent.workers.archive_writing import requeue_everything
from disclosures.actions import restore_order
from disclosures.models import HeldNotice
from partners.actions.clients import register_client
from partners.actions.suspensions import suspend
from partners.clients import checkpoint_places
from partners.models import Campaign, Client, Contract, JurisdictionRule, Suspension
from partners.workers import checkpoints
from tests.factories import FAR_OFF, NOW, a_campaign, a_contract, a_line, a_party
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
from tests.partners.outside import Signer

pytestmark = pytest.mark.usefixtures("committed_db", "no_broker", "own_archive")
WHO: dict[str, Any] = {"actor": "subscriber:1", "channel": "web"}


@pytest.fixture
def campaign() -> Campaign:
    return a_campaign(a_contract(ref="AGR-1"))


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

    # What went out before the backup is older than what was lost.
    replaced("gateway-3", third)
    replaced("gateway-3", first)
    kept_outside()
    for name in ("gateway-1", "gateway-2"):
        replaced(name, third)
        replaced(name, first)
    # What waits in the backup went out after it, and before what is newer: it keeps nothing back.
    backup = dump(tmp_path)
    Contract.objects.update(ends_at=timezone.now() + timedelta(days=9))
    for name in ("gateway-1", "gateway-2", "gateway-3"):
        replaced(name, second)
    assert kept_outside() == 6
    with life_in(backup):
        replaced("gateway-1", third)
        # So does a file of the carrier's that shortens a term by less than was lost.
        Contract.objects.update(ends_at=timezone.now() + timedelta(days=30))
        after_restore("--confirm-lost-events", "Looked through.")
        assert dict(Client.objects.values_list("client_id", "public_jwk")) == {
            "gateway-1": third, "gateway-2": second, "gateway-3": second,
        }  # fmt: skip
        assert Contract.objects.get(ref=campaign.contract.ref).ends_at < timezone.now() + timedelta(days=10)
        # And in the archive they are the newest too.
        archive_writing.write(now=timezone.now())
    with life_in(backup):
        after_restore("--confirm-lost-events", "Looked through.")
        assert dict(Client.objects.values_list("client_id", "public_jwk")) == {
            "gateway-1": third, "gateway-2": second, "gateway-3": second,
        }  # fmt: skip


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
