"""The product behind a port, an aggregator, and its sandbox."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from django.db import connections
from pytest_django import Settings

from tests.conformance.site import Aggregator, Sandbox, served
from tests.partners.fixtures import outside
from tests.sandbox.conftest import carrier, partner, start

__all__ = ["carrier", "outside", "partner", "start"]


@pytest.fixture
def site(committed_db: None, no_broker: None, settings: Settings) -> Iterator[str]:
    settings.DOOR_OUT_LOOPBACK = True
    with served() as url:
        settings.BASE_URL = url
        yield url
    # Our keys outlive a test; those of trials must not.
    with connections["owner"].cursor() as cursor:
        cursor.execute("DELETE FROM partners_signingkey WHERE use = 'trial'")


@pytest.fixture
def aggregator(site: str, tmp_path: Path) -> Aggregator:
    return Aggregator(tmp_path)


@pytest.fixture
def sandbox(site: str, aggregator: Aggregator, tmp_path: Path) -> Iterator[Sandbox]:
    sandbox = Sandbox(site, aggregator, tmp_path)
    yield sandbox
    sandbox.end()
