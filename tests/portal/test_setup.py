"""`manage.py setup` names all that is missing at once, and takes an empty server to one whose services can start."""

import os
import pwd
import re
import sys
import time
from pathlib import Path

import psycopg
import pytest
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.db import connections
from psycopg.conninfo import make_conninfo
from pytest_django import DjangoDbBlocker

from portal import database_roles, installing
from tests import forks
from tests.databases import drop_database
from tests.faults.programs import PROJECT
from tests.portal.processes import clean_environment
from tests.running.proxies import RUNNING
from tests.selection import NIGHTLY

CONSOLE = "accounts.clients.texts.ConsoleBackend"


def setup(folder: Path, *arguments: str, **given: str) -> tuple[int, str]:
    """What it says, with the folder of this test as `…`."""
    command = [sys.executable, "manage.py", "setup", "--folder", str(folder), "--user", "nobody", *arguments]
    stored = {
        name: str(folder / name) for name in ("CHECKPOINT_DIR", "STOP_ARCHIVE_DIR", "ATTACHMENTS_DIR", "DATA_DIR")
    }
    done = forks.run(command, cwd=PROJECT, env=clean_environment(**stored, **given))
    return done.returncode, (done.stdout + done.stderr).replace(str(folder), "…")


def written(folder: Path) -> dict[str, str]:
    return {path.name: path.read_text() for path in (folder / "secrets").iterdir()}


@pytest.mark.no_database
def test_everything_that_is_missing_is_named_at_once_and_no_secret_is_written_twice(tmp_path: Path) -> None:
    said = [
        "Not started: complete these, then run setup again:",
        "- …/settings: copy docs/running/settings there and adapt it",
        "- EMAIL_URL: write the mail server's address, smtps://user:password@host, to …/secrets/EMAIL_URL",
        "- SMS_WEBHOOK_TOKEN: write the bearer token of your text gateway, to …/secrets/SMS_WEBHOOK_TOKEN",
        "- BASE_URL is not set. Set it to the address people use, https://….",
        "- ALLOWED_HOSTS is not set. Set it to the host names people use, with commas between them.",
        f"- SMS_BACKEND is not set. Set it to what sends them in production ({CONSOLE} shows them on this machine).",
    ]
    token, elsewhere = "a-token-of-32-characters-or-more-", tmp_path / "key"
    elsewhere.write_text("a-key-that-lies-elsewhere" * 2)
    given = {"METRICS_TOKEN": token, "SECRET_KEY_FILE": str(elsewhere)}
    assert setup(tmp_path, **given) == (1, "\n".join([*said, ""]))
    # What is given is what the services get; what lies elsewhere has no second file.
    assert written(tmp_path)["METRICS_TOKEN"] == f"{token}\n"
    assert "SECRET_KEY" not in written(tmp_path)
    assert setup(tmp_path) == (1, "\n".join([*said, ""]))
    first = written(tmp_path)
    assert sorted(first) == [
        "DATABASE_OWNER_URL", "DATABASE_URL", "FIELD_ENCRYPTION_KEYS", "METRICS_TOKEN", "REDIS_URL", "SECRET_KEY",
    ]  # fmt: skip
    assert {path.stat().st_mode & 0o777 for path in (tmp_path / "secrets").iterdir()} == {0o600}
    (tmp_path / "settings").write_text((RUNNING / "settings").read_text())
    for name in ("EMAIL_URL", "SMS_WEBHOOK_TOKEN"):
        (tmp_path / "secrets" / name).write_text("smtps://user:password@mail.carrier.test")
    code, again = setup(tmp_path)
    assert (code, again.splitlines()[1:]) == (
        1,
        ["- …/settings still names carrier.example: ALLOWED_HOSTS, BASE_URL, EMAIL_FROM, SMS_WEBHOOK_URL"],
    )
    assert written(tmp_path).items() >= first.items()


@pytest.mark.no_database
def test_a_folder_that_can_t_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    assert setup(tmp_path / "file") == (
        1, "Not started: …/secrets can't be made: Not a directory. Run setup as root, or name another folder.\n",
    )  # fmt: skip


