"""CSV for the annual certificate, a few rows at a time: any size, the same memory. No line, name or number in any."""

import csv
import io
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import batched, islice
from typing import Any

from django.db import connection
from django.db.models import Model, QuerySet

from accounts.primitives import numbers
from disclosures.queries.downloads import plain_cell
from partners.models import Contract, Party
from revocations.models import Breach
from support.queries import chains, names
from support.queries.names import NOBODYS

PART, MOST_IN_FILE = 500, 10_000

# Our own trial tells a company that is none. Orders for test lines are orders that a partner was sent like any.
ORDERS = """
SELECT party.uri, party.name, count(*), count(told.acknowledged_at), count(told.completed_at),
    percentile_cont(0.5) WITHIN GROUP (ORDER BY extract(epoch FROM told.acknowledged_at - told.queued_at)),
    percentile_cont(0.5) WITHIN GROUP (ORDER BY extract(epoch FROM told.completed_at - told.queued_at)),
    count(*) FILTER (WHERE EXISTS (
        SELECT FROM audit_incident found WHERE found.kind = 'contradicted' AND found.key = 'order:' || told.id))
FROM revocations_order told JOIN partners_party party ON party.id = told.party_id
WHERE told.queued_at >= %s AND told.queued_at < %s AND party.uri <> %s
GROUP BY party.uri, party.name ORDER BY party.name, party.uri
"""

# What 11 CCR 7102 asks for. A stop is done in the transaction that records it; what an agent asked for stands once,
# among the agents', and what ends a child's yeses as it grows up was asked by nobody. A copy of one's own records is
# made within minutes, or asked for again.
REQUESTS = """
WITH nobodys AS MATERIALIZED (<nobodys>), asked AS (
    SELECT 'stop' AS request, said.channel, true AS done, false AS denied,
        extract(epoch FROM said.recorded_at - said.made_at) / 86400 AS days
    FROM consent_choice said
    WHERE said.origin = 'person' AND said.reason <> 'grown_up' AND said.kind IN ('stop', 'pause', 'refuse')
        AND said.recorded_at >= %(since)s AND said.recorded_at < %(until)s
        AND NOT EXISTS (SELECT FROM partners_agentrequest asked WHERE asked.choice_id = said.id)
        AND NOT EXISTS (SELECT FROM nobodys WHERE nobodys.line_id = said.line_id)
    UNION ALL
    SELECT 'stop', 'authorised agent', status = 'fulfilled', status = 'denied',
        extract(epoch FROM closed_at - received_at) / 86400
    FROM partners_agentrequest asked WHERE received_at >= %(since)s AND received_at < %(until)s
        AND NOT EXISTS (SELECT FROM nobodys WHERE nobodys.line_id = asked.line_id)
    UNION ALL
    SELECT 'copy of all records', 'web', true, false, NULL
    FROM audit_auditevent event WHERE action = 'line.archive_asked' AND at >= %(since)s AND at < %(until)s
        AND NOT EXISTS (SELECT FROM nobodys WHERE nobodys.line_id = event.line_id)
)
SELECT <by>, count(*), count(*) FILTER (WHERE done), count(*) FILTER (WHERE denied),
    percentile_cont(0.5) WITHIN GROUP (ORDER BY days)
FROM asked GROUP BY <by> ORDER BY <by>
""".replace("<nobodys>", NOBODYS)


@dataclass(frozen=True)
class Export:
    """One file: its columns, and what makes its rows for a year."""

    title: str
    about: str
    columns: tuple[str, ...]
    rows: Callable[[int, datetime], Iterable[tuple[object, ...]]]


def as_csv(*, export: Export, year: int, at: datetime) -> Iterator[str]:
    """Yield one file for a year."""
    yield from csv_lines(columns=export.columns, rows=export.rows(year, at))


def csv_lines(*, columns: Sequence[str], rows: Iterable[tuple[object, ...]]) -> Iterator[str]:
    """UTF-8 with a header, times in UTC. A cell that a spreadsheet would run as a formula is quoted off."""
    yield "\ufeff" + _line(columns)
    for row in rows:
        yield _line([_cell(value) for value in row])


def list_rows[M: Model](
    *, rows: QuerySet[M], cells: Callable[[Sequence[M]], Iterable[tuple[object, ...]]]
) -> Iterator[tuple[object, ...]]:
    """Yield the rows of a sorted list as `cells` gives them, part by part; the last line says if there are more."""
    # One statement sorts them once, and no row stands twice because others came meanwhile.
    found = rows[: MOST_IN_FILE + 1].iterator(chunk_size=PART)
    for part in batched(islice(found, MOST_IN_FILE), PART, strict=False):
        yield from cells(part)
    if next(found, None) is not None:
        yield (f"Only the first {MOST_IN_FILE:,} rows. Narrow the list to get the others.",)


