"""An agreement that ended, its partner told, and what that partner may sign about it."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

from django.conf import settings

from accounts.models import Line
from audit.queries import database_clock
from consent.actions.terminate import terminate
from consent.queries import termination
from consent.workers.cohorts.listing import build_manifests
from partners.models import Dealing, Party
from partners.primitives import tokens
from revocations.actions.receipts import record_receipt
from revocations.models import Cohort, State, StreamEvent
from tests.factories import NOW
from tests.partners.outside import Signer
from tests.revocations.scenes import RECEIPT, Scene, stamp
from tests.staff import an_actor

ACTIONS = ("stop_use", "delete_held", "notify_downstream")
LATER = timedelta(minutes=2)


@dataclass
class Ended:
    """The cohort of a scene's contract or campaign, its event told."""

    scene: Scene
    lines: list[Line]
    cohort_id: uuid.UUID

    @property
    def cohort(self) -> Cohort:
        return Cohort.objects.get(pk=self.cohort_id)

    @property
    def event(self) -> StreamEvent:
        return StreamEvent.objects.get(pk=self.cohort.event_id or "")

    @property
    def state(self) -> State:
        return State(self.event.state)

    @property
    def list_sha256(self) -> str:
        return str(tokens.peek(self.cohort.index_token).claims["list_sha256"])

    def said(self, **changed: object) -> dict[str, object]:
        at = stamp(database_clock())
        return {
            "event_timestamp": 1,
            "status": "completed",
            "applied": {"epoch": self.cohort.epoch, "version": 0},
            "actions": [{"action": action, "status": "completed", "at": at, "records": 3} for action in ACTIONS],
            "downstream": [],
            "acted_on": len(self.lines),
            "list_sha256": self.list_sha256,
            **changed,
        }

    def claims(self, **changed: object) -> dict[str, object]:
        return {
            "iss": self.scene.party.uri,
            "aud": settings.BASE_URL,
            "jti": f"rcpt-{uuid.uuid4().hex}",
            "iat": 1,
            "toe": 1,
            "txn": "tx",
            "sub_id": {"format": "jwt_id", "iss": settings.BASE_URL, "jti": self.event.jti},
            "events": {RECEIPT: self.said()},
            **changed,
        }

    def receipt(self, **changed: object) -> str:
        return self.scene.signer.sign(self.claims(events={RECEIPT: self.said(**changed)}))

    def hand_in(self, token: str) -> None:
        record_receipt(token=token, party=self.scene.party, at=database_clock())

    def sign(self, **changed: object) -> State:
        self.hand_in(self.receipt(**changed))
        return self.state

    def nested(self, signer: Signer, said: Mapping[str, object] | None = None, **changed: object) -> dict[str, object]:
        """What a company below signed, as the partner hands it on."""
        at = stamp(database_clock())
        event = {
            "event_timestamp": 1,
            "status": "completed",
            "actions": [{"action": "delete_held", "status": "completed", "at": at}],
            "root": {"iss": settings.BASE_URL, "jti": self.event.jti},
            **(said or {}),
        }
        claims = {
            "iss": signer.uri,
            "aud": self.scene.party.uri,
            "jti": f"below-{uuid.uuid4().hex}",
            "sub_id": {"format": "jwt_id", "iss": self.scene.party.uri, "jti": "their-own"},
            "events": {RECEIPT: event},
            **changed,
        }
        return {"recipient": signer.uri, "status": event["status"], "at": at, "receipt": signer.sign(claims)}


def end(scene: Scene, *, of: str = "contract", lines: int = 3, listed: bool = True) -> Ended:
    """Lines that agreed, the end of their agreement, and the partner told, once they were `listed`."""
    made = [scene.a_line() for _ in range(lines)]
    target_id = scene.contract.pk if of == "contract" else scene.campaign.pk
    seen = termination.plan(of=of, target_id=target_id, at=database_clock())
    cohort = terminate(
        of=of, target_id=target_id, actor=an_actor(), reason="Enough.", plan_digest=seen.digest, at=database_clock()
    )
    if listed:
        build_manifests(now=database_clock() + LATER)
    return Ended(scene, made, cohort.pk)


def received(ended: Ended, *parties: Party) -> None:
    """Our ledger shows these companies behind the partner."""
    for party in parties:
        Dealing.objects.create(
            line_id=ended.lines[0].pk, aggregator=ended.scene.party, party=party, last_at=NOW - timedelta(days=1)
        )