@pytest.mark.no_database
def test_commands_of_an_installed_machine_ask_its_own_database(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def taken(command: str, **given: str) -> dict[str, str]:
        monkeypatch.setattr(os, "environ", dict(given))
        installing.prepare(["manage.py", command])
        return dict(os.environ)

    monkeypatch.setattr(installing, "CONFIGURATION", tmp_path)
    assert taken("migrate") == {}
    (tmp_path / "settings").write_text("# ours\nBASE_URL=http://localhost:8000\nEMAIL_FROM='us@c.test'\n")
    with pytest.raises(ImproperlyConfigured) as refusal:
        taken("migrate")
    assert str(refusal.value) == (
        f"{tmp_path}/secrets has no DATABASE_URL that can be read. Run this as root; or set DATABASE_URL."
    )
    # A receipt is checked without a database, by anyone.
    assert taken("verify_receipt") == taken("help") == {}
    (tmp_path / "secrets").mkdir()
    (tmp_path / "secrets" / "DATABASE_URL").write_text("postgresql://…")
    ours = {"BASE_URL": "http://localhost:8000", "EMAIL_FROM": "us@c.test"}
    assert taken("migrate") == {**ours, "DATABASE_URL_FILE": f"{tmp_path}/secrets/DATABASE_URL"}
    # Whoever names servers means those; the demo and the benchmarks have their own.
    named = {"DATABASE_URL": "postgresql://elsewhere"}
    assert taken("migrate", **named) == named
    assert taken("demo") == taken("bench") == {}


def test_without_two_officers_no_database_is_made(
    tmp_path: Path, django_db_setup: None, django_db_blocker: DjangoDbBlocker
) -> None:
    one, name = settings.DATABASES["owner"], f"{connections['owner'].settings_dict['NAME']}_none"
    superuser = f"postgresql://{one['USER']}:{one['PASSWORD']}@{one['HOST']}:{one['PORT']}/postgres"
    complete(tmp_path, name)
    for officers, said in (
        ((), "Name two officers: --officer E-MAIL --officer E-MAIL."),
        (("--officer", "a@c.test", "--officer", "A@c.test"), "Name two officers: --officer E-MAIL --officer E-MAIL."),
        (("--officer", "a@c.test", "--officer", "b"), "b isn't an e-mail address."),
    ):
        code, told = setup(tmp_path, "--admin", superuser, *officers)
        assert (code, f"CommandError: {said}" in told, "Made in" in told) == (1, True, False), told
    with django_db_blocker.unblock(), connections["owner"]._nodb_cursor() as cursor:
        cursor.execute("SELECT FROM pg_database WHERE datname = %s", [name])
        assert cursor.fetchall() == []


@pytest.mark.skipif(not NIGHTLY, reason="migrates an empty database: at night")
def test_an_empty_server_gets_its_roles_its_database_and_two_officers(
    tmp_path: Path, django_db_setup: None, django_db_blocker: DjangoDbBlocker
) -> None:
    name = f"{connections['owner'].settings_dict['NAME']}_setup"
    one = settings.DATABASES["owner"]
    with django_db_blocker.unblock(), connections["owner"]._nodb_cursor() as cursor:
        drop_database(cursor, name)
        complete(tmp_path, name)
        superuser = f"postgresql://{one['USER']}:{one['PASSWORD']}@{one['HOST']}:{one['PORT']}/postgres"
        began, collected = time.time(), PROJECT / "staticfiles" / "staticfiles.json"
        try:
            code, said = setup(tmp_path, "--admin", superuser, "--officer", "a@c.test", "--officer", "b@c.test")
            assert code == 0, said
            assert collected.stat().st_mtime >= began
            links = re.findall(r"^  (https://privacy.carrier.test/accounts/invitation/\S+)$", said, re.MULTILINE)
            assert len(links) == len(set(links)) == 2
            assert re.sub(r"/invitation/\S+", "/invitation/…", said).replace(name, "…_setup") == DONE
            code, said = setup(tmp_path, "--admin", superuser, "--officer", "a@c.test")
            assert (code, said.splitlines()[:4]) == (0, AGAIN)
            with psycopg.connect(superuser.replace("/postgres", f"/{name}")) as session:
                (row,) = session.execute("SELECT count(*) FROM accounts_user WHERE role = 'officer'").fetchall()
            assert row == (2,)
        finally:
            drop_database(cursor, name)


DONE = """\
Settings and secrets are complete.
Made in PostgreSQL: database …_setup.
The database is migrated.
Officer a@c.test chooses a password within 3 days, once, at:
  https://privacy.carrier.test/accounts/invitation/…
Officer b@c.test chooses a password within 3 days, once, at:
  https://privacy.carrier.test/accounts/invitation/…
Next:
1. Start: systemctl enable --now whereabouts-web@8000 whereabouts-web@8002 whereabouts-gate whereabouts-worker \
whereabouts-beat
2. Look: https://privacy.carrier.test/readyz
3. Copy the secrets to a safe place elsewhere: without FIELD_ENCRYPTION_KEYS no backup can be read.
4. Both officers open their links, then follow docs/guides/officers.md.
"""
AGAIN = [
    "Settings and secrets are complete.",
    "Made in PostgreSQL: nothing, all was there.",
    "The database is migrated.",
    "a@c.test is already there. New link: manage.py make_staff --email a@c.test --again",
]


def test_no_password_goes_to_a_server_that_the_application_would_not_take() -> None:
    one = settings.DATABASES["owner"]
    known = {"host": one["HOST"], "port": one["PORT"], "user": one["USER"], "password": one["PASSWORD"]}
    admin = {name: value for name, value in known.items() if value} | {"dbname": one["NAME"]}
    # The tests' server has no certificate, and asks for a password.
    wanted = one | {"OPTIONS": {**one["OPTIONS"], "sslmode": "require", "require_auth": "none"}}
    with pytest.raises(
        database_roles.ProvisioningRefused, match=r" SSL, but SSL was required|requirement .none. failed"
    ):
        database_roles.provide(admin=make_conninfo(**admin), app=wanted, owner=wanted)


@pytest.mark.no_database
def test_whoever_has_no_name_on_the_machine_has_no_home(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    root = pwd.getpwuid(0)
    assert installing.account(user="root", containers=False) == installing.Account(0, root.pw_gid, root.pw_dir)
    assert installing.account(user="54321", containers=True) == installing.Account(54321, 54321, "/")


def complete(folder: Path, name: str) -> None:
    """The settings and secrets of an operator whose PostgreSQL is the tests'."""
    shipped = (RUNNING / "settings").read_text().replace("carrier.example", "carrier.test")
    (folder / "settings").write_text(f"{shipped}PLAIN_HOSTS={settings.DATABASES['default']['HOST']}\n")
    (folder / "secrets").mkdir()
    for alias, file in (("default", "DATABASE_URL"), ("owner", "DATABASE_OWNER_URL")):
        one = settings.DATABASES[alias]
        where = f"{one['USER']}:{one['PASSWORD']}@{one['HOST']}:{one['PORT']}/{name}"
        (folder / "secrets" / file).write_text(f"postgresql://{where}")
    (folder / "secrets" / "EMAIL_URL").write_text("smtps://user:password@mail.carrier.test")
    (folder / "secrets" / "SMS_WEBHOOK_TOKEN").write_text("token-of-the-gateway")