def in_parts[M: Model](*, rows: QuerySet[M], by: str) -> Iterator[list[M]]:
    """Yield the rows in the order of a unique field, so many at a time.

    Each part begins where the one before ended, with a statement of its own: no cursor, which a pooler whose sessions
    take turns could not keep.
    """
    ordered = rows.order_by(by)
    part = list(ordered[:PART])
    while part:
        yield part
        if len(part) < PART:
            return
        part = list(ordered.filter(**{f"{by}__gt": getattr(part[-1], by)})[:PART])


def _contracts(year: int, at: datetime) -> Iterator[tuple[object, ...]]:
    since, until = _year(year)
    rows = Contract.objects.filter(starts_at__lt=until, ends_at__gt=since).exclude(aggregator__uri=numbers.CANARY_PARTY)
    rows = rows.select_related("aggregator")
    for part in in_parts(rows=rows, by="ref"):
        for one in chains.contracts(rows=part, at=at):
            contract = one.contract
            yield (
                contract.ref, contract.aggregator.name, contract.aggregator.uri, one.stage.value, contract.signed_at,
                contract.starts_at, contract.ends_at, contract.epoch, one.campaigns, one.lines, one.lookups,
                one.health.word, one.health.oldest, one.breaches,
            )  # fmt: skip


def _breaches(year: int, at: datetime) -> Iterator[tuple[object, ...]]:
    since, until = _year(year)
    ours = Party.objects.filter(uri=numbers.CANARY_PARTY)
    rows = Breach.objects.filter(at__gte=since, at__lt=until, at__lte=at).exclude(party_id__in=ours.values("pk"))
    for part in in_parts(rows=rows, by="id"):
        named = names.targets(wanted={key for one in part for key in _about(one)})
        for one in part:
            contract, party = (named[key].name for key in _about(one))
            yield (one.get_kind_display(), contract, party, one.due_at, one.at, one.mended_at)


def _orders(year: int, _: datetime) -> Iterator[tuple[object, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(ORDERS, [*_year(year), numbers.CANARY_PARTY])
        yield from cursor.fetchall()


def list_requests(*, year: int, by_channel: bool) -> list[tuple[Any, ...]]:
    """Return each kind of request with how many came in a year, were complied with and denied, and the median days.

    `by_channel`: a row for each channel, named after the kind; else one over all of them.
    """
    since, until = _year(year)
    with connection.cursor() as cursor:
        by = "request, channel" if by_channel else "request"
        cursor.execute(REQUESTS.replace("<by>", by), {"since": since, "until": until})
        return list(cursor.fetchall())


def _about(one: Breach) -> tuple[tuple[str, int], tuple[str, int]]:
    return ("contract", one.contract_id), ("party", one.party_id)


def _year(year: int) -> tuple[datetime, datetime]:
    return datetime(year, 1, 1, tzinfo=UTC), datetime(year + 1, 1, 1, tzinfo=UTC)


def _line(values: Iterable[object]) -> str:
    out = io.StringIO()
    csv.writer(out, lineterminator="\r\n").writerow(values)
    return out.getvalue()


def _cell(value: object) -> object:
    if value is None:
        return ""
    if isinstance(value, datetime):
        return value.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    if isinstance(value, float):
        return f"{value:.1f}"
    return plain_cell(value=str(value))


EXPORTS: Mapping[str, Export] = {
    "contracts": Export(
        "Contracts",
        "Every contract of the year, with its current status, lines, look-ups, delivery and missed deadlines.",
        (
            "contract", "aggregator", "aggregator_uri", "stage", "signed_at", "starts_at", "ends_at", "epoch",
            "campaigns", "lines", "lookups_30_days", "stream", "oldest_unacknowledged", "open_breaches",
        ),
        _contracts,
    ),
    "breaches": Export(
        "Missed deadlines",
        "Every deadline that a partner missed in the year, and when it was resolved.",
        ("kind", "contract", "partner", "due_at", "at", "mended_at"),
        _breaches,
    ),
    "orders": Export(
        "Orders per partner",
        "How many orders each partner was sent in the year, and the median times until it acknowledged and signed.",
        (
            "partner_uri", "partner", "orders", "acknowledged", "signed_as_done", "median_s_to_acknowledge",
            "median_s_to_sign", "contradicted",
        ),
        _orders,
    ),
    "requests": Export(
        "Subscriber requests",
        "How many stops and copies of records people requested in the year, by channel, and the median number of days.",
        ("request", "way", "received", "done", "denied", "median_days"),
        lambda year, _: list_requests(year=year, by_channel=True),
    ),
}  # fmt: skip
