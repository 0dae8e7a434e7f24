"""Record what carrier files bring (choices from an earlier system, approvals) and what partners claim by API.

None of it ever counts above the person's own word. A claim allows nothing: its person is asked.
"""

import uuid
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import zip_longest

import msgspec
from django.db import connection, transaction

import audit.actions
from accounts.actions.sms_outbox import drop_reminders
from accounts.models import Line
from accounts.primitives.sealing import token_hash
from consent.domain import change_notices, consent_requests, order_planning, receipts, snapshots
from consent.domain.conflicts import retry_on_conflict
from consent.domain.consent_requests import LASTS, Case, token_of
from consent.domain.snapshots import lock_lines, lock_terms
from consent.models import Approval, Choice, ConsentRequest, HeldRow, Origin
from consent.queries.approvals import LateDenial
from consent.workers.expiry import enqueue_current_states
from partners.domain import pairwise
from partners.models import Campaign
from revocations.actions.orders import enqueue_orders
from revocations.domain.wire import Agreement

# Millions of rows: Django would take several times as long to make the statement as PostgreSQL to follow it.
APPEND = """
INSERT INTO consent_choice (line_id, id, kind, scope, ref, made_at, until, origin, channel, program, reason, actor,
    recorded_at, source_id, content_hash, notice)
SELECT line_id, said.id, kind, scope, ref, made_at, until, origin, channel, program, reason, actor, recorded_at,
    source_id, decode(content_hash, 'hex'), notice
FROM jsonb_to_recordset(%s::jsonb) AS said (line_id bigint, id uuid, kind text, scope text, ref text,
    made_at timestamptz, until timestamptz, origin text, channel text, program text, reason text, actor text,
    recorded_at timestamptz, source_id text, content_hash text, notice text)
"""
APPENDED = (
    "line_id", "id", "kind", "scope", "ref", "made_at", "until", "origin", "channel", "program", "reason", "actor",
    "recorded_at", "source_id", "content_hash", "notice",
)  # fmt: skip
TOUCH = "INSERT INTO consent_touched (line_id, since) SELECT * FROM unnest(%s::bigint[], %s::timestamptz[])"
# What a commit checks is checked before the audit chains are taken, which every other writer waits for.
CHECK_NOW = "SET CONSTRAINTS ALL IMMEDIATE; SET CONSTRAINTS ALL DEFERRED"
VERIFIED = Approval.VerifiedBy.CARRIER


ENCODER = msgspec.json.Encoder()


@dataclass(frozen=True)
class FileChoice:
    """One row of a choices file, attributed to a line. `id` is derived from `source_id`.

    `msisdn`: the number that the row named, which was the line's then; "" for what a line takes over from another.
    """

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
    msisdn: str = ""


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


@retry_on_conflict
@transaction.atomic
def record_file_choices(
    *, by_line: Mapping[int, Sequence[FileChoice]], actor: str, decided_by: str = "", reason: str = ""
) -> None:
    """Append choices of many lines, new to us and none dated after the database's clock, and tell who is affected.

    In as many statements for many lines as for one, but for lines of which a file says no several times. `decided_by`,
    `reason`: the officer ("officer:7") who had the file imported, and why; the audit log has both.
    """
    turns = lock_lines(line_ids=list(by_line))
    late = _late(by_line, turns)
    before = _states_before(late)
    _append(by_line, turns, actor)
    _name_for_partners({line_id: _allowed_campaigns(choices) for line_id, choices in by_line.items()})
    all_off = [pk for pk, them in by_line.items() if any(one.scope == Choice.Scope.ALL for one in them)]
    drop_reminders(line_ids=all_off)
    told = _enqueue_orders(late, before, turns)
    enqueue_current_states(line_ids=list(by_line), but=told)
    _enqueue_rejudging({line_id: min(choice.made_at for choice in choices) for line_id, choices in by_line.items()})
    now = max(turns.values())
    change_notices.notify_of_imported_changes(line_ids=list(by_line), change=change_notices.Change.RECORDS, at=now)
    with connection.cursor() as cursor:
        cursor.execute(CHECK_NOW)
    audit.actions.record_for_lines(
        action="consent.choices_recorded",
        actor=actor,
        at=now,
        details=_counts(by_line, decided_by=decided_by),
        reason=reason,
    )


def _states_before(late: Sequence[LateDenial]) -> Mapping[int, snapshots.States]:
    """How the lines of these choices stand under the agreements that they are told of."""
    everyone: dict[int, set[int]] = defaultdict(set)
    for one in late:
        everyone[one.line_id] |= {*one.contract_ids}
    uses = snapshots.uses_of_each(contract_ids={pk: sorted(theirs) for pk, theirs in everyone.items()}) if late else {}
    return snapshots.states_of_each(uses=uses)


