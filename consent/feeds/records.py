"""What approvals and choices have in common: known rows, rows to hold, rows of one line taken in together."""

import uuid
from abc import ABC, abstractmethod
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import batched
from typing import Any, Protocol

import msgspec
from django.db import connection, transaction
from django.db.models import Q

from accounts.sealing import number_hash, seal, unseal
from consent.actions.choices import again_if_a_release_came_between
from consent.feeds.attribution import Holders
from consent.models import HeldRow
from partners.feeds.checking import Fate, Refused, accepted, content_hash, read, rejected, repeated
from partners.feeds.reading import Numbered, Record

HELD_BATCH = 1000
# Their gate rows are locked while they are written: a person's own stop must not wait for long.
LINES_AT_ONCE = 100
# Whoever writes rows of these feeds does so alone: whether an id is new is decided on what others have written before.
ONE_AT_A_TIME = "SELECT pg_advisory_xact_lock(hashtext('consent.feeds'))"
CANDIDATES = """
SELECT held.source_hash, held.row_sealed FROM consent_heldrow held
WHERE held.feed = %s AND held.source_hash > %s
    AND EXISTS (SELECT FROM accounts_linenumber n WHERE n.msisdn_hash = held.msisdn_hash)
    AND (held.campaign = '' OR EXISTS (SELECT FROM partners_campaign c WHERE c.ref = held.campaign))
ORDER BY held.source_hash LIMIT %s
"""


class Checked(Protocol):
    """A row that was read and is well formed."""

    @property
    def source_id(self) -> str: ...
    @property
    def id(self) -> uuid.UUID: ...
    @property
    def content_hash(self) -> bytes: ...


@dataclass(frozen=True)
class Entry[R: Checked]:
    """A checked row with where it came from: its line in the file, the number it names, and its moment."""

    line: int
    msisdn: str
    at: datetime
    campaign: str
    told: msgspec.Struct
    row: R


def take_turn() -> None:
    """Before it is looked up which ids are known: alone until this transaction ends."""
    with connection.cursor() as cursor:
        cursor.execute(ONE_AT_A_TIME)


