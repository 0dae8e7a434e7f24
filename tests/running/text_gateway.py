"""A carrier's text gateway, as a server of its own: it takes nothing without its token."""

import json
import re
from contextlib import AbstractContextManager
from http.server import BaseHTTPRequestHandler, HTTPServer
from ssl import SSLContext

from tests.faults.programs import until
from tests.running.visitor import WITHIN_S, Visitor
from tests.web_servers import answering

TOKEN = "token-of-the-text-gateway"


class TextGateway(HTTPServer):
    """The texts that it took, and how many it refused."""

    def __init__(self, host: str, port: int) -> None:
        super().__init__((host, port), _Taker)
        self.texts: list[tuple[str, str]] = []
        self.refused = self._read = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/send"

    def next_text(self) -> str:
        """The text that comes next."""
        until(lambda: len(self.texts) > self._read or self.refused > 0, WITHIN_S)
        assert self.refused == 0, "it came without the gateway's token"
        self._read += 1
        return self.texts[self._read - 1][1]

    def next_code(self) -> str:
        """The code in it."""
        (code,) = re.findall(r"\b[0-9]{6}\b", self.next_text())
        return str(code)


class _Taker(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        gateway = self.server
        assert isinstance(gateway, TextGateway)
        said = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        known = self.headers["Authorization"] == f"Bearer {TOKEN}"
        if known:
            gateway.texts.append((said["to"], said["text"]))
        else:
            gateway.refused += 1
        self.send_response(202 if known else 401)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *args: object) -> None:
        """Quiet."""


def serving(
    host: str = "127.0.0.1", port: int = 0, tls: SSLContext | None = None
) -> AbstractContextManager[TextGateway]:
    """One that listens, at a port that is free unless it is named."""
    return answering(TextGateway(host, port), tls=tls)


def sign_in(visitor: Visitor, number: str, gateway: TextGateway) -> None:
    """Somebody signs in by a texted code, for the first time: a password of their own is what they are asked next."""
    visitor.go("/accounts/login/")
    visitor.go("/accounts/login/", **{visitor.field('type="tel"'): number})
    visitor.go(visitor.url, code=gateway.next_code())
    visitor.go("/choices/")
    assert 'href="/accounts/logout/"' in visitor.page
    assert visitor.url.endswith("/accounts/password/set/?next=%2Fchoices%2F")


def stop_all(visitor: Visitor, number: str, gateway: TextGateway) -> None:
    """Somebody without an account stops all by a texted code. A worker confirms it by text: beat told it to look."""
    visitor.go("/stop/")
    visitor.go("/stop/", number=number)
    visitor.go("/stop/code/", code=gateway.next_code())
    visitor.go("/stop/all/", **{"stop-all": "1"})
    assert "/stop/progress/" in visitor.url, visitor.url
    assert "the change you made for this phone's location is in force" in gateway.next_text()
