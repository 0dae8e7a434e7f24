"""A receiver as somebody would write it who has read SSF 1.0, RFC 8935 and RFC 8936, and knows one address of ours."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

from django.test import Client as Http
from joserfc import jws
from joserfc.jwk import KeySet

from partners.actions.clients import register_client
from partners.actions.sign_in import issue_access_token
from partners.models import Client, Party
from tests.partners.outside import Signer

SSF = "https://schemas.openid.net/secevent/ssf/event-type/"
PUSH, POLL = "urn:ietf:rfc:8935", "urn:ietf:rfc:8936"


@dataclass
class Answer:
    """What came back."""

    status: int
    body: Any
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def seen(self) -> tuple[int, Any]:
        return self.status, self.body


@dataclass
class Receiver:
    """Reads the transmitter's configuration and finds everything else by it."""

    party: Party
    token: str
    http: Http = field(default_factory=Http)

    def about(self) -> dict[str, Any]:
        found = self.http.get("/.well-known/ssf-configuration").json()
        assert isinstance(found, dict)
        return found

    def call(self, method: str, url: str, body: object = None, *, token: str | None = None, query: str = "") -> Answer:
        sent = "" if body is None else body if isinstance(body, str) else json.dumps(body)
        response = self.http.generic(
            method, urlsplit(url).path + query, sent, content_type="application/json",
            headers={"Authorization": f"Bearer {self.token if token is None else token}"},
        )  # fmt: skip
        said = json.loads(response.content) if response.content else None
        return Answer(response.status_code, said, dict(response.headers))

    def streams(self, method: str, body: object = None, *, stream_id: str | None = None) -> Answer:
        query = "" if stream_id is None else f"?stream_id={stream_id}"
        return self.call(method, self.about()["configuration_endpoint"], body, query=query)

    def status(self, method: str, body: object = None, *, stream_id: str | None = None) -> Answer:
        query = "" if stream_id is None else f"?stream_id={stream_id}"
        return self.call(method, self.about()["status_endpoint"], body, query=query)

    def verify(self, body: object) -> Answer:
        return self.call("POST", self.about()["verification_endpoint"], body)

    def poll(self, url: str, **body: object) -> dict[str, dict[str, Any]]:
        """The claims of what waits, by `jti`, each checked by the published keys."""
        answer = self.call("POST", url, {"returnImmediately": True, **body})
        assert answer.status == 200
        return {jti: self.believed(token) for jti, token in answer.body["sets"].items()}

    def believed(self, token: str) -> dict[str, Any]:
        """The claims of a SET that was signed by the transmitter for this receiver."""
        about = self.about()
        keys = KeySet.import_key_set(self.http.get(urlsplit(about["jwks_uri"]).path).json())
        found = jws.deserialize_compact(token, keys, algorithms=["ES256", "RS256"])
        assert found.headers()["typ"] == "secevent+jwt"
        claims = json.loads(found.payload or b"")
        assert isinstance(claims, dict)
        assert (claims["iss"], claims["aud"]) == (about["issuer"], self.party.uri)
        assert len(claims["events"]) == 1
        assert not {"sub", "exp"} & set(claims)
        return claims


def a_receiver(party: Party, *scopes: str) -> Receiver:
    return Receiver(party, a_token_of(party, *(scopes or ("ssf.manage", "ssf.read"))))


def a_token_of(party: Party | None, *scopes: str, kind: str = "aggregator") -> str:
    """For a machine of this party; the same one each time."""
    name = f"machine-{party.pk if party else kind}"
    client = Client.objects.filter(client_id=name).first() or register_client(
        client_id=name, kind=Client.Kind(kind), public_jwk=dict(Signer(name).public), party=party,
        actor="system:test", at=datetime.now(UTC),
    )  # fmt: skip
    lifetime = timedelta(minutes=10)
    return issue_access_token(client=client, scopes=scopes, lifetime=lifetime, at=datetime.now(UTC)).token
