"""Ask a partner for its proof that somebody agreed, and take what it answers, as far as its word goes."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction

import audit.actions
from partners.domain import pairwise
from partners.models import Campaign, Contract, Party
from revocations.actions.streams import nudge
from revocations.actions.trials import record_trial_evidence
from revocations.domain import receipts
from revocations.domain.order_snapshots import stamp
from revocations.domain.receipts import ParsedReceipt, ReceiptRefused
from revocations.domain.streams import queue_event
from revocations.domain.wire import agreement_uri, pairwise_subject
from revocations.models import EvidenceRequest, StreamEvent

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


def record_evidence(*, parsed: ParsedReceipt, party: Party, at: datetime) -> None:
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
            line_id=asked.line_id, detail={"answer": said.answer, "late": at > asked.due_at},
        )  # fmt: skip
