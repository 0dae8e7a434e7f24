"""`distribute_ledger`: what stands in its way, as an operator reads it; and what it leaves where servers have Citus."""

import io

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from pytest_django import Settings

from disclosures.workers import distribution
from tests import citus

FEW = "There is one server here."


def told() -> list[str]:
    out = io.StringIO()
    call_command("distribute_ledger", stdout=out)
    return out.getvalue().splitlines()


@pytest.mark.usefixtures("committed_db")
def test_only_the_owner_spreads_the_ledger(monkeypatch: pytest.MonkeyPatch, settings: Settings) -> None:
    monkeypatch.delitem(settings.DATABASES, "owner")
    with pytest.raises(CommandError) as refused:
        told()
    assert str(refused.value) == "This is the owner's to do: set DATABASE_OWNER_URL."


@pytest.mark.one_server
@pytest.mark.usefixtures("committed_db")
def test_a_server_without_citus_is_named() -> None:
    with pytest.raises(CommandError) as refused:
        told()
    assert str(refused.value) == ("This database has no citus extension: CREATE EXTENSION citus, on every server.")


@pytest.mark.skipif(not citus.SERVERS, reason=FEW)
@pytest.mark.usefixtures("committed_db")
def test_what_is_spread_stays_spread() -> None:
    count = len(distribution.TABLES)
    assert told() == [
        *(f"{n} of {count}: {table} was spread before" for n, table in enumerate(distribution.TABLES, 1)),
        "Tables spread: 0.",
    ]
    with connection.cursor() as cursor:
        cursor.execute("SELECT logicalrelid::regclass::text FROM pg_dist_partition")
        spread = {name for (name,) in cursor.fetchall() if not name.startswith("disclosures_disclosure_")}
    assert spread == {*distribution.TABLES}
