"""A partner with its campaign, a line, what the partner claims, and how the person is asked."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from django.http import HttpResponse
from django.test import Client as Browser_

from accounts.clients.texts import MemoryBackend, Text
from audit.queries import database_clock
from consent.workers import request_texts
from partners.actions.clients import register_client
from partners.actions.sign_in import issue_access_token
from partners.models import Campaign, Client, Party
from tests.consent.shapes import camara
from tests.factories import a_campaign, a_contract, a_party
from tests.partners.outside import Signer
from tests.people import Browser, Page

SCOPES = ("approvals:write", "consent-info:retrieve")
# Noon in the state of the factory's lines.
NOON = timedelta(hours=20)
STRANGER = "+12065559999"
WORDING = "Sí, acepto que RoadAid me encuentre. Responda SÍ."


@dataclass(frozen=True)
class Partner:
    """An aggregator that calls, and one campaign of its own."""

    party: Party
    campaign: Campaign
    client: Client
    token: str

    def claim(self, **changes: object) -> dict[str, Any]:
        """A claim as it is sent. A value of None leaves its field out."""
        told = {
            "id": "c-1", "msisdn": "+12065550142", "campaign": self.campaign.ref, "method": "sms",
            "captured_at": stamp(database_clock() - timedelta(hours=1)), "captured_by": self.campaign.lbs_provider.uri,
            "wording": WORDING, "language": "es", "evidence_ref": "ev-77", **changes,
        }  # fmt: skip
        return {name: value for name, value in told.items() if value is not None}

    def post(self, path: str, body: bytes, kind: str, **headers: str) -> HttpResponse:
        response = Browser_().post(
            path, body, content_type=kind, headers={"Authorization": f"Bearer {self.token}", **headers}
        )
        assert isinstance(response, HttpResponse)
        return camara(response) if path.startswith("/consent-info/") else response

    def claims(self, *claims: Mapping[str, object]) -> tuple[int, dict[str, Any]]:
        """Send claims as NDJSON."""
        body = b"\n".join(json.dumps(claim).encode() for claim in claims)
        response = self.post("/api/v1/approvals", body, "application/x-ndjson")
        return response.status_code, json.loads(response.content)

    def one(self, claim: Mapping[str, object]) -> tuple[int, dict[str, Any]]:
        """Send one claim as JSON."""
        response = self.post("/api/v1/approvals", json.dumps(claim, indent=2).encode(), "application/json")
        return response.status_code, json.loads(response.content)

    def retrieve(self, **changes: object) -> tuple[int, dict[str, Any]]:
        """Ask CAMARA's question. A value of None leaves its field out."""
        asked = {
            "phoneNumber": "+12065550142",
            "scopes": [self.campaign.scope],
            "purpose": self.campaign.purpose,
            "requestCaptureUrl": False,
            **changes,
        }
        asked = {name: value for name, value in asked.items() if value is not None}
        response = self.post("/consent-info/v0.2/retrieve", json.dumps(asked).encode(), "application/json")
        return response.status_code, json.loads(response.content)


def a_partner(name: str = "GeoBridge", *, provider: str = "RoadAid", **fields: Any) -> Partner:
    party = a_party(name)
    campaign = a_campaign(
        a_contract(party, hosts=[f"app.{name.lower()}.example"]), a_party(provider, "lbs_provider"), **fields
    )
    now = datetime.now(UTC)
    client = register_client(
        client_id=party.uri, kind=Client.Kind.AGGREGATOR, public_jwk=dict(Signer(party.uri).public), party=party,
        actor="system:test", at=now,
    )  # fmt: skip
    token = issue_access_token(client=client, scopes=SCOPES, lifetime=timedelta(minutes=10), at=now).token
    return Partner(party, campaign, client, token)


def stamp(at: datetime) -> str:
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z")


def by_day(at: datetime | None = None) -> datetime:
    """The next noon, Pacific time, after a moment (now)."""
    at = at or database_clock()
    noon = at.replace(hour=20, minute=0, second=0, microsecond=0)
    return noon if noon > at else noon + timedelta(days=1)


def text_now() -> int:
    """Send what waits, at the next noon."""
    return request_texts.text_waiting(now=by_day())


def asked(msisdn: str) -> list[Text]:
    """The questions that were texted to a number."""
    return [text for text in MemoryBackend.outbox if text.msisdn == msisdn and "/ask/" in text.text]


def link_in(text: Text | str) -> str:
    """The path of the question's page in a text or a URL."""
    found = re.search(r"/ask/[A-Za-z0-9_-]+/", text if isinstance(text, str) else text.text)
    assert found is not None
    return found.group()


def prove(path: str, msisdn: str) -> tuple[Browser, Page]:
    """A browser that typed the code texted for this question, on its page."""
    browser = Browser()
    page = browser.post(f"{path}text/")
    assert page.url == f"{path}code/"
    code = next(text.code for text in reversed(MemoryBackend.outbox) if text.msisdn == msisdn and text.code)
    page = browser.post(f"{path}code/", {"code": code})
    assert page.url == path, page.text
    return browser, browser.get(path)


def digest_in(page: Page) -> str:
    found = re.search(r'name="notice" value="([0-9a-f]{64})"', page.text)
    assert found is not None
    return found.group(1)


def say_no(browser: Browser, path: str) -> Page:
    return browser.post(f"{path}no/")


def say_yes(browser: Browser, path: str) -> Page:
    return browser.post(f"{path}yes/", {"notice": digest_in(browser.get(f"{path}yes/"))})
