"""After `migrate` the first stop finds everything it needs."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection, connections, transaction
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.recorder import MigrationRecorder

from partners import keys
from partners.actions import ensure_signing_keys
from partners.models import SigningKey
from portal import privileges
from tests.fixtures import KEYS_SINCE

NAMES = ["audit_event_looks", "revocations_evidence_came", "revocations_evidence_late", "revocations_signed_in_part"]


def forget_keys() -> None:
    with connections["owner"].cursor() as cursor:
        cursor.execute("DELETE FROM partners_signingkey")


@pytest.fixture
def no_keys(committed_db: None) -> Iterator[None]:
    """A database without signing keys; the test run's own come back afterwards."""
    forget_keys()
    yield
    forget_keys()
    ensure_signing_keys(at=KEYS_SINCE)


@pytest.mark.usefixtures("no_keys")
def test_migrate_makes_the_signing_keys() -> None:
    call_command("migrate", verbosity=0)
    assert set(SigningKey.objects.values_list("use", flat=True)) == set(SigningKey.Use.values)
    token = keys.sign(use=SigningKey.Use.RECEIPT, claims={"iss": "us"})
    assert keys.verify_own(use=SigningKey.Use.RECEIPT, token=token) == {"iss": "us"}


@pytest.fixture
def unapplied(committed_db: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str, str], None]]:
    """Has a migration that ran stand as one that did not. Each that was named stands as one that ran, afterwards.

    Those that came after it stay as they are, which Django would take for a fault of the history.
    """
    monkeypatch.setattr(MigrationLoader, "check_consistent_history", lambda *_: None)
    recorder, named = MigrationRecorder(connections["owner"]), list[tuple[str, str]]()

    def forget(app: str, name: str) -> None:
        named.append((app, name))
        recorder.record_unapplied(app, name)

    yield forget
    for one in set(named) - set(recorder.applied_migrations()):
        recorder.record_applied(*one)


def test_what_needs_a_table_alone_gives_up_before_stops_wait_behind_it(
    unapplied: Callable[[str, str], None],
) -> None:
    unapplied("support", "0009_one_sender_s_cases")
    in_use = "LOCK TABLE support_ticket IN ROW EXCLUSIVE MODE"
    # Whoever waits on would be ended by this, and not by their own patience.
    with connections["owner"].cursor() as cursor:
        cursor.execute("SET statement_timeout = '20s'")
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(in_use)
        with pytest.raises(CommandError, match=r"^support\.0009_one_sender_s_cases waited two seconds"):
            call_command("migrate", "support", "0009_one_sender_s_cases", verbosity=0)
    with connections["owner"].cursor() as cursor:
        cursor.execute("RESET statement_timeout")
        cursor.execute("SHOW lock_timeout")
        assert cursor.fetchone() == ("0",)


def test_an_index_that_was_broken_off_is_made_when_it_is_run_again(unapplied: Callable[[str, str], None]) -> None:
    for app, name in (("audit", "0014_officers_looks"), ("revocations", "0015_what_came_back")):
        unapplied(app, name)
        call_command("migrate", app, name, verbosity=0)
    with connections["owner"].cursor() as cursor:
        cursor.execute(
            "SELECT indexrelid::regclass::text FROM pg_index WHERE indisvalid AND indexrelid::regclass::text = ANY(%s)"
            " ORDER BY 1",
            [NAMES],
        )
        assert [name for (name,) in cursor.fetchall()] == NAMES


def test_whoever_puts_new_code_out_can_ask_whether_the_schema_is_there(unapplied: Callable[[str, str], None]) -> None:
    """New code on an old schema is not offered: this says so before anything is restarted, and changes nothing."""
    call_command("migrate", check_unapplied=True, verbosity=0)
    unapplied("audit", "0014_officers_looks")
    with pytest.raises(SystemExit, match="1"):
        call_command("migrate", "audit", "0014_officers_looks", check_unapplied=True, verbosity=0)
    assert ("audit", "0014_officers_looks") not in MigrationRecorder(connections["owner"]).applied_migrations()


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

    with connections["owner"].execute_wrapper(and_look):
        privileges.grant(using="owner")
    assert {"consent_choice", "consent_linegate", "revocations_order"} <= set(taken)
