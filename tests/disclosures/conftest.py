from collections.abc import Iterator
from datetime import UTC, date, datetime

import pytest
from django.db import connections
from pytest_django import Settings

from disclosures.workers import retention


@pytest.fixture(autouse=True)
def _texts_in_memory(texts_in_memory: None) -> None:
    """Of every test here."""


def partitions() -> set[date]:
    """The months that have a partition."""
    with connections["owner"].cursor() as cursor:
        cursor.execute(retention.MONTHS)
        return {month for (month,) in cursor.fetchall()}


@pytest.fixture
def months_as_before(settings: Settings, committed_db: None) -> Iterator[None]:
    """Early in 2026 the months before December 2021 are to be dropped; those that a test made go with it."""
    settings.RETENTION_MONTHS = 49
    before = partitions()
    retention.make_partitions(now=datetime(2026, 1, 5, tzinfo=UTC))
    yield
    with connections["owner"].cursor() as cursor:
        for month in partitions() - before:
            cursor.execute(f"DROP TABLE disclosures_disclosure_{month:%Y_%m}")
    assert partitions() == before