class RecordsFeed[T: msgspec.Struct, R: Checked](ABC):
    """The common way of a feed whose rows name a number: check, tell repeats, attribute, take in or hold.

    `pierced`: how many stops taken over from files a newer yes from a file outweighs now.
    """

    name: str
    header = "msisdn"
    chunk = 1000
    lines_at_once = LINES_AT_ONCE
    held_as: HeldRow.Feed
    decoder: msgspec.json.Decoder[T]
    kind: type[T]

    def __init__(self) -> None:
        self.pierced = 0

    @abstractmethod
    def checked(self, told: T, line: int, at: datetime) -> Entry[R]:
        """The entry in a line, as known at `at`. Raises Refused."""

    @abstractmethod
    def known(self, ids: Sequence[uuid.UUID]) -> dict[uuid.UUID, bytes]:
        """Of these ids those taken in already, each with the hash of its content."""

    @abstractmethod
    def unknown_campaigns(self, entries: Sequence[Entry[R]]) -> set[str]:
        """The campaigns that entries need and that are not there yet."""

    @abstractmethod
    def take_in(self, by_line: Mapping[int, Sequence[Entry[R]]]) -> int:
        """Write the entries of some lines, in this transaction. Returns how many stops taken over they outweigh."""

    def take(self, *, lines: Sequence[Numbered | Record], at: datetime) -> list[Fate]:
        fates: list[Fate] = []
        entries: list[Entry[R]] = []
        for line in lines:
            try:
                entries.append(self.checked(read(line, self.decoder, self.kind), line.number, at))
            except Refused as refused:
                fates.append(rejected(line.number, refused.field, refused.reason))
        fates += self.settle(entries, at)
        return sorted(fates, key=lambda fate: int(fate.line))

    def settle(self, entries: Sequence[Entry[R]], at: datetime) -> list[Fate]:
        """Take in, repeat, hold or refuse each entry."""
        holders = Holders(msisdns=[entry.msisdn for entry in entries])
        known = self.known([entry.row.id for entry in entries])
        missing = self.unknown_campaigns(entries)
        by_line: dict[int, list[Entry[R]]] = defaultdict(list)
        held: list[Entry[R]] = []
        again: list[Entry[R]] = []
        fates: list[Fate] = []
        for entry in entries:
            line_id = holders.line_at(entry.msisdn, entry.at)
            if entry.row.id in known:
                again.append(entry)
            elif line_id is None or entry.campaign in missing:
                held.append(entry)
                what = ("msisdn", "line_unknown") if line_id is None else ("campaign", "campaign_unknown")
                fates.append(rejected(entry.line, *what))
            else:
                known[entry.row.id] = entry.row.content_hash
                by_line[line_id].append(entry)
        for line_ids in batched(sorted(by_line), self.lines_at_once, strict=False):
            new, old, pierced = self._take_in({line_id: by_line[line_id] for line_id in line_ids})
            fates += [accepted(entry.line) for entry in new]
            known.update(old)
            again += [entry for line_id in line_ids for entry in by_line[line_id] if entry.row.id in old]
            self.pierced += pierced
        self._hold(held, at)
        return fates + [_of_known(entry, known) for entry in again]

    @again_if_a_release_came_between
    @transaction.atomic
    def _take_in(self, by_line: Mapping[int, Sequence[Entry[R]]]) -> tuple[list[Entry[R]], dict[uuid.UUID, bytes], int]:
        """Write those entries of some lines that nobody has written meanwhile.

        Returns them, the ids of the others with the hash of their content, and how many stops were outweighed.
        """
        take_turn()
        there = self.known([entry.row.id for of_line in by_line.values() for entry in of_line])
        new = {
            line_id: fresh
            for line_id, of_line in by_line.items()
            if (fresh := [entry for entry in of_line if entry.row.id not in there])
        }
        pierced = self.take_in(new) if new else 0
        return [entry for of_line in new.values() for entry in of_line], there, pierced

    def replay(self, *, at: datetime) -> int:
        """Take in what was held for lines and campaigns that are known now. Returns how many rows it was."""
        taken, last = 0, b""
        while True:
            with connection.cursor() as cursor:
                cursor.execute(CANDIDATES, [self.held_as, last, HELD_BATCH])
                found = [(bytes(source), unseal(bytes(sealed))) for source, sealed in cursor.fetchall()]
            if not found:
                return taken
            last = found[-1][0]
            entries = [self.checked(self.decoder.decode(row), n, at) for n, (_, row) in enumerate(found)]
            fates = {fate.line: fate for fate in self.settle(entries, at)}
            waiting = {"line_unknown", "campaign_unknown"}
            settled = [source for n, (source, _) in enumerate(found) if fates[n].reason not in waiting]
            HeldRow.objects.filter(Q(feed=self.held_as, source_hash__in=settled)).delete()
            taken += sum(fate.status == "accepted" for fate in fates.values())

    def _hold(self, entries: Sequence[Entry[R]], at: datetime) -> None:
        HeldRow.objects.bulk_create(
            [
                HeldRow(
                    feed=self.held_as,
                    source_hash=content_hash(self.held_as, entry.row.source_id),
                    msisdn_hash=number_hash(entry.msisdn),
                    campaign=entry.campaign,
                    row_sealed=seal(msgspec.json.encode(entry.told).decode()),
                    held_at=at,
                    choice_id=entry.row.id if self.held_as == HeldRow.Feed.CHOICES else None,
                )
                for entry in entries
            ],
            ignore_conflicts=True,
        )


def _of_known(entry: Entry[Any], known: Mapping[uuid.UUID, bytes]) -> Fate:
    same = known[entry.row.id] == entry.row.content_hash
    return repeated(entry.line) if same else rejected(entry.line, "id", "id_conflict")
