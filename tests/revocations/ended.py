"""An agreement that ended, its partner told, and what that partner may sign about it."""

import uuid
from dataclasses import dataclass
from datetime import timedelta

from accounts.models import Line
from audit.queries import database_clock
from consent.actions.lines import terminate
from consent.queries import termination
from consent.workers.cohorts import build_manifests
from partners.primitives import tokens
from revocations.models import Cohort, State, StreamEvent
from tests.revocations.scenes import Scene
from tests.revocations.signing import ACTIONS, Signing, done
from tests.staff import an_actor

LATER = timedelta(minutes=2)


@dataclass
class Ended(Signing):
    """The cohort of a scene's contract or campaign, its event told."""

    scene: Scene
    lines: list[Line]
    cohort_id: uuid.UUID

    @property
    def cohort(self) -> Cohort:
        return Cohort.objects.get(pk=self.cohort_id)

    @property
    def told(self) -> StreamEvent:
        return StreamEvent.objects.get(pk=self.cohort.event_id or "")

    @property
    def jti(self) -> str:
        return self.told.jti

    @property
    def state(self) -> State:
        return State(self.told.state)

    @property
    def list_sha256(self) -> str:
        return str(tokens.parse_unverified(self.cohort.index_token).claims["list_sha256"])

    def event(self, **changed: object) -> dict[str, object]:
        return {
            "event_timestamp": 1, "status": "completed", "applied": {"epoch": self.cohort.epoch, "version": 0},
            "actions": done(*ACTIONS, records=3), "downstream": [], "acted_on": len(self.lines),
            "list_sha256": self.list_sha256, **changed,
        }  # fmt: skip


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
