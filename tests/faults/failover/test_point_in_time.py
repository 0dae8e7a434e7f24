"""A backup by pgBackRest and a restore to a moment, on one of the three servers: the archive brings the rest back."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from io import StringIO
from pathlib import Path

import psycopg
import pytest
from django.core.management import call_command
from django.utils import timezone
from pytest_django import Settings

from accounts.models import Line
from consent.actions.choices import stop
from consent.gate import deciding
from consent.models import Choice
from consent.workers import archive_writing
from partners.clients import checkpoint_places
from partners.workers import checkpoints
from tests.factories import a_line
from tests.faults.failover.nodes import SUPERUSER, Cluster, Node, measured
from tests.faults.postgres import move, places
from tests.faults.programs import until

RESTORED, PORT = "/var/lib/postgresql/restored", "5433"
# What Patroni gives its servers by their command line, and how this one is apart from them: nobody follows it.
STARTED_WITH = (
    "max_connections=200", "archive_mode=off", "synchronous_standby_names=", f"port={PORT}",
    "unix_socket_directories=/tmp",
)  # fmt: skip


@pytest.fixture(autouse=True)
def _outside(settings: Settings, tmp_path: Path) -> None:
    settings.STOP_ARCHIVE_DIR = tmp_path / "stop-archive"
    settings.CHECKPOINT_DIR = tmp_path / "checkpoints"


def test_a_restore_to_a_moment_keeps_the_gate_closed_until_after_restore(
    cluster: Cluster, committed_db: None, no_broker: None
) -> None:
    primary, lines = cluster.primary(), [a_line() for _ in range(3)]
    began = timezone.now()
    primary.as_postgres("pgbackrest", "--stanza=whereabouts", "stanza-create")
    primary.as_postgres("pgbackrest", "--stanza=whereabouts", "--type=full", "backup")
    measured.append(f"pgBackRest: a full backup in {(timezone.now() - began).total_seconds():.0f} s")
    stopped(lines[0])
    # pgBackRest knows whole seconds: in the one in which the backup ended there is none to restore yet.
    after = asked("SELECT (date_trunc('second', clock_timestamp()) + interval '1 second')::text")
    until(lambda: asked(f"SELECT clock_timestamp() >= '{after}'") == "True", 10)
    moment = asked("SELECT clock_timestamp()::text")
    stopped(lines[1])
    stopped(lines[2])
    asked("SELECT pg_switch_wal()::text")
    primary.as_postgres("pgbackrest", "--stanza=whereabouts", "check")
    began = timezone.now()
    with restored(primary, moment):
        measured.append(f"pgBackRest: restored to a moment in {(timezone.now() - began).total_seconds():.0f} s")
        assert list(Choice.objects.values_list("line_id", flat=True)) == [lines[0].pk]
        assert deciding.read_opening() == deciding.Opening(is_open=False, why=deciding.ANOTHER, may_reopen=False)
        said = StringIO()
        call_command("after_restore", "--confirm-lost-events", "Nothing but these stops.", stdout=said)
        assert "2 of them lost with the database" in said.getvalue()
        assert set(Choice.objects.values_list("line_id", flat=True)) == {line.pk for line in lines}
        assert deciding.read_opening().is_open


def stopped(line: Line) -> None:
    stop(line_id=line.pk, scope="all", actor="subscriber:1", channel="web")
    archive_writing.write(now=timezone.now())
    checkpoints.write(place=checkpoint_places.place(), at=timezone.now())


def asked(statement: str) -> str:
    with psycopg.connect(SUPERUSER, autocommit=True) as session:
        ((found,),) = session.execute(statement.encode()).fetchall()
    return str(found)


@contextmanager
def restored(node: Node, moment: str) -> Iterator[None]:
    """A second server on the same machine, as it was at that moment; until the end everything here happens there."""
    whose = ("--stanza=whereabouts", f"--pg1-path={RESTORED}")
    node.as_postgres("mkdir", "--mode=700", RESTORED)
    node.as_postgres("pgbackrest", *whose, "--type=time", f"--target={moment}", "--target-action=promote", "restore")
    options = [part for one in (*STARTED_WITH, f"listen_addresses={node.address}") for part in ("-c", one)]
    command = node.inside(
        "setpriv", "--reuid=postgres", "--regid=postgres", "--init-groups", "postgres", "-D", RESTORED
    )
    with (node.folder / "restored.log").open("ab") as log:
        server = subprocess.Popen([*command, *options], stdout=log, stderr=log)
    before = places()
    try:
        until(lambda: writes(node), 60, (node.folder / "restored.log").read_text)
        move(dict.fromkeys(before, (node.address, PORT)))
        yield
    finally:
        move(before)
        node.as_postgres("sh", "-c", f"kill -INT $(head -1 {RESTORED}/postmaster.pid)")
        server.wait()


def writes(node: Node) -> bool:
    there = SUPERUSER.replace("127.0.0.1:5432", f"{node.address}:{PORT}")
    try:
        with psycopg.connect(there) as session:
            return session.execute("SELECT NOT pg_is_in_recovery()").fetchall() == [(True,)]
    except psycopg.OperationalError:
        return False
