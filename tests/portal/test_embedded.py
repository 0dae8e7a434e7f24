"""PostgreSQL and Valkey from wheels: found, shared, and gone when nobody uses them."""

import json
import socket
import stat
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest
from psycopg.errors import InsufficientPrivilege

from portal.embedded import cluster, keeper
from tests.portal.processes import PROJECT, clean_environment, processes_naming, wait_for_keeper_to_end

USE = """
import json, sys
from pathlib import Path
from portal import embedded
print(json.dumps(embedded.ensure(data_dir=Path(sys.argv[1]))), flush=True)
sys.stdin.readline()
"""
ENVIRONMENT = clean_environment(EMBEDDED_THROWAWAY="1", EMBEDDED_WITHOUT_MIGRATIONS="1")


@contextmanager
def a_user(data_dir: Path) -> Iterator[subprocess.Popen[str]]:
    """A process that uses the servers until its input ends."""
    with subprocess.Popen(
        [sys.executable, "-c", USE, str(data_dir)],
        cwd=PROJECT,
        env=ENVIRONMENT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        yield process
        process.kill()


def said(process: subprocess.Popen[str]) -> dict[str, str]:
    assert process.stdout is not None
    found: dict[str, str] = json.loads(process.stdout.readline())
    return found


def let_end(process: subprocess.Popen[str]) -> None:
    assert process.stdin is not None
    process.stdin.close()
    assert process.wait(30) == 0


def test_who_starts_at_once_shares_one_pair_and_the_last_user_stops_it_and_waits_for_that(tmp_path: Path) -> None:
    with a_user(tmp_path) as first, a_user(tmp_path) as second, a_user(tmp_path) as third:
        found = said(first)
        assert said(second) == said(third) == found
        assert len(processes_naming(f"{tmp_path}/postgres -p")) == 1
        let_end(first)
        let_end(third)
        with psycopg.connect(found["DATABASE_URL"]) as connection:
            assert connection.execute("SELECT current_user").fetchone() == ("whereabouts_app",)
        let_end(second)
        assert processes_naming(str(tmp_path / "postgres")) == []
    assert not (tmp_path / "servers.json").exists()


def test_nobody_enters_without_a_password_and_the_servers_end_when_their_only_user_is_killed(tmp_path: Path) -> None:
    # Longer than the address of a socket may be.
    data_dir = tmp_path / ("long" * 30)
    with a_user(data_dir) as only:
        found = said(only)
        login, place = found["DATABASE_URL"].removeprefix("postgresql://").split("@")
        assert place.startswith("127.0.0.1:")
        with pytest.raises(psycopg.OperationalError, match="password"):
            psycopg.connect(f"postgresql://{login.split(':')[0]}:wrong@{place}")
        with psycopg.connect(found["DATABASE_URL"]) as connection, pytest.raises(InsufficientPrivilege):
            connection.execute("CREATE TABLE mine (n int)")
        only.kill()
        wait_for_keeper_to_end(data_dir)
        assert processes_naming(str(data_dir / "postgres")) == []


def test_who_could_not_start_them_stops_nothing(tmp_path: Path) -> None:
    (tmp_path / "postgres").touch()
    done = subprocess.run(
        [sys.executable, "-c", USE, str(tmp_path)], cwd=PROJECT, env=ENVIRONMENT, capture_output=True, text=True,
        check=False,
    )  # fmt: skip
    assert (done.returncode, done.stderr.splitlines()[-1].partition(":")[0]) == (1, "FileExistsError")


@pytest.mark.nightly
def test_a_second_start_finds_the_same_keys_and_data(tmp_path: Path) -> None:
    with a_user(tmp_path) as first:
        before = said(first)
        with psycopg.connect(before["DATABASE_OWNER_URL"]) as connection:
            connection.execute("CREATE TABLE kept (n int)")
        let_end(first)
    with a_user(tmp_path) as second:
        after = said(second)
        with psycopg.connect(after["DATABASE_OWNER_URL"]) as connection:
            assert connection.execute("SELECT count(*) FROM kept").fetchone() == (0,)
    assert {after[name] for name in ("SECRET_KEY", "FIELD_ENCRYPTION_KEYS", "METRICS_TOKEN")} == {
        before[name] for name in ("SECRET_KEY", "FIELD_ENCRYPTION_KEYS", "METRICS_TOKEN")
    }
    assert stat.S_IMODE((tmp_path / "keys.json").stat().st_mode) == 0o600


@pytest.mark.nightly
def test_the_first_command_on_an_empty_directory_migrates(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "manage.py", "showmigrations", "--plan"],
        cwd=PROJECT,
        env=clean_environment(DATA_DIR=str(tmp_path)),
        capture_output=True,
        text=True,
        check=True,
    )
    lines = done.stdout.strip().splitlines()
    assert len(lines) > 20
    assert [line for line in lines if not line.startswith("[X]")] == []
    assert processes_naming(str(tmp_path)) == []


def test_who_came_first_to_its_port_is_not_taken_for_our_valkey(tmp_path: Path) -> None:
    (tmp_path / "valkey").mkdir()
    with socket.create_server(("127.0.0.1", 0)) as another:
        spec: keeper.Spec = {
            "data_dir": str(tmp_path), "postgres": "", "valkey": str(cluster.valkey_binary()), "postgres_port": 0,
            "valkey_port": another.getsockname()[1], "valkey_password": "right", "uid": None, "gid": None,
            "settings": {},
        }  # fmt: skip
        with pytest.raises(keeper.ServerStartFailed):
            keeper._valkey(spec).wait_until_up()
