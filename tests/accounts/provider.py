"""A small OpenID provider that really speaks HTTP: it asks nobody for a password, and signs what it is told to."""

import base64
import hashlib
import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlsplit

from joserfc import jwt
from joserfc.jwk import ECKey, OctKey

from tests.people import Browser, Page

CLIENT, SECRET = "whereabouts", "a-secret-of-the-client"
NOW = int(time.time())
# Each alone makes a word that is not for us, not fresh or not whole, whoever the provider speaks of.
NOT_FOR_US: tuple[dict[str, object], ...] = (
    {"aud": "another"}, {"aud": [CLIENT, "another"]}, {"azp": "another"}, {"iss": "https://another.example"},
    {"nonce": "another"}, {"nonce": None}, {"exp": NOW - 100}, {"exp": None}, {"iat": NOW - 3600},
    {"iat": NOW + 3600}, {"sub": ""}, {"sub": "x" * 200}, {"sub": 7},
)  # fmt: skip


def b64(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


@dataclass
class Provider:
    """`claims` overrides what the id_token says, `published` its keys.

    `spoil` changes how it is signed; `down` fails an address.
    """

    url: str = ""
    key: ECKey = field(default_factory=lambda: ECKey.generate_key("P-256", {"kid": "1"}, private=True))
    published: list[Any] = field(default_factory=list)
    claims: dict[str, Any] = field(default_factory=dict)
    spoil: str = ""
    down: str = ""
    issuer: str = ""
    asked: dict[str, str] = field(default_factory=dict)
    tokens: list[dict[str, str]] = field(default_factory=list)

    def authorize(self, url: str) -> str:
        """What a browser that follows the address is sent back with: the path and query at the portal."""
        self.asked = dict(parse_qsl(urlsplit(url).query))
        back = urlsplit(self.asked["redirect_uri"])
        return f"{back.path}?code=the-code&state={self.asked['state']}"

    def description(self) -> dict[str, Any]:
        return {
            "issuer": self.issuer or self.url,
            "authorization_endpoint": f"{self.url}/authorize",
            "token_endpoint": f"{self.url}/token",
            "jwks_uri": f"{self.url}/keys",
        }

    def keys(self) -> dict[str, Any]:
        return {"keys": self.published or [self.key.as_dict(private=False)]}

    def token(self, form: dict[str, str]) -> tuple[int, dict[str, Any]]:
        self.tokens.append(form)
        proof = b64(hashlib.sha256(form.get("code_verifier", "").encode()).digest())
        right = {"code": "the-code", "client_id": CLIENT, "client_secret": SECRET, "grant_type": "authorization_code"}
        if any(form.get(name) != value for name, value in right.items()) or proof != self.asked["code_challenge"]:
            return 400, {"error": "invalid_grant"}
        return 200, {"access_token": "opaque", "token_type": "Bearer", "id_token": self.signed()}

    def signed(self) -> str:
        now = int(time.time())
        claims = {
            "iss": self.url, "aud": CLIENT, "sub": "idp-7", "iat": now, "exp": now + 300, "nonce": self.asked["nonce"],
            "email": "officer@carrier.example", "email_verified": True, **self.claims,
        }  # fmt: skip
        said = {name: value for name, value in claims.items() if value is not None}
        if self.spoil == "none":
            return f"{b64(b'{"alg":"none","kid":"1"}')}.{b64(json.dumps(said).encode())}."
        if self.spoil == "hs256":
            shared = OctKey.import_key(json.dumps(self.keys()["keys"][0]).encode())
            return jwt.encode({"alg": "HS256", "kid": "1"}, said, shared)
        key = ECKey.generate_key("P-256", {"kid": "1"}, private=True) if self.spoil == "key" else self.key
        token = jwt.encode({"alg": "ES256", "kid": "1"}, said, key)
        return token[:-9] + "AAAAAAAAA" if self.spoil == "signature" else token


@contextmanager
def running() -> Iterator[Provider]:
    """The provider on a loopback port of its own."""
    provider = Provider()

    class Door(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            pages = {"/.well-known/openid-configuration": provider.description, "/keys": provider.keys}
            self.answer(200, pages[self.path]())

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            self.answer(*provider.token({name: values[0] for name, values in parse_qs(body).items()}))

        def answer(self, status: int, found: dict[str, Any]) -> None:
            failing = provider.down == self.path
            body = b"not json" if failing and provider.spoil == "text" else json.dumps(found).encode()
            self.send_response(500 if failing and provider.spoil != "text" else status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Door)
    provider.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield provider
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def through(idp: Provider, browser: Browser, start: str) -> Page:
    """The whole way of a browser: to the provider and back."""
    sent = browser.get(start)
    assert (sent.status_code, sent.url.split("?")[0]) == (302, f"{idp.url}/authorize")
    return browser.get(idp.authorize(sent.url))


def signed_in(browser: Browser) -> bool:
    return browser.get("/settings/").status_code == 200
