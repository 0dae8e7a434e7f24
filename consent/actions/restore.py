"""After a restore: what was lost is said again, as far as it is a no. A yes that was lost is told of, and no more."""

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from django.db import connection, transaction

import audit.actions
import audit.queries
from consent.actions.choices import NEVER_AGREED, retry_on_conflict
from consent.actions.records import FileChoice, record_file_choices
from consent.domain import change_notices, order_planning, receipts, snapshots
from consent.domain.snapshots import lock_line
from consent.models import Choice, ChoiceReceipt, LineGate, Notice, Origin, RejudgeRequest
from consent.workers.archive_entries import TARGETS, ArchivedChoice, ArchivedEnd, ArchivedSuspension
from partners.models import Campaign, Contract, Party, Suspension
from revocations.actions.evidence import request_evidence
from revocations.actions.orders import enqueue_order
from revocations.models import Cohort

ACTOR = "system:restore"
REASON = "Restored from the archive of stops."
LOST_END = "It had been ended, and the database that knows of it was lost: end it again."
TARGET_MODELS: Mapping[str, type[Party | Contract | Campaign]] = {
    "party": Party,
    "contract": Contract,
    "campaign": Campaign,
}


class RestoreOutcome(StrEnum):
    """What became of one lost entry."""

    REPLAYED = "replayed"
    KNOWN = "known"  # it is here already
    OVER = "over"  # a pause that has ended since
    UNKNOWN = "unknown"  # what it is about is not here


@retry_on_conflict
@transaction.atomic
def restore_choice(*, line_id: int, choice_id: UUID, archived: ArchivedChoice) -> RestoreOutcome:
    """Write a lost stop, pause or refusal down again under its own id, with its receipt, and tell everybody.

    It keeps its moment, unless the line has something newer: then it counts from now. Raises ValueError for an allow.
    """
    if archived.kind == Choice.Kind.ALLOW:
        raise ValueError("an allow is not replayed")
    if Choice.objects.filter(line_id=line_id, id=choice_id).exists():
        return RestoreOutcome.KNOWN
    if archived.origin == Origin.FILE:
        record_file_choices(by_line={line_id: [_file_choice(choice_id, archived)]}, actor=ACTOR)
        return RestoreOutcome.REPLAYED
    now = lock_line(line_id=line_id)
    if archived.until is not None and archived.until <= now:
        return RestoreOutcome.OVER
    newest = LineGate.objects.values_list("newest_at", flat=True).get(pk=line_id)
    made_at = archived.made_at if newest is None or archived.made_at > newest else now
    choice = _choice(line_id, choice_id, archived, made_at, now)
    _write(choice, archived, now)
    return RestoreOutcome.REPLAYED


@transaction.atomic
def notify_lost_approval(*, line_id: int, choice_id: UUID, campaign: str, at: datetime) -> bool:
    """Tell a person to look at a yes lost with the database, and its partner that it does not count. Once.

    Returns whether it was news.
    """
    target = f"choice:{choice_id}"
    lock_line(line_id=line_id)
    if (
        audit.queries.events_of_line(line_id=line_id, reader="")
        .filter(action="restore.allow_lost", target=target)
        .exists()
    ):
        return False
    known = Campaign.objects.filter(ref=campaign).values_list("contract_id", flat=True).first()
    if known is not None:
        agreements = order_planning.agreements(line_id=line_id, contract_ids=[known])
        enqueue_order(line_id=line_id, agreements=agreements, by="system", at=at)
    change_notices.notify_of_imported_changes(line_ids=[line_id], change=change_notices.Change.RECORDS, at=at)
    audit.actions.record(action="restore.allow_lost", actor=ACTOR, target=target, line_id=line_id, at=at)
    return True


@transaction.atomic
def restore_suspension(*, archived: ArchivedSuspension, at: datetime) -> RestoreOutcome:
    """Write a lost suspension down again. If it was lifted later, that is lost: lifting it takes two officers."""
    return _suspend(
        archived.of, archived.ref, archived.starts_at, archived.actor, REASON, at, automatic=archived.automatic
    )


@transaction.atomic
def suspend_ended(*, archived: ArchivedEnd, at: datetime) -> RestoreOutcome:
    """Suspend what had been ended, until an officer ends it again by its plan."""
    return _suspend(archived.of, archived.ref, at, ACTOR, LOST_END, at, automatic=False)


def planned_epochs(*, at_least: Mapping[str, int]) -> dict[str, int]:
    """Plan the epochs, by contract's ref: each one above all that its partner may have heard of.

    An ended one keeps its own. `at_least`: epochs that the archive tells of.
    """
    ended = Cohort.objects.filter(of=Cohort.Of.CONTRACT).values("target_id")
    live = Contract.objects.filter(is_draft=False).exclude(pk__in=ended)
    return {ref: max(epoch, at_least.get(ref, 0)) + 1 for ref, epoch in live.values_list("ref", "epoch")}