def _allowed_campaigns(choices: Sequence[FileChoice]) -> set[str]:
    return {choice.ref for choice in choices if choice.kind == Choice.Kind.ALLOW}


def _counts(by_line: Mapping[int, Sequence[object]], **more: str) -> dict[int, dict[str, object]]:
    told = {name: said for name, said in more.items() if said}
    return {line_id: {"count": len(rows), **told} for line_id, rows in by_line.items()}


@transaction.atomic
def record_file_approvals(*, by_line: Mapping[int, Sequence[FileApproval]], actor: str, client_id: str = "") -> None:
    """Append approvals and claims of many lines; a partner that was told it is denied hears what now counts.

    `client_id`: the partner's client that brought them, for the audit trail.
    """
    turns = lock_lines(line_ids=list(by_line))
    Approval.objects.bulk_create(
        _approval(line_id, one, turns[line_id]) for line_id, approvals in by_line.items() for one in approvals
    )
    _name_for_partners({line_id: {one.campaign for one in approvals} for line_id, approvals in by_line.items()})
    enqueue_current_states(line_ids=list(by_line), but=())
    _enqueue_rejudging({line_id: min(one.captured_at for one in approvals) for line_id, approvals in by_line.items()})
    change_notices.notify_of_imported_changes(
        line_ids=_changed_lines(by_line), change=change_notices.Change.RECORDS, at=max(turns.values())
    )
    audit.actions.record_for_lines(
        action="consent.approvals_recorded",
        actor=actor,
        at=max(turns.values()),
        details=_counts(by_line, client=client_id),
    )


def _changed_lines(by_line: Mapping[int, Sequence[FileApproval]]) -> list[int]:
    # A partner's claim changes nothing: whom it is about is asked.
    return [pk for pk, them in by_line.items() if any(one.verified_by == VERIFIED for one in them)]


def _approval(line_id: int, one: FileApproval, recorded_at: datetime) -> Approval:
    return Approval(
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
        recorded_at=recorded_at,
        source_id=one.source_id,
        content_hash=one.content_hash,
    )


def _late(by_line: Mapping[int, Sequence[FileChoice]], turns: Mapping[int, datetime]) -> list[LateDenial]:
    """The stops and pauses that concern a partner, each with whom."""
    nos = [(pk, choice) for pk, them in by_line.items() for choice in them if choice.kind != Choice.Kind.ALLOW]
    concerned = snapshots.affected_by_each(nos=[(line_id, choice.scope, choice.ref) for line_id, choice in nos])
    return [
        LateDenial(
            line_id, choice, Origin.FILE, contract_ids, running=choice.until is None or choice.until > turns[line_id]
        )
        for (line_id, choice), contract_ids in zip(nos, concerned, strict=True)
        if contract_ids
    ]


def _append(by_line: Mapping[int, Sequence[FileChoice]], turns: Mapping[int, datetime], actor: str) -> None:
    """Write the choices down, each with its receipt."""
    by = actor if actor.startswith("client:") else "import:choices"
    rows = [_choice(line_id, choice, turns[line_id], by) for line_id, choices in by_line.items() for choice in choices]
    with connection.cursor() as cursor:
        cursor.execute(APPEND, [ENCODER.encode([_columns_of(row) for row in rows]).decode()])
    receipts.store_receipts(
        choices=rows, phones={choice.id: choice.msisdn for them in by_line.values() for choice in them}
    )


def _choice(line_id: int, one: FileChoice, recorded_at: datetime, by: str) -> Choice:
    return Choice(
        line_id=line_id,
        id=one.id,
        kind=one.kind,
        scope=one.scope,
        ref=one.ref,
        made_at=one.made_at,
        until=one.until,
        origin=Origin.FILE,
        channel=one.channel,
        program=one.program,
        actor=by,
        recorded_at=recorded_at,
        source_id=one.source_id,
        content_hash=one.content_hash,
    )


def _columns_of(row: Choice) -> dict[str, object]:
    return {name: getattr(row, name) for name in APPENDED} | {"content_hash": bytes(row.content_hash or b"").hex()}


def _enqueue_rejudging(since: Mapping[int, datetime]) -> None:
    """What these lines' past comes to is judged again, each from its moment on."""
    with connection.cursor() as cursor:
        cursor.execute(TOUCH, [list(since), list(since.values())])


