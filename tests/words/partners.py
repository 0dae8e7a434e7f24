"""Partners at a server of their own, companies below them, and the gateway: they bring states about by what they do.

Nothing here writes a row that a partner's deed would have written: orders are pushed to a listening socket, receipts
come in at `POST /ssf/receipts` and releases at `POST /api/v1/disclosures`, each with a token from `POST /oauth/token`.
"""

import json
import socket
import time
import uuid
from base64 import urlsafe_b64decode
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from django.conf import settings
from django.test import Client as Http

from accounts.models import Line
from audit.queries import database_clock
from partners.actions.clients import register_client
from partners.actions.sign_in import ASSERTION_TYPE
from partners.models import Campaign, Client, Contract, Party
from revocations.workers.delivery.delivery_rounds import deliver_due
from tests.factories import READ, ROADSIDE, a_campaign, a_contract, a_party, counter
from tests.partners.fixtures import serving
from tests.partners.outside import Answer, Outside, Signer
from tests.people import number_of

EVENTS = f"{settings.BASE_URL}/schemas/secevent/consent/event-type"
RECEIPT, CHANGE = f"{EVENTS}/revocation-receipt", f"{EVENTS}/consent-change"
QUESTION, PROOF = f"{EVENTS}/evidence-request", f"{EVENTS}/evidence-response"
TAKEN = Answer(202)
# It has read every byte, and says something else than that it stored them.
TAKEN_WITHOUT_A_WORD = Answer(503)
INVALID = Answer(400, b'{"err": "invalid_request", "description": "no such subject"}')


class Machine:
    """A client of ours with a key: it signs in at the door for machines, anew for each request."""

    def __init__(self, kind: Client.Kind, party: Party | None = None) -> None:
        self.client_id = f"machine-{next(counter)}"
        self._signer = Signer(self.client_id)
        register_client(
            client_id=self.client_id, kind=kind, public_jwk=dict(self._signer.public), party=party,
            actor="system:test", at=datetime.now(UTC),
        )  # fmt: skip

    def post(self, path: str, body: bytes, content_type: str) -> Any:
        """What our door answers: its status and its body."""
        bearer = f"Bearer {self._token()}"
        answer = Http().post(path, body, content_type=content_type, headers={"Authorization": bearer})
        return answer.status_code, json.loads(answer.content) if answer.content else None

    def _token(self) -> str:
        now = int(time.time())
        assertion = self._signer.sign(
            {
                "iss": self.client_id, "sub": self.client_id, "aud": settings.BASE_URL, "iat": now, "exp": now + 60,
                "jti": uuid.uuid4().hex,
            }, typ="JWT",
        )  # fmt: skip
        form = {
            "grant_type": "client_credentials", "client_assertion_type": ASSERTION_TYPE,
            "client_assertion": assertion,
        }  # fmt: skip
        answer = Http().post("/oauth/token", urlencode(form), content_type="application/x-www-form-urlencoded")
        assert answer.status_code == 200, answer.content
        return str(answer.json()["access_token"])


@dataclass(frozen=True)
class Order:
    """An order as a partner reads it from what it was pushed."""

    jti: str
    txn: str
    sub: str
    epoch: int
    version: int
    required: tuple[str, ...]

    @classmethod
    def read(cls, token: bytes) -> "Order":
        claims = claims_of(token.decode())
        (event,) = claims["events"].values()
        return cls(
            claims["jti"], claims["txn"], claims["sub_id"]["sub"], event["epoch"], event["version"],
            tuple(event["required_actions"]),
        )  # fmt: skip


@dataclass
class Company:
    """A location service, or whom it sells to: somebody below a partner, with keys of its own."""

    party: Party
    signer: Signer

    @property
    def name(self) -> str:
        return self.party.name


