"""The partner's HTTP face: events in, keys out, and what a tester may look at and break."""

import json
import logging
import os
import secrets
import signal
import sys
import threading
from collections.abc import Callable, Mapping
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import override
from urllib.parse import parse_qs, urlsplit

from tools.sandbox import clock, digest, orders
from tools.sandbox.cohorts import Cohorts
from tools.sandbox.faults import SLOW_SECONDS, Fault, Faults
from tools.sandbox.identity import Identity
from tools.sandbox.inbox import Courier, Inbox
from tools.sandbox.store import Store
from tools.sandbox.stream import Stream
from tools.sandbox.transmitter import Transmitter, Unreachable

LARGEST_BODY = orders.LARGEST_TOKEN
LONGEST_SLOW = 600.0
ENDING = {signal.SIGTERM, signal.SIGINT}

log = logging.getLogger(__name__)


class Server(ThreadingHTTPServer):
    """Listens on loopback only: it is a toy with a switch for breaking it."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(
        self,
        *,
        name: str,
        port: int,
        store: Store,
        cohorts: Cohorts,
        identity: Identity,
        transmitter: Transmitter,
        courier: Courier,
        inbox: Inbox,
        faults: Faults,
    ) -> None:
        super().__init__(("127.0.0.1", port), Handler)
        self.name = name
        self.store = store
        self.cohorts = cohorts
        self.identity = identity
        self.transmitter = transmitter
        self.courier = courier
        self.inbox = inbox
        self.faults = faults
        self.stream: Stream | None = None
        self.digest_every = 0.0
        # Of each push; "" where any header will do.
        self.authorization = ""

    @property
    def base_url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    @override
    def handle_error(self, request: object, client_address: object) -> None:
        """Name the error alone: a traceback could show what was sent. A caller that hung up is no news."""
        kind, _, _ = sys.exc_info()
        if kind is not None and not issubclass(kind, ConnectionError):
            log.error("a request failed: %s", kind.__name__)


class Handler(BaseHTTPRequestHandler):
    """One connection."""

    protocol_version = "HTTP/1.1"
    server_version = "sandbox-partner"
    sys_version = ""
    timeout = 30.0
    disable_nagle_algorithm = True
    server: Server

    def do_GET(self) -> None:
        path = urlsplit(self.path).path
        own: Mapping[str, Callable[[], object]] = {
            "/healthz": self._health,
            "/received": self.server.store.list_received_orders,
            "/state": lambda: self.server.store.state(at=clock.now()),
            "/receipts": self.server.store.receipts,
            "/cohorts": self.server.cohorts.list_cohorts,
            "/verifications": self.server.inbox.verifications,
            "/stream": self._stream,
        }
        if path in own:
            return self._json(HTTPStatus.OK, own[path]())
        if self.server.faults.now is Fault.DOWN:
            return self._hang_up()
        published = {
            "/jwks.json": self.server.identity.jwks,
            **{jwks_path(slug): signer.jwks for slug, signer in self.server.identity.downstream.items()},
        }
        if path in published:
            return self._json(HTTPStatus.OK, published[path]())
        return self._json(HTTPStatus.NOT_FOUND, {"error": "not found"})

    def do_POST(self) -> None:
        path = urlsplit(self.path).path
        testers = {"/fault": self._set_fault, "/rotate": self._rotate, "/digest": self._digest}
        if path not in testers and self.server.faults.now is Fault.DOWN:
            return self._hang_up()
        body = self._body()
        if path in testers:
            return testers[path]()
        if path == "/events":
            return self._event(body)
        return self._json(HTTPStatus.NOT_FOUND, {"error": "not found"})

    def _event(self, body: bytes | None) -> None:
        """RFC 8935: 202 and nothing else once the event is on disk; 400 with a code; or anything else to be retried."""
        faults = self.server.faults
        if faults.now is Fault.SLOW:
            faults.dawdle()
        if faults.now is Fault.ERR500:
            return self._json(HTTPStatus.INTERNAL_SERVER_ERROR, {"error": "broken, as ordered"})
        if not self._is_authorized():
            said = {"err": "authentication_failed", "description": "This is not our authorization_header."}
            return self._json(HTTPStatus.UNAUTHORIZED, said, {"Content-Language": "en"})
        try:
            self._take(body)
        except orders.EventRefused as refusal:
            said = {"err": refusal.err, "description": str(refusal)}
            mislabelled = {"Content-Type": "text/plain"}
            head = mislabelled if faults.now is Fault.MISLABEL else {"Content-Language": "en"}
            return self._json(HTTPStatus.BAD_REQUEST, said, head)
        except Unreachable:
            return self._json(HTTPStatus.SERVICE_UNAVAILABLE, {"error": "the transmitter's keys can't be had"})
        return self._send(HTTPStatus.ACCEPTED, b"", {})

    def _is_authorized(self) -> bool:
        """Return whether this push has the header that the stream was made with, or none was asked for."""
        wanted, given = self.server.authorization, self.headers.get("Authorization", "")
        gullible = self.server.faults.now is Fault.GULLIBLE
        return gullible or not wanted or secrets.compare_digest(given.encode(), wanted.encode())

    def _take(self, body: bytes | None) -> None:
        if body is None or self.headers.get_content_type() != "application/secevent+jwt":
            raise orders.EventRefused("invalid_request", "Send one application/secevent+jwt with its length.")
        self.server.inbox.take(body.decode("ascii", errors="replace").strip())

    def _rotate(self) -> None:
        return self._json(HTTPStatus.OK, {"kid": self.server.identity.rotate()})

    def _digest(self) -> None:
        try:
            found = digest.send(store=self.server.store, transmitter=self.server.transmitter)
        except Unreachable as error:
            return self._json(HTTPStatus.BAD_GATEWAY, {"error": str(error)})
        return self._json(HTTPStatus.OK, found)

    def _stream(self) -> object:
        return self.server.stream.get_status() if self.server.stream else None

    def _set_fault(self) -> None:
        asked = parse_qs(urlsplit(self.path).query)
        try:
            fault = Fault(asked.get("name", [""])[0])
            seconds = min(max(float(asked.get("seconds", [str(SLOW_SECONDS)])[0]), 0.0), LONGEST_SLOW)
        except ValueError:
            return self._json(HTTPStatus.BAD_REQUEST, {"error": "unknown fault", "faults": [*Fault]})
        self.server.faults.set(fault, seconds=seconds)
        if fault is Fault.FORGET:
            self.server.store.forget()
        return self._json(HTTPStatus.OK, {"fault": fault})

    def _health(self) -> object:
        server = self.server
        return {
            "name": server.name,
            "issuer": server.identity.uri,
            "transmitter": server.transmitter.issuer,
            "fault": server.faults.now,
            "jwks_uri": f"{server.base_url}/jwks.json",
            "downstream": [
                {"uri": signer.uri, "jwks_uri": server.base_url + jwks_path(slug)}
                for slug, signer in server.identity.downstream.items()
            ],
        }

    def _body(self) -> bytes | None:
        """What was sent; None where its length is missing or beyond reason (and then the connection is done with)."""
        length = self.headers.get("Content-Length", "")
        if not length.isdecimal() or int(length) > LARGEST_BODY:
            self.close_connection = True
            return None
        return self.rfile.read(int(length))

    def _json(self, status: HTTPStatus, value: object, headers: Mapping[str, str] | None = None) -> None:
        body = json.dumps(value).encode()
        self._send(status, body, {"Content-Type": "application/json", "Cache-Control": "no-store", **(headers or {})})

    def _send(self, status: HTTPStatus, body: bytes, headers: Mapping[str, str]) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(body)

    def _hang_up(self) -> None:
        """Like a process that is not there: no answer, the connection gone."""
        self.close_connection = True

    @override
    def log_message(self, format: str, *args: object) -> None:
        """Nothing: who asked for what is nobody's business."""


