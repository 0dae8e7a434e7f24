"""A web server outside, and a door out that may speak to it."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from pytest_django import Settings

from tests.partners.outside import Outside


@contextmanager
def serving() -> Iterator[Outside]:
    """A web server outside, for as long as this lasts."""
    server = Outside()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture
def outside(settings: Settings) -> Iterator[Outside]:
    """A server on loopback that the door out may reach."""
    settings.DOOR_OUT_LOOPBACK = True
    with serving() as server:
        yield server
