"""The choices feed: stops, pauses and allows taken over from an earlier system."""

import uuid
from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Literal

import msgspec
from django.db import connection

from consent.actions.records import FileChoice, record_file_choices
from consent.feeds.entries import Entry
from consent.feeds.overrides import list_overridden_stops
from consent.feeds.records import RecordsFeed
from consent.feeds.successors import carry_on_each
from consent.models import Choice, HeldRow
from consent.queries.invalidated_approvals import stands
from partners.feeds.checking import (
    Fate,
    FreeText,
    Instant,
    InstantOrEmpty,
    Msisdn,
    RowRefused,
    Text,
    content_hash,
    instant,
    instant_or_none,
)
from partners.labels import UNKNOWN

IDS = uuid.UUID("9d3f1f3e-7c0d-4a66-8f55-1f6f2f9b7c02")
ACTOR = "import:choices"
LONGEST_CHANNEL = 40
KNOWN = """
SELECT c.id, c.content_hash FROM consent_choice c WHERE c.id = ANY (%s) AND <stands>
""".replace("<stands>", stands(line="c.line_id", yes="c.id"))


class ReportedChoice(msgspec.Struct, frozen=True):
    """One line of a choices file as it stands there."""

    id: Text
    msisdn: Msisdn
    made_at: Instant
    kind: Literal["stop", "allow", "pause"]
    scope: Literal["all", "party", "purpose", "campaign"]
    channel: Text
    ref: FreeText | None = None
    until: InstantOrEmpty | None = None
    program: FreeText | None = None


class ChoicesFeed(RecordsFeed[ReportedChoice, FileChoice]):
    """Takes choices in. A stop never has an end, whatever the file says, and its programme never limits it."""

    name = "choices"
    held_as = HeldRow.Feed.CHOICES
    decoder = msgspec.json.Decoder(ReportedChoice)
    kind = ReportedChoice
    # A part of a second, whatever partners have to be told: so long a person's own stop may have to wait.
    lines_at_once = 250

    def build_entry(self, told: ReportedChoice, line: int, at: datetime) -> Entry[FileChoice]:
        made_at = instant("made_at", told.made_at)
        until = instant_or_none("until", told.until)
        _refuse_contradictions(told, made_at, until, at)
        row = FileChoice(
            id=uuid.uuid5(IDS, told.id),
            source_id=told.id,
            kind=Choice.Kind(told.kind),
            scope=told.scope,
            ref="" if told.scope == "all" else told.ref or "",
            made_at=made_at,
            until=None if told.kind == "stop" else until,
            channel=told.channel,
            program=told.program or "",
            content_hash=content_hash(
                told.msisdn, made_at, told.kind, told.scope, told.ref, until, told.channel, told.program
            ),
        )
        return Entry(line, told.msisdn, made_at, "", told, row)

    def entry_of(self, *, row: Choice, msisdn: str, at: datetime) -> Entry[FileChoice] | None:
        """The entry that a yes of the ledger came as, if it came by this number."""
        told = ReportedChoice(
            id=row.source_id,
            msisdn=msisdn,
            made_at=row.made_at.isoformat(),
            kind="allow",
            scope="campaign",
            channel=row.channel,
            ref=row.ref,
            until=row.until.isoformat() if row.until else None,
            program=row.program or None,
        )
        entry = self.build_entry(told, 0, at)
        return entry if entry.row.content_hash == bytes(row.content_hash or b"") else None

    def find_known_hashes(self, ids: Sequence[uuid.UUID]) -> dict[uuid.UUID, bytes]:
        with connection.cursor() as cursor:
            cursor.execute(KNOWN, [list(ids)])
            return {one: bytes(was or b"") for one, was in cursor.fetchall()}

    def unknown_campaigns(self, entries: Sequence[Entry[FileChoice]]) -> set[str]:
        """None is needed: a choice that names what is not known yet applies when it appears."""
        del entries
        return set()

    def _allows_and_denials(
        self, by_line: Mapping[int, Sequence[Entry[FileChoice]]]
    ) -> tuple[Mapping[int, list[FileChoice]], Mapping[int, list[FileChoice]]]:
        allows: dict[int, list[FileChoice]] = defaultdict(list)
        denials: dict[int, list[FileChoice]] = defaultdict(list)
        for line_id, entries in by_line.items():
            for entry in entries:
                (allows if self.allows(entry) else denials)[line_id].append(entry.row)
        return allows, denials

    def take_in(self, by_line: Mapping[int, Sequence[Entry[FileChoice]]]) -> int:
        # Allows first: a partner that one of them names is affected by the stops beside it.
        for together in filter(None, self._allows_and_denials(by_line)):
            record_file_choices(by_line=together, actor=ACTOR)
        new = {line_id: [entry.row.id for entry in entries] for line_id, entries in by_line.items()}
        carry_on_each(ids=new)
        return list_overridden_stops(line_ids=list(new), new=[one for ids in new.values() for one in ids])

    def allows(self, entry: Entry[FileChoice]) -> bool:
        return entry.row.kind == Choice.Kind.ALLOW

    def stops(self) -> "ChoicesFeed":
        return ChoicesFeed()

    def finish(self, *, at: datetime) -> list[Fate]:
        del at
        return []

    def extra(self) -> dict[str, int]:
        return {"file_stops_pierced": self.pierced}


def _refuse_contradictions(told: ReportedChoice, made_at: datetime, until: datetime | None, at: datetime) -> None:
    if made_at > at:
        raise RowRefused("made_at", "in_future")
    _refuse_other_scope(told)
    if told.kind == "pause" and until is None:
        raise RowRefused("until", "missing")
    if told.kind != "stop" and until is not None and until <= made_at:
        raise RowRefused("until", "before_made_at")
    if len(told.channel) > LONGEST_CHANNEL:
        raise RowRefused("channel", "too_long")


def _refuse_other_scope(told: ReportedChoice) -> None:
    if told.scope != "all" and not told.ref:
        raise RowRefused("ref", "missing")
    if told.scope == "party" and told.ref == UNKNOWN:
        raise RowRefused("ref", "names_no_party")
    if told.kind == "allow" and told.scope != "campaign":
        raise RowRefused("scope", "allow_names_one_campaign")
