"""Take a partner's word for what it did when its agreement ended: for all lines of a list at once."""

import uuid
from datetime import datetime

from django.db.models import F, Value
from django.db.models.functions import Coalesce

import audit.actions
from partners.clients import http
from partners.labels import UNKNOWN
from partners.models import Party
from revocations.domain import cohorts
from revocations.domain.cohorts import ACTIONS
from revocations.domain.receipts import (
    ParsedReceipt,
    ReceiptRefused,
    VerifiedReceipt,
    check_applied,
    check_required_actions,
)
from revocations.models import TO_PUSH, Cohort, CohortReceipt, State, StreamEvent
from revocations.queries.cohorts import companies_under

MOVABLE = (*TO_PUSH, State.ACKNOWLEDGED, State.REJECTED, State.PARTIAL)
BEFORE_ANY_RECEIPT = (*TO_PUSH, State.ACKNOWLEDGED)


def record_for_cohort(*, word: VerifiedReceipt, parsed: ParsedReceipt, party: Party, at: datetime) -> bool:
    """Check a receipt, keep it and what companies below signed, and move the event as far as that goes.

    False where it names no ended agreement of this partner's. In the caller's transaction. Raises ReceiptRefused.
    """
    event = (
        StreamEvent.objects.select_for_update()
        .filter(jti=word.order_jti, party_id=party.pk, kind=StreamEvent.Kind.COHORT)
        .first()
    )
    if event is None or event.cohort_id is None:
        return False
    cohort = Cohort.objects.select_for_update().get(pk=event.cohort_id)
    if word.said.status != "rejected":
        check_applied(word=word, epoch=cohort.epoch, version=0)
    if word.said.status == "completed":
        check_required_actions(word=word, required=ACTIONS, ordered_at=event.queued_at, at=at)
        _check_list(word, cohort)
    _keep(word, parsed, (cohort.pk, event.pk), party, at)
    state, note = _outcome(word, event, cohort)
    if (state, note) != (event.state, event.note):
        StreamEvent.objects.filter(pk=event.pk).update(
            state=state,
            note=note[:300],
            next_attempt_at=None,
            leased_until=None,
            # What the partner signed about, it has received, whatever became of its 202.
            sent_at=Coalesce(F("sent_at"), Value(at)),
            acknowledged_at=Coalesce(F("acknowledged_at"), Value(at)),
        )
        if state == State.COMPLETED:
            Cohort.objects.filter(pk=cohort.pk).update(completed_at=at)
    audit.actions.record(
        action="cohort.receipt",
        actor=f"partner:{party.pk}",
        target=f"cohort:{cohort.pk}",
        at=at,
        detail={"status": word.said.status, "state": str(state), "acted_on": word.said.acted_on},
    )
    return True


def _check_list(word: VerifiedReceipt, cohort: Cohort) -> None:
    """It says of how many, and of which list."""
    if word.said.acted_on is None:
        raise ReceiptRefused("invalid_request", "acted_on must say how many of the list you acted on")
    if word.said.list_sha256 != cohorts.get_index_digest(index_token=cohort.index_token):
        raise ReceiptRefused("invalid_request", "list_sha256 must be that of the index of this cohort's manifest")


def _keep(
    word: VerifiedReceipt, parsed: ParsedReceipt, about: tuple[uuid.UUID, uuid.UUID], party: Party, at: datetime
) -> None:
    """`about`: the end, and the event that tells of it."""
    said, (cohort_id, event_id) = word.said, about
    own = CohortReceipt(
        cohort_id=cohort_id,
        event_id=event_id,
        signer_uri=party.uri,
        jti=word.jti,
        received_at=at,
        status=said.status,
        acted_on=said.acted_on,
        list_sha256=said.list_sha256,
        token=parsed.token,
        token_hash=parsed.digest,
    )
    nested = [
        CohortReceipt(
            cohort_id=cohort_id,
            event_id=event_id,
            signer_uri=report.uri,
            jti=report.nested.jti,
            received_at=at,
            status=report.status,
            acted_on=report.nested.said.acted_on,
            list_sha256=report.nested.said.list_sha256,
            token=report.nested.token,
            token_hash=report.nested.digest,
        )
        for report in word.reports
        if report.nested is not None
    ]
    # A company's receipt may be handed in again and again, inside others of the partner's; it counts once.
    CohortReceipt.objects.bulk_create([own, *nested], ignore_conflicts=True)


def _outcome(word: VerifiedReceipt, event: StreamEvent, cohort: Cohort) -> tuple[State, str]:
    """Return the state this receipt leads to from the event's own, never back, and the note that explains it."""
    now = State(event.state)
    match word.said.status:
        case _ if now not in MOVABLE:
            return now, event.note
        case "completed":
            note = _describe_shortfall(word, event, cohort)
            return (State.PARTIAL, note) if note else (State.COMPLETED, "")
        case "rejected" if now in BEFORE_ANY_RECEIPT:
            return State.REJECTED, http.readable(word.said.reason)
        case "in_progress" if now in TO_PUSH:
            return State.ACKNOWLEDGED, ""
        case _:
            return now, event.note


def _describe_shortfall(word: VerifiedReceipt, event: StreamEvent, cohort: Cohort) -> str:
    """Return what keeps the partner's word from being the whole of it; "" where nothing does."""
    companies = companies_under(cohort=cohort)
    named = {one.uri for one in companies} - {UNKNOWN}
    signed = set(
        CohortReceipt.objects.filter(
            cohort_id=cohort.pk, event_id=event.pk, status="completed", signer_uri__in=named
        ).values_list("signer_uri", flat=True)
    )
    left = []
    if (word.said.acted_on or 0) < cohort.subject_count:
        left.append(f"acted on {word.said.acted_on} of {cohort.subject_count} lines")
    if missing := len(named - signed):
        left.append(f"{missing} of {len(named)} companies below have not signed")
    if len(named) < len(companies):
        left.append("one company we can't name")
    return "; ".join(left)
