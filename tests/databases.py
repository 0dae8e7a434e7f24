"""Test databases cloned from one that was migrated once: to migrate takes a hundred times as long as to clone.

A template is named after all that `migrate` acts on, so a changed migration gets a template of its own. Whoever comes
first makes it; the others wait for it. Templates stay on the server for the next run, the newest few of them.
"""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

from django.conf import settings
from django.core.management import call_command
from django.db import connections
from django.db.backends.utils import CursorWrapper

from disclosures.workers.publishing import REPORTED_WITHIN
from portal import embedded
from tests import citus

PREFIX = "whereabouts_template_"
TEMPLATES_KEPT = 12
# Any number that nothing else on the server locks.
LOCK = 4_711_001


def clone_test_database() -> str:
    """Create the test database as a clone of the template and let every alias use it. Returns its name."""
    owner = connections["owner"]
    name = str(owner.settings_dict["TEST"]["NAME"] or f"test_{owner.settings_dict['NAME']}")
    template = _template_name()
    with owner._nodb_cursor() as cursor:
        _make_template(cursor, template)
        drop_database(cursor, name)
        cursor.execute(f'CREATE DATABASE "{name}" TEMPLATE "{template}"')
    for alias in connections:
        _point(alias, name)
    citus.spread(name)
    open_gate()
    tell_of_staff(now=False)
    return name


def tell_of_staff(*, now: bool) -> None:
    """Whether officers are told who joins them: tests make staff as nobody does, amid what officers do."""
    with connections["owner"].cursor() as cursor:
        for trigger in ("accounts_staff_added", "accounts_staff_changed"):
            cursor.execute(f"ALTER TABLE accounts_user {'ENABLE' if now else 'DISABLE'} TRIGGER {trigger}")


@contextmanager
def copied_test_database() -> Iterator[str]:
    """A copy of the test database as it is now, for programs that share it with no test. Its name."""
    of = str(connections["owner"].settings_dict["NAME"])
    name = f"{of}_copy"
    connections.close_all()
    with connections["owner"]._nodb_cursor() as cursor:
        cut_off(cursor, of)
        drop_database(cursor, name)
        cursor.execute(f'CREATE DATABASE "{name}" TEMPLATE "{of}"')
    _point("owner", name)
    open_gate()
    connections["owner"].close()
    _point("owner", of)
    yield name
    with connections["owner"]._nodb_cursor() as cursor:
        drop_database(cursor, name)


def open_gate() -> None:
    """Open the gate of a copy, which is closed as any restored database is."""
    with connections["owner"].cursor() as cursor:
        cursor.execute("SELECT consent_gate_open()")


def cut_off(cursor: CursorWrapper, name: str) -> None:
    """End every session of a database."""
    cursor.execute(
        "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity"
        " WHERE datname = %s AND backend_type = 'client backend'",
        [name],
    )


def drop_test_database(name: str) -> None:
    """Drop a test database."""
    connections.close_all()
    with connections["owner"]._nodb_cursor() as cursor:
        drop_database(cursor, name)


def drop_database(cursor: CursorWrapper, name: str) -> None:
    """Drop a database, if there is one of that name, with whatever sessions it has.

    `WITH (FORCE)` would end a worker of autovacuum too, which only a superuser may.
    """
    citus.drop(name)
    cut_off(cursor, name)
    cursor.execute(f'DROP DATABASE IF EXISTS "{name}"')


def _template_name() -> str:
    """Months are made ahead from today's on: a template serves for the month in which it was made."""
    named = f"{embedded.fingerprint()} {_this_month():%Y-%m} recent"
    return PREFIX + hashlib.sha256(named.encode()).hexdigest()[:16]


def _this_month() -> datetime:
    """Begin it late: until then figures are of the month before the last."""
    return (datetime.now(UTC) - REPORTED_WITHIN).replace(day=1)


def _make_template(cursor: CursorWrapper, template: str) -> None:
    cursor.execute("SELECT pg_advisory_lock(%s)", [LOCK])
    try:
        cursor.execute("SELECT datname FROM pg_database WHERE datname LIKE %s ORDER BY oid DESC", [f"{PREFIX}%"])
        made = [name for (name,) in cursor.fetchall()]
        if template in made:
            return
        for old in made[TEMPLATES_KEPT - 1 :]:
            cursor.execute(f'DROP DATABASE IF EXISTS "{old}"')
        _migrate(cursor, template)
    finally:
        cursor.execute("SELECT pg_advisory_unlock(%s)", [LOCK])


def _migrate(cursor: CursorWrapper, template: str) -> None:
    """Under another name until it is whole: a run that is cut off leaves nothing that looks like a template."""
    unfinished, was = f"unfinished_{template}", str(connections["owner"].settings_dict["NAME"])
    drop_database(cursor, unfinished)
    cursor.execute(f'CREATE DATABASE "{unfinished}"')
    _point("owner", unfinished)
    try:
        call_command("migrate", database="owner", interactive=False, skip_checks=True, verbosity=0)
        _drop_old_months()
    finally:
        connections["owner"].close()
        _point("owner", was)
    cursor.execute(f'ALTER DATABASE "{unfinished}" RENAME TO "{template}"')


def _drop_old_months() -> None:
    """Drop the empty partitions of months gone by, but for the last: their rows have the default partition.

    Each statement about releases is planned for every partition, which takes longer than all else that a test asks for.
    """
    last = f"disclosures_disclosure_{_this_month() - timedelta(days=1):%Y_%m}"
    with connections["owner"].cursor() as cursor:
        cursor.execute(
            "SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhparent = 'disclosures_release'::regclass"
            " AND inhrelid::regclass::text < %s",
            [last],
        )
        for (name,) in cursor.fetchall():
            cursor.execute(f'DROP TABLE "{name}"')


def _point(alias: str, name: str) -> None:
    connections[alias].close()
    settings.DATABASES[alias]["NAME"] = connections[alias].settings_dict["NAME"] = name
