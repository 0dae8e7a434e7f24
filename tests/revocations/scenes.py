"""Partners on a real web server, lines that deal with them, and what they sign."""

import json
from base64 import urlsafe_b64decode
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID

from django.conf import settings

from accounts.models import Line
from audit.queries import database_clock
from consent.actions import choices
from partners.domain import pairwise
from partners.models import Campaign, Contract, Party
from revocations.models import Order
from revocations.workers.delivery import delivery_rounds
from tests.factories import a_campaign, a_contract, a_line, a_party, an_approval
from tests.partners.outside import Outside, Signer

RECEIPT = f"{settings.BASE_URL}/schemas/secevent/consent/event-type/revocation-receipt"
CHANGE = f"{settings.BASE_URL}/schemas/secevent/consent/event-type/consent-change"


@dataclass
class Scene:
    """One partner with its contract, a campaign under it, and a key."""

    outside: Outside
    party: Party
    contract: Contract
    campaign: Campaign
    signer: Signer

    def a_line(self) -> Line:
        """A line that agreed to this partner's campaign."""
        line = a_line()
        an_approval(line, self.campaign)
        pairwise.subject(line_id=line.pk, party_id=self.party.pk)
        return line

    def tokens(self) -> list[dict[str, object]]:
        """The claims of what this partner was sent, in order."""
        path = f"/{self.party.pk}/events"
        return [claims_of(asked.body) for asked in self.outside.posted if asked.path == path]

    def events(self) -> list[dict[str, object]]:
        return [event_of(token) for token in self.tokens()]


def a_scene(outside: Outside, name: str = "GeoBridge") -> Scene:
    party = a_party(name)
    Party.objects.filter(pk=party.pk).update(jwks_uri=f"{outside.url}/{party.pk}/jwks.json")
    party.refresh_from_db()
    contract = a_contract(party, endpoint_url=f"{outside.url}/{party.pk}/events")
    signer = Signer(party.uri, outside, f"/{party.pk}/jwks.json")
    return Scene(outside, party, contract, a_campaign(contract), signer)


def claims_of(token: bytes | str) -> dict[str, object]:
    body = (token if isinstance(token, str) else token.decode()).split(".")[1]
    claims = json.loads(urlsafe_b64decode(body + "=" * (-len(body) % 4)))
    assert isinstance(claims, dict)
    return claims


def event_of(claims: Mapping[str, object]) -> dict[str, object]:
    events = claims["events"]
    assert isinstance(events, dict)
    (event,) = events.values()
    assert isinstance(event, dict)
    return event


def stop_all(line: Line) -> list[UUID]:
    return list(choices.stop(line_id=line.pk, scope="all", actor="subscriber:1", channel="web").order_ids)


def allow(line: Line, campaign: Campaign) -> list[UUID]:
    made = choices.allow(line_id=line.pk, campaign=campaign.ref, actor="subscriber:1", channel="web")
    return list(made.order_ids)


def deliver(order_ids: list[UUID], *, after: timedelta = timedelta(0)) -> dict[str, int]:
    return dict(delivery_rounds.deliver(order_ids=order_ids, now=database_clock() + after))


def the_order(order_id: UUID) -> Order:
    return Order.objects.get(id=order_id)


def stamp(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
