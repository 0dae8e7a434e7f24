"""Somebody else's web server on loopback: what it is sent is kept, what it answers is told beforehand."""

import json
import socket
import struct
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import cast

from joserfc import jwt
from joserfc.jwk import ECKey


@dataclass(frozen=True)
class Asked:
    """One request as it arrived."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True)
class Answer:
    """`status` 0: hang up without a word. `hold`: wait for this before answering."""

    status: int = 202
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    hold: threading.Event | None = None


class Outside(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.asked: list[Asked] = []
        # The next answers, and what is answered where none is told beforehand.
        self.answers: list[Answer] = []
        self.always = Answer()
        # What is fetched, and what is answered where there is no such document.
        self.documents: dict[str, bytes] = {}
        self.unknown = Answer(404)
        self.connections = 0
        self.on_post: Callable[[Asked], None] = lambda _: None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    @property
    def posted(self) -> list[Asked]:
        return [asked for asked in self.asked if asked.method == "POST"]


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    @property
    def outside(self) -> Outside:
        return cast("Outside", self.server)

    def setup(self) -> None:
        super().setup()
        self.outside.connections += 1

    def do_GET(self) -> None:
        self._keep(b"")
        body = self.outside.documents.get(self.path)
        self._send(Answer(200, body) if body is not None else self.outside.unknown)

    def do_POST(self) -> None:
        asked = self._keep(self.rfile.read(int(self.headers["Content-Length"])))
        self.outside.on_post(asked)
        self._send(self.outside.answers.pop(0) if self.outside.answers else self.outside.always)

    def _keep(self, body: bytes) -> Asked:
        asked = Asked(self.command, self.path, dict(self.headers), body)
        self.outside.asked.append(asked)
        return asked

    def _send(self, answer: Answer) -> None:
        if answer.hold is not None:
            answer.hold.wait(timeout=30)
        if not answer.status:
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.close_connection = True
            return
        try:
            self.send_response(answer.status)
            self.send_header("Content-Length", str(len(answer.body)))
            for name, value in answer.headers.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(answer.body)
        except OSError:
            self.close_connection = True

    def log_message(self, *_: object) -> None:
        pass


class Signer:
    """Somebody with an ES256 key, published at a path of an `Outside`."""

    def __init__(self, uri: str, outside: Outside | None = None, path: str = "/jwks.json") -> None:
        self.uri = uri
        self.key = ECKey.generate_key("P-256")
        if outside is not None:
            self.publish(outside, path)

    @property
    def kid(self) -> str:
        return self.key.thumbprint()

    @property
    def public(self) -> dict[str, str]:
        return {name: str(part) for name, part in self.key.as_dict(private=False).items()}

    def publish(self, outside: Outside, path: str = "/jwks.json") -> None:
        outside.documents[path] = json.dumps({"keys": [{**self.public, "kid": self.kid}]}).encode()

    def sign(self, claims: Mapping[str, object], *, typ: str = "secevent+jwt", **header: str) -> str:
        return jwt.encode({"typ": typ, "alg": "ES256", "kid": self.kid, **header}, dict(claims), self.key)
