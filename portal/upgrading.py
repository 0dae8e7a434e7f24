"""What would stop or slow an upgrade of this database to this code, looked at before anything is changed."""

import os
import shutil
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

from django.conf import settings
from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.operations import (
    AddConstraintNotValid,
    AddIndexConcurrently,
    RemoveIndexConcurrently,
    ValidateConstraint,
)
from django.db import connections, migrations
from django.db.migrations.executor import MigrationExecutor
from django.db.migrations.operations.base import Operation
from django.db.models import Field, UniqueConstraint
from redis import Redis, RedisError

from portal import deploy_checks, field_keys
from portal.env import MOVED

PYTHON, POSTGRESQL = (3, 13), (15, 18)
# What `migrate` waits for a table, before it gives up so that no stop waits behind it.
LONG_S = 2
ROOM = 2
GIGABYTE = 1_000_000_000
# Operations of which is known what they hold: nothing, or what is said.
KNOWN = (
    AddConstraintNotValid, AddIndexConcurrently, RemoveIndexConcurrently, ValidateConstraint,
    migrations.AlterModelManagers, migrations.AlterModelOptions, migrations.RunSQL,
)  # fmt: skip


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
    yield from _settings(using)
    yield from _migrations(using)
    yield from _transactions(using)
    yield _disk(using)


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


def _settings(using: str) -> Iterator[Finding]:
    if misfit := field_keys.describe_misfit(using=using):
        yield Finding(Effect.STOPS, misfit)
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
    plan = _pending(executor)
    if not plan:
        yield Finding(Effect.FINE, "No migration is pending.")
    yield from (effect_of(migration, using=using) for migration in plan)


def _pending(executor: MigrationExecutor) -> list[migrations.Migration]:
    return [migration for migration, _backwards in executor.migration_plan(executor.loader.graph.leaf_nodes())]


def effect_of(migration: migrations.Migration, *, using: str) -> Finding:
    """Say what a migration reads whole and what it holds; "look at it" of each operation that may do more."""
    operations, app = list(_flatten(migration.operations)), migration.app_label
    slows = [text for one in operations for text in (*_reads_all(one, app, using), *_unknown(one))]
    holds = {text for one in operations for text in _locks(one, app)}
    said = "; ".join([*slows, *sorted(holds)]) or "takes no lock that others wait for"
    return Finding(Effect.SLOWS if slows else Effect.FINE, f"{app}.{migration.name}: {said}.")


def _flatten(operations: Sequence[Operation]) -> Iterator[Operation]:
    """Yield what is done in the database."""
    for one in operations:
        if isinstance(one, migrations.SeparateDatabaseAndState):
            yield from _flatten(one.database_operations)
        else:
            yield one


def _squashed_names(executor: MigrationExecutor) -> set[tuple[str, str]]:
    return {old for one in executor.loader.replacements.values() for old in one.replaces} | {
        old for one in executor.loader.disk_migrations.values() for old in one.replaces
    }


def _reads_all(one: Operation, app: str, using: str) -> Iterator[str]:
    """Say what is read whole, and how large it is."""
    if isinstance(one, AddIndexConcurrently | ValidateConstraint):
        table = _table(one, app)
        what = "builds an index of" if isinstance(one, AddIndexConcurrently) else "reads all of"
        yield f"{what} {table} ({_size(table, using) / GIGABYTE:.1f} GB), which blocks nobody"


def _locks(one: Operation, app: str) -> Iterator[str]:
    """Say which table is held, for as long as its catalogue is changed."""
    if isinstance(one, AddConstraintNotValid) or (isinstance(one, migrations.AddField) and not _is_indexed(one.field)):
        yield f"holds {_table(one, app)} for a moment"
    elif isinstance(one, migrations.RunSQL):
        yield "runs SQL: functions, triggers or views for a moment"


def _unknown(one: Operation) -> Iterator[str]:
    """Name an operation that may hold a table for long, or one that isn't its own."""
    if isinstance(one, migrations.CreateModel):
        is_known = not any(field.remote_field for _name, field in one.fields)
    else:
        is_known = not _is_indexed(one.field) if isinstance(one, migrations.AddField) else isinstance(one, KNOWN)
    if not is_known:
        yield f"look at it: {one.describe()}"


def _is_indexed(field: "Field[Any, Any]") -> bool:
    return bool(field.remote_field or field.unique or getattr(field, "db_index", False))


def _table(one: Operation, app: str) -> str:
    return f"{app}_{getattr(one, 'model_name', '')}".lower()


def _builds_index(one: Operation) -> bool:
    """Whether an operation builds an index of a table that may be full."""
    if isinstance(one, migrations.AddField):
        return _is_indexed(one.field)
    of_constraint = getattr(one, "constraint", None)
    return isinstance(one, migrations.AddIndex) or isinstance(of_constraint, UniqueConstraint | ExclusionConstraint)


def _size(table: str, using: str) -> int:
    """Return the bytes of a table or of all its partitions, with their indexes."""
    with connections[using].cursor() as cursor:
        cursor.execute(
            "SELECT coalesce(pg_total_relation_size(one), 0) + coalesce((SELECT sum(pg_total_relation_size(relid))"
            " FROM pg_partition_tree(one) WHERE isleaf), 0) FROM to_regclass(%s) AS one",
            [table],
        )
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


def _disk(using: str) -> Finding:
    """Compare what the pending indexes would take with what is free, where the database is on this machine."""
    needed = ROOM * max((_size(table, using) for table in _tables_to_index(using)), default=0)
    if not needed:
        return Finding(Effect.FINE, "No index is to be built of a table that holds anything.")
    folder, takes = _folder(using), f"{needed / GIGABYTE:.1f} GB"
    if not folder or not Path(folder).is_dir():
        return Finding(Effect.FINE, f"Look at the database server's disk: keep {takes} free or more.")
    free = shutil.disk_usage(folder).free
    text = f"{free / GIGABYTE:.1f} GB are free for the database; building its indexes takes up to {takes}"
    return Finding(Effect.FINE if free > needed else Effect.STOPS, text)


def _tables_to_index(using: str) -> set[str]:
    plan = _pending(MigrationExecutor(connections[using]))
    return {_table(one, each.app_label) for each in plan for one in _flatten(each.operations) if _builds_index(one)}


def _folder(using: str) -> str:
    """Return where the database keeps its files; "" where this role may not know."""
    with connections[using].cursor() as cursor:
        cursor.execute("SELECT pg_has_role(current_user, 'pg_read_all_settings', 'USAGE')")
        if not cursor.fetchone()[0]:
            return ""
        cursor.execute("SELECT current_setting('data_directory')")
        return str(cursor.fetchone()[0])
