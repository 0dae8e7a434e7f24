"""The least that a partner needs of a carrier: published keys, a token endpoint, a door for receipts."""

import gzip
import hashlib
import json
import uuid
from base64 import urlsafe_b64encode
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Condition, Thread
from typing import Any
from urllib.parse import parse_qs

from joserfc import jwt
from joserfc.jwk import ECKey

WAIT_SECONDS = 60.0
STOP_ALL = ("stop_use", "delete_held", "notify_downstream")
FRAUD = "dpv:FraudPreventionAndDetection"
ROADSIDE = "dpv:RequestedServiceProvision"
LBS = "https://lbs-a.example"


@dataclass(frozen=True)
class Handed:
    """One receipt as it came in."""

    bearer: str
    content_type: str
    token: str


@dataclass(frozen=True)
class Asked:
    """One request of another kind."""

    method: str
    path: str
    bearer: str
    body: Any


class Carrier:
    """A transmitter on loopback. `wait_for` wakes with everything that comes in."""

    def __init__(self) -> None:
        self.key = ECKey.generate_key("P-256")
        self.published = [self.key]
        self.keys_fetched = 0
        self.keys_status = 200
        self.receipts_status = 202
        self.assertions: list[dict[str, list[str]]] = []
        self.handed: list[Handed] = []
        # What is served and what was asked: documents by path, requests by path, answers told beforehand.
        self.documents: dict[str, bytes] = {}
        self.asked: list[Asked] = []
        self.answers: dict[str, list[tuple[int, object]]] = {}
        self._came = Condition()
        self._server = _Server(self)
        self.base_url = f"http://127.0.0.1:{self._server.server_address[1]}"
        Thread(target=lambda: self._server.serve_forever(poll_interval=0.02), daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def wait_for(self, condition: Callable[[], bool]) -> None:
        """Wait for something to have come in."""
        with self._came:
            assert self._came.wait_for(condition, timeout=WAIT_SECONDS)

    def sign(self, claims: Mapping[str, object], **header: object) -> str:
        """The compact JWS of a SET, by the published key unless the header says otherwise."""
        full = {"typ": "secevent+jwt", "alg": "ES256", "kid": self.key.thumbprint(), **header}
        return jwt.encode(full, dict(claims), self.key)

    @property
    def change(self) -> str:
        return f"{self.base_url}/schemas/secevent/consent/event-type/consent-change"

    @property
    def receipt(self) -> str:
        return f"{self.base_url}/schemas/secevent/consent/event-type/revocation-receipt"

    def scope_of(self, bearer: str) -> str:
        """The scope that an access token was asked for."""
        return self.assertions[int(bearer.removeprefix("at-")) - 1]["scope"][0]

    def asked_for(self, path: str) -> list[Asked]:
        return [one for one in self.asked if one.path == path]

    def answer(self, method: str, path: str, body: bytes, headers: Mapping[str, str]) -> tuple[int, object]:
        """What a request gets: JSON, or the bytes of a document."""
        with self._came:
            self._came.notify_all()
            if path == "/.well-known/jwks.json":
                self.keys_fetched += 1
                keys = [{**key.as_dict(private=False), "kid": key.thumbprint()} for key in self.published]
                return self.keys_status, {"keys": keys}
            if path == "/oauth/token":
                self.assertions.append(parse_qs(body.decode()))
                return 200, {"access_token": f"at-{len(self.assertions)}", "token_type": "Bearer", "expires_in": 600}
            if path == "/ssf/receipts":
                bearer = headers.get("Authorization", "").removeprefix("Bearer ")
                self.handed.append(Handed(bearer, headers.get("Content-Type", ""), body.decode()))
                return self.receipts_status, {}
            bearer = headers.get("Authorization", "").removeprefix("Bearer ")
            self.asked.append(Asked(method, path, bearer, json.loads(body) if body else None))
            if path in self.documents:
                return 200, self.documents[path]
            told = self.answers.get(path, [])
            return told.pop(0) if told else (404, {})

    def cohort(
        self,
        audience: str,
        subs: Sequence[str],
        *,
        epoch: int = 2,
        shard: int = 2,
        required: Sequence[str] = STOP_ALL,
        **event: object,
    ) -> dict[str, Any]:
        """The claims of a cohort about these names, its manifest served from here."""
        number = uuid.uuid4().hex
        path, agreement = f"/ssf/manifests/{number}", f"{self.base_url}/agreements/AGR-1"
        parts = [subs[start : start + shard] for start in range(0, len(subs), shard)]
        lists = ["".join(f'{{"sub":"{sub}"}}\n' for sub in part).encode() for part in parts]
        packed = [gzip.compress(one) for one in lists]
        for n, content in enumerate(packed, start=1):
            self.documents[f"{path}/{n}"] = content
        shards = [
            {"number": n, "lines": len(part), "sha256": digest(content)}
            for n, (part, content) in enumerate(zip(parts, packed, strict=True), start=1)
        ]
        index = {
            "iss": self.base_url, "aud": audience, "jti": number, "iat": 1_795_557_600, "exp": 3_895_557_600,
            "agreement": agreement, "epoch": epoch, "subject_count": len(subs),
            "list_sha256": digest(b"".join(lists)), "shards": shards,
        }  # fmt: skip
        signed = self.sign(index, typ="whereabouts-manifest+jwt").encode()
        self.documents[f"{path}/0"] = signed
        claims = self.claims(audience)
        claims["sub_id"] = {"format": "complex", "group": {"format": "uri", "uri": agreement}}
        said = {
            "event_timestamp": 1_795_557_600,
            "initiating_entity": "admin",
            "reason_admin": {"en": "Permission changed. See the current state."},
            "agreement": agreement,
            "epoch": epoch,
            "selector": "all_subjects_of_group",
            "subject_count": len(subs),
            "manifest": {
                "url": self.base_url + path,
                "media_type": "application/x-ndjson+gzip",
                "shards": len(shards),
                "sha-256": digest(signed),
                "expires_at": "2094-01-24T22:00:00Z",
            },
            "required_actions": [*required],
            "stop_by": "2026-11-24T22:15:00Z",
            "complete_by": "2026-12-24T22:00:00Z",
            **event,
        }
        claims["events"] = {self.change.replace("consent-change", "cohort-revoked"): said}
        return claims

    def claims(
        self,
        audience: str,
        *,
        sub: str = "k1.somebody",
        epoch: int = 1,
        version: int = 1,
        state: Sequence[Mapping[str, object]] = (),
        changes: Sequence[Mapping[str, object]] = (),
        required: Sequence[str] = STOP_ALL,
        jti: str = "",
        iat: int = 1_795_557_600,
        **event: object,
    ) -> dict[str, Any]:
        """An order's claims, as the design's own examples have them."""
        return {
            "iss": self.base_url,
            "aud": audience,
            "jti": jti or uuid.uuid4().hex,
            "iat": iat,
            "toe": iat,
            "txn": f"tx-{uuid.uuid4().hex}",
            "sub_id": {"format": "iss_sub", "iss": self.base_url, "sub": sub},
            "events": {
                self.change: {
                    "event_timestamp": iat,
                    "initiating_entity": "user",
                    "reason_admin": {"en": "Permission changed. See the current state."},
                    "agreement": f"{self.base_url}/agreements/AGR-1",
                    "epoch": epoch,
                    "version": version,
                    "snapshot": True,
                    "changes": [*changes],
                    "state": [*state],
                    "default": "denied",
                    "required_actions": [*required],
                    **event,
                }
            },
        }


def digest(content: bytes) -> str:
    """SHA-256, base64url without padding."""
    return urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()


def granted(recipient: str = LBS, purpose: str = FRAUD, **more: object) -> dict[str, object]:
    """An entry of `state`."""
    entry = {"scopes": ["location-retrieval:read"], "purpose": purpose, "recipient": recipient, "status": "granted"}
    return {**entry, **more}


def change(was: str, now: str, recipient: str = LBS, purpose: str = FRAUD) -> dict[str, object]:
    """An entry of `changes`."""
    scopes = ["location-retrieval:read"]
    return {"scopes": scopes, "purpose": purpose, "recipient": recipient, "from": was, "to": now}


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, carrier: Carrier) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.carrier = carrier


class _Handler(BaseHTTPRequestHandler):
    server: _Server

    def do_GET(self) -> None:
        self._answer(b"")

    def do_POST(self) -> None:
        self._answer(self.rfile.read(int(self.headers["Content-Length"])))

    def do_PUT(self) -> None:
        self.do_POST()

    def _answer(self, body: bytes) -> None:
        status, said = self.server.carrier.answer(self.command, self.path, body, dict(self.headers))
        content = said if isinstance(said, bytes) else json.dumps(said).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        """Keep the tests' output clean."""
