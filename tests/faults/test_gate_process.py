"""The gate's own process beside callers that mean ill: who never ends a request keeps no thread from a gateway."""

import asyncio
import json
import socket
from contextlib import ExitStack, suppress
from http.client import HTTPResponse

import pytest

from consent.api.asgi import Message, Scope
from partners.models import Client
from portal.asgi import THREADS, application
from tests.answers import Answer, read
from tests.faults.fixtures import Server, a_token
from tests.faults.programs import QUESTION, Programs

MANY = "/access/v1/evaluations"
NO_ASCII = "?\N{LATIN SMALL LETTER E WITH ACUTE}=1"
HEAD = (
    "POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
    "Content-Length: {length}\r\n{more}\r\n"
)


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


def test_nobody_writes_down_who_asked_for_what(server: Server, web_server: Programs) -> None:
    for path in (MANY, "/access/v1/evaluation", "/healthz"):
        server.ask(path, b"{}", "application/json")
    written = (web_server.folder / "web.log").read_text()
    assert "HTTP/1.1" not in written
    assert "/healthz" not in written


@pytest.mark.parametrize("apart", [True, False], ids=["body apart", "one packet"])
def test_a_body_behind_an_upgrade_is_never_read_as_the_next_request(server: Server, *, apart: bool) -> None:
    """On a connection that a proxy keeps, the one answer too many would be somebody else's."""
    body = HEAD.format(path="/access/v1/evaluation", length=2, more="").encode() + b"{}"
    head = HEAD.format(path=MANY, length=len(body), more="Connection: Upgrade\r\nUpgrade: h2c\r\n").encode()
    with socket.create_connection(("127.0.0.1", server.port), timeout=30) as caller:
        caller.sendall(head if apart else head + body)
        said = caller.recv(65536)
        with suppress(OSError):  # it may have been closed already
            caller.sendall(body if apart else b"")
            while more := caller.recv(65536):
                said += more
    assert said.startswith(b"HTTP/1.1 400 ")
    assert said.count(b"HTTP/1.1 ") == 1


def test_an_address_that_is_no_ascii_is_refused(server: Server) -> None:
    said = answer(server, HEAD.format(path=MANY + NO_ASCII, length=2, more=""), b"{}")
    assert (said.status, said.body) == (400, b"Invalid HTTP request received.")


def test_where_a_server_hands_such_an_address_on_it_is_refused_in_our_words() -> None:
    said: list[Message] = []

    async def receive() -> Message:
        return {"type": "http.request", "body": b"{}", "more_body": False}

    async def send(message: Message) -> None:
        said.append(message)

    async def ask() -> None:
        await application(scope, receive, send)

    headers = [(b"host", b"127.0.0.1"), (b"content-length", b"2"), (b"content-type", b"application/json")]
    scope: Scope = {
        "type": "http", "http_version": "1.1", "method": "POST", "scheme": "http", "path": MANY, "root_path": "",
        "query_string": NO_ASCII.removeprefix("?").encode(), "headers": headers, "server": ("127.0.0.1", 80),
    }  # fmt: skip
    asyncio.run(ask())
    assert said[0]["status"] == 401
    assert b"A valid access token is needed." in b"".join(one.get("body", b"") for one in said)


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
