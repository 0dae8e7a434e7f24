"""What lies between us and a partner: it passes pushes on, or does with them what networks and queues do."""

import threading
from base64 import urlsafe_b64decode
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, cast

import msgspec
import requests

SECONDS = 20.0


@dataclass(frozen=True)
class Pushed:
    """One push as it came by. The token is not checked here: who keeps it is the partner."""

    token: bytes

    @property
    def claims(self) -> dict[str, Any]:
        payload = self.token.split(b".")[1]
        claims: dict[str, Any] = msgspec.json.decode(urlsafe_b64decode(payload + b"=" * (-len(payload) % 4)))
        return claims

    @property
    def version(self) -> int:
        (event,) = self.claims["events"].values()
        return int(event.get("version", 0))


class Road(ThreadingHTTPServer):
    """Listens where the product pushes to. `passes`: what becomes of a push, and the status that is answered for it."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.partner_url = ""
        self.pushed: list[Pushed] = []
        self.passes: Callable[[Pushed], int] = self.pass_on

    @property
    def port(self) -> int:
        return int(self.server_address[1])

    def pass_on(self, push: Pushed) -> int:
        """Hand a push to the partner. The status of its answer."""
        kind = {"Content-Type": "application/secevent+jwt", "Accept": "application/json"}
        return requests.post(f"{self.partner_url}/events", push.token, headers=kind, timeout=SECONDS).status_code

    @contextmanager
    def otherwise(self, passes: Callable[[Pushed], int]) -> Iterator[list[Pushed]]:
        """While this lasts something else becomes of pushes. Those that come by meanwhile."""
        began, was, self.passes = len(self.pushed), self.passes, passes
        came: list[Pushed] = []
        try:
            yield came
        finally:
            self.passes = was
            came += self.pushed[began:]


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def do_POST(self) -> None:
        road = cast("Road", self.server)
        push = Pushed(self.rfile.read(int(self.headers["Content-Length"])))
        road.pushed.append(push)
        status = road.passes(push)
        self.send_response(status)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Keep the tests' output clean."""


@contextmanager
def a_road() -> Iterator[Road]:
    """A road, open for as long as this lasts."""
    road = Road()
    thread = threading.Thread(target=road.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield road
    finally:
        road.shutdown()
        thread.join()
        road.server_close()
