"""A receiver from another house: RFC 8417, 8935, 8936, 7523, SSF 1.0 and the guide, and nothing of this project.

It finds every address in the two discovery documents, and believes nothing that it has not checked.
"""

import base64
import gzip
import hashlib
import json
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
import uuid
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, cast

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, KeySet

ASSERTION = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
PUSH, POLL = "urn:ietf:rfc:8935", "urn:ietf:rfc:8936"
SSF = "https://schemas.openid.net/secevent/ssf/event-type/"


@dataclass(frozen=True)
class Reply:
    """What came back."""

    status: int
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)


@dataclass
class Stranger:
    """One receiver of one carrier. `newest`: (epoch, version, state) by (sub, agreement)."""

    carrier: str
    me: str
    client_id: str
    client_key: ECKey
    key: ECKey = field(default_factory=lambda: ECKey.generate_key("P-256"))
    newest: dict[tuple[str, str], tuple[int, int, Any]] = field(default_factory=dict)
    events: list[dict[str, Any]] = field(default_factory=list)
    verifications: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.about = self.ask("GET", f"{self.carrier}/.well-known/ssf-configuration").json()
        self.oauth = self.ask("GET", f"{self.carrier}/.well-known/oauth-authorization-server").json()
        assert self.about["issuer"] == self.oauth["issuer"] == self.carrier
        self.server = _Server(self)
        threading.Thread(target=lambda: self.server.serve_forever(poll_interval=0.05), daemon=True).start()
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()

    def ask(self, method: str, url: str, body: bytes | None = None, **headers: str) -> Reply:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        request = urllib.request.Request(url, data=body, method=method, headers=named)
        try:
            with urllib.request.urlopen(request, timeout=40) as answer:
                return Reply(answer.status, answer.read())
        except urllib.error.HTTPError as error:
            with error:
                return Reply(error.code, error.read())

    def token(self, scope: str) -> str:
        now = int(time.time())
        claims = {
            "iss": self.client_id, "sub": self.client_id, "aud": self.oauth["issuer"], "jti": uuid.uuid4().hex,
            "iat": now, "exp": now + 60,
        }  # fmt: skip
        assertion = jwt.encode({"alg": "ES256", "typ": "JWT"}, claims, self.client_key)
        form = {
            "grant_type": "client_credentials", "client_assertion_type": ASSERTION, "client_assertion": assertion,
            "scope": scope,
        }  # fmt: skip
        form_type = "application/x-www-form-urlencoded"
        reply = self.ask(
            "POST", self.oauth["token_endpoint"], urllib.parse.urlencode(form).encode(), Content_Type=form_type
        )
        assert reply.status == 200, reply.body
        return str(reply.json()["access_token"])

    def call(self, method: str, url: str, scope: str, value: object = None, content_type: str = "") -> Reply:
        body = value.encode() if isinstance(value, str) else None if value is None else json.dumps(value).encode()
        headers = {"Content_Type": content_type or "application/json"} if body is not None else {}
        return self.ask(method, url, body, Authorization=f"Bearer {self.token(scope)}", **headers)

    def make_stream(self, method: str) -> dict[str, Any]:
        delivery = {"method": method} | ({"endpoint_url": f"{self.url}/in"} if method == PUSH else {})
        reply = self.call("POST", self.about["configuration_endpoint"], "ssf.manage", {"delivery": delivery})
        assert reply.status == 201, reply.body
        found: dict[str, Any] = reply.json()
        assert found["delivery"]["method"] == method
        return found

    def verify(self, stream_id: str, state: str) -> None:
        asked = {"stream_id": stream_id, "state": state}
        assert self.call("POST", self.about["verification_endpoint"], "ssf.manage", asked).status == 204

    def poll(self, stream: dict[str, Any], **asked: object) -> dict[str, str]:
        """The errors by `jti` of what was refused; what was taken is acknowledged by the caller's next poll."""
        reply = self.call("POST", stream["delivery"]["endpoint_url"], "ssf.read", {"returnImmediately": True, **asked})
        assert reply.status == 200, reply.body
        return {jti: self.take(token) for jti, token in reply.json()["sets"].items()}

    def take(self, token: str) -> str:
        """RFC 8935: the code of a refusal, or "" for what was kept."""
        try:
            claims = self.checked(token, "secevent+jwt")
        except (JoseError, ValueError):
            return "invalid_key"
        if claims["iss"] != self.carrier:
            return "invalid_issuer"
        if claims["aud"] != self.me:
            return "invalid_audience"
        if len(claims["events"]) != 1:
            return "invalid_request"
        ((kind, event),) = claims["events"].items()
        name = kind.rpartition("/")[2]
        if kind == f"{SSF}verification":
            self.verifications.append(event.get("state", ""))
        elif name == "consent-change":
            place = claims["sub_id"]["sub"], event["agreement"]
            if (event["epoch"], event["version"]) > self.newest.get(place, (0, 0, None))[:2]:
                self.newest[place] = event["epoch"], event["version"], event["state"]
        self.events.append(claims)
        return ""

    def checked(self, token: str, typ: str) -> dict[str, Any]:
        keys = KeySet.import_key_set(self.ask("GET", self.about["jwks_uri"]).json())
        opened = jwt.decode(token, keys, algorithms=["ES256"])
        assert opened.header["typ"] == typ
        return opened.claims

    def fetch_list(self, event: dict[str, Any]) -> tuple[list[str], str]:
        """The names of a cohort and the digest of the whole, each step checked as the guide says."""
        url = event["manifest"]["url"]
        index = self.call("GET", f"{url}/0", "ssf.read").body
        assert digest(index) == event["manifest"]["sha-256"]
        claims = self.checked(index.decode(), "whereabouts-manifest+jwt")
        assert (claims["aud"], claims["epoch"]) == (self.me, event["epoch"])
        whole = b""
        for shard in claims["shards"]:
            packed = self.call("GET", f"{url}/{shard['number']}", "ssf.read").body
            assert digest(packed) == shard["sha256"]
            whole += gzip.decompress(packed)
        assert digest(whole) == claims["list_sha256"]
        return [json.loads(line)["sub"] for line in whole.splitlines()], digest(whole)

    def sign_for(self, claims: dict[str, Any], **more: object) -> Reply:
        """A receipt for an order or a cohort, everything done now."""
        ((kind, event),) = claims["events"].items()
        now = datetime.now(UTC)
        said = {
            "status": "completed",
            "applied": {"epoch": event["epoch"], "version": event.get("version", 0)},
            "actions": [
                {"action": action, "status": "completed", "at": now.isoformat()} for action in event["required_actions"]
            ],
            **more,
        }
        receipt = {
            "iss": self.me, "aud": self.carrier, "jti": uuid.uuid4().hex, "iat": int(now.timestamp()),
            "toe": int(now.timestamp()), "txn": claims["txn"],
            "sub_id": {"format": "jwt_id", "iss": self.carrier, "jti": claims["jti"]},
            "events": {kind.rpartition("/")[0] + "/revocation-receipt": said},
        }  # fmt: skip
        token = jwt.encode({"alg": "ES256", "typ": "secevent+jwt", "kid": self.key.thumbprint()}, receipt, self.key)
        url = f"{self.carrier}/ssf/receipts"
        return self.call("POST", url, "receipts:write", token, content_type="application/secevent+jwt")

    def jwks(self) -> bytes:
        return json.dumps({"keys": [{**self.key.as_dict(private=False), "kid": self.key.thumbprint()}]}).encode()


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, stranger: Stranger) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.stranger = stranger


class _Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self._answer(200, cast("_Server", self.server).stranger.jwks())

    def do_POST(self) -> None:
        token = self.rfile.read(int(self.headers["Content-Length"])).decode()
        fit = self.headers["Content-Type"] == "application/secevent+jwt"
        err = cast("_Server", self.server).stranger.take(token) if fit else "invalid_request"
        body = json.dumps({"err": err, "description": "no"}).encode() if err else b""
        self._answer(400 if err else 202, body)

    def _answer(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Language", "en")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Keep the tests' output clean."""


def digest(content: bytes) -> str:
    """SHA-256, base64url without padding."""
    return base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()
