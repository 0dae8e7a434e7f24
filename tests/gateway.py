"""The carrier's location gateway, as a test plays it: it asks before each release, and reports each one."""

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from django.test import Client as Browser

from partners.actions.clients import register_client
from partners.actions.sign_in import issue_access_token
from partners.models import Client
from tests.feeds import BRIDGE, NUMBER, ROAD, ROADSIDE, Row, ndjson
from tests.partners.outside import Signer

QUESTION: Mapping[str, Any] = {
    "subject": {"type": "partner", "id": BRIDGE, "properties": {"on_behalf_of": ROAD, "campaign": "CMP-road"}},
    "action": {"name": "location-retrieval:read", "properties": {"purpose": ROADSIDE, "precision_m": 500}},
    "resource": {"type": "msisdn", "id": NUMBER},
}


class Gateway:
    """A registered gateway with a token for both of its doors."""

    def __init__(self, client_id: str = "gateway") -> None:
        now = datetime.now(UTC)
        self.client = register_client(
            client_id=client_id, kind=Client.Kind.GATEWAY, public_jwk=dict(Signer(client_id).public), party=None,
            actor="system:test", at=now,
        )  # fmt: skip
        scopes = ["decisions:read", "disclosures:write"]
        token = issue_access_token(client=self.client, scopes=scopes, lifetime=timedelta(minutes=5), at=now).token
        self.headers = {"Authorization": f"Bearer {token}"}

    def ask(self, question: Mapping[str, Any] = QUESTION) -> dict[str, Any]:
        """The answer to one question, by default the one that `release_row` reports."""
        answer = self.post("/access/v1/evaluation", json.dumps(question).encode(), "application/json")
        return dict(answer[1])

    def allowed(self) -> str:
        """The decision id of a yes that was given just now."""
        answer = self.ask()
        assert answer["decision"] is True, answer
        return str(answer["context"]["decision_id"])

    def report(self, rows: Sequence[Row]) -> dict[str, Any]:
        """What became of the rows."""
        status, told = self.post("/api/v1/disclosures", ndjson(rows), "application/x-ndjson")
        assert status == 200, told
        return told

    def post(self, address: str, body: bytes, content_type: str) -> tuple[int, dict[str, Any]]:
        """Status and body of the answer."""
        response = Browser().post(address, body, content_type=content_type, headers=self.headers)
        return response.status_code, json.loads(response.content)
