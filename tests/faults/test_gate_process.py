"""The gate's own process beside callers that mean ill: who never ends a request keeps no thread from a gateway."""

import json
import socket
from collections.abc import Iterator
from contextlib import ExitStack
from http.client import HTTPResponse
from pathlib import Path

import pytest
from pytest_django import Settings

from partners.models import Client
from portal.asgi import THREADS
from tests.answers import Answer, read
from tests.faults.programs import Programs, free_port
from tests.faults.test_bodies import Server, a_token
from tests.faults.test_dead_database import QUESTION

MANY = "/access/v1/evaluations"
HEAD = (
    "POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
    "Content-Length: {length}\r\n{more}\r\n"
)


@pytest.fixture
def server(committed_db: None, settings: Settings, tmp_path: Path) -> Iterator[Server]:
    programs = Programs(tmp_path, web_port=free_port(), broker_port=free_port())
    settings.BASE_URL = programs.base_url
    try:
        programs.gate().wait()
        yield Server(programs.web_port)
    finally:
        programs.end()


def answer(server: Server, head: str, body: bytes = b"") -> Answer:
    """What comes back on a connection of its own, to a head that is sent as it is written here."""
    with socket.create_connection(("127.0.0.1", server.port), timeout=30) as caller:
        caller.sendall(head.encode("utf-8") + body)
        with HTTPResponse(caller) as got:
            got.begin()
            return read(got)


def test_bodies_that_never_end_keep_no_thread_from_anybody(server: Server) -> None:
    body = json.dumps({"evaluations": [QUESTION] * 3}).encode()
    with ExitStack() as stack:
        for _ in range(THREADS + 1):
            caller = stack.enter_context(socket.create_connection(("127.0.0.1", server.port), timeout=30))
            caller.sendall(HEAD.format(path=MANY, length=1000, more="").encode() + b"{")
        many = server.ask(MANY, body, "application/json", a_token(Client.Kind.GATEWAY, "decisions:read"))
    assert (many.status, len(many.told["evaluations"])) == (200, 3)


def test_an_address_that_is_no_ascii_is_refused_in_words(server: Server) -> None:
    said = answer(server, HEAD.format(path=MANY + "?\N{LATIN SMALL LETTER E WITH ACUTE}=1", length=2, more=""), b"{}")
    assert said.status == 401
    assert b"A valid access token is needed." in said.body


def test_a_header_that_only_looks_like_the_proxys_is_not_heard(server: Server) -> None:
    """To WSGI `X_Request_ID` and `X-Request-ID` are one; what is heard of them comes back."""
    token = a_token(Client.Kind.GATEWAY, "decisions:read")
    heard = []
    for name in ("X-Request-ID", "X_Request_ID", "x_request_id"):
        more = f"{name}: mine\r\nAuthorization: Bearer {token}\r\n"
        said = answer(server, HEAD.format(path="/access/v1/evaluation", length=2, more=more), b"{}")
        assert said.status == 400
        heard.append(said.headers.get("x-request-id") == "mine")
    assert heard == [True, False, False]
