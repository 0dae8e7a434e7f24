"""Promise 10. Proof without trust in us: receipts verify offline, and the trail shows what was done to it."""

import errno
import json
from datetime import UTC, datetime, timedelta
from io import StringIO
from pathlib import Path

import pytest
from django.conf import settings as portal
from django.core.management import CommandError, call_command
from django.db import connections
from django.utils import timezone
from pytest_django import Settings

import audit.actions
from audit.models import Incident
from consent.actions.choices import stop
from consent.models import ChoiceReceipt
from partners.clients import checkpoint_places
from partners.domain import keys
from partners.workers import checkpoints
from support.workers.watching import verify_audit
from tests.factories import NOW, a_campaign, a_line, an_approval
from tests.walks.marks import written

pytestmark = pytest.mark.usefixtures("committed_db", "no_broker")
NUMBER = "+12065550142"


@pytest.fixture
def receipt(tmp_path: Path) -> Path:
    line = a_line(msisdn=NUMBER)
    an_approval(line, a_campaign())
    recorded = stop(line_id=line.pk, scope="all", actor="subscriber:1", channel="web")
    kept = ChoiceReceipt.objects.get(choice_id=recorded.choice_id)
    file = tmp_path / "receipt.json"
    file.write_text(json.dumps({"number": kept.number, "token": kept.token}))
    return file


@pytest.fixture
def published(tmp_path: Path) -> Path:
    file = tmp_path / "jwks.json"
    file.write_text(json.dumps(keys.jwks(at=NOW)))
    return file


def verify(file: Path, jwks: Path) -> str:
    said = StringIO()
    call_command("verify_receipt", str(file), jwks=jwks, stdout=said)
    return said.getvalue()


def test_a_receipt_verifies_with_nothing_but_the_published_keys(receipt: Path, published: Path) -> None:
    said = verify(receipt, published)
    assert '"kind": "stop"' in said
    assert '"scope": "all"' in said
    assert "The receipt verifies." in said


def test_a_receipt_names_no_phone_number(receipt: Path, published: Path) -> None:
    said = verify(receipt, published)
    assert [form for form in written(NUMBER) if form in said] == []


def checkpoint(at: datetime) -> Path:
    """Write one. Returns its file."""
    return Path(portal.CHECKPOINT_DIR) / checkpoints.write(place=checkpoint_places.place(), at=at)


@pytest.mark.parametrize("part", [0, 1, 2])
def test_a_receipt_with_any_part_changed_does_not_verify(receipt: Path, published: Path, part: int) -> None:
    parts = json.loads(receipt.read_text())["token"].split(".")
    middle = len(parts[part]) // 2
    parts[part] = parts[part][:middle] + ("A" if parts[part][middle] != "A" else "B") + parts[part][middle + 1 :]
    receipt.write_text(json.dumps({"token": ".".join(parts)}))
    # What its header says decides how the rest is read.
    why = ".+" if part == 0 else "a signature doesn't fit what it signs"
    with pytest.raises(CommandError, match=rf"^this receipt does not verify: {why}\. Checked with the keys in "):
        verify(receipt, published)


def test_a_token_signed_for_another_use_is_no_receipt(tmp_path: Path, published: Path, settings: Settings) -> None:
    settings.CHECKPOINT_DIR = tmp_path / "checkpoints"
    other = tmp_path / "other.jws"
    other.write_text(checkpoint(NOW).read_text())
    with pytest.raises(CommandError, match="signed as something else"):
        verify(other, published)


def test_verify_audit_finds_a_trail_cut_off_with_its_head(receipt: Path, tmp_path: Path, settings: Settings) -> None:
    settings.CHECKPOINT_DIR = tmp_path / "checkpoints"
    checkpoint(NOW)
    call_command("verify_audit", stdout=StringIO())
    with connections["owner"].cursor() as cursor:
        cursor.execute("SET session_replication_role = replica")
        cursor.execute("DELETE FROM audit_auditevent")
        cursor.execute(
            "UPDATE audit_chainhead SET seq = 0, hash = sha256(convert_to('whereabouts audit chain ' || chain, 'UTF8'))"
        )
        cursor.execute("SET session_replication_role = origin")
    with pytest.raises(CommandError, match="row 1 is cut off"):
        call_command("verify_audit", stdout=StringIO())


def test_a_forged_checkpoint_is_refused(tmp_path: Path, settings: Settings) -> None:
    settings.CHECKPOINT_DIR = tmp_path
    written = checkpoint(NOW)
    head, body, signature = written.read_text().split(".")
    written.write_text(f"{head}.{body}.{signature[:-9]}AAAAAAAAA")
    with pytest.raises(ValueError, match=r"."):
        checkpoints.newest(place=checkpoint_places.place())


def test_a_forged_checkpoint_among_others_is_refused(tmp_path: Path, settings: Settings) -> None:
    settings.CHECKPOINT_DIR = tmp_path
    now = timezone.now().replace(microsecond=0)
    audit.actions.record(action="test.done", actor="system:test", target="thing:1", at=now - timedelta(days=1))
    _, forged, torn, _ = [checkpoint(now - timedelta(minutes=10 * n)) for n in (3, 2, 1, 0)]
    head, body, signature = forged.read_text().split(".")
    forged.write_text(f"{head}.{body}.{signature[:-9]}AAAAAAAAA")
    torn.write_bytes(b"")
    said = StringIO()
    with pytest.raises(CommandError, match=rf"^a checkpoint in {tmp_path} can't be trusted: [^\n]*signature"):
        call_command("verify_audit", stdout=said)
    assert said.getvalue().splitlines()[0] == f"1 files are no whole checkpoints: {torn.name}"
    assert clocks_fault(now) == ["the newest checkpoint can't be trusted"]


