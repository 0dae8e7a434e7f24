"""The periods of numbers, between a lines file, the timeline of a chunk, and the table that keeps them."""

from collections.abc import Iterable

from accounts.models import Line, LineNumber
from accounts.primitives.sealing import number_hash, seal
from consent.feeds.pending_rejudgement import LineRecord
from consent.feeds.timeline import Period


def period_in(*, record: LineRecord) -> Period:
    """The period that a row says a line has its number."""
    return Period(
        line=record.carrier_id,
        number=number_hash(record.msisdn),
        msisdn=record.msisdn,
        starts_at=record.has_number_since,
        ends_at=record.deactivated_at,
    )


def periods_of(*, lines: Iterable[Line], numbers: Iterable[bytes]) -> list[Period]:
    """The periods of these lines, and of whoever had these numbers."""
    known = LineNumber.objects.filter(line__in=list(lines)) | LineNumber.objects.filter(msisdn_hash__in=list(numbers))
    return [
        Period(carrier_id, bytes(number), "", starts_at, ends_at, pk)
        for carrier_id, number, starts_at, ends_at, pk in known.distinct().values_list(
            "line__carrier_id", "msisdn_hash", "starts_at", "ends_at", "pk"
        )
    ]


def build_line_number(*, line: Line, period: Period) -> LineNumber:
    """A period as it is stored; not saved."""
    return LineNumber(
        line=line,
        msisdn_hash=period.number,
        msisdn_sealed=seal(period.msisdn),
        starts_at=period.starts_at,
        ends_at=period.ends_at,
    )