def jwks_path(slug: str) -> str:
    """Return where the keys of a company below are published."""
    return f"/downstream/{slug}/jwks.json"


def serve(server: Server) -> bool:
    """Serve until SIGTERM or SIGINT, which the caller has blocked. False if the partner's own work failed before."""

    def work() -> None:
        try:
            server.courier.run()
        finally:
            # Without its courier the partner would take orders and never carry them out: better that it ends.
            os.kill(os.getpid(), signal.SIGTERM)

    worker = threading.Thread(target=work, daemon=True)
    worker.start()
    threading.Thread(target=lambda: server.serve_forever(poll_interval=0.1), daemon=True).start()
    if server.stream:
        threading.Thread(target=server.stream.run, daemon=True).start()
    if server.digest_every:
        threading.Thread(target=_reconcile, args=[server], daemon=True).start()
    # Not an Event set by a handler: a signal that another thread takes would not wake the one that waits.
    signal.sigwait(ENDING)
    well = worker.is_alive()
    server.shutdown()
    server.server_close()
    return well


def _reconcile(server: Server) -> None:
    """Send a digest every so often, for ever."""
    pause = threading.Event()
    while not pause.wait(server.digest_every):
        try:
            found = digest.send(store=server.store, transmitter=server.transmitter)
            log.info("a digest of %s entries was compared", found["entries"])
        except Unreachable as error:
            log.warning("digest: %s", error)
