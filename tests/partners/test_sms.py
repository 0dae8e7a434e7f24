"""Texts over HTTP, against a real listener."""

import json
import threading
from collections.abc import Iterator
from functools import partial
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
from pytest_django import Settings

from accounts.clients.texts import NotTaken, Unfit
from partners.clients import http
from partners.clients.sms import HttpBackend, UncertainDelivery


class Gateway(HTTPServer):
    """A message gateway that keeps what it was given and answers as told."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Taker)
        self.status = 202
        self.silent_until: threading.Event | None = None
        self.taken: list[tuple[str, dict[str, str]]] = []


class Taker(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        assert isinstance(self.server, Gateway)
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.taken.append((self.headers["Authorization"], body))
        if self.server.silent_until is not None:
            self.server.silent_until.wait(10)
        self.send_response(self.server.status)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *args: object) -> None:
        """Quiet."""


@pytest.fixture
def gateway(settings: Settings) -> Iterator[Gateway]:
    with Gateway() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        settings.DOOR_OUT_LOOPBACK = True
        settings.SMS_WEBHOOK_URL = f"http://127.0.0.1:{server.server_port}/texts"
        settings.SMS_WEBHOOK_TOKEN = "gateway-token"
        yield server
        server.shutdown()
        thread.join()


def test_a_text_is_handed_over_with_its_token(gateway: Gateway) -> None:
    """And who refuses one is told without the number."""
    text = "Your code is 123456."
    HttpBackend().send(msisdn="+12065550142", text=text, code="123456")
    assert gateway.taken == [("Bearer gateway-token", {"to": "+12065550142", "text": text})]
    # Away, or against this text alone.
    for status, error in ((503, NotTaken), (400, Unfit), (422, Unfit)):
        gateway.status = status
        with pytest.raises(error) as refused:
            HttpBackend().send(msisdn="+12065550142", text=text)
        assert (type(refused.value), str(refused.value)) == (error, str(status))


def test_a_gateway_that_keeps_silent_may_have_sent_it(gateway: Gateway, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http, "post", partial(http.post, seconds=0.5))
    gateway.silent_until = threading.Event()
    with pytest.raises(UncertainDelivery, match=r"^no answer in time$"):
        HttpBackend().send(msisdn="+12065550142", text="Your code is 123456.")
    gateway.silent_until.set()


def test_nothing_is_sent_to_an_address_that_is_not_https(settings: Settings) -> None:
    settings.DOOR_OUT_LOOPBACK = False
    settings.SMS_WEBHOOK_URL = "http://127.0.0.1:9/texts"
    with pytest.raises(NotTaken, match="not https"):
        HttpBackend().send(msisdn="+12065550142", text="Hello")
