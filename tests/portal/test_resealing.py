"""Keys are changed while everything runs: what the old ones sealed and signed stays good until it was made anew."""

import re
import zipfile
from collections.abc import Mapping
from io import BytesIO, StringIO
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from cryptography.fernet import Fernet
from django.apps import apps
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import CommandError, call_command
from django.db import connections
from django.db.models import QuerySet
from django.utils import timezone
from pytest_django import Settings

from accounts.models import Line, LineNumber, User
from accounts.primitives import sealing
from accounts.primitives.sealing import seal, unseal
from accounts.queries import line_of_number
from audit.models import AuditEvent
from consent.actions.choices import stop
from consent.models import HeldRow
from consent.workers import archive_comparison, archive_writing
from disclosures.workers import archiving
from partners.domain import keys
from partners.models import SigningKey
from support.models import Attachment
from support.workers import scanning
from tests.factories import a_campaign, a_line, an_approval
from tests.people import sign_in_by_code, signed_in
from tests.support.desk import asks
from tools.key_rotation import sealed_columns

pytestmark = pytest.mark.usefixtures("committed_db", "no_broker")
NUMBER = "+12065550177"


def everything_sealed() -> list[bytes]:
    found = [
        bytes(sealed)
        for label, field in sealed_columns()
        for sealed in QuerySet[Any](apps.get_model(label)).values_list(field, flat=True)
        if sealed
    ]
    found += [bytes(sealed) for sealed in SigningKey.objects.values_list("private_sealed", flat=True) if sealed]
    for one in Authenticator.objects.all():
        of_codes = one.data.get("migrated_codes", [])
        found += [sealed.encode() for sealed in of_codes or [one.data["secret"]]]
    return found


def restore_signing_keys(before: Mapping[str, bytes]) -> None:
    """The session's keys, which other tests use, as they were."""
    with connections["owner"].cursor() as cursor:
        for kid, sealed in before.items():
            cursor.execute("UPDATE partners_signingkey SET private_sealed = %s WHERE kid = %s", [sealed, kid])


def test_after_reseal_the_newest_key_alone_opens_everything(settings: Settings, tmp_path: Path) -> None:
    settings.STOP_ARCHIVE_DIR, settings.CHECKPOINT_DIR = tmp_path / "archive", tmp_path / "checkpoints"
    oldest = settings.FIELD_ENCRYPTION_KEYS[-1]
    between, newest = Fernet.generate_key().decode(), Fernet.generate_key().decode()
    before = {row.kid: bytes(row.private_sealed) for row in SigningKey.objects.all()}
    settings.FIELD_ENCRYPTION_KEYS = [between, oldest]
    line = a_line(msisdn=NUMBER, holder_name="Ada Marsh")
    an_approval(line, a_campaign())
    HeldRow.objects.create(
        feed="approvals", source_hash=b"1", msisdn_hash=b"2", row_sealed=seal("{}"), held_at=timezone.now()
    )
    secret = Authenticator.objects.create(
        user=User.objects.create(username="somebody"), type="totp", data={"secret": seal("JBSW").decode()}
    )
    RecoveryCodes.activate(secret.user)
    sealing.hash_codes(user=secret.user)
    stop(line_id=line.pk, scope="all", actor="subscriber:1", channel="web")
    assert archive_writing.write(now=timezone.now()) == 1
    settings.FIELD_ENCRYPTION_KEYS = [newest, between, oldest]
    said = StringIO()
    try:
        call_command("reseal", stdout=said)
        assert "accounts.Line.holder_name_sealed: 1 sealed anew" in said.getvalue()
        opener = Fernet(newest)
        assert [opener.decrypt(sealed) for sealed in everything_sealed()] != []
        assert opener.decrypt(bytes(Line.objects.get().holder_name_sealed)) == b"Ada Marsh"
        assert unseal(bytes(LineNumber.objects.get().msisdn_sealed)) == NUMBER
        again = StringIO()
        call_command("reseal", stdout=again)
        assert "accounts.Line.holder_name_sealed: 0 sealed anew" in again.getvalue()
        trail = AuditEvent.objects.filter(action="fields.resealed").order_by("id")
        anew = [sum(map(int, re.findall(r": (\d+) sealed anew", run.getvalue()))) for run in (said, again)]
        assert [one.detail["count"] for one in trail] == anew
        # The key between has gone; numbers are found, what was signed verifies, and the archive is ours.
        settings.FIELD_ENCRYPTION_KEYS = [newest, oldest]
        assert line_of_number(msisdn=NUMBER, at=timezone.now()) == line
        secret.refresh_from_db()
        assert unseal(secret.data["secret"].encode()) == "JBSW"
        token = keys.sign(use=SigningKey.Use.RECEIPT, claims={"a": 1})
        assert keys.verify_own(use=SigningKey.Use.RECEIPT, token=token) == {"a": 1}
        assert archive_comparison.describe_missing_entries() == ""
    finally:
        restore_signing_keys(before)


