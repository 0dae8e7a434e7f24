"""What is reported by API: one request's lines, as the file of the same fields is taken in."""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from itertools import islice
from typing import Any

import audit.actions
from consent.feeds import LinesFeed
from disclosures import actions
from disclosures.feeds.releases import DisclosuresFeed
from partners.feeds.checking import Fate
from partners.feeds.command import Feed
from partners.feeds.reading import Numbered, Readable, Record, numbered_lines, shaped

MOST_REPORTED = 10_000
MOST_BYTES = 32_000_000


class TooManyLines(Exception):
    """A request holds more lines, or more bytes, than are taken at once. None was taken."""


def take_report(*, stream: Readable, client_id: str, at: datetime) -> dict[str, Any]:
    """Take in what the gateway reports: the counts, and what became of each line. Raises TooManyLines."""
    feed = DisclosuresFeed(gateway=client_id)
    fates = feed.take(lines=_lines_in(stream, feed), at=at)
    told = _told(fates, client_id=client_id, action="disclosures.reported", at=at)
    return {**told, "paths_completed": sum(bool(fate.filled) for fate in fates)}


def take_lines(*, stream: Readable, client_id: str, at: datetime) -> dict[str, Any]:
    """Take in what the carrier's systems report of lines, NDJSON or CSV, as the file of the same fields is taken in.

    The counts, and what became of each line. Raises TooManyLines.
    """
    feed = LinesFeed()
    fates = feed.take(lines=_lines_in(stream, feed), at=at)
    fates += feed.finish(at=at)
    actions.catch_up(cause=feed.name, at=at)
    ordered = sorted(fates, key=lambda fate: int(fate.line))
    return _told(ordered, client_id=client_id, action="lines.reported", at=at)


def _lines_in(stream: Readable, feed: Feed) -> list[Numbered | Record]:
    read = Counter[str]()

    def seen(size: int) -> None:
        read["bytes"] += size
        if read["bytes"] > MOST_BYTES:
            raise TooManyLines

    lines = list(islice(shaped(numbered_lines(stream, seen=seen), header=feed.header), MOST_REPORTED + 1))
    if len(lines) > MOST_REPORTED:
        raise TooManyLines
    return lines


def _told(fates: Sequence[Fate], *, client_id: str, action: str, at: datetime) -> dict[str, Any]:
    counted = Counter(fate.status for fate in fates)
    counts = {status: counted[status] for status in ("accepted", "repeated", "rejected")}
    target = f"feed:{action.partition('.')[0]}"
    audit.actions.record(action=action, actor=f"client:{client_id}", target=target, at=at, detail=counts)
    judged = Counter(fate.note for fate in fates if fate.note)
    return {**counts, "judged": dict(sorted(judged.items())), "results": [_result(fate) for fate in fates]}


def _result(fate: Fate) -> dict[str, object]:
    told = {
        "line": fate.line,
        "status": fate.status,
        "judgement": fate.note,
        "path_completed": fate.filled,
        "field": fate.field,
        "reason": fate.reason,
    }
    return {name: value for name, value in told.items() if value not in ("", ())}