def clocks_fault(now: datetime) -> list[str]:
    verify_audit(now=now)
    return list(Incident.objects.values_list("subject", flat=True))


def said_of_the_trail() -> str:
    said = StringIO()
    call_command("verify_audit", stdout=said)
    return said.getvalue().splitlines()[-1]


def vouched(by: Path, later: int = 0) -> str:
    """What `verify_audit` says last, by the name of a checkpoint's file."""
    moment = datetime.strptime(by.name, "%Y%m%dT%H%M%S%fZ.jws").replace(tzinfo=UTC)
    return (
        f"The audit trail verifies up to {moment:%Y-%m-%dT%H:%M:%SZ}, by the checkpoint {by.name}."
        f" Rows after that: {later}. Until the next checkpoint, rows cut off after this one would not show."
    )


def test_without_a_checkpoint_no_old_trail_is_called_whole(tmp_path: Path, settings: Settings) -> None:
    settings.CHECKPOINT_DIR = tmp_path / "checkpoints"
    now = timezone.now()
    audit.actions.record(action="test.done", actor="system:test", target="thing:1", at=now)
    assert said_of_the_trail() == "There is no checkpoint yet, so nothing vouches for the end of these 1 rows."
    audit.actions.record(action="test.done", actor="system:test", target="thing:1", at=now - timedelta(minutes=11))
    with pytest.raises(CommandError, match="a cut-off end can't be excluded"):
        said_of_the_trail()
    written = checkpoint(now)
    assert said_of_the_trail() == vouched(written)


def test_a_checkpoint_that_is_gone_is_missed(tmp_path: Path, settings: Settings) -> None:
    settings.CHECKPOINT_DIR = tmp_path
    now = timezone.now().replace(microsecond=0)
    audit.actions.record(action="test.done", actor="system:test", target="thing:1", at=now - timedelta(days=1))
    written = [checkpoint(now - timedelta(minutes=10 * n)) for n in (5, 4, 3, 0)]
    assert said_of_the_trail() == vouched(written[3])
    newest = written[3].read_text()
    written[3].unlink()
    assert said_of_the_trail() == vouched(written[2])
    written[3].write_text(newest)
    written[0].unlink()
    assert said_of_the_trail() == vouched(written[3])
    written[2].unlink()
    with pytest.raises(CommandError, match=f"a checkpoint before {written[3].name} is not there"):
        said_of_the_trail()


@pytest.mark.parametrize("kept", [0, 40, -9])
def test_a_torn_checkpoint_is_said_and_the_next_goes_on(tmp_path: Path, settings: Settings, kept: int) -> None:
    settings.CHECKPOINT_DIR = tmp_path
    now = timezone.now().replace(microsecond=0)
    audit.actions.record(action="test.done", actor="system:test", target="thing:1", at=now - timedelta(days=1))
    first, torn = [checkpoint(now - timedelta(minutes=10 * n)) for n in (3, 2)]
    torn.write_bytes(torn.read_bytes()[:kept] if kept else b"")
    assert not checkpoints.find_missing_events(place=checkpoint_places.place())
    with pytest.raises(CommandError, match=rf"can't be trusted: {torn.name} is no whole checkpoint$"):
        said_of_the_trail()
    assert clocks_fault(now) == []
    # The clock was set back, too.
    (after, newest) = [checkpoint(now - timedelta(minutes=n)) for n in (40, 0)]
    assert [path.name for path in sorted(tmp_path.iterdir())] == [one.name for one in (first, torn, after, newest)]
    said = StringIO()
    call_command("verify_audit", stdout=said)
    assert said.getvalue().splitlines()[0] == f"1 files are no whole checkpoints: {torn.name}"
    assert said.getvalue().splitlines()[-1] == vouched(newest)
    assert clocks_fault(now) == []
    # One that was whole when the next one named it is missed.
    after.write_bytes(after.read_bytes()[:kept] if kept else b"")
    with pytest.raises(CommandError, match=f"a checkpoint before {newest.name} is not there"):
        said_of_the_trail()


def test_a_full_disk_leaves_no_half_checkpoint(
    tmp_path: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.CHECKPOINT_DIR = tmp_path
    first = checkpoint(NOW)

    def full(_descriptor: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr("os.fsync", full)
        with pytest.raises(OSError, match="No space left"):
            checkpoint(NOW + timedelta(minutes=10))
    assert [*tmp_path.glob("*.jws")] == [first]
    checkpoint(NOW + timedelta(minutes=10))
    assert (len([*tmp_path.iterdir()]), checkpoints.find_gap(place=checkpoint_places.place())) == (2, "")


@pytest.mark.parametrize("content", [b"", b"a.b.c", b"\xff\xfe", b"e30.e30.e30"])
def test_verify_audit_names_a_checkpoint_that_is_none(
    receipt: Path, tmp_path: Path, settings: Settings, content: bytes
) -> None:
    settings.CHECKPOINT_DIR = str(tmp_path)
    (tmp_path / "20261125T000000000000Z.jws").write_bytes(content)
    with pytest.raises(CommandError, match=rf"^the newest checkpoint in {tmp_path} can't be trusted: [^\n]+$"):
        call_command("verify_audit", stdout=StringIO())