@transaction.atomic
def raise_epochs(*, to: Mapping[str, int], at: datetime) -> None:
    """Raise the epochs of these contracts (by ref), so that partners take the newer snapshots whatever they heard."""
    for contract in Contract.objects.select_for_update().filter(ref__in=to).order_by("pk"):
        contract.epoch = max(contract.epoch, to[contract.ref])
        contract.save(update_fields=["epoch"])
        audit.actions.record(
            action="contract.epoch_raised", actor=ACTOR, target=f"contract:{contract.pk}", at=at, reason=REASON,
            detail={"epoch": contract.epoch},
        )  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute("SELECT consent_gate_epochs_raised()")


def _choice(line_id: int, choice_id: UUID, archived: ArchivedChoice, made_at: datetime, now: datetime) -> Choice:
    return Choice(
        line_id=line_id,
        id=choice_id,
        kind=archived.kind,
        scope=archived.scope,
        ref=archived.ref,
        made_at=made_at,
        until=archived.until,
        origin=archived.origin,
        channel=archived.channel,
        program=archived.program,
        reason=archived.reason,
        actor=archived.actor,
        recorded_at=now,
        source_id=archived.source_id,
        content_hash=bytes.fromhex(archived.content_hash) if archived.content_hash else None,
        notice=archived.notice if Notice.objects.filter(pk=archived.notice).exists() else "",
    )


def _write(choice: Choice, archived: ArchivedChoice, now: datetime) -> None:
    line_id, scope, ref = choice.line_id, choice.scope, choice.ref
    contract_ids = snapshots.affected_contracts(line_id=line_id, scope=scope, ref=ref)
    before = snapshots.list_states(line_id=line_id, contract_ids=contract_ids)
    choice.save(force_insert=True)
    agreements = order_planning.agreements(
        line_id=line_id,
        contract_ids=contract_ids,
        before=before,
        duties=order_planning.PAUSE_DUTIES if choice.kind == Choice.Kind.PAUSE else order_planning.STOP_DUTIES,
        scopes=snapshots.covered_scopes(contract_ids=contract_ids, scope=scope, ref=ref),
    )
    told = enqueue_order(line_id=line_id, agreements=agreements, by="user", at=now)
    order_planning.name_orders(line_id=line_id, choice_id=choice.id, told=told)
    if archived.token:
        ChoiceReceipt.objects.create(line_id=line_id, choice_id=choice.id, number=archived.number, token=archived.token)
    else:
        receipts.store_receipt(choice=choice)
    if choice.reason == NEVER_AGREED:
        disputed = order_planning.list_disputed_uses(line_id=line_id, scope=scope, ref=ref)
        request_evidence(line_id=line_id, choice_id=choice.id, disputed=disputed, at=now)
    RejudgeRequest.objects.create(line_id=line_id, since=choice.made_at)
    audit.actions.record(
        action=f"restore.{choice.kind}", actor=ACTOR, target=f"choice:{choice.id}", line_id=line_id, at=now,
        detail={"scope": scope, "made_at": archived.made_at.isoformat()},
    )  # fmt: skip


def _file_choice(choice_id: UUID, archived: ArchivedChoice) -> FileChoice:
    return FileChoice(
        id=choice_id,
        source_id=archived.source_id,
        kind=Choice.Kind(archived.kind),
        scope=archived.scope,
        ref=archived.ref,
        made_at=archived.made_at,
        until=archived.until,
        channel=archived.channel,
        program=archived.program,
        content_hash=bytes.fromhex(archived.content_hash),
    )


def _suspend(
    of: str, ref: str, starts_at: datetime, actor: str, reason: str, at: datetime, *, automatic: bool
) -> RestoreOutcome:
    name = "uri" if of == "party" else "ref"
    target = TARGET_MODELS[of].objects.filter(**{name: ref}).values_list("pk", flat=True).first()
    if target is None:
        return RestoreOutcome.UNKNOWN
    if Suspension.objects.filter(TARGETS[of](ref), of=of, automatic=automatic, ends_at__isnull=True).exists():
        return RestoreOutcome.KNOWN
    Suspension.objects.create(
        of=of, target_id=target, automatic=automatic, starts_at=starts_at, reason=reason, actor=actor
    )
    audit.actions.record(action="restore.suspension", actor=ACTOR, target=f"{of}:{target}", at=at, reason=reason)
    return RestoreOutcome.REPLAYED
