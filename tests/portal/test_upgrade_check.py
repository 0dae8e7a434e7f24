"""`manage.py upgrade_check` says what would stop or slow an upgrade, and changes nothing."""

import psycopg
import pytest
from django.core.management import CommandError, call_command
from django.db import connections
from django.db.migrations.recorder import MigrationRecorder

from portal import upgrading
from portal.upgrading import Effect
from tests.faults.programs import database_url


def said(effect: Effect) -> list[str]:
    return [one.text for one in upgrading.look(using="owner") if one.effect is effect]


@pytest.mark.usefixtures("committed_db")
def test_what_would_stop_or_slow_an_upgrade_is_told(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SMS_BACKEND", "partners.sms.HttpBackend")
    call_command("upgrade_check")
    whole = capsys.readouterr().out
    assert "fine   No migration is pending.\n" in whole
    assert "SMS_BACKEND names partners.sms.HttpBackend, which is partners.clients.sms.HttpBackend now. Both" in whole
    assert whole.endswith("Nothing stops the upgrade: docs/guides/upgrade.md.\n")
    recorder = MigrationRecorder(connections["owner"])
    recorder.record_applied("consent", "9999_of_the_future")
    try:
        with pytest.raises(CommandError, match=r"^Don't upgrade yet: 1 of these would stop it\.$"):
            call_command("upgrade_check")
        assert said(Effect.STOPS) == [
            "The database ran consent.9999_of_the_future, which this code doesn't know: it is newer."
        ]
    finally:
        recorder.record_unapplied("consent", "9999_of_the_future")
    # As if every transaction were a long one.
    monkeypatch.setattr(upgrading, "LONG_S", 0)
    with psycopg.connect(database_url("owner")) as open_for_long:
        open_for_long.execute("SELECT 1")
        pid = open_for_long.info.backend_pid
        (slow,) = (one for one in said(Effect.SLOWS) if f"(pid {pid})" in one)
        assert slow.startswith("A transaction of ")
        assert "`migrate` gives up after 0 s on each table that it holds" in slow


@pytest.mark.usefixtures("committed_db")
def test_another_python_or_an_old_postgresql_stops_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(upgrading, "POSTGRESQL", (99, 100))
    monkeypatch.setattr(upgrading, "PYTHON", (3, 99))
    python, postgresql = said(Effect.STOPS)
    assert python.startswith("Python 3.")
    assert postgresql.endswith(": 99 or newer is needed. Upgrade it first.")