def _enqueue_orders(
    late: Sequence[LateDenial], before: Mapping[int, snapshots.States], turns: Mapping[int, datetime]
) -> set[tuple[int, int]]:
    """Tell partners of each no. Of one line's after one another, because each may say more than the one before it.

    Returns the lines and contracts of which was told.
    """
    waiting = _agreements_by_line(late, before)
    named: list[tuple[int, uuid.UUID, int, uuid.UUID]] = []
    for together in zip_longest(*waiting.values()):
        of_line = {pk: said for pk, said in zip(waiting, together, strict=True) if said is not None}
        told = enqueue_orders(agreements={pk: theirs for pk, (_, theirs) in of_line.items()}, by="user", at=turns)
        named += [
            (line_id, choice_id, contract_id, order_id)
            for line_id, (choice_id, _) in of_line.items()
            for contract_id, order_id in told[line_id].items()
        ]
    order_planning.name_orders_of_each(named=named)
    return {(line_id, contract_id) for line_id, _, contract_id, _ in named}


def _agreements_by_line(
    late: Sequence[LateDenial], before: Mapping[int, snapshots.States]
) -> Mapping[int, list[tuple[uuid.UUID, Sequence[Agreement]]]]:
    """What partners are to be told of each no, by its line, one after another."""
    asked = order_planning.agreements_after_each(late=late, before=before) if late else []
    waiting: dict[int, list[tuple[uuid.UUID, Sequence[Agreement]]]] = defaultdict(list)
    for one, agreements in zip(late, asked, strict=True):
        waiting[one.line_id].append((one.no.id, agreements))
    return waiting


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


@dataclass(frozen=True)
class SealedClaim:
    """A claim about a phone that is not ours, or was not ours then: kept, sealed, until its line arrives."""

    source_hash: bytes
    named_hash: bytes
    campaign: str
    sealed: bytes


@transaction.atomic
def record_claims(
    *, by_line: Mapping[int, Sequence[FileApproval]], party_id: int, client_id: str, at: datetime
) -> None:
    """Append claims of some lines, and for each line that may be asked about one a question that waits for its text."""
    record_file_approvals(by_line=by_line, actor=f"partner:{party_id}", client_id=client_id)
    claims = {
        Case(line_id, claim.campaign): claim
        for line_id, claims in by_line.items()
        for claim in sorted(claims, key=lambda one: one.captured_at)
        if claim.expires_at is None or claim.expires_at > at
    }
    wanted = _filter_unasked(_of_this_number(claims), at)
    askable = consent_requests.list_askable(cases=wanted, at=at)
    ConsentRequest.objects.bulk_create(
        _question(case, claims[case], party_id, at) for case, may in zip(wanted, askable, strict=True) if may
    )


@transaction.atomic
def hold_claims(*, claims: Collection[SealedClaim], at: datetime) -> None:
    """Keep claims until what they name arrives. One that is kept already stays as it was."""
    lock_terms(campaigns=[claim.campaign for claim in claims])
    HeldRow.objects.bulk_create(
        [
            HeldRow(
                feed=HeldRow.Feed.APPROVALS,
                source_hash=claim.source_hash,
                msisdn_hash=claim.named_hash,
                campaign=claim.campaign,
                row_sealed=claim.sealed,
                held_at=at,
            )
            for claim in claims
        ],
        ignore_conflicts=True,
    )


def _of_this_number(claims: Mapping[Case, FileApproval]) -> list[Case]:
    """What was claimed before the line's number changed ended with that number."""
    changed = dict(Line.objects.filter(pk__in={case.line_id for case in claims}).values_list("pk", "number_changed_at"))
    return [
        case
        for case, claim in claims.items()
        if (changed_at := changed.get(case.line_id)) is None or claim.captured_at > changed_at
    ]


def _filter_unasked(cases: Collection[Case], at: datetime) -> list[Case]:
    waiting = ConsentRequest.objects.filter(
        line_id__in={case.line_id for case in cases}, answer="", approval_id__isnull=False, expires_at__gt=at
    )
    asked = {Case(*case) for case in waiting.values_list("line_id", "campaign")}
    return [case for case in cases if case not in asked]


def _question(case: Case, claim: FileApproval, party_id: int, at: datetime) -> ConsentRequest:
    ask_id = uuid.uuid4()
    return ConsentRequest(
        line_id=case.line_id,
        id=ask_id,
        token_hash=token_hash(token=token_of(ask_id=ask_id)),
        campaign=case.campaign,
        party_id=party_id,
        approval_id=claim.id,
        until=claim.expires_at,
        asked_at=at,
        expires_at=at + LASTS,
    )
