"""A PostgreSQL of a test's own, which may be killed, filled up and failed over: the others' is everybody's."""

import contextlib
import os
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event

import psycopg
from django.db import connections

from portal.embedded import cluster
from tests.faults.programs import free_port, until
from tests.faults.relay import Relay, relay_to
from tests.faults.restored import dump, restore

SUPERUSER_PASSWORD = "faults"
START_WITHIN_S = 30.0
SETTINGS = {
    **cluster.settings(throwaway=True),
    # A kill takes what was not handed to the system; a power cut, which would take more, no test can make.
    "synchronous_commit": "on",
    "wal_level": "replica",
    "max_wal_senders": "4",
    "max_wal_size": "64MB",
    "wal_keep_size": "64MB",
    "shared_buffers": "32MB",
}


@dataclass
class Postgres:
    """One server with its files."""

    data_dir: Path
    port: int = field(default_factory=free_port)
    process: subprocess.Popen[bytes] | None = None

    @property
    def superuser(self) -> str:
        return f"postgresql://postgres:{SUPERUSER_PASSWORD}@127.0.0.1:{self.port}/postgres"

    def start(self) -> None:
        """Start it and wait until it takes connections; after a kill that may need more than one try."""
        until(self._started, START_WITHIN_S, lambda: (self.data_dir / "server.log").read_text()[-2000:])

    def kill(self) -> None:
        """SIGKILL to the server and to everyone who works for it."""
        assert self.process is not None
        for pid in [self.process.pid, *_children(self.process.pid)]:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self.process.wait()

    def ask(self, statement: str) -> list[tuple[object, ...]]:
        with psycopg.connect(self.superuser, autocommit=True) as connection:
            cursor = connection.execute(statement.encode())
            return cursor.fetchall() if cursor.description else []

    def replica(self, data_dir: Path) -> "Postgres":
        """A server that follows this one, started."""
        _ours(data_dir)
        program = str(cluster.binary("pg_basebackup"))
        made = [program, "-D", str(data_dir / "postgres"), "-R", "-X", "stream", "-c", "fast"]
        _as_server([*made, "-d", self.superuser.removesuffix("/postgres")], data_dir / "server.log").wait()
        other = Postgres(data_dir)
        other.start()
        until(lambda: self.ask("SELECT count(*) FROM pg_stat_replication WHERE state = 'streaming'") == [(1,)], 20)
        return other

    def promote(self) -> None:
        """Make a follower, which was killed or not, the one that writes."""
        self.start()
        self.ask("SELECT pg_promote(true, 30)")

    def _started(self) -> bool:
        if self.process is None or self.process.poll() is not None:
            self.process = self._spawn()
        end = time.monotonic() + 5
        while self.process.poll() is None and time.monotonic() < end:
            with contextlib.suppress(psycopg.OperationalError):
                psycopg.connect(self.superuser, connect_timeout=2).close()
                return True
            Event().wait(0.05)
        return False

    def _spawn(self) -> subprocess.Popen[bytes]:
        settings = [part for name, value in SETTINGS.items() for part in ("-c", f"{name}={value}")]
        program = str(cluster.binary("postgres"))
        where = ["-D", str(self.data_dir / "postgres"), "-p", str(self.port)]
        return _as_server([program, *where, *settings], self.data_dir / "server.log")


def _as_server(command: list[str], log: Path) -> subprocess.Popen[bytes]:
    """A program as the system's user for it."""
    account = cluster.account()
    with log.open("ab") as said:
        return subprocess.Popen(
            command, cwd="/", stdin=subprocess.DEVNULL, stdout=said, stderr=said, user=account.uid if account else None,
            group=account.gid if account else None, extra_groups=[] if account else None,
        )  # fmt: skip


def _children(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def _ours(folder: Path) -> None:
    """A folder that the server's own user may use, wherever it lies."""
    folder.mkdir(exist_ok=True)
    account = cluster.account()
    if account is not None:
        os.chown(folder, account.uid, account.gid)


@contextmanager
def own_server(folder: Path) -> Iterator[Postgres]:
    """A server that has the tests' database as it is now, with the same roles and passwords."""
    backup, data_dir = dump(folder), folder / "primary"
    _ours(data_dir)
    cluster.initialise(data_dir=data_dir, account=cluster.account(), password=SUPERUSER_PASSWORD)
    server = Postgres(data_dir)
    server.start()
    try:
        owner, app = (connections[alias].settings_dict for alias in ("owner", "default"))
        cluster.provision(
            data_dir=data_dir, port=server.port, superuser_password=SUPERUSER_PASSWORD, throwaway=True,
            passwords={str(owner["USER"]): str(owner["PASSWORD"]), str(app["USER"]): str(app["PASSWORD"])},
        )  # fmt: skip
        server.ask(f'ALTER DATABASE "{cluster.DATABASE}" RENAME TO "{owner["NAME"]}"')
        where = {"PGHOST": "127.0.0.1", "PGPORT": str(server.port)}
        restore(backup, into=str(owner["NAME"]), where=where)
        yield server
    finally:
        server.kill()


@contextmanager
def lived_in(server: Postgres) -> Iterator[Relay]:
    """Until the end everything here speaks to this server, by a way that can be turned to another."""
    before = places()
    with relay_to("127.0.0.1", server.port) as relay:
        move(dict.fromkeys(before, ("127.0.0.1", str(relay.port))))
        try:
            with connections["owner"].cursor() as cursor:
                cursor.execute("SELECT consent_gate_open()")
            yield relay
        finally:
            move(before)


def places() -> Mapping[str, tuple[object, object]]:
    """Host and port of each connection."""
    each = {alias: connections[alias].settings_dict for alias in connections}
    return {alias: (one["HOST"], one["PORT"]) for alias, one in each.items()}


def move(to: Mapping[str, tuple[object, object]]) -> None:
    """Let each connection speak to another server from now on."""
    connections.close_all()
    for alias, (host, port) in to.items():
        connections[alias].settings_dict.update(HOST=host, PORT=port)


@contextmanager
def small_disk(folder: Path, megabytes: int) -> Iterator[Path]:
    """A disk of its own, of this size. Raises PermissionError where none may be mounted here."""
    where = Path(tempfile.mkdtemp(dir=folder))
    done = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={megabytes}m", "tmpfs", str(where)], check=False, capture_output=True
    )
    if done.returncode:
        raise PermissionError(done.stderr.decode().strip())
    try:
        yield where
    finally:
        subprocess.run(["umount", "--lazy", str(where)], check=True)