def test_after_reseal_files_of_cases_and_prepared_downloads_open_without_the_key_between(
    settings: Settings, tmp_path: Path
) -> None:
    settings.SMS_BACKEND, settings.ANSWER_SECONDS = "accounts.clients.texts.MemoryBackend", 0.0
    settings.ATTACHMENTS_DIR, bill = tmp_path / "attachments", b"What they charged"
    oldest, between, newest = settings.FIELD_ENCRYPTION_KEYS[-1], *(Fernet.generate_key().decode() for _ in range(2))
    before = {row.kid: bytes(row.private_sealed) for row in SigningKey.objects.all()}
    settings.FIELD_ENCRYPTION_KEYS = [between, oldest]
    browser = signed_in(a_line(msisdn=NUMBER))
    case = asks(browser, uploads=[SimpleUploadedFile("bill.txt", bill)])
    damaged = asks(browser, message="And this?", uploads=[SimpleUploadedFile("other.txt", bill)])
    scanning.scan(now=timezone.now())
    (broken,) = tmp_path.rglob(Attachment.objects.get(ticket=damaged).pk.hex)
    broken.write_bytes(b"not ours")
    HeldRow.objects.create(
        feed="approvals", source_hash=b"1", msisdn_hash=b"2", row_sealed=b"not ours", held_at=timezone.now()
    )
    user = User.objects.create(username="ana")
    Authenticator.objects.create(user=user, type=Authenticator.Type.TOTP, data={"secret": "not ours"})
    browser.post("/settings/archive/ask/")
    assert archiving.make(now=timezone.now()) == 1
    settings.FIELD_ENCRYPTION_KEYS, said = [newest, between, oldest], StringIO()
    try:
        call_command("reseal", stdout=said)
        for place, n in ((settings.ATTACHMENTS_DIR, 1), ("consent.HeldRow.row_sealed", 0), ("second factors", 0)):
            assert f"{place}: {n} sealed anew, 1 that no key opens" in said.getvalue()
        settings.FIELD_ENCRYPTION_KEYS = [newest, oldest]
        browser = signed_in(Line.objects.get())
        path = f"/help/{case.code}/files/{Attachment.objects.get(ticket=case).pk}/"
        assert browser.client.get(path).getvalue() == bill
        archive = browser.client.get("/settings/archive/whereabouts.zip").getvalue()
        assert "index.html" in zipfile.ZipFile(BytesIO(archive)).namelist()
    finally:
        restore_signing_keys(before)


@pytest.mark.parametrize("command", ["migrate", "reseal", "after_restore", "upgrade_check"])
def test_keys_that_are_not_the_database_s_are_refused_before_anything_changes(
    settings: Settings, capsys: pytest.CaptureFixture[str], command: str
) -> None:
    line, oldest, other = a_line(msisdn=NUMBER), settings.FIELD_ENCRYPTION_KEYS[-1], Fernet.generate_key().decode()
    damaged = a_line()
    LineNumber.objects.filter(line=damaged).update(msisdn_sealed=b"not ours")
    before = everything_sealed()
    for keys_now, why in (
        ([other], "they open no number"),
        ([oldest, other], "the last isn't the one by which numbers are found"),
    ):
        settings.FIELD_ENCRYPTION_KEYS = keys_now
        with pytest.raises(CommandError) as refused:
            call_command(command)
        assert (
            f"FIELD_ENCRYPTION_KEYS aren't those of this database: {why}. With them nobody is found by their number,"
            " and stops by text reach no line. Bring back the keys that it was used with, the oldest last. Nothing was"
            " changed."
        ) in f"{refused.value}{capsys.readouterr().out}"
        assert everything_sealed() == before
    settings.FIELD_ENCRYPTION_KEYS = [other, oldest]
    call_command("migrate", verbosity=0)
    assert line_of_number(msisdn=NUMBER, at=timezone.now()) == line


def test_sessions_outlive_a_change_of_the_secret_key_while_the_old_one_is_named(settings: Settings) -> None:
    settings.SMS_BACKEND, settings.ANSWER_SECONDS = "accounts.clients.texts.MemoryBackend", 0.0
    browser = sign_in_by_code(a_line(msisdn=NUMBER))
    inside = browser.get("/home/").url
    assert not inside.startswith("/accounts/login/")
    old, settings.SECRET_KEY = settings.SECRET_KEY, "another-secret-key-of-this-test-" * 2
    settings.SECRET_KEY_FALLBACKS = [old]
    assert browser.get("/home/").url == inside
    # Who came by meanwhile is known by the new key.
    settings.SECRET_KEY_FALLBACKS = []
    assert browser.get("/home/").url == inside


def test_while_processes_restart_one_by_one_each_opens_what_the_others_seal(settings: Settings) -> None:
    old, new = settings.FIELD_ENCRYPTION_KEYS[-1], Fernet.generate_key().decode()
    steps = re.findall(r"`FIELD_ENCRYPTION_KEYS=([a-z,]+)`", Path("docs/guides/keys.md").read_text())
    assert steps == ["old,new,old", "new,old"]
    in_force = [[old], *([{"old": old, "new": new}[name] for name in step.split(",")] for step in steps)]
    for before, after in pairwise(in_force):
        for theirs, ours in ((before, after), (after, before)):
            settings.FIELD_ENCRYPTION_KEYS = theirs
            sealed, mark = seal(NUMBER), sealing.number_hash(NUMBER)
            settings.FIELD_ENCRYPTION_KEYS = ours
            assert (unseal(sealed), sealing.number_hash(NUMBER)) == (NUMBER, mark)
