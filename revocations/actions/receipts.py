"""Record a partner's signed receipt for an order; ask for its proof of a consent and record the answer.

Each is believed only as far as the partner's word goes.
"""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import connection, transaction
from django.db.models import F, Q, Value
from django.db.models.functions import Coalesce

import audit.actions
from partners.clients import http
from partners.domain import keysets, pairwise
from partners.models import Campaign, Contract, Party
from revocations.actions.cohorts import record_for_cohort
from revocations.actions.streams import nudge
from revocations.actions.trials import record_trial_evidence, record_trial_receipt
from revocations.domain import receipts
from revocations.domain.receipts import (
    ParsedReceipt,
    ReceiptRefused,
    VerifiedReceipt,
    check_applied,
    check_required_actions,
)
from revocations.domain.streams import queue_event
from revocations.domain.wire import agreement_uri, pairwise_subject, stamp
from revocations.models import (
    TO_PUSH,
    CohortReceipt,
    DownstreamReport,
    Duty,
    EvidenceRequest,
    Order,
    Receipt,
    State,
    StreamEvent,
)
from revocations.queries.coverage import coverage_of

ANSWER_WITHIN = timedelta(days=7)


@dataclass(frozen=True)
class DisputedUse:
    """What a person never agreed to, by their word, under one agreement; without a campaign all of `recipient`'s."""

    contract: Contract
    campaign: Campaign | None
    recipient: str


def request_evidence(*, line_id: int, choice_id: uuid.UUID, disputed: Sequence[DisputedUse], at: datetime) -> int:
    """Ask each partner, within the transaction of the dispute. Returns how many questions that were."""
    for one in disputed:
        party_id, due_at = one.contract.aggregator_id, at + ANSWER_WITHIN
        event: dict[str, object] = {
            "agreement": agreement_uri(contract_ref=one.contract.ref),
            "recipient": one.recipient,
            **({"campaign": one.campaign.ref, "purpose": one.campaign.purpose} if one.campaign else {}),
            "respond_by": stamp(at=due_at),
        }
        sub = pairwise.subject(line_id=line_id, party_id=party_id)
        queued = queue_event(
            party_id=party_id, kind=StreamEvent.Kind.EVIDENCE, sub_id=pairwise_subject(sub=sub), event=event, at=at,
            contract_id=one.contract.pk,
        )  # fmt: skip
        nudge(party_id=party_id)
        EvidenceRequest.objects.create(
            line_id=line_id, id=uuid.uuid4(), choice_id=choice_id, party_id=party_id, contract_id=one.contract.pk,
            campaign=one.campaign.ref if one.campaign else "", jti=queued.jti, asked_at=at, due_at=due_at,
        )  # fmt: skip
    return len(disputed)


def record_evidence(*, parsed: ParsedReceipt, party: Party, client_id: str, at: datetime) -> None:
    """Check an answer of `party`, and keep it; the same bytes again change nothing. Raises ReceiptRefused."""
    word = receipts.verify_evidence(parsed=parsed, party=party, at=at)
    if record_trial_evidence(word=word, digest=parsed.digest, party=party, at=at):
        return
    with transaction.atomic():
        asked = EvidenceRequest.objects.select_for_update().filter(jti=word.request_jti, party_id=party.pk).first()
        if asked is None:
            raise ReceiptRefused("invalid_request", "no evidence-request of this jti was ever sent to you")
        if asked.answered_at is not None:
            if asked.token == parsed.token:
                return
            raise ReceiptRefused("invalid_request", "this evidence-request is answered already")
        said = word.event
        EvidenceRequest.objects.filter(pk=asked.pk).update(
            answered_at=at, answer=said.answer, method=said.method, captured_at=said.captured_at, wording=said.wording,
            language=said.language, evidence_ref=said.evidence_ref, answer_jti=word.jti, token=parsed.token,
        )  # fmt: skip
        audit.actions.record(
            action="evidence.answered", actor=f"partner:{party.pk}", target=f"choice:{asked.choice_id}", at=at,
            line_id=asked.line_id,
            detail={"answer": said.answer, "late": at > asked.due_at} | audit.actions.name_client(client_id),
        )  # fmt: skip


# From here a receipt may still move an order; the other states stand.
MOVABLE = (*TO_PUSH, State.ACKNOWLEDGED, State.REJECTED, State.PARTIAL)
BEFORE_ANY_RECEIPT = (*TO_PUSH, State.ACKNOWLEDGED)


def record_receipt(*, token: str, party: Party, at: datetime, client_id: str = "") -> None:
    """Check a receipt that `party` handed in, keep it, and move its order as far as it goes. Raises ReceiptRefused.

    An answer to an evidence-request comes by the same door. `client_id`: the client that brought it, for the audit log.

    The same bytes again change nothing. A state never goes back.
    """
    parsed = receipts.parse_receipt(token)
    if parsed.is_evidence:
        record_evidence(parsed=parsed, party=party, client_id=client_id, at=at)
        return
    if _is_repeated_receipt(parsed, party) or record_trial_receipt(parsed=parsed, party=party, at=at):
        return
    # Keys may have to be fetched: the network is never spoken to inside the transaction.
    word = receipts.verify_receipt(parsed=parsed, party=party, at=at)
    with transaction.atomic():
        _lock_receipt_id(party, word.jti)
        if not _is_repeated_receipt(parsed, party):
            _record(word, parsed, party, client_id, at)
            keysets.keep_receipt_keys(keys=word.keys)


