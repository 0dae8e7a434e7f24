"""A web server outside, and a door out that may speak to it."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from ssl import SSLContext

import pytest
from pytest_django import Settings

from tests.partners.outside import Outside


@contextmanager
def serving(tls: SSLContext | None = None) -> Iterator[Outside]:
    """A web server outside, for as long as this lasts."""
    server = Outside()
    if tls is not None:
        server.socket = tls.wrap_socket(server.socket, server_side=True)
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
