"""The periods of numbers, between a lines file, the timeline of a chunk, and the table that keeps them."""

from collections.abc import Iterable
from datetime import datetime

from accounts.models import Line, LineNumber
from accounts.primitives.sealing import number_hash, seal
from consent.feeds.pending_rejudgement import LineRecord
from consent.feeds.timeline import Period, Timeline


def period_in(*, record: LineRecord) -> Period:
    """The period that a row says a line has its number."""
    return Period(
        line=record.carrier_id,
        number=number_hash(record.msisdn),
        msisdn=record.msisdn,
        starts_at=record.has_number_since,
        ends_at=record.deactivated_at,
    )


def speaks_of(*, record: LineRecord, newest: Period) -> datetime:
    """Since when the row says that the line has its number; where it does not, the newest is meant, if it fits."""
    fits = newest.number == number_hash(record.msisdn)
    over_by_then = record.is_over_by(newest.starts_at)
    return record.has_number_since if record.number_changed_at or not fits or over_by_then else newest.starts_at


def lacks_start(*, record: LineRecord, timeline: Timeline) -> bool:
    """Rows may come in any order: as long as the line's first time is missing, this is the row of it."""
    return record.number_changed_at is None and timeline.by_line[record.carrier_id][0].starts_at > record.activated_at


def periods_of(*, lines: Iterable[Line], numbers: Iterable[bytes]) -> list[Period]:
    """The periods of these lines, and of whoever had these numbers."""
    known = LineNumber.objects.filter(line__in=list(lines)) | LineNumber.objects.filter(msisdn_hash__in=list(numbers))
    return [
        Period(carrier_id, bytes(number), "", starts_at, ends_at, pk)
        for carrier_id, number, starts_at, ends_at, pk in known.distinct().values_list(
            "line__carrier_id", "msisdn_hash", "starts_at", "ends_at", "pk"
        )
    ]


def store_periods(*, timeline: Timeline, lines: Iterable[Line]) -> None:
    """Write what changed of these lines' periods."""
    fresh: list[tuple[Period, LineNumber]] = []
    for line in lines:
        for period in timeline.by_line[line.carrier_id]:
            if period.pk is None:
                fresh.append((period, _build_line_number(line, period)))
            elif period.changed:
                LineNumber.objects.filter(pk=period.pk).update(ends_at=period.ends_at)
            period.changed = False
    LineNumber.objects.bulk_create([row for _, row in fresh])
    for period, row in fresh:
        period.pk = row.pk


def _build_line_number(line: Line, period: Period) -> LineNumber:
    return LineNumber(
        line=line,
        msisdn_hash=period.number,
        msisdn_sealed=seal(period.msisdn),
        starts_at=period.starts_at,
        ends_at=period.ends_at,
    )
