"""What carrier files bring: choices from an earlier system, approvals, claims. Never above the person's own."""

import uuid
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction

import accounts.actions
import audit.actions
from consent import changes, receipts, snapshots, telling
from consent.actions.choices import again_if_a_release_came_between, take_turn, take_turns
from consent.expiry import retell
from consent.models import Approval, Choice, ChoiceReceipt, Origin, Touched
from partners import pairwise
from partners.models import Campaign
from revocations.actions import tell
from revocations.models import Standing

VERIFIED = Approval.VerifiedBy.CARRIER


@dataclass(frozen=True)
class FileChoice:
    """One row of a choices file, attributed to a line. `id` is derived from `source_id`."""

    id: uuid.UUID
    source_id: str
    kind: Choice.Kind
    scope: str
    ref: str
    made_at: datetime
    until: datetime | None
    channel: str
    program: str
    content_hash: bytes


@dataclass(frozen=True)
class FileApproval:
    """One row of an approvals file, attributed to a line. `id` is derived from `source_id`."""

    id: uuid.UUID
    source_id: str
    campaign: str
    method: str
    captured_at: datetime
    captured_by: str
    wording: str
    language: str
    evidence_ref: str
    expires_at: datetime | None
    verified_by: str
    content_hash: bytes


@again_if_a_release_came_between
@transaction.atomic
def record_file_choices(*, line_id: int, choices: Sequence[FileChoice], actor: str) -> None:
    """Append choices of one line, new to us and none dated after the database's clock, and tell who is affected."""
    now = take_turn(line_id=line_id)
    concerned = {
        choice.id: snapshots.affected_contracts(line_id=line_id, scope=choice.scope, ref=choice.ref)
        for choice in choices
        if choice.kind != Choice.Kind.ALLOW
    }
    everyone = sorted({contract_id for ids in concerned.values() for contract_id in ids})
    before = snapshots.states(line_id=line_id, contract_ids=everyone)
    rows = Choice.objects.bulk_create(_row(line_id, choice, now) for choice in choices)
    ChoiceReceipt.objects.bulk_create(_receipt(row) for row in rows)
    _name_for_partners({line_id: {choice.ref for choice in choices if choice.kind == Choice.Kind.ALLOW}})
    if any(choice.id in concerned and choice.scope == Choice.Scope.ALL for choice in choices):
        accounts.actions.drop_reminders(line_id=line_id)
    for choice in choices:
        if choice.id in concerned:
            _tell_of(line_id, choice, concerned[choice.id], before, now)
    retell(line_id=line_id)
    Touched.objects.create(line_id=line_id, since=min(choice.made_at for choice in choices))
    changes.tell_of_records(line_ids=[line_id], change=changes.Change.RECORDS, at=now)
    audit.actions.record(
        action="consent.choices_recorded",
        actor=actor,
        target=f"line:{line_id}",
        at=now,
        line_id=line_id,
        detail={"count": len(choices)},
    )


@transaction.atomic
def record_file_approvals(*, by_line: Mapping[int, Sequence[FileApproval]], actor: str) -> None:
    """Append approvals and claims of many lines; a partner that was told it is denied hears what now counts."""
    turns = take_turns(line_ids=list(by_line))
    Approval.objects.bulk_create(
        Approval(
            line_id=line_id,
            id=one.id,
            campaign=one.campaign,
            method=one.method,
            captured_at=one.captured_at,
            captured_by=one.captured_by,
            wording=one.wording,
            language=one.language,
            evidence_ref=one.evidence_ref,
            expires_at=one.expires_at,
            verified_by=one.verified_by,
            recorded_at=turns[line_id],
            source_id=one.source_id,
            content_hash=one.content_hash,
        )
        for line_id, approvals in by_line.items()
        for one in approvals
    )
    _name_for_partners({line_id: {one.campaign for one in approvals} for line_id, approvals in by_line.items()})
    for line_id in sorted(Standing.objects.filter(line_id__in=by_line).values_list("line_id", flat=True).distinct()):
        retell(line_id=line_id)
    Touched.objects.bulk_create(
        Touched(line_id=line_id, since=min(one.captured_at for one in approvals))
        for line_id, approvals in by_line.items()
    )
    # A partner's claim changes nothing: whom it is about is asked.
    changed = [pk for pk, them in by_line.items() if any(one.verified_by == VERIFIED for one in them)]
    changes.tell_of_records(line_ids=changed, change=changes.Change.RECORDS, at=max(turns.values()))
    audit.actions.record_for_lines(
        action="consent.approvals_recorded",
        actor=actor,
        at=max(turns.values()),
        details={line_id: {"count": len(approvals)} for line_id, approvals in by_line.items()},
    )


def _row(line_id: int, choice: FileChoice, now: datetime) -> Choice:
    return Choice(
        line_id=line_id,
        id=choice.id,
        kind=choice.kind,
        scope=choice.scope,
        ref=choice.ref,
        made_at=choice.made_at,
        until=choice.until,
        origin=Origin.FILE,
        channel=choice.channel,
        program=choice.program,
        actor="import:choices",
        recorded_at=now,
        source_id=choice.source_id,
        content_hash=choice.content_hash,
    )


def _receipt(choice: Choice) -> ChoiceReceipt:
    number = receipts.new_number()
    return ChoiceReceipt(
        line_id=choice.line_id,
        choice_id=choice.id,
        number=number,
        token=receipts.signed(choice=choice, number=number),
    )


def _tell_of(
    line_id: int, choice: FileChoice, contract_ids: Sequence[int], before: snapshots.States, now: datetime
) -> None:
    agreements = telling.agreements_after(
        line_id=line_id,
        no=choice,
        passed=telling.passed_by(line_id=line_id, no=choice, origin=Origin.FILE, contract_ids=contract_ids),
        contract_ids=contract_ids,
        before=before,
        running=choice.until is None or choice.until > now,
    )
    told = tell(line_id=line_id, agreements=agreements, by="user", at=now)
    telling.name_orders(line_id=line_id, choice_id=choice.id, told=told)


def _name_for_partners(campaigns: Mapping[int, Collection[str]]) -> None:
    """An accepted approval or claim gives the partner its own name for each line."""
    named = {ref for refs in campaigns.values() for ref in refs}
    partner_of = dict(Campaign.objects.filter(ref__in=named).values_list("ref", "contract__aggregator_id"))
    lines_of: dict[int, set[int]] = defaultdict(set)
    for line_id, refs in campaigns.items():
        for ref in partner_of.keys() & set(refs):
            lines_of[partner_of[ref]].add(line_id)
    for party_id in sorted(lines_of):
        pairwise.subjects(line_ids=sorted(lines_of[party_id]), party_id=party_id)
