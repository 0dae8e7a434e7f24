"""A database dumped and restored as `docs/guides/backup.md` says, and life in the restored one."""

import os
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from django.db import connections

from portal.embedded import cluster
from tests.databases import cut_off, drop_database


def _programs_environment() -> dict[str, str]:
    owner = connections["owner"].settings_dict
    return {
        **os.environ, "PGHOST": owner["HOST"], "PGPORT": str(owner["PORT"] or 5432), "PGUSER": owner["USER"],
        "PGPASSWORD": owner["PASSWORD"],
    }  # fmt: skip


def dump(folder: Path) -> Path:
    """A backup of the tests' database, as it is now."""
    file = folder / "whereabouts.dump"
    name = str(connections["owner"].settings_dict["NAME"])
    command = [str(cluster.binary("pg_dump")), "--format=custom", "--compress=0", f"--file={file}", name]
    subprocess.run(command, env=_programs_environment(), check=True)
    return file


def restore(file: Path, *, into: str, where: Mapping[str, str] | None = None) -> None:
    """Into an empty database, of another server if one is named (PGHOST, PGPORT)."""
    command = [str(cluster.binary("pg_restore")), "--exit-on-error", "--no-comments", f"--dbname={into}", str(file)]
    subprocess.run(command, env=_programs_environment() | dict(where or {}), check=True)


@contextmanager
def life_in(file: Path) -> Iterator[None]:
    """Restore a dump into a new database; until the end everything here happens in that one."""
    name = f"restored_{os.getpid()}"
    with connections["owner"]._nodb_cursor() as cursor:
        cursor.execute(f'CREATE DATABASE "{name}"')
    restore(file, into=name)
    with _life_in(name):
        yield


@contextmanager
def life_in_copy() -> Iterator[None]:
    """Have the running server copy the tests' database; until the end everything here happens in the copy."""
    name, of = f"copied_{os.getpid()}", str(connections["owner"].settings_dict["NAME"])
    connections.close_all()
    with connections["owner"]._nodb_cursor() as cursor:
        cut_off(cursor, of)
        cursor.execute(f'CREATE DATABASE "{name}" TEMPLATE "{of}"')
    with _life_in(name):
        yield


@contextmanager
def _life_in(name: str) -> Iterator[None]:
    before = {alias: connections[alias].settings_dict["NAME"] for alias in connections}
    try:
        _move_to(dict.fromkeys(before, name))
        yield
    finally:
        _move_to(before)
        with connections["owner"]._nodb_cursor() as cursor:
            drop_database(cursor, name)


def _move_to(names: dict[str, str]) -> None:
    connections.close_all()
    for alias, name in names.items():
        connections[alias].settings_dict["NAME"] = name
