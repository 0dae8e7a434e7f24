"""The database's functions and triggers stand in files with their current text, and the database has just these."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.db import connections, transaction

from audit.primitives.sql_files import InstallSQL, sql_files
from tests.conventions.sources import FUNCTIONS, ROOT, TRIGGERS

APPS = ("audit", "accounts", "partners", "revocations", "consent", "disclosures", "support")
NAMED = re.compile(
    r"^\s*CREATE OR REPLACE (?:FUNCTION (\w+)|TRIGGER (\w+))|^CREATE CONSTRAINT TRIGGER (\w+)", re.MULTILINE
)


def written() -> Iterator[str]:
    for app in APPS:
        for file in sql_files(app):
            yield from (found[1] or found[2] or found[3] for found in NAMED.finditer(file.read_text()))


def standing() -> dict[str, str]:
    with connections["owner"].cursor() as cursor:
        cursor.execute(FUNCTIONS)
        functions = dict(cursor.fetchall())
        cursor.execute(TRIGGERS)
        return functions | dict(cursor.fetchall())


def test_each_function_and_trigger_of_the_database_has_one_text(committed_db: None) -> None:
    assert sorted(written()) == sorted(name.split()[-1] for name in standing())


def test_the_files_say_what_stands_in_the_database(committed_db: None) -> None:
    """Installed once more they change nothing: whatever else stood there would become what they say."""
    before = standing()
    with transaction.atomic(using="owner"), connections["owner"].schema_editor() as editor:
        for app in APPS:
            InstallSQL().install(app, editor)
        after = standing()
        transaction.set_rollback(True, using="owner")
    assert after == before


def test_no_file_goes_without_an_app() -> None:
    assert {path.parent.parent.name for path in Path(ROOT).glob("*/sql/*.sql")} == set(APPS)


def test_a_file_that_is_not_there_is_named() -> None:
    with pytest.raises(FileNotFoundError, match=r"^audit/sql has no clocks\.sql$"):
        InstallSQL("clocks").install("audit", connections["owner"].schema_editor())
