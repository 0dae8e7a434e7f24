"""Events that are not about one line, written down for the workers."""

import uuid
from collections.abc import Mapping
from datetime import datetime

from revocations.domain.wire import StreamClaims
from revocations.models import Stream, StreamEvent


def queue(
    *,
    party_id: int,
    kind: StreamEvent.Kind,
    sub_id: Mapping[str, object],
    event: Mapping[str, object],
    at: datetime,
    contract_id: int | None = None,
    cohort_id: uuid.UUID | None = None,
) -> StreamEvent:
    """Write down one event for one partner; the sweep finds it. `actions.queue_event` also nudges."""
    return StreamEvent.objects.create(
        id=uuid.uuid4(),
        party_id=party_id,
        contract_id=contract_id,
        cohort_id=cohort_id,
        kind=kind,
        jti=uuid.uuid4().hex,
        claims=StreamClaims(txn=f"tx-{uuid.uuid4().hex}", sub_id=sub_id, event=event).as_json(),
        queued_at=at,
        next_attempt_at=at,
    )


def subject_of(*, stream: Stream) -> dict[str, object]:
    """A stream as the subject of an event."""
    return {"format": "opaque", "id": str(stream.id)}
