"""Orders and ends brought on for a test, with what the database wants to see for each state."""

import uuid
from datetime import datetime

from django.db import connection
from django.db.models import QuerySet

from partners.domain import keys
from partners.models import Party, SigningKey
from revocations.models import Attempt, Cohort, CohortReceipt, Order, Receipt, State, StreamEvent
from revocations.queries.coverage import coverage_of_ends
from tests.factories import NOW

SIGNED = {
    State.COMPLETED: "completed",
    State.PARTIAL: "completed",
    State.CONTRADICTED: "completed",
    State.REJECTED: "rejected",
}


def bring_to(state: str, orders: QuerySet[Order] | None = None, **fields: object) -> int:
    """Move orders (all, where none are named) to a state, each with the receipt or the try that shows it.

    Where an order came by other ways than being pushed out of its queue, `next_attempt_at` is taken off.
    """
    moved = Order.objects.all() if orders is None else orders
    for order in moved:
        if state in SIGNED:
            Receipt.objects.create(
                line_id=order.line_id, order_id=order.id, jti=uuid.uuid4().hex, party_id=order.party_id,
                received_at=NOW, status=SIGNED[State(state)], token="", token_hash=b"",
            )  # fmt: skip
        elif not Attempt.objects.filter(line_id=order.line_id, order_id=order.id).exists():
            Attempt.objects.create(
                line_id=order.line_id, order_id=order.id, number=0, at=NOW, outcome="acknowledged", token=""
            )
    if state not in {State.QUEUED, State.SENT, State.PARKED}:
        fields = {"next_attempt_at": None, **fields}
    return moved.update(state=state, **fields)


def bring_all_to(state: str, orders: QuerySet[Order], **fields: object) -> None:
    """The same for very many that are queued, set-wise; `orders` must not hang on their state."""
    queued = orders.filter(state=State.QUEUED)
    if state in SIGNED:
        Receipt.objects.bulk_create(
            Receipt(
                line_id=line_id, order_id=order_id, jti=jti, party_id=party_id, received_at=NOW,
                status=SIGNED[State(state)], token="", token_hash=b"",
            )
            for line_id, order_id, jti, party_id in queued.values_list("line_id", "id", "jti", "party_id")
        )  # fmt: skip
    else:
        Attempt.objects.bulk_create(
            Attempt(line_id=line_id, order_id=order_id, number=0, at=NOW, outcome="acknowledged", token="")
            for line_id, order_id in queued.values_list("line_id", "id")
        )
    # What the guards look up was planned when there was hardly anything.
    with connection.cursor() as cursor:
        cursor.execute("DISCARD PLANS")
    queued.update(state=state, **fields)


def an_index() -> str:
    """The signed index of a list of nobody."""
    return keys.sign(use=SigningKey.Use.MANIFEST, claims={"list_sha256": "x"})


def sign_end(cohort: Cohort, *, at: datetime, state: State = State.COMPLETED) -> None:
    """As when the receipts for the newest event of an end came, of the companies behind its partner too if it is done.

    Where it has no event yet, that is made.
    """
    event = StreamEvent.objects.filter(pk=cohort.event_id).first() if cohort.event_id else None
    if event is None:
        event = _tell_of_end(cohort, cohort.terminated_at)
        Cohort.objects.filter(pk=cohort.pk).update(event_id=event.pk)
    cohort.refresh_from_db()
    behind = coverage_of_ends(cohorts=[cohort])[cohort.pk].missing if state == State.COMPLETED else ()
    for uri in (Party.objects.get(pk=cohort.party_id).uri, *(one.uri for one in behind)):
        CohortReceipt.objects.create(
            cohort_id=cohort.pk, event_id=event.pk, signer_uri=uri, jti=uuid.uuid4().hex, received_at=at,
            status="completed", acted_on=1, list_sha256="x", token="t", token_hash=b"",
        )  # fmt: skip
    StreamEvent.objects.filter(pk=event.pk).update(state=state, next_attempt_at=None, acknowledged_at=at)
    if state == State.COMPLETED:
        Cohort.objects.filter(pk=cohort.pk).update(completed_at=at)


def contradict_end(cohort: Cohort, *, at: datetime, complete_by: datetime) -> None:
    """As when its partner was found to go on after it signed for an end: a newer event asks it anew, by a new date."""
    sign_end(cohort, at=at)
    StreamEvent.objects.filter(cohort_id=cohort.pk, state=State.COMPLETED).update(state=State.CONTRADICTED)
    newer = _tell_of_end(cohort, at)
    Cohort.objects.filter(pk=cohort.pk).update(
        completed_at=None, contradicted_at=at, event_id=newer.pk, complete_by=complete_by
    )


def _tell_of_end(cohort: Cohort, at: datetime) -> StreamEvent:
    return StreamEvent.objects.create(
        id=uuid.uuid4(), party_id=cohort.party_id, contract_id=cohort.contract_id, cohort_id=cohort.pk,
        kind=StreamEvent.Kind.COHORT, jti=uuid.uuid4().hex, claims={}, queued_at=at, next_attempt_at=at,
    )  # fmt: skip
