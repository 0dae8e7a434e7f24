"""What a partner, and the companies below it, may sign about something that the partner was told."""

import uuid
from abc import ABC, abstractmethod
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from django.conf import settings

from accounts.models import Line
from audit.queries import database_clock
from partners.models import Dealing, Party
from revocations.actions.receipts import record_receipt
from revocations.models import State
from tests.factories import NOW, a_party
from tests.partners.outside import Outside, Signer
from tests.revocations.scenes import RECEIPT, Scene, stamp

ACTIONS = ("stop_use", "delete_held", "notify_downstream")
DAY = timedelta(days=1)


class Signing(ABC):
    """A message to a scene's partner, and what is signed about it."""

    scene: Scene

    @property
    @abstractmethod
    def jti(self) -> str:
        """Of what the partner was told."""

    @property
    @abstractmethod
    def state(self) -> State:
        """How far it has come."""

    @abstractmethod
    def event(self, **changed: object) -> dict[str, object]:
        """What a good receipt says, but for what is changed."""

    def claims(self, **changed: object) -> dict[str, object]:
        return {
            "iss": self.scene.party.uri, "aud": settings.BASE_URL, "jti": f"rcpt-{uuid.uuid4().hex}", "iat": 1,
            "toe": 1, "txn": "tx", "sub_id": about(self.jti), "events": {RECEIPT: self.event()}, **changed,
        }  # fmt: skip

    def receipt(self, **changed: object) -> str:
        return self.scene.signer.sign(self.claims(events={RECEIPT: self.event(**changed)}))

    def hand_in(self, token: str, *, after: timedelta = timedelta(0)) -> None:
        record_receipt(token=token, party=self.scene.party, at=database_clock() + after)

    def sign(self, *, after: timedelta = timedelta(0), **changed: Any) -> State:
        self.hand_in(self.receipt(**changed), after=after)
        return self.state

    def nested(self, signer: Signer, said: Mapping[str, object] | None = None, **changed: object) -> str:
        """What a company below signs."""
        event = {
            "event_timestamp": 1, "status": "completed", "actions": done("delete_held"),
            "root": {"iss": settings.BASE_URL, "jti": self.jti}, **(said or {}),
        }  # fmt: skip
        partner = self.scene.party.uri
        return signer.sign(
            {
                "iss": signer.uri, "aud": partner, "jti": f"below-{uuid.uuid4().hex}", "iat": 1,
                "sub_id": {"format": "jwt_id", "iss": partner, "jti": "their-own"}, "events": {RECEIPT: event},
                **changed,
            }
        )  # fmt: skip


def about(jti: str) -> dict[str, str]:
    return {"format": "jwt_id", "iss": settings.BASE_URL, "jti": jti}


def done(*actions: str, at: str = "", **changed: object) -> list[dict[str, object]]:
    at = at or stamp(database_clock())
    return [{"action": action, "status": "completed", "at": at, **changed} for action in actions]


def below(uri: str, receipt: str = "", status: str = "completed") -> dict[str, str]:
    """What the partner hands on of a company."""
    return {"recipient": uri, "status": status, "at": stamp(database_clock()), "receipt": receipt}


def company(outside: Outside, name: str = "RoadAid") -> tuple[Party, Signer]:
    """A location service with keys of its own."""
    party = a_party(name, "lbs_provider")
    Party.objects.filter(pk=party.pk).update(jwks_uri=f"{outside.url}/{name}.json")
    party.refresh_from_db()
    return party, Signer(party.uri, outside, f"/{name}.json")


def received(line: Line, partner: Party, *parties: Party) -> None:
    """Our ledger shows these companies behind the partner."""
    for party in parties:
        Dealing.objects.create(line_id=line.pk, aggregator=partner, party=party, last_at=NOW - DAY)
