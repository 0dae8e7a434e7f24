"""Trials of a partner's own end: their orders, manifests and receipts, apart from everything about a real line."""

import uuid
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime

from django.db import transaction
from django.db.models import F

import audit.actions
from partners.models import Party
from partners.primitives.tokens import Claims
from revocations.domain import receipts
from revocations.domain.receipts import (
    ParsedReceipt,
    ReceiptRefused,
    VerifiedEvidence,
    VerifiedReceipt,
    check_applied,
    check_required_actions,
)
from revocations.models import Trial, TrialOrder, TrialReceipt, TrialShard


@transaction.atomic
def begin_trial(*, party: Party, actor: str, at: datetime) -> Trial:
    """Begin a trial of this partner."""
    trial = Trial.objects.create(id=uuid.uuid4(), party_id=party.pk, started_at=at)
    audit.actions.record(action="trial.started", actor=actor, target=f"party:{party.pk}", at=at)
    return trial


@transaction.atomic
def end_trial(*, trial: Trial, report: Mapping[str, object], actor: str, at: datetime) -> None:
    """Keep what the trial found."""
    Trial.objects.filter(pk=trial.pk).update(ended_at=at, report=dict(report))
    audit.actions.record(
        action="trial.ended",
        actor=actor,
        target=f"party:{trial.party_id}",
        at=at,
        detail={"trial": str(trial.pk), "passed": report.get("passed")},
    )


def add_trial_order(
    *,
    trial: Trial,
    jti: str,
    epoch: int,
    version: int,
    required_actions: Sequence[str],
    at: datetime,
    subject_count: int | None = None,
    list_sha256: str = "",
    below: TrialOrder.Below = TrialOrder.Below.AS_EVER,
) -> TrialOrder:
    """Write down an order before it goes out, so that its receipt is known. A cohort has a count and version 0."""
    return TrialOrder.objects.create(
        jti=jti,
        trial=trial,
        party_id=trial.party_id,
        epoch=epoch,
        version=version,
        required_actions=list(required_actions),
        subject_count=subject_count,
        list_sha256=list_sha256,
        below=below,
        queued_at=at,
    )


def add_trial_manifest(*, trial: Trial, manifest_id: uuid.UUID, parts: Collection[bytes]) -> None:
    """Serve a list of made-up names at this manifest id: the signed index first, then the shards."""
    TrialShard.objects.bulk_create(
        [
            TrialShard(manifest_id=manifest_id, number=number, trial=trial, party_id=trial.party_id, content=content)
            for number, content in enumerate(parts)
        ]
    )


@transaction.atomic
def fetch_trial_shard(*, party: Party, manifest_id: uuid.UUID, number: int, at: datetime) -> bytes | None:
    """Fetch a part of a trial's manifest, for its own partner alone; None where there is none."""
    found = TrialShard.objects.filter(manifest_id=manifest_id, number=number, party_id=party.pk)
    found.filter(fetched_at__isnull=True).update(fetched_at=at)
    shard = found.first()
    return bytes(shard.content) if shard else None


def record_trial_receipt(*, parsed: ParsedReceipt, party: Party, at: datetime) -> bool:
    """Judge and keep a receipt about a trial order. False if it is about no trial of this partner.

    Raises ReceiptRefused for one that would not count, which is kept too, with the reason. May fetch keys: never inside
    a transaction.
    """
    claims, digest = parsed.claims, parsed.digest
    order = _order_of(claims, party)
    if order is None:
        return False
    before = TrialReceipt.objects.filter(order=order, jti=str(claims.get("jti"))[:200]).first()
    if before is not None and bytes(before.token_hash) == digest and not before.fault:
        TrialReceipt.objects.filter(pk=before.pk).update(times=F("times") + 1)
        return True
    try:
        word = receipts.verify_receipt(parsed=parsed, party=party, at=at)
        _check_first(before, digest)
        _check(word, order)
        _refuse_below_once(word, order)
    except ReceiptRefused as refusal:
        _store_trial_receipt(claims, digest, order, at, fault=str(refusal))
        raise
    _store_trial_receipt(claims, digest, order, at, word=word)
    return True


def record_trial_evidence(*, word: VerifiedEvidence, digest: bytes, party: Party, at: datetime) -> bool:
    """Keep the answer to a trial's evidence-request. False if it is about no trial of this partner."""
    order = TrialOrder.objects.filter(jti=word.request_jti, party_id=party.pk).first()
    if order is None:
        return False
    TrialReceipt.objects.update_or_create(
        order=order,
        jti=word.jti,
        defaults={
            "received_at": at, "status": word.event.answer, "token_hash": digest,
        },
    )  # fmt: skip
    return True


def _order_of(claims: Claims, party: Party) -> TrialOrder | None:
    subject = claims.get("sub_id")
    jti = subject.get("jti") if isinstance(subject, dict) else None
    return TrialOrder.objects.filter(jti=jti, party_id=party.pk).first() if isinstance(jti, str) else None


def _check_first(before: TrialReceipt | None, digest: bytes) -> None:
    if before is not None and bytes(before.token_hash) != digest:
        raise ReceiptRefused("invalid_request", "this jti was used for another receipt")


def _check(word: VerifiedReceipt, order: TrialOrder) -> None:
    """As strictly as a real order's receipt is checked."""
    if word.event.status != "rejected":
        check_applied(word=word, epoch=order.epoch, version=order.version)
    if word.event.status == "completed":
        check_required_actions(word=word, required=order.required_actions, ordered_at=order.queued_at)
    if word.event.status == "completed" and order.subject_count is not None:
        if word.event.acted_on != order.subject_count:
            raise ReceiptRefused("invalid_request", f"acted_on must be the {order.subject_count} names of the list")
        if word.event.list_sha256 != order.list_sha256:
            raise ReceiptRefused("invalid_request", "list_sha256 is not that of the list")


def _refuse_below_once(word: VerifiedReceipt, order: TrialOrder) -> None:
    """Say once of a company's own receipt what is said where its key is not registered."""
    place = next((place for place, below in enumerate(word.event.downstream) if below.receipt), None)
    waiting = TrialOrder.objects.filter(pk=order.pk, below=TrialOrder.Below.REFUSE)
    if place is not None and waiting.update(below=TrialOrder.Below.REFUSED):
        raise receipts.build_unregistered_refusal(place=place, recipient=word.event.downstream[place].recipient)


def _store_trial_receipt(
    claims: Claims,
    digest: bytes,
    order: TrialOrder,
    at: datetime,
    *,
    word: VerifiedReceipt | None = None,
    fault: str = "",
) -> None:
    reports = word.reports if word else ()
    TrialReceipt.objects.update_or_create(
        order=order,
        jti=str(claims.get("jti"))[:200],
        defaults={
            "received_at": at,
            "status": word.event.status if word else "",
            "fault": fault[:300],
            "downstream": [report.uri for report in reports],
            "signed": sum(report.is_signed for report in reports),
            "token_hash": digest,
        },
    )
