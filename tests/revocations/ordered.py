"""A stop that its partner was told, and what that partner may sign about it."""

from dataclasses import dataclass
from uuid import UUID

import pytest

from accounts.models import Line
from partners.models import Party
from revocations.domain.receipts import ReceiptRefused
from revocations.models import Duty, Order, Receipt, State
from tests.revocations.scenes import Scene, deliver, stop_all, the_order
from tests.revocations.signing import ACTIONS, Signing, done, received


@dataclass
class Ordered(Signing):
    """An acknowledged stop-all, and what its partner may sign about it."""

    scene: Scene
    line: Line
    order_id: UUID

    @property
    def order(self) -> Order:
        return the_order(self.order_id)

    @property
    def jti(self) -> str:
        return self.order.jti

    @property
    def state(self) -> State:
        return State(self.order.state)

    def event(self, **changed: object) -> dict[str, object]:
        return {
            "event_timestamp": 1, "status": "completed", "actions": done(*ACTIONS), "downstream": [],
            "applied": {"epoch": self.order.epoch, "version": self.order.version}, **changed,
        }  # fmt: skip

    def refused(self, token: str) -> tuple[str, str]:
        """The refusal, after making sure that nothing came of the receipt."""
        before = self.state
        with pytest.raises(ReceiptRefused) as refusal:
            self.hand_in(token)
        signed = Receipt.objects.filter(line_id=self.line.pk)
        owed = Duty.objects.filter(line_id=self.line.pk, discharged_at=None)
        assert (self.state, signed.count(), owed.count()) == (before, 0, 3)
        return refusal.value.err, str(refusal.value)


def a_stop(scene: Scene) -> Ordered:
    """Acknowledged, of a line of its own."""
    line = scene.a_line()
    (order_id,) = stop_all(line)
    deliver([order_id])
    return Ordered(scene, line, order_id)


def dealt_with(ordered: Ordered, *parties: Party) -> None:
    received(ordered.line, ordered.scene.party, *parties)
