"""What would stop or slow an upgrade of this database to this code, looked at before anything is changed."""

import os
import shutil
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from django.conf import settings
from django.contrib.postgres.operations import AddIndexConcurrently, ValidateConstraint
from django.db import connections, migrations
from django.db.migrations.executor import MigrationExecutor
from django.db.migrations.operations.base import Operation
from redis import Redis, RedisError

from portal import deploy_checks
from portal.env import MOVED

PYTHON, POSTGRESQL = (3, 13), (15, 18)
# What `migrate` waits for a table, before it gives up so that no stop waits behind it.
LONG_S = 2
ROOM = 2
GIGABYTE = 1_000_000_000


class Effect(StrEnum):
    """What a finding does to the upgrade."""

    STOPS = "STOPS"
    SLOWS = "SLOWS"
    FINE = "fine"


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at, and what it means."""

    effect: Effect
    text: str


def look(*, using: str) -> Iterator[Finding]:
    """Yield everything that was looked at. Nothing is changed, and nothing is locked."""
    yield from _versions(using)
    yield from _settings()
    yield from _migrations(using)
    yield from _transactions(using)
    yield from _disk(using)


def _versions(using: str) -> Iterator[Finding]:
    python = sys.version_info[:2]
    yield Finding(Effect.FINE if python == PYTHON else Effect.STOPS, f"Python {python[0]}.{python[1]}")
    with connections[using].cursor() as cursor:
        cursor.execute("SHOW server_version_num")
        major = int(cursor.fetchone()[0]) // 10_000
    least, newest = POSTGRESQL
    if major < least:
        yield Finding(Effect.STOPS, f"PostgreSQL {major}: {least} or newer is needed. Upgrade it first.")
    else:
        tried = "" if major <= newest else f", newer than any that was tried ({newest})"
        yield Finding(Effect.FINE, f"PostgreSQL {major}{tried}")
    try:
        with Redis.from_url(settings.REDIS_URL, socket_timeout=3, socket_connect_timeout=3) as session:
            said = session.info("server")
    except RedisError as error:
        yield Finding(
            Effect.SLOWS, f"Redis or Valkey doesn't answer ({type(error).__name__}): orders wait until it does."
        )
    else:
        name = "Valkey" if "valkey_version" in said else "Redis"
        yield Finding(Effect.FINE, f"{name} {said.get('valkey_version', said.get('redis_version'))}")


def _settings() -> Iterator[Finding]:
    for name, value in sorted(os.environ.items()):
        if value in MOVED:
            yield Finding(Effect.FINE, f"{name} names {value}, which is {MOVED[value]} now. Both work.")
    if settings.BASE_URL.startswith("https://"):
        for one in deploy_checks.only_for_the_demo(None):
            yield Finding(Effect.STOPS, f"{one.msg} {one.hint}")


def _migrations(using: str) -> Iterator[Finding]:
    executor = MigrationExecutor(connections[using])
    loader = executor.loader
    if not loader.applied_migrations:
        yield Finding(Effect.STOPS, "The database is empty: `manage.py setup` is for that.")
        return
    for app, name in sorted(set(loader.applied_migrations) - set(loader.graph.nodes) - _squashed_names(executor)):
        if app in loader.migrated_apps:
            yield Finding(Effect.STOPS, f"The database ran {app}.{name}, which this code doesn't know: it is newer.")
    plan = executor.migration_plan(loader.graph.leaf_nodes())
    if not plan:
        yield Finding(Effect.FINE, "No migration is pending.")
    yield from (_effect_of(migration, using) for migration, _backwards in plan)


def _effect_of(migration: migrations.Migration, using: str) -> Finding:
    named = f"{migration.app_label}.{migration.name}"
    reads = [text for one in migration.operations for text in _reads_all(one, migration.app_label, using)]
    if reads:
        return Finding(Effect.SLOWS, f"{named}: {', '.join(reads)}. Blocks nobody.")
    locks = sorted({text for one in migration.operations for text in _locks(one, migration.app_label)})
    return Finding(Effect.FINE, f"{named}: {'; '.join(locks) or 'takes no lock that others wait for'}.")


def _squashed_names(executor: MigrationExecutor) -> set[tuple[str, str]]:
    return {old for one in executor.loader.replacements.values() for old in one.replaces} | {
        old for one in executor.loader.disk_migrations.values() for old in one.replaces
    }


def _reads_all(one: Operation, app: str, using: str) -> Iterator[str]:
    """Say what is read whole, and how large it is."""
    if isinstance(one, AddIndexConcurrently | ValidateConstraint):
        table = f"{app}_{one.model_name}".lower()
        what = "builds an index of" if isinstance(one, AddIndexConcurrently) else "reads all of"
        yield f"{what} {table} ({_size(table, using) / GIGABYTE:.1f} GB)"


def _locks(one: Operation, app: str) -> Iterator[str]:
    """Say which table is held, for as long as its catalogue is changed."""
    if isinstance(one, migrations.AddField | migrations.AlterField | migrations.AddConstraint):
        yield f"holds {app}_{one.model_name} for a moment".lower()
    elif isinstance(one, migrations.RunSQL):
        yield "runs SQL: functions, triggers or views for a moment"


def _size(table: str, using: str) -> int:
    with connections[using].cursor() as cursor:
        cursor.execute("SELECT coalesce(pg_total_relation_size(to_regclass(%s)), 0)", [table])
        return int(cursor.fetchone()[0])


def _transactions(using: str) -> Iterator[Finding]:
    with connections[using].cursor() as cursor:
        cursor.execute(
            "SELECT pid, extract(epoch FROM clock_timestamp() - xact_start)::int, usename FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid() AND xact_start IS NOT NULL"
            " AND clock_timestamp() - xact_start > make_interval(secs => %s) ORDER BY 2 DESC LIMIT 5",
            [LONG_S],
        )
        found = cursor.fetchall()
        cursor.execute("SELECT gid FROM pg_prepared_xacts WHERE database = current_database()")
        prepared = [gid for (gid,) in cursor.fetchall()]
    for pid, seconds, role in found:
        yield Finding(
            Effect.SLOWS,
            f"A transaction of {role} has been open for {seconds} s (pid {pid}): `migrate` gives up after {LONG_S} s"
            " on each table that it holds. Wait for it, or end it.",
        )
    for gid in prepared:
        yield Finding(Effect.STOPS, f"The prepared transaction {gid} holds its locks until it is committed or undone.")
    if not found and not prepared:
        yield Finding(Effect.FINE, "No transaction has been open for long, of those that this role may see.")


def _disk(using: str) -> Iterator[Finding]:
    """Compare what building the largest index would take with what is free, where the database is on this machine."""
    with connections[using].cursor() as cursor:
        cursor.execute("SELECT coalesce(max(pg_relation_size(oid)), 0) FROM pg_class WHERE relkind IN ('r', 'm')")
        largest = int(cursor.fetchone()[0])
        cursor.execute("SELECT current_setting('data_directory', true)" if _may_know(using) else "SELECT NULL")
        folder = cursor.fetchone()[0]
    if not folder or not Path(folder).is_dir():
        yield Finding(
            Effect.FINE, f"Look at the database server's disk: keep {ROOM * largest / GIGABYTE:.1f} GB free or more."
        )
        return
    free = shutil.disk_usage(folder).free
    text = f"{free / GIGABYTE:.1f} GB are free for the database; its largest table has {largest / GIGABYTE:.1f}"
    yield Finding(Effect.FINE if free > ROOM * largest else Effect.STOPS, text)


def _may_know(using: str) -> bool:
    with connections[using].cursor() as cursor:
        cursor.execute("SELECT pg_has_role(current_user, 'pg_read_all_settings', 'USAGE')")
        return bool(cursor.fetchone()[0])
