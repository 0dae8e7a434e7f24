"""Read the approvals feed: who agreed to which campaign, when, how, and who says so.

Rows held until their line or campaign was known are taken in from here as well, those of both feeds.

A yes that came by a number when it was no longer its line's is another's: it is invalidated here, and taken in for
them. By which number a row of a file came stands nowhere; the keyed hash of its content, the number included, tells.
"""

import uuid
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Literal

import msgspec
from django.db import connection, transaction

import audit.actions
from accounts.models import Line, LineNumber
from accounts.primitives.sealing import unseal
from consent.actions.records import FileApproval, FileChoice, record_file_approvals
from consent.domain.snapshots import lock_lines
from consent.feeds.choices import ChoicesFeed
from consent.feeds.records import Entry, RecordsFeed
from consent.models import Approval, Choice, HeldRow, InvalidatedApproval, Origin, RejudgeRequest
from consent.queries.approvals import STANDS, count_overridden_stops
from consent.workers.expiry import enqueue_current_state
from partners.feeds.checking import (
    FreeText,
    Instant,
    InstantOrEmpty,
    Msisdn,
    Ref,
    RowRefused,
    Text,
    content_hash,
    instant,
    instant_or_none,
)
from partners.models import Campaign

IDS = uuid.UUID("2f5d5f0c-0b2e-4f0a-9a3f-5d7b3c9e8a01")
ACTOR = "import:approvals"
LONGEST_LANGUAGE = 40
Method = Literal["sms", "ivr", "web", "app", "paper"]
Verifier = Literal["carrier", "partner"]


class ReportedApproval(msgspec.Struct, frozen=True):
    """One line of an approvals file as it stands there."""

    id: Text
    msisdn: Msisdn
    campaign: Ref
    method: Method
    captured_at: Instant
    captured_by: Text
    wording: FreeText
    language: FreeText
    evidence_ref: FreeText
    verified_by: Verifier
    expires_at: InstantOrEmpty | None = None


class ApprovalsFeed(RecordsFeed[ReportedApproval, FileApproval]):
    """Takes approvals in."""

    name = "approvals"
    held_as = HeldRow.Feed.APPROVALS
    decoder = msgspec.json.Decoder(ReportedApproval)
    kind = ReportedApproval

    def build_entry(self, told: ReportedApproval, line: int, at: datetime) -> Entry[FileApproval]:
        captured_at = instant("captured_at", told.captured_at)
        expires_at = instant_or_none("expires_at", told.expires_at)
        if captured_at > at:
            raise RowRefused("captured_at", "in_future")
        if len(told.language) > LONGEST_LANGUAGE:
            raise RowRefused("language", "too_long")
        row = FileApproval(
            id=uuid.uuid5(IDS, told.id),
            source_id=told.id,
            campaign=told.campaign,
            method=told.method,
            captured_at=captured_at,
            captured_by=told.captured_by,
            wording=told.wording,
            language=told.language,
            evidence_ref=told.evidence_ref,
            expires_at=expires_at,
            verified_by=told.verified_by,
            content_hash=content_hash(
                told.msisdn, told.campaign, told.method, captured_at, told.captured_by, told.wording, told.language,
                told.evidence_ref, expires_at, told.verified_by,
            ),
        )  # fmt: skip
        return Entry(line, told.msisdn, captured_at, told.campaign, told, row)

    def entry_of(self, *, row: Approval, msisdn: str, at: datetime) -> Entry[FileApproval] | None:
        """Return the entry that an approval of the ledger came as, if it came by this number."""
        told = ReportedApproval(
            id=row.source_id,
            msisdn=msisdn,
            campaign=row.campaign,
            method=msgspec.convert(row.method, Method),
            captured_at=row.captured_at.isoformat(),
            captured_by=row.captured_by,
            wording=row.wording,
            language=row.language,
            evidence_ref=row.evidence_ref,
            verified_by=msgspec.convert(row.verified_by, Verifier),
            expires_at=row.expires_at.isoformat() if row.expires_at else None,
        )
        entry = self.build_entry(told, 0, at)
        return entry if entry.row.content_hash == bytes(row.content_hash) else None

    def find_stored_hashes(self, ids: Sequence[uuid.UUID]) -> dict[uuid.UUID, bytes]:
        found = Approval.objects.filter(STANDS, id__in=ids).values_list("id", "content_hash")
        return {one: bytes(was) for one, was in found}

    def unknown_campaigns(self, entries: Sequence[Entry[FileApproval]]) -> set[str]:
        named = {entry.campaign for entry in entries}
        return named - set(Campaign.objects.filter(ref__in=named).values_list("ref", flat=True))

    def take_in(self, by_line: Mapping[int, Sequence[Entry[FileApproval]]]) -> int:
        rows = {line_id: [entry.row for entry in entries] for line_id, entries in by_line.items()}
        record_file_approvals(by_line=rows, actor=ACTOR)
        verified = [row.id for approvals in rows.values() for row in approvals if row.verified_by == "carrier"]
        return count_overridden_stops(line_ids=list(rows), new=verified) if verified else 0

    def allows(self, entry: Entry[FileApproval]) -> bool:
        """Return True.

        A claim allows nothing, but its partner comes to be concerned by the stops that were there before it.
        """
        del entry
        return True

    def stops(self) -> ChoicesFeed:
        return ChoicesFeed()


