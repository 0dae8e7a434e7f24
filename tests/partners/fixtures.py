"""A web server outside, and a door out that may speak to it."""

from collections.abc import Iterator
from contextlib import AbstractContextManager
from ssl import SSLContext

import pytest
from pytest_django import Settings

from tests.partners.outside import Outside
from tests.web_servers import answering


def serving(tls: SSLContext | None = None) -> AbstractContextManager[Outside]:
    """A web server outside, for as long as this lasts."""
    return answering(Outside(), tls=tls)


@pytest.fixture
def outside(settings: Settings) -> Iterator[Outside]:
    """A server on loopback that the door out may reach."""
    settings.DOOR_OUT_LOOPBACK = True
    with serving() as server:
        yield server