def _is_repeated_receipt(parsed: ParsedReceipt, party: Party) -> bool:
    """Return whether this receipt was taken before. Raises ReceiptRefused where other bytes were, under the same id."""
    jti = parsed.jti
    of_order = Receipt.objects.filter(party_id=party.pk, jti=jti).values_list("token_hash", flat=True)
    of_cohort = CohortReceipt.objects.filter(signer_uri=party.uri, jti=jti).values_list("token_hash", flat=True)
    before = {bytes(one) for one in (*of_order, *of_cohort)}
    if before - {parsed.digest}:
        raise ReceiptRefused("invalid_request", "this jti was used for another receipt")
    return bool(before)


def _lock_receipt_id(party: Party, jti: str) -> None:
    """Take one receipt of a name at a time: the table's key is by line, and a jti must be unique over all lines."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [f"receipt {party.pk} {jti}"])


def _record(word: VerifiedReceipt, parsed: ParsedReceipt, party: Party, client_id: str, at: datetime) -> None:
    order = Order.objects.select_for_update().filter(jti=word.order_jti, party_id=party.pk).first()
    if order is None:
        if record_for_cohort(word=word, parsed=parsed, party=party, client_id=client_id, at=at):
            return
        raise ReceiptRefused("invalid_request", "no order of this jti was ever sent to you")
    if word.event.status != "rejected":
        check_applied(word=word, epoch=order.epoch, version=order.version)
    if word.event.status == "completed":
        required = order.snapshot["required_actions"]
        check_required_actions(word=word, required=required, ordered_at=order.queued_at)
    _store_receipt(word, parsed, order, at)
    state, note = _outcome(word, order)
    moved = Order.objects.filter(pk=order.pk, state__in=MOVABLE).exclude(state=state)
    moved.update(**_changes(state, note, at))
    if word.event.status == "completed":
        _discharge(word, order, state, at)
    if state == State.COMPLETED:
        _supersede_older(order)
    audit.actions.record(
        action="order.receipt",
        actor=f"partner:{party.pk}",
        target=f"order:{order.id}",
        at=at,
        line_id=order.line_id,
        detail={"status": word.event.status, "state": str(state)} | audit.actions.name_client(client_id),
    )


def _store_receipt(word: VerifiedReceipt, parsed: ParsedReceipt, order: Order, at: datetime) -> None:
    Receipt.objects.create(
        line_id=order.line_id,
        order_id=order.id,
        jti=word.jti,
        party_id=order.party_id,
        received_at=at,
        status=word.event.status,
        token=parsed.token,
        token_hash=parsed.digest,
    )
    kept = {
        report.party_uri: report for report in DownstreamReport.objects.filter(line_id=order.line_id, order_id=order.id)
    }
    for report in word.reports:
        before = kept.get(report.uri)
        # A signature once given stays; the partner's own word does not replace it.
        if before is not None and before.signed and (not report.is_signed or before.status == "completed"):
            continue
        DownstreamReport.objects.update_or_create(
            line_id=order.line_id,
            order_id=order.id,
            party_uri=report.uri,
            defaults={"status": report.status, "at": report.at, "signed": report.is_signed, "receipt_jti": word.jti},
        )


def _outcome(word: VerifiedReceipt, order: Order) -> tuple[State, str]:
    """Return the state this receipt leads to from the order's own, never back, and the note that explains it."""
    now = State(order.state)
    match word.event.status:
        case "completed":
            coverage = coverage_of(orders=[order])[order.id]
            return (State.COMPLETED, "") if coverage.whole else (State.PARTIAL, coverage.note)
        case "rejected" if now in BEFORE_ANY_RECEIPT:
            return State.REJECTED, http.readable(word.event.reason)
        case "in_progress" if now in TO_PUSH:
            return State.ACKNOWLEDGED, ""
        case _:
            return now, order.note


def _changes(state: State, note: str, at: datetime) -> dict[str, object]:
    finished = state in {State.COMPLETED, State.PARTIAL}
    return {
        "state": state,
        "note": note,
        "next_attempt_at": None,
        # What the partner signed about, it has received, whatever became of its 202.
        "sent_at": Coalesce(F("sent_at"), Value(at)),
        "acknowledged_at": Coalesce(F("acknowledged_at"), Value(at)),
        "completed_at": Value(at) if finished else F("completed_at"),
    }


def _discharge(word: VerifiedReceipt, order: Order, state: State, at: datetime) -> None:
    """Discharge what the partner has now signed as done; telling other companies only when all have signed."""
    done = [deed.action for deed in word.event.actions if deed.status == "completed"]
    if state == State.PARTIAL:
        done = [action for action in done if action != Duty.Action.NOTIFY_DOWNSTREAM]
    Duty.objects.filter(
        line_id=order.line_id,
        contract_id=order.contract_id,
        action__in=done,
        since__lte=order.queued_at,
        discharged_at__isnull=True,
    ).update(discharged_at=at, discharged_by=word.jti)


def _supersede_older(order: Order) -> None:
    """Mark older orders superseded: the partner has taken a newer one and signed that it did.

    One that was contradicted too: the newer one says again what it asked.
    """
    Order.objects.filter(
        Q(epoch__lt=order.epoch) | Q(epoch=order.epoch, version__lt=order.version),
        line_id=order.line_id,
        contract_id=order.contract_id,
        state__in=(*MOVABLE, State.CONTRADICTED),
    ).update(state=State.SUPERSEDED, superseded_by=order.id, next_attempt_at=None)
