"""`manage.py upgrade_check` says what would stop or slow an upgrade, and changes nothing."""

import shutil

import psycopg
import pytest
from django.core.management import CommandError, call_command
from django.db import connections, migrations
from django.db.migrations.executor import MigrationExecutor
from django.db.migrations.recorder import MigrationRecorder
from django.db.models import CASCADE, ForeignKey, Index, TextField

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


class OfTheFuture(migrations.Migration):
    """What nobody has checked beside what is known to hold nothing for long."""

    operations = (
        migrations.RunPython(migrations.RunPython.noop),
        migrations.AddIndex("Line", Index(fields=["state"], name="by_state")),
        migrations.RemoveConstraint("line", "one_rule"),
        migrations.CreateModel("Note", [("line", ForeignKey("consent.Line", on_delete=CASCADE))]),
        migrations.CreateModel("Word", [("word", TextField())]),
        migrations.AlterModelOptions("line", {"ordering": ["pk"]}),
        migrations.AddField("line", "note", TextField(null=True)),
    )


@pytest.mark.usefixtures("committed_db")
def test_what_may_hold_a_table_is_to_be_looked_at_and_a_full_disk_stops_an_index(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    pending = OfTheFuture("0999_of_the_future", "accounts")
    assert upgrading.effect_of(pending, using="owner") == upgrading.Finding(
        Effect.SLOWS,
        "accounts.0999_of_the_future: look at it: Raw Python operation;"
        " look at it: Create index by_state on field(s) state of model Line;"
        " look at it: Remove constraint one_rule from model line; look at it: Create model Note;"
        " holds accounts_line for a moment.",
    )
    full = shutil.disk_usage("/")._replace(free=0)
    monkeypatch.setattr(shutil, "disk_usage", lambda _folder: full)
    monkeypatch.setattr(upgrading, "_folder", lambda _using: "/")
    assert said(Effect.STOPS) == []
    monkeypatch.setattr(MigrationExecutor, "migration_plan", lambda *_args: [(pending, False)])
    (stops,) = said(Effect.STOPS)
    assert stops.startswith("0.0 GB are free for the database; building its indexes takes up to 0.")
