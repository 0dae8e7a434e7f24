"""Queue an event that is not about one line: a cohort, a verification, a change of a stream's status."""

import uuid
from collections.abc import Mapping
from datetime import datetime
from functools import partial

from django.db import transaction

from revocations import tasks
from revocations.domain import streams
from revocations.models import StreamEvent


def queue_event(
    *,
    party_id: int,
    kind: StreamEvent.Kind,
    sub_id: Mapping[str, object],
    event: Mapping[str, object],
    at: datetime,
    contract_id: int | None = None,
    cohort_id: uuid.UUID | None = None,
) -> StreamEvent:
    """Queue one event for one partner. Must run in the transaction of what it tells; delivered before orders.

    `sub_id` and `event` are the SET's subject and the body of its one event; `cohort_id`: the end that it tells of.
    """
    queued = streams.queue(
        party_id=party_id, kind=kind, sub_id=sub_id, event=event, at=at, contract_id=contract_id, cohort_id=cohort_id
    )
    nudge(party_id=party_id)
    return queued


def nudge(*, party_id: int) -> None:
    """Have what is due to this partner pushed once the transaction is over."""
    # robust: a dead broker must not fail what is told; the sweep finds the row.
    transaction.on_commit(partial(tasks.deliver_due.delay, party_id=party_id), robust=True)