def apply_pending_rows(*, at: datetime) -> int:
    """Take in what was held for what is known now, choices first: nothing is allowed that was stopped as well.

    Returns how many stops from files newer approvals outweigh. Safe to repeat, and to be cut off anywhere. Call outside
    a transaction.
    """
    pierced = 0
    for feed in (ChoicesFeed(), ApprovalsFeed()):
        feed.replay(at=at)
        pierced += feed.pierced
    return pierced


# Most lines have said yes to nothing since.
ALLOWED_SINCE = """
SELECT told.line_id FROM unnest(%s::bigint[], %s::timestamptz[]) AS told (line_id, since)
WHERE EXISTS (
        SELECT FROM consent_approval yes WHERE yes.line_id = told.line_id AND yes.captured_at >= told.since)
    OR EXISTS (
        SELECT FROM consent_choice yes
        WHERE yes.line_id = told.line_id AND yes.made_at >= told.since AND yes.kind = 'allow' AND yes.origin = 'file')
ORDER BY told.line_id
"""


@transaction.atomic
def invalidate_approvals(*, shortened: Mapping[int, tuple[Line, datetime]], at: datetime, actor: str) -> None:
    """Set aside what lines said yes to by numbers that, as became known, were not their own from a moment on.

    In the transaction in which that is written down: there is no moment at which the gate allows by it. What came so
    is held, as if its line were not known yet, for whoever had the number. Stops that came so stay, and deny.
    `shortened`: by line id, the line and that moment.
    """
    now = lock_lines(line_ids=list(shortened))
    with connection.cursor() as cursor:
        cursor.execute(ALLOWED_SINCE, [list(shortened), [since for _, since in shortened.values()]])
        allowed = [line_id for (line_id,) in cursor.fetchall()]
    for line_id in allowed:
        line, since = shortened[line_id]
        _invalidate(line, since, now[line_id], at, actor)


def _invalidate(line: Line, since: datetime, now: datetime, at: datetime, actor: str) -> None:
    approvals, choices, numbers = ApprovalsFeed(), ChoicesFeed(), _Numbers(line)
    approvals_held = _approvals_since(approvals, line, numbers, since, now)
    choices_held = _allows_since(choices, line, numbers, since, now)
    named = {one.row.id: (one.row.campaign, one.at) for one in approvals_held}
    named |= {one.row.id: (one.row.ref, one.at) for one in choices_held}
    if not named:
        return
    approvals.keep(entries=approvals_held, at=at)
    choices.keep(entries=choices_held, at=at)
    InvalidatedApproval.objects.bulk_create(
        InvalidatedApproval(line_id=line.pk, yes_id=yes_id, campaign=campaign, recorded_at=now)
        for yes_id, (campaign, _) in named.items()
    )
    enqueue_current_state(line_id=line.pk)
    RejudgeRequest.objects.create(line_id=line.pk, since=min(moment for _, moment in named.values()))
    audit.actions.record(
        action="consent.set_aside",
        actor=actor,
        target=f"line:{line.pk}",
        at=now,
        line_id=line.pk,
        detail={"count": len(named)},
    )


def _approvals_since(
    feed: ApprovalsFeed, line: Line, numbers: "_Numbers", since: datetime, now: datetime
) -> list[Entry[FileApproval]]:
    agreed = Approval.objects.filter(STANDS, line_id=line.pk, captured_at__gte=since)
    return [
        entry
        for row in agreed
        for msisdn in numbers.not_at(row.captured_at)
        if (entry := feed.entry_of(row=row, msisdn=msisdn, at=now)) is not None
    ]


def _allows_since(
    feed: ChoicesFeed, line: Line, numbers: "_Numbers", since: datetime, now: datetime
) -> list[Entry[FileChoice]]:
    allowed = Choice.objects.filter(
        STANDS, line_id=line.pk, made_at__gte=since, kind=Choice.Kind.ALLOW, origin=Origin.FILE
    )
    return [
        entry
        for row in allowed
        for msisdn in numbers.not_at(row.made_at)
        if (entry := feed.entry_of(row=row, msisdn=msisdn, at=now)) is not None
    ]


class _Numbers:
    """The numbers that a line has had, and when."""

    def __init__(self, line: Line) -> None:
        self._periods = list(LineNumber.objects.filter(line=line).order_by("starts_at"))

    def not_at(self, moment: datetime) -> list[str]:
        """List those that were not its own at this moment."""
        own = {
            bytes(one.msisdn_hash)
            for one in self._periods
            if one.starts_at <= moment and (one.ends_at is None or moment < one.ends_at)
        }
        others = {bytes(one.msisdn_hash): bytes(one.msisdn_sealed) for one in self._periods}
        return [unseal(sealed) for hashed, sealed in others.items() if hashed not in own]
