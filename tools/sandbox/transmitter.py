"""The carrier's portal as a partner sees it: its public keys, its token endpoint, its receipts endpoint."""

import json
import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from threading import Lock
from typing import Any
from urllib.parse import urlencode, urlsplit

from joserfc.errors import JoseError
from joserfc.jwk import ECKey

from tools.sandbox.identity import Signer

SECONDS = 10.0
REFETCH_SECONDS = 3.0
KEYS_LAST_SECONDS = 3600.0
LARGEST_ANSWER = 1_000_000
ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
ASSERTION_SECONDS = 60
RECEIPTS, READ, MANAGE = "receipts:write", "ssf.read", "ssf.manage"
NO_ENTRY = {401, 403}


class Unreachable(Exception):
    """The transmitter gave no usable answer: worth another try."""


class UnknownKey(Exception):
    """The transmitter publishes no such key."""


@dataclass(frozen=True)
class Answer:
    """What came back."""

    status: int
    body: bytes

    def any_json(self) -> Any:
        """Return the JSON that came back. Raises Unreachable for what is none."""
        try:
            return json.loads(self.body)
        except ValueError as error:
            raise Unreachable(f"{self.status}, and no JSON") from error

    def json(self) -> dict[str, Any]:
        """Return the JSON object that came back. Raises Unreachable for anything else."""
        found = self.any_json()
        if not isinstance(found, dict):
            raise Unreachable(f"{self.status}, and no JSON object")
        return found


def _has_name_and_curve(jwk: object) -> bool:
    return isinstance(jwk, dict) and jwk.get("crv") == "P-256" and isinstance(jwk.get("kid"), str)


class Transmitter:
    """One transmitter. Safe to share between threads."""

    def __init__(self, *, base_url: str, client: Signer) -> None:
        """`client`: the client id, as its `uri`, and the key registered for it."""
        self.issuer = base_url
        self._client = client
        self._keys_lock = Lock()
        self._keys: dict[str, ECKey] = {}
        self._keys_fetched: float | None = None
        self._tokens_lock = Lock()
        self._tokens: dict[str, tuple[str, float]] = {}

    def key(self, kid: str) -> ECKey:
        """Return the published key of this id. Raises UnknownKey, or Unreachable if the keys can't be had."""
        with self._keys_lock:
            age = None if self._keys_fetched is None else time.monotonic() - self._keys_fetched
            # An unknown id must not make us fetch for every forged token.
            if age is None or age > KEYS_LAST_SECONDS or (kid not in self._keys and age > REFETCH_SECONDS):
                self._keys = self._fetch_keys()
                self._keys_fetched = time.monotonic()
            if kid not in self._keys:
                raise UnknownKey(kid)
            return self._keys[kid]

    def post_receipt(self, token: str) -> Answer:
        """Hand a receipt in. Raises Unreachable without an answer or an access token."""
        return self.call(
            "POST", "/ssf/receipts", scope=RECEIPTS, body=token.encode(), content_type="application/secevent+jwt"
        )

    def send_json(self, method: str, path: str, value: object, *, scope: str, seconds: float = SECONDS) -> Answer:
        """Send a JSON body under a scope. Raises Unreachable."""
        return self.call(
            method, path, scope=scope, body=json.dumps(value).encode(), content_type="application/json", seconds=seconds
        )

    def call(
        self,
        method: str,
        path: str,
        *,
        scope: str,
        body: bytes | None = None,
        content_type: str = "",
        seconds: float = SECONDS,
        limit: int = LARGEST_ANSWER,
    ) -> Answer:
        """Ask for something that needs an access token of this scope. Raises Unreachable."""
        headers = {"Authorization": f"Bearer {self._bearer(scope)}"}
        if content_type:
            headers["Content-Type"] = content_type
        answer = self._exchange(method, path, body, headers, seconds=seconds, limit=limit)
        if answer.status in NO_ENTRY:
            with self._tokens_lock:
                self._tokens.pop(scope, None)
        return answer

    def _fetch_keys(self) -> dict[str, ECKey]:
        answer = self._exchange("GET", "/.well-known/jwks.json", None, {})
        if answer.status != 200:
            raise Unreachable(f"the keys answer {answer.status}")
        published = answer.json().get("keys")
        keys: dict[str, ECKey] = {}
        for jwk in published if isinstance(published, list) else []:
            if _has_name_and_curve(jwk):
                try:
                    keys[jwk["kid"]] = ECKey.import_key({name: jwk[name] for name in ("kty", "crv", "x", "y")})
                except (JoseError, KeyError, ValueError):
                    continue
        return keys

    def _bearer(self, scope: str) -> str:
        with self._tokens_lock:
            token, ends = self._tokens.get(scope, ("", 0.0))
            if not token or time.monotonic() >= ends:
                token, lasts = self._sign_in(scope)
                self._tokens[scope] = token, time.monotonic() + max(lasts - 30, 0)
            return token

    def _sign_in(self, scope: str) -> tuple[str, float]:
        """Client credentials by `private_key_jwt` (RFC 7523)."""
        now = int(time.time())
        assertion = self._client.sign(
            typ="JWT",
            claims={
                "iss": self._client.uri,
                "sub": self._client.uri,
                "aud": self.issuer,
                "jti": uuid.uuid4().hex,
                "iat": now,
                "exp": now + ASSERTION_SECONDS,
            },
        )
        form = {
            "grant_type": "client_credentials",
            "client_assertion_type": ASSERTION_TYPE,
            "client_assertion": assertion,
            "scope": scope,
        }
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        answer = self._exchange("POST", "/oauth/token", urlencode(form).encode(), headers)
        if answer.status != 200:
            raise Unreachable(f"the token endpoint answers {answer.status}")
        token, lasts = (answer.json().get(name) for name in ("access_token", "expires_in"))
        if not isinstance(token, str) or not token:
            raise Unreachable("the token endpoint gives no token")
        return token, float(lasts) if isinstance(lasts, int | float) else 60.0

    def _exchange(
        self,
        method: str,
        path: str,
        body: bytes | None,
        headers: Mapping[str, str],
        *,
        seconds: float = SECONDS,
        limit: int = LARGEST_ANSWER,
    ) -> Answer:
        parts = urlsplit(self.issuer)
        kind = HTTPSConnection if parts.scheme == "https" else HTTPConnection
        try:
            connection = kind(parts.hostname or "", parts.port, timeout=seconds)
            try:
                connection.request(method, parts.path + path, body, {"Accept": "application/json", **headers})
                response = connection.getresponse()
                return Answer(response.status, response.read(limit))
            finally:
                connection.close()
        except (OSError, HTTPException) as error:
            raise Unreachable(type(error).__name__) from error
