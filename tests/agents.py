"""An authorised agent that asks for a stop in somebody's name."""

import json
from base64 import b64encode
from collections.abc import Collection, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from django.db import transaction
from django.test import Client as Http
from django.utils import timezone
from jsonschema import Draft202012Validator, FormatChecker

from accounts.models import Line, Message
from accounts.primitives.sealing import unseal
from consent.actions.agents import receive_request
from consent.domain.agents import Exercise
from partners.actions.authorized import propose_agent, register_agent
from partners.actions.proposals import carry_out, mark_agreed
from partners.models import AuthorizedAgent, Proposal
from partners.queries import key_of
from portal.openapi.document import document
from tests.people import newest_text, number_of
from tests.staff import an_actor

AGENT = "PERMISSION_SLIP"
BUSINESS = "CARRIER"
LATER = datetime(2099, 1, 1, tzinfo=UTC)


def let_in(agent_id: str, name: str, key: Ed25519PrivateKey, *, hosts: Collection[str] = ()) -> AuthorizedAgent:
    """An agent that two officers let ask for people."""
    now, why = timezone.now(), "It joined the network."
    with transaction.atomic():
        agent = register_agent(
            agent_id=agent_id, name=name, key=public(key), hosts=hosts, reason=why, actor=an_actor(), at=now
        )
        _agree(Proposal.objects.get(of="authorized", target_id=agent.number), at=now)
    return AuthorizedAgent.objects.get(pk=agent_id)


def let_in_again(agent: AuthorizedAgent) -> None:
    """Two officers let an agent that was suspended ask again, as it was."""
    now, why = timezone.now(), "It has another key in its own hands now."
    with transaction.atomic():
        _agree(
            propose_agent(
                number=agent.number, name=agent.name, key=key_of(agent=agent), hosts=agent.hosts, reason=why,
                actor=an_actor(), at=now,
            ), at=now,
        )  # fmt: skip


def _agree(proposal: Proposal, *, at: datetime) -> None:
    agreed = mark_agreed(proposal_id=proposal.pk, reason="Seen.", actor=an_actor(), at=at)
    carry_out(proposal=agreed, at=at)


def public(key: Ed25519PrivateKey) -> str:
    """Its public half, as the protocol's directory has it."""
    return b64encode(key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)).decode()


def an_agent_asks(line: Line, name: str = "Permission Slip", *, agent_id: str = AGENT) -> str:
    """The path of the link that its person was texted."""
    now = timezone.now()
    if not AuthorizedAgent.objects.filter(pk=agent_id).exists():
        let_in(agent_id, name, Ed25519PrivateKey.generate())
    said = Exercise(
        agent_id=agent_id, business_id=BUSINESS, issued_at=now, expires_at=LATER, version="1.0",
        exercise="sale:opt_out", phone_number=number_of(line),
    )  # fmt: skip
    agent = AuthorizedAgent.objects.get(pk=agent_id)
    receive_request(agent=agent, message=said, body=str(line.pk).encode(), at=now)
    return texted_link(line)


def texted_link(line: Line) -> str:
    """The path of the link in the newest text that asks a line about an agent."""
    message = Message.objects.filter(line=line, kind=Message.Kind.AGENT).latest("made_at")
    # By night it waits; by day it was taken, and its words were wiped.
    words = unseal(message.words_sealed) if message.words_sealed else newest_text(number_of(line)).text
    return next(word for word in words.split() if "/authorized/" in word).removeprefix("http://localhost:8000")


class Agent:
    """An agent's own program."""

    def __init__(self, name: str = "PERMISSION_SLIP") -> None:
        self.id, self.key, self.http, self.token = name, Ed25519PrivateKey.generate(), Http(), ""

    def register(self) -> None:
        let_in(self.id, f"{self.id} Inc.", self.key, hosts=["agent.example"])

    def signed(self, said: Mapping[str, object]) -> str:
        plain = json.dumps(said).encode()
        return b64encode(self.key.sign(plain) + plain).decode()

    def envelope(self, **more: object) -> dict[str, object]:
        now = timezone.now()
        return {
            "agent-id": self.id, "business-id": BUSINESS, "issued-at": now.isoformat(),
            "expires-at": (now + timedelta(minutes=10)).isoformat(), "drp.version": "1.0", **more,
        }  # fmt: skip

    def post(self, path: str, said: Mapping[str, object]) -> tuple[int, dict[str, Any]]:
        answer = self.http.post(f"/drp/v1/{path}", self.signed(said), content_type="text/plain", headers=self.bearer)
        return answer.status_code, answer.json() if answer.content else {}

    @property
    def bearer(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token}"}

    def sign_in(self) -> None:
        status, said = self.post(f"agent/{self.id}", self.envelope())
        assert (status, said["agent-id"]) == (200, self.id)
        self.token = said["token"]

    def exercise(self, number: str, **more: object) -> dict[str, str]:
        said = {"exercise": "sale:opt_out", "regime": "ccpa", "phone_number": number, **more}
        status, told = self.post("data-rights-request", self.envelope(**said))
        assert status == 200, told
        return as_published("drp-status", told)

    def status(self, request_id: str) -> dict[str, str]:
        told = self.http.get(f"/drp/v1/data-rights-request/{request_id}", headers=self.bearer).json()
        return as_published("drp-status", told)


def as_published(name: str, told: dict[str, str]) -> dict[str, str]:
    """The same, once it fits its schema in the document of machine addresses."""
    whole = {"$ref": f"#/components/schemas/{name}", "components": {"schemas": document()["components"]["schemas"]}}
    faults = Draft202012Validator(whole, format_checker=FormatChecker()).iter_errors(told)
    assert [error.message for error in faults] == []
    return told
