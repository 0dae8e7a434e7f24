"""Rows of a feed that were read: where each came from, whose number it names, and what became of it."""

import uuid
from collections import defaultdict
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

import msgspec
from django.db import connection

from accounts.primitives.sealing import number_hash

# For a thousand numbers at once, Django would take longer to make the statement than PostgreSQL to follow it.
PERIODS = "SELECT msisdn_hash, starts_at, ends_at, line_id FROM accounts_linenumber WHERE msisdn_hash = ANY (%s)"


class Holders:
    """Who held some numbers, and when."""

    def __init__(self, *, msisdns: Collection[str]) -> None:
        self._hashes = {msisdn: number_hash(msisdn) for msisdn in set(msisdns)}
        self._periods: dict[bytes, list[tuple[datetime, datetime | None, int]]] = defaultdict(list)
        with connection.cursor() as cursor:
            cursor.execute(PERIODS, [list(self._hashes.values())])
            for hashed, starts_at, ends_at, line_id in cursor.fetchall():
                self._periods[bytes(hashed)].append((starts_at, ends_at, line_id))

    def line_at(self, msisdn: str, at: datetime) -> int | None:
        """Return the line whose number this was at a moment."""
        for starts_at, ends_at, line_id in self._periods[self._hashes[msisdn]]:
            if starts_at <= at and (ends_at is None or at < ends_at):
                return line_id
        return None


class FeedRow(Protocol):
    """A row that was read and is well formed."""

    @property
    def source_id(self) -> str: ...
    @property
    def id(self) -> uuid.UUID: ...
    @property
    def content_hash(self) -> bytes: ...


@dataclass(frozen=True)
class Entry[R: FeedRow]:
    """A checked row with where it came from: its line in the file, the number it names, and its moment."""

    line: int
    msisdn: str
    at: datetime
    campaign: str
    told: msgspec.Struct
    row: R


@dataclass(frozen=True)
class WriteResult[R: FeedRow]:
    """What became of entries that were to be written.

    `there`: ids that were known by then, with the hash of their content. `moved`: yeses of another line's number.
    `pierced`: how many stops they outweigh.
    """

    new: Sequence[Entry[R]]
    there: Mapping[uuid.UUID, bytes]
    moved: Sequence[Entry[R]]
    pierced: int


@dataclass
class SortedEntries[R: FeedRow]:
    """What is to become of entries: known ones come again, some are a line's, the others of no line that we know.

    `known`: all ids that were taken in by now, with the hash of their content.
    """

    known: dict[uuid.UUID, bytes]
    by_line: dict[int, list[Entry[R]]] = field(default_factory=lambda: defaultdict(list))
    homeless: list[Entry[R]] = field(default_factory=list)
    again: list[Entry[R]] = field(default_factory=list)


def flatten[R: FeedRow](by_line: Mapping[int, Sequence[Entry[R]]]) -> list[Entry[R]]:
    return [entry for of_line in by_line.values() for entry in of_line]


def leave_out[R: FeedRow](
    by_line: Mapping[int, Sequence[Entry[R]]], leaves_out: Callable[[Entry[R]], bool]
) -> dict[int, list[Entry[R]]]:
    """Return the entries that stay, of the lines that have any."""
    stay = {line_id: [entry for entry in of_line if not leaves_out(entry)] for line_id, of_line in by_line.items()}
    return {line_id: of_line for line_id, of_line in stay.items() if of_line}


def group_by_line[R: FeedRow](entries: Collection[Entry[R]]) -> dict[int, list[Entry[R]]]:
    """Entries by the line that had their number then, without those that name nobody's."""
    holders = Holders(msisdns=[entry.msisdn for entry in entries])
    found: dict[int, list[Entry[R]]] = defaultdict(list)
    for entry in entries:
        line_id = holders.line_at(entry.msisdn, entry.at)
        if line_id is not None:
            found[line_id].append(entry)
    return found