@dataclass
class Partner:
    """An aggregator with a server on loopback, its agreement with us, one campaign under it, and a client of ours."""

    party: Party
    contract: Contract
    campaign: Campaign
    server: Outside
    signer: Signer
    machine: Machine

    @property
    def name(self) -> str:
        return self.party.name

    @property
    def orders(self) -> list[Order]:
        """What it was pushed so far, each order once, the oldest first."""
        read = [Order.read(token) for token in self.pushed(CHANGE)]
        return list({one.jti: one for one in read}.values())

    def answers(self, answer: Answer) -> None:
        """From now on it says this to whatever it is pushed."""
        self.server.always = answer

    def dies(self) -> None:
        """Nobody listens at its address any more."""
        self.server.shutdown()
        self.server.server_close()
        # What was connected before is cut off, and nobody else gets its port.
        self.server.always = Answer(status=0)
        self.server.socket = socket.socket()
        self.server.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.server.socket.bind(self.server.server_address)

    def is_told(self, *, after: timedelta = timedelta(0)) -> None:
        """What is due to it is pushed, as the worker does: so long from now."""
        deliver_due(party_id=self.party.pk, now=database_clock() + after)

    def signs(
        self,
        status: str = "completed",
        *,
        order: Order | None = None,
        below: Sequence[Mapping[str, str]] = (),
        reason: str = "",
        actions: Sequence[str] | None = None,
    ) -> str:
        """Hand in a receipt about its newest order, as of now. `below`: see `signed_below` and `said_below`.

        Returns what it signed, word for word.
        """
        about = order or self.orders[-1]
        done = about.required if actions is None else actions
        event = {
            "event_timestamp": int(time.time()),
            "status": status,
            "applied": {"epoch": about.epoch, "version": about.version},
            "actions": [{"action": one, "status": status, "at": stamp()} for one in done],
            "downstream": list(below),
            "reason": reason,
        }
        claims = {
            "iss": self.party.uri, "aud": settings.BASE_URL, "jti": uuid.uuid4().hex, "iat": int(time.time()),
            "toe": int(time.time()), "txn": about.txn,
            "sub_id": {"format": "jwt_id", "iss": settings.BASE_URL, "jti": about.jti}, "events": {RECEIPT: event},
        }  # fmt: skip
        return self._hand_in(claims)

    def proves(self, answer: str, **said: str) -> None:
        """Answer the newest question for proof: "evidence", with what it says of it, or "none"."""
        asked, now = claims_of(self.pushed(QUESTION)[-1].decode()), int(time.time())
        claims = {
            "iss": self.party.uri, "aud": settings.BASE_URL, "jti": uuid.uuid4().hex, "iat": now, "toe": now,
            "txn": uuid.uuid4().hex, "sub_id": {"format": "jwt_id", "iss": settings.BASE_URL, "jti": asked["jti"]},
            "events": {PROOF: {"event_timestamp": now, "answer": answer, **said}},
        }  # fmt: skip
        self._hand_in(claims)

    def pushed(self, kind: str) -> list[bytes]:
        """What it was pushed of a kind of event, again and again where it was."""
        bodies = [asked.body for asked in self.server.posted if asked.path == "/events"]
        return [body for body in bodies if kind in claims_of(body.decode())["events"]]

    def _hand_in(self, claims: Mapping[str, object]) -> str:
        token = self.signer.sign(claims)
        answer = self.machine.post("/ssf/receipts", token.encode(), "application/secevent+jwt")
        assert answer == (202, None), answer
        return token

    def signed_below(self, company: Company, *, status: str = "completed") -> dict[str, str]:
        """That a company below followed its newest order, with what that company signed itself."""
        event = {
            "event_timestamp": int(time.time()),
            "status": status,
            "actions": [{"action": "delete_held", "status": status, "at": stamp()}],
            "root": {"iss": settings.BASE_URL, "jti": self.orders[-1].jti},
        }
        token = company.signer.sign(
            {
                "iss": company.party.uri, "aud": self.party.uri, "jti": uuid.uuid4().hex, "iat": int(time.time()),
                "sub_id": {"format": "jwt_id", "iss": self.party.uri, "jti": "their-own"}, "events": {RECEIPT: event},
            }
        )  # fmt: skip
        return self.said_below(company, status=status) | {"receipt": token}

    def said_below(self, company: Company, *, status: str = "completed") -> dict[str, str]:
        """The same by the partner's word alone."""
        return {"recipient": company.party.uri, "status": status, "at": stamp()}

    def release(
        self, line: Line, *below: "Company | Partner | str", at: datetime, **changed: object
    ) -> dict[str, object]:
        """A release of this line's location through this partner to the companies below, as the gateway reports it."""
        path = [self.party.uri, *(one if isinstance(one, str) else one.party.uri for one in below)]
        return {
            "id": uuid.uuid4().hex, "occurred_at": at.isoformat(), "msisdn": number_of(line),
            "aggregator": self.party.uri, "path": path, "campaign": self.campaign.ref,
            "purpose": self.campaign.purpose, "scope": READ, "precision_m": self.campaign.precision_m,
            "basis": "approval", "outcome": "released", **changed,
        }  # fmt: skip


