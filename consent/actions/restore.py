"""Say again, after a restore, what was lost of stops and whatever else tightened. Nothing here makes anything looser.

Of an approval that was lost its person is told, and no more.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from django.db import connection, transaction
from django.db.models import Model, QuerySet

import audit.actions
import audit.queries
from accounts.actions.sign_ins import end_sessions
from accounts.models import Delegation, User
from consent.actions.records import FileChoice, record_file_choices
from consent.domain import change_notices, order_planning, receipts, snapshots
from consent.domain.conflicts import retry_on_conflict
from consent.domain.snapshots import lock_line
from consent.models import Choice, ChoiceReceipt, LineGate, Notice, Origin, RejudgeRequest, Tightening
from consent.queries.choices import NEVER_AGREED
from consent.workers.archive_entries import (
    TARGETS,
    ArchivedChoice,
    ArchivedEnd,
    ArchivedSuspension,
    ArchivedTightening,
    Entry,
)
from partners.actions.clients import restore_key
from partners.actions.parties import add_link
from partners.models import AuthorizedAgent, Campaign, Client, Contract, JurisdictionRule, Party, Suspension
from partners.policies.loosening import PAID
from revocations.actions.orders import enqueue_order
from revocations.actions.receipts import request_evidence
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


Kind = Tightening.Kind
# By which of its columns one is known. Of two about the same the newer counts.
NAMED_BY: Mapping[str, tuple[str, ...]] = {
    Kind.RULE: ("state", "starts_at"),
    Kind.KIN: ("of", "ref", "kin_ref"),
    Kind.MACHINE: ("client_id",),
    Kind.KEY: ("client_id",),
    Kind.CONTRACT: ("ref",),
    Kind.CAMPAIGN: ("ref",),
    Kind.PAYMENT: ("ref",),
    Kind.AGENT: ("id",),
    Kind.DELEGATION: ("id",),
    Kind.USER: ("id", "date_joined"),
    Kind.NOTICE: ("disclosure_id",),
}

type TighteningAct = Mapping[str, Any]
type Named = tuple[object, ...]
type Again = Callable[[TighteningAct, datetime], RestoreOutcome]


def newest_of_each(*, entries: Sequence[Entry]) -> dict[UUID, ArchivedTightening]:
    """Return the tightenings among these entries, oldest first, that count: of several about the same thing the newest.

    A key that was replaced on the restored database is newer than any of them.
    """
    found: dict[Named, tuple[UUID, ArchivedTightening]] = {}
    for one in entries:
        if one.tightening is not None:
            named = _build_key(one.tightening.kind, one.tightening.facts)
            found.pop(named, None)
            found[named] = UUID(one.id), one.tightening
    for named in _keys_since(entries):
        found.pop(named, None)
    return dict(found.values())


@transaction.atomic
def restore_tightening(
    *, tightening_id: UUID, archived: ArchivedTightening, at: datetime, again: Again | None = None
) -> RestoreOutcome:
    """Do once more what was lost with the database, once. `again`: how, where an app above this one does it.

    UNKNOWN where it is about an agreement or a use that is not here (yet); a machine, a person or a delegation that is
    not here has no access either.
    """
    if Tightening.objects.filter(id=tightening_id).exists():
        return RestoreOutcome.KNOWN
    came = (again or AGAIN[archived.kind])(archived.facts, at)
    if came == RestoreOutcome.UNKNOWN:
        return came
    Tightening.objects.create(id=tightening_id, kind=archived.kind, facts=archived.facts, at=at, archived_at=at)
    if came == RestoreOutcome.REPLAYED:
        audit.actions.record(
            action=f"restore.{archived.kind}", actor=ACTOR, target=f"tightening:{tightening_id}", at=at, reason=REASON
        )
    return came


def _keys_since(entries: Sequence[Entry]) -> list[Named]:
    """Nothing goes out while the gate is closed: what waits, and did not wait in the backup, came after the archive.

    Keys alone: one takes the place of another. All else only tightens what is here, so that a file of the carrier's
    that shortened a term since does not keep the archive from shortening it further.
    """
    written = {one.id for one in entries}
    waiting = Tightening.objects.filter(kind=Kind.KEY, archived_at__isnull=True)
    return [_build_key(row.kind, row.facts) for row in waiting if str(row.id) not in written]


def _build_key(kind: str, facts: TighteningAct) -> Named:
    return kind, *(facts[name] for name in NAMED_BY[kind])


def _rule(facts: TighteningAct, at: datetime) -> RestoreOutcome:
    starts_at = datetime.fromisoformat(facts["starts_at"])
    if JurisdictionRule.objects.filter(state=facts["state"], starts_at=starts_at).exists():
        return RestoreOutcome.KNOWN
    rule = JurisdictionRule.objects.create(
        state=facts["state"], starts_at=starts_at, purposes=facts["purposes"], sale_test=facts["sale_test"],
        consideration=facts.get("consideration", ""), max_radius_m=facts.get("max_radius_m"), source=facts["source"],
    )  # fmt: skip
    # By this event what was released meanwhile is judged by the rule.
    audit.actions.record(
        action="rule.added", actor=ACTOR, target=f"rule:{rule.pk}", at=at, reason=REASON, detail={"state": rule.state}
    )
    return RestoreOutcome.REPLAYED


def _restore_link(facts: TighteningAct, at: datetime) -> RestoreOutcome:
    new = add_link(of=facts["of"], ref=facts["ref"], kin_ref=facts["kin_ref"], link=facts["link"], at=at)
    return RestoreOutcome.REPLAYED if new else RestoreOutcome.KNOWN


def _machine(facts: TighteningAct, at: datetime) -> RestoreOutcome:
    running = Client.objects.filter(client_id=facts["client_id"], disabled_at__isnull=True)
    return _get_outcome(running.update(disabled_at=at))


def _key(facts: TighteningAct, at: datetime) -> RestoreOutcome:
    key = {"client_id": facts["client_id"], "public_jwk": facts["public_jwk"]}
    return _get_outcome(restore_key(**key, actor=ACTOR, reason=REASON, at=at))


def _contract(facts: TighteningAct, _at: datetime) -> RestoreOutcome:
    return _term(Contract.objects.filter(ref=facts["ref"]), facts)


def _campaign(facts: TighteningAct, _at: datetime) -> RestoreOutcome:
    return _term(Campaign.objects.filter(ref=facts["ref"]), facts)


def _term[Row: Model](rows: QuerySet[Row], facts: TighteningAct) -> RestoreOutcome:
    ends_at = datetime.fromisoformat(facts["ends_at"])
    if not rows.exists():
        return RestoreOutcome.UNKNOWN
    return _get_outcome(rows.filter(ends_at__gt=ends_at).update(ends_at=ends_at))


def _payment(facts: TighteningAct, _at: datetime) -> RestoreOutcome:
    rows, paid = Campaign.objects.filter(ref=facts["ref"]), facts["consideration"]
    if not rows.exists():
        return RestoreOutcome.UNKNOWN
    less = [one for one in PAID if PAID[one] < PAID[paid]]
    return _get_outcome(rows.filter(consideration__in=less).update(consideration=paid))


def _agent(facts: TighteningAct, at: datetime) -> RestoreOutcome:
    asking = AuthorizedAgent.objects.filter(pk=facts["id"], ended_at__isnull=True)
    return _get_outcome(asking.update(ended_at=at, changed_at=at, token_hash=None))


def _delegation(facts: TighteningAct, at: datetime) -> RestoreOutcome:
    return _get_outcome(Delegation.objects.filter(pk=facts["id"], ended_at__isnull=True).update(ended_at=at))


def _user(facts: TighteningAct, at: datetime) -> RestoreOutcome:
    """Whoever came after the backup may have had an id that is somebody else's now."""
    joined = datetime.fromisoformat(facts["date_joined"])
    ended = User.objects.filter(pk=facts["id"], date_joined=joined, is_active=True).update(is_active=False)
    if ended:
        end_sessions(user_id=facts["id"], at=at)
    return _get_outcome(ended)


def _get_outcome(rows: int) -> RestoreOutcome:
    return RestoreOutcome.REPLAYED if rows else RestoreOutcome.KNOWN


AGAIN: Mapping[str, Again] = {
    Kind.RULE: _rule,
    Kind.KIN: _restore_link,
    Kind.MACHINE: _machine,
    Kind.KEY: _key,
    Kind.CONTRACT: _contract,
    Kind.CAMPAIGN: _campaign,
    Kind.PAYMENT: _payment,
    Kind.AGENT: _agent,
    Kind.DELEGATION: _delegation,
    Kind.USER: _user,
}
