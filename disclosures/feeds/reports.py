"""What is reported by API: one request's lines, as the file of the same fields is taken in."""

from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import datetime
from itertools import chain, islice
from typing import Any

import audit.actions
from consent.feeds.lines import LinesFeed
from disclosures import actions
from disclosures.feeds.releases import DisclosuresFeed
from partners.feeds.checking import STATUSES, Fate, NothingReadable, refuse_if_nothing_readable, summary_of
from partners.feeds.reading import NumberedLine, Readable, Record, csv_records, numbered_lines

MOST_REPORTED = 10_000
MOST_BYTES = 32_000_000


class TooManyLines(Exception):
    """A request holds more lines, or more bytes, than are taken at once. None was taken."""


def receive_report(*, stream: Readable, client_id: str, at: datetime) -> dict[str, Any]:
    """Take in what the gateway reports: the counts, and what became of each line.

    Raises TooManyLines, NothingReadable.
    """
    feed = DisclosuresFeed(gateway=client_id)
    fates = feed.take(lines=_within_limits(_lines(stream)), at=at)
    told = _record_summary(fates, client_id=client_id, action="disclosures.reported", at=at)
    judged = Counter(fate.note for fate in fates if fate.note)
    completed = sum(bool(fate.filled) for fate in fates)
    return {**told, "judged": dict(sorted(judged.items())), "paths_completed": completed, "results": _results(fates)}


def receive_lines(*, stream: Readable, client_id: str, is_csv: bool, at: datetime) -> dict[str, Any]:
    """Take in what the carrier's systems report of lines, NDJSON or CSV, as the file of the same fields is taken in.

    The counts, and what became of each line. Raises TooManyLines, NothingReadable.
    """
    feed = LinesFeed(actor=f"client:{client_id}")
    lines = _lines(stream)
    fates = feed.take(lines=_within_limits(_records(lines, feed.header) if is_csv else lines), at=at)
    fates += feed.finish(at=at)
    actions.catch_up(cause=feed.name, at=at, actor=f"client:{client_id}")
    ordered = sorted(fates, key=lambda fate: int(fate.line))
    return {
        **_record_summary(ordered, client_id=client_id, action="lines.reported", at=at),
        "results": _results(ordered),
    }


def _lines(stream: Readable) -> Iterator[NumberedLine]:
    read = Counter[str]()

    def count_bytes(size: int) -> None:
        read["bytes"] += size
        if read["bytes"] > MOST_BYTES:
            raise TooManyLines

    return numbered_lines(stream, seen=count_bytes)


def _records(lines: Iterator[NumberedLine], header: str) -> Iterator[Record]:
    """CSV records by their header, which must name this column. Raises NothingReadable."""
    first = next(lines, None)
    if first is None or header.encode() not in first.content.lower():
        raise NothingReadable(f"The first line must be a header that names {header}.")
    return csv_records(chain([first], lines))


def _within_limits(lines: Iterator[NumberedLine] | Iterator[Record]) -> list[NumberedLine | Record]:
    found = list[NumberedLine | Record](islice(lines, MOST_REPORTED + 1))
    if len(found) > MOST_REPORTED:
        raise TooManyLines
    return found


def _record_summary(fates: Sequence[Fate], *, client_id: str, action: str, at: datetime) -> dict[str, Any]:
    """Record the counts and return the head of the answer. Raises NothingReadable, and then records nothing."""
    refuse_if_nothing_readable(fates)
    summary = summary_of(fates)
    target = f"feed:{action.partition('.')[0]}"
    counts = {status: summary[status] for status in STATUSES}
    audit.actions.record(action=action, actor=f"client:{client_id}", target=target, at=at, detail=counts)
    return summary


def _results(fates: Sequence[Fate]) -> list[dict[str, object]]:
    return [_result(fate) for fate in fates]


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
