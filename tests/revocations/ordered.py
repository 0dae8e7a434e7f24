"""A stop that its partner was told, and what that partner, and the companies below it, may sign about it."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

import pytest
from django.conf import settings

from accounts.models import Line
from audit.queries import database_clock
from partners.models import Dealing, Party
from revocations.actions.receipts import record_receipt
from revocations.domain.receipts import ReceiptRefused
from revocations.models import Duty, Order, Receipt, State
from tests.factories import NOW, a_party
from tests.partners.outside import Outside, Signer
from tests.revocations.scenes import RECEIPT, Scene, stamp, the_order

ACTIONS = ("stop_use", "delete_held", "notify_downstream")
DAY = timedelta(days=1)


@dataclass
class Ordered:
    """An acknowledged stop-all, and what its partner may sign about it."""

    scene: Scene
    line: Line
    order_id: UUID

    @property
    def order(self) -> Order:
        return the_order(self.order_id)

    def event(self, **changed: object) -> dict[str, object]:
        at = stamp(database_clock())
        return {
            "event_timestamp": 1,
            "status": "completed",
            "applied": {"epoch": self.order.epoch, "version": self.order.version},
            "actions": [{"action": action, "status": "completed", "at": at} for action in ACTIONS],
            "downstream": [],
            **changed,
        }

    def claims(self, **changed: object) -> dict[str, object]:
        return {
            "iss": self.scene.party.uri,
            "aud": settings.BASE_URL,
            "jti": f"rcpt-{uuid.uuid4().hex}",
            "iat": 1,
            "toe": 1,
            "txn": self.order.txn,
            "sub_id": {"format": "jwt_id", "iss": settings.BASE_URL, "jti": self.order.jti},
            "events": {RECEIPT: self.event()},
            **changed,
        }

    def receipt(self, **changed: object) -> str:
        return self.scene.signer.sign(self.claims(events={RECEIPT: self.event(**changed)}))

    def hand_in(self, token: str, *, after: timedelta = timedelta(0)) -> None:
        record_receipt(token=token, party=self.scene.party, at=database_clock() + after)

    def sign(self, *, after: timedelta = timedelta(0), **changed: object) -> State:
        self.hand_in(self.receipt(**changed), after=after)
        return State(self.order.state)

    def refused(self, token: str) -> tuple[str, str]:
        """The refusal, after making sure that nothing came of the receipt."""
        before = self.order.state
        with pytest.raises(ReceiptRefused) as refusal:
            self.hand_in(token)
        signed = Receipt.objects.filter(line_id=self.line.pk)
        owed = Duty.objects.filter(line_id=self.line.pk, discharged_at=None)
        assert (self.order.state, signed.count(), owed.count()) == (
            before,
            0,
            3,
        )
        return refusal.value.err, str(refusal.value)


def dealt_with(ordered: Ordered, *parties: Party) -> None:
    for party in parties:
        Dealing.objects.create(line_id=ordered.line.pk, aggregator=ordered.scene.party, party=party, last_at=NOW - DAY)


def company(outside: Outside, name: str = "RoadAid") -> tuple[Party, Signer]:
    """A location service with keys of its own."""
    party = a_party(name, "lbs_provider")
    Party.objects.filter(pk=party.pk).update(jwks_uri=f"{outside.url}/{name}.json")
    party.refresh_from_db()
    return party, Signer(party.uri, outside, f"/{name}.json")


def nested(
    ordered: Ordered, signer: Signer, changed_event: Mapping[str, object] | None = None, **changed: object
) -> str:
    at = stamp(database_clock())
    event = {
        "event_timestamp": 1,
        "status": "completed",
        "actions": [{"action": "delete_held", "status": "completed", "at": at}],
        "root": {"iss": settings.BASE_URL, "jti": ordered.order.jti},
        **(changed_event or {}),
    }
    claims = {
        "iss": signer.uri,
        "aud": ordered.scene.party.uri,
        "jti": f"below-{uuid.uuid4().hex}",
        "sub_id": {"format": "jwt_id", "iss": ordered.scene.party.uri, "jti": "their-own"},
        "events": {RECEIPT: event},
        **changed,
    }
    return signer.sign(claims)


def below(uri: str, receipt: str = "", status: str = "completed") -> dict[str, str]:
    return {"recipient": uri, "status": status, "at": stamp(database_clock()), "receipt": receipt}
