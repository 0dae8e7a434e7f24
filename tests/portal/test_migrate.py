"""After `migrate` the first stop finds everything it needs."""

from collections.abc import Container, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import OperationalError, connection, connections, transaction
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.recorder import MigrationRecorder
from pytest_django import Settings

from partners.domain import keys
from partners.models import SigningKey
from partners.workers import rotation
from portal import database_roles
from tests.fixtures import KEYS_SINCE


def forget_keys() -> None:
    with connections["owner"].cursor() as cursor:
        cursor.execute("DELETE FROM partners_signingkey")


@pytest.fixture
def no_keys(committed_db: None) -> Iterator[None]:
    """A database without signing keys; the test run's own come back afterwards."""
    forget_keys()
    yield
    forget_keys()
    rotation.ensure(now=KEYS_SINCE)


@pytest.mark.usefixtures("no_keys")
def test_migrate_makes_the_signing_keys() -> None:
    call_command("migrate", verbosity=0)
    assert set(SigningKey.objects.values_list("use", flat=True)) == set(SigningKey.Use.values)
    token = keys.sign(use=SigningKey.Use.RECEIPT, claims={"iss": "us"})
    assert keys.verify_own(use=SigningKey.Use.RECEIPT, token=token) == {"iss": "us"}


@pytest.fixture
def next_release(committed_db: None, settings: Settings) -> Iterator[MigrationRecorder]:
    """Two migrations that the database has not: one needs a table alone, one makes an index beside whoever is there."""
    settings.MIGRATION_MODULES = {"support": "tests.portal.migrations"}
    recorder = MigrationRecorder(connections["owner"])
    ran = set(recorder.applied_migrations())
    yield recorder
    with connections["owner"].cursor() as cursor:
        cursor.execute("RESET statement_timeout")
    call_command("migrate", "support", "0001_initial", verbosity=0)
    assert set(recorder.applied_migrations()) == ran


def valid(index: str) -> bool | None:
    """Whether an index can be used, or None where there is none."""
    with connections["owner"].cursor() as cursor:
        cursor.execute("SELECT indisvalid FROM pg_index WHERE indexrelid = to_regclass(%s)", [index])
        found = cursor.fetchone()
    return found and bool(found[0])


def test_what_needs_a_table_alone_gives_up_before_stops_wait_behind_it(next_release: MigrationRecorder) -> None:
    # Whoever waits on would be ended by this, and not by their own patience.
    with connections["owner"].cursor() as cursor:
        cursor.execute("SET statement_timeout = '20s'")
        cursor.execute(f'REVOKE ALL ON support_reveal FROM "{connection.settings_dict["USER"]}"')
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("LOCK TABLE support_ticket IN ROW EXCLUSIVE MODE")
        with pytest.raises(CommandError, match=r"^support\.0003_alone waited two seconds"):
            call_command("migrate", "support", "0003_alone", verbosity=0)
    assert ("support", "0003_alone") not in next_release.applied_migrations()
    with connections["owner"].cursor() as cursor:
        cursor.execute("SHOW lock_timeout")
        assert cursor.fetchone() == ("0",)
        cursor.execute("SELECT has_table_privilege(%s, 'support_reveal', 'SELECT')", [connection.settings_dict["USER"]])
        assert cursor.fetchone() == (True,), "rights on what was migrated before"
    call_command("migrate", "support", "0003_alone", verbosity=0)
    assert ("support", "0003_alone") in next_release.applied_migrations()


def test_an_index_that_was_broken_off_is_made_when_it_is_run_again(next_release: MigrationRecorder) -> None:
    call_command("migrate", "support", "0003_alone", verbosity=0)
    with connections["owner"].cursor() as cursor:
        cursor.execute("SET statement_timeout = '1s'")
        with transaction.atomic(), connection.cursor() as other:
            other.execute("LOCK TABLE support_ticket IN ROW EXCLUSIVE MODE")
            with pytest.raises(OperationalError, match="statement timeout"):
                call_command("migrate", "support", "0004_beside", verbosity=0)
        cursor.execute("RESET statement_timeout")
    assert valid("support_next_release") is False
    call_command("migrate", "support", "0004_beside", verbosity=0)
    assert valid("support_next_release") is True


def test_whoever_puts_new_code_out_can_ask_whether_the_schema_is_there(next_release: MigrationRecorder) -> None:
    """New code on an old schema is not offered: this says so before anything is restarted, and changes nothing."""
    with pytest.raises(SystemExit, match="1"):
        call_command("migrate", check_unapplied=True, verbosity=0)
    assert ("support", "0003_alone") not in next_release.applied_migrations()
    call_command("migrate", "support", verbosity=0)
    call_command("migrate", check_unapplied=True, verbosity=0)


@contextmanager
def forgotten(names: Container[str] | None) -> Iterator[None]:
    """While these migrations of support's (None: all) count as not run."""
    recorder = MigrationRecorder(connections["owner"])
    gone = [
        name for app, name in recorder.applied_migrations() if app == "support" and (names is None or name in names)
    ]
    for name in gone:
        recorder.record_unapplied("support", name)
    try:
        yield
    finally:
        for name in gone:
            recorder.record_applied("support", name)


def test_a_database_between_two_releases_is_sent_back_to_the_older_one(committed_db: None) -> None:
    """Of the migrations that one of today stands for it ran some: what is missing nobody could say here."""
    refused = pytest.raises(CommandError, match=r"^support stands before the end of 0\.1\.0.* 0003_the_queue was")
    with forgotten({"0003_the_queue", "0004_writing", "0002_rules"}), refused:
        call_command("migrate", verbosity=0)


def test_a_database_of_today_may_have_run_some_apps_alone(committed_db: None) -> None:
    """As after `migrate consent 0002_rules` in an empty database: nothing of that app's is missing, or of another's."""
    with forgotten(None), pytest.raises(SystemExit, match="1"):
        call_command("migrate", check_unapplied=True, verbosity=0)


def test_a_database_of_0_1_0_has_all_that_is_made_today(committed_db: None) -> None:
    """It ran every migration that one of today stands for, which counts as run then and makes nothing twice."""
    recorder, loader = MigrationRecorder(connections["owner"]), MigrationLoader(None)
    new = [key for key, migration in loader.disk_migrations.items() if migration.replaces]
    for app, name in new:
        recorder.record_unapplied(app, name)
    call_command("migrate", check_unapplied=True, verbosity=0)
    call_command("migrate", verbosity=0)
    assert set(new) <= set(recorder.applied_migrations())


@pytest.mark.usefixtures("committed_db")
def test_while_rights_are_given_the_application_lacks_none() -> None:
    taken: list[str] = []

    def and_look(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        done = execute(sql, params, many, context)
        if sql.startswith("REVOKE ALL"):
            table = sql.split('"')[1]
            taken.append(table)
            with connection.cursor() as cursor:
                cursor.execute(f"SELECT has_table_privilege('{table}', 'SELECT')")
                assert cursor.fetchone() == (True,), table
        return done

    with connections["owner"].cursor() as cursor:
        cursor.execute("CREATE VIEW of_a_monitor AS SELECT 1")
    with connections["owner"].execute_wrapper(and_look):
        database_roles.grant_privileges(using="owner")
    with connections["owner"].cursor() as cursor:
        cursor.execute("DROP VIEW of_a_monitor")
    assert {"consent_choice", "consent_linegate", "revocations_order", "disclosures_disclosure"} <= set(taken)
    assert "of_a_monitor" not in taken