@dataclass
class Market:
    """Everybody around a carrier: partners, the companies below them, the gateway."""

    partners: dict[str, Partner] = field(default_factory=dict)
    companies: dict[str, Company] = field(default_factory=dict)
    _servers: list[Any] = field(default_factory=list)
    _gateway: Machine | None = None

    def a_company(self, name: str, kind: str = "lbs_provider") -> Company:
        """One of this name; always the same."""
        if name not in self.companies:
            party = a_party(name, kind)
            server = self._a_server()
            Party.objects.filter(pk=party.pk).update(jwks_uri=f"{server.url}/jwks.json")
            party.refresh_from_db()
            self.companies[name] = Company(party, Signer(party.uri, server))
        return self.companies[name]

    def a_partner(
        self, name: str, *, service: str = "RoadAid", purpose: str = ROADSIDE, reachable: bool = True, **contract: Any
    ) -> Partner:
        """One of this name that stores what it is pushed. `service`: whose campaign stands under its agreement.

        `reachable`: whether we know an address of it.
        """
        server = self._a_server()
        server.always = TAKEN
        party = a_party(name)
        Party.objects.filter(pk=party.pk).update(jwks_uri=f"{server.url}/jwks.json")
        party.refresh_from_db()
        agreed = a_contract(party, endpoint_url=f"{server.url}/events" if reachable else "", **contract)
        use = a_campaign(agreed, self.a_company(service).party, purpose=purpose)
        machine = Machine(Client.Kind.AGGREGATOR, party)
        made = Partner(party, agreed, use, server, Signer(party.uri, server), machine)
        self.partners[name] = made
        return made

    def reports(self, *releases: Mapping[str, object]) -> None:
        """The gateway reports releases; each must be taken."""
        self._gateway = self._gateway or Machine(Client.Kind.GATEWAY)
        body = "".join(json.dumps(one) + "\n" for one in releases).encode()
        status, said = self._gateway.post("/api/v1/disclosures", body, "application/x-ndjson")
        assert (status, said["accepted"]) == (200, len(releases)), said

    def _a_server(self) -> Outside:
        opened = serving()
        server = opened.__enter__()
        self._servers.append(opened)
        return server

    def close(self) -> None:
        """End every server."""
        for opened in self._servers:
            opened.__exit__(None, None, None)


@contextmanager
def a_market() -> Iterator[Market]:
    """One for as long as this lasts."""
    market = Market()
    try:
        yield market
    finally:
        market.close()


def claims_of(token: str) -> dict[str, Any]:
    """What a token says, unchecked."""
    body = token.split(".")[1]
    claims = json.loads(urlsafe_b64decode(body + "=" * (-len(body) % 4)))
    assert isinstance(claims, dict)
    return claims


def stamp() -> str:
    """Now, as a partner writes it: in whole seconds."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
