"""People of the privacy office, as the trail names them."""

import itertools
import uuid
from datetime import datetime
from typing import Any

from accounts.models import User
from accounts.permissions import actor_of
from partners.models import Proposal

counter = itertools.count(1)


def a_staff_user(role: str = "officer", **fields: Any) -> User:
    """Somebody of staff with an e-mail and no password."""
    n = next(counter)
    return User.objects.create_user(f"{role}{n}", f"{role}{n}@carrier.example", role=role, **fields)


def an_actor(role: str = "officer") -> str:
    """The name in the trail of somebody new of this role."""
    return actor_of(a_staff_user(role))


def an_agreed_proposal(
    act: str, of: str, target_id: int, *, at: datetime, payload: dict[str, Any] | None = None
) -> Proposal:
    """What one officer proposed and another agreed to, both at `at`; what it proposes is not done."""
    proposal = Proposal.objects.create(
        id=uuid.uuid4(), act=act, of=of, target_id=target_id, payload=payload or {}, reason="test",
        proposed_by=an_actor(), proposed_at=at,
    )  # fmt: skip
    proposal.decision, proposal.decided_by, proposal.decided_at = Proposal.Decision.AGREED, an_actor(), at
    proposal.save(update_fields=["decision", "decided_by", "decided_at"])
    return proposal
