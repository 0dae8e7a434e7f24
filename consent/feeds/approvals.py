"""The approvals feed: who agreed to which campaign, when, how, and who says so.

Rows held until their line or campaign was known are taken in from here as well, those of both feeds.
"""

import uuid
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Literal

import msgspec

from consent.actions.records import FileApproval, record_file_approvals
from consent.feeds.choices import ChoicesFeed
from consent.feeds.entries import Entry
from consent.feeds.records import RecordsFeed
from consent.models import Approval, HeldRow
from consent.queries.approvals import STANDS, count_overridden_stops
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
