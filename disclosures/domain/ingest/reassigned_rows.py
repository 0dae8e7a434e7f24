"""Rows of a line that were reported by a number outside of the time in which it was that line's: to be given back.

A row does not say by which number it was reported. The hash of what it means, the number included, does: computed again
with the number in question, it tells exactly which rows are meant. A row without such a hash stays where it is.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import connection

import audit.actions
from accounts.actions.people import start_history_hold
from accounts.models import Line, LineNumber
from accounts.primitives.sealing import unseal
from audit.actions import Release
from audit.models import Incident
from consent.domain.change_notices import Change, notify_of_line_moves
from disclosures.domain.ingest import paths, pending_releases
from disclosures.domain.ingest.rejudging import ONE_AT_A_TIME as JUDGES_ALONE
from disclosures.domain.ingest.rows import CONTENT_BYTES, Report, Row, row_of
from disclosures.models import ShortenedPeriod

PERIODS, ROWS = 500, 1000
# Most lines that end had nothing after their end.
DONE = """
SELECT disclosures_give_back(work.id, '{}', '{}', NULL, NULL) FROM disclosures_shortenedperiod work
WHERE work.id = ANY (%s) AND NOT disclosures_is_left(work.line_id, work.since, work.after, work.until)
"""
# The first rows that weren't looked at yet, of one line: no more are read.
FOUND = """
WITH found AS MATERIALIZED (
    SELECT own.suppressed_until, coalesce(concealed.gated, false) AS gated, d.*
    FROM disclosures_disclosure d
        LEFT JOIN disclosures_delayednotice own
            ON own.line_id = d.line_id AND own.disclosure_id = d.id AND own.number = 1
        LEFT JOIN disclosures_concealeddisclosure concealed ON concealed.line_id = d.line_id AND concealed.id = d.id
    WHERE d.line_id = %(line)s AND d.occurred_at >= %(since)s AND (d.occurred_at, d.id) > (%(since)s, %(after)s)
        AND (%(until)s::timestamptz IS NULL OR d.occurred_at < %(until)s)
    ORDER BY d.occurred_at, d.id LIMIT %(rows)s
), known AS MATERIALIZED (
    SELECT known.id, known.content_hash
    FROM found JOIN disclosures_disclosureregister known ON known.id = found.id
)
SELECT d.id, known.content_hash, d.suppressed_until, d.gated, d.source_id, d.occurred_at, d.aggregator, d.path,
    d.campaign, d.purpose, d.scope, d.precision_m, d.basis, d.outcome, d.decision_id, d.authority_ref, d.path_completed
FROM found d JOIN known ON known.id = d.id ORDER BY d.occurred_at, d.id
"""
GIVE_BACK = "SELECT disclosures_give_back(%s, %s::uuid[], %s::uuid[], %s, %s)"


@dataclass
class Stretch:
    """Rows of one shortened period that are to be given back: among those up to the row `last` at `through`.

    `through` None: of all there are. `asked`: ids of hidden rows that must still show the gate's yes. `paths`: as they
    were stored, of all rows in order.
    """

    period: ShortenedPeriod
    through: datetime | None = None
    last: UUID | None = None
    rows: list[Row] = field(default_factory=list)
    paths: list[list[str]] = field(default_factory=list)
    asked: set[str] = field(default_factory=set)

    @property
    def ids(self) -> list[UUID]:
        """Of the rows."""
        return [UUID(row.id) for row in self.rows]


def list_shortened_periods(*, besides: Collection[int]) -> list[int]:
    """Return some of the periods, by their ids, that were shortened and not looked through since."""
    waiting = ShortenedPeriod.objects.exclude(pk__in=besides).order_by("pk")
    return list(waiting.values_list("pk", flat=True)[:PERIODS])


def lock_rejudging() -> None:
    """After the other turns: nothing is judged again meanwhile."""
    with connection.cursor() as cursor:
        cursor.execute(JUDGES_ALONE)


def skip_unaffected(*, periods: Sequence[int]) -> list[int]:
    """Be done with those of these periods after which nothing was reported, most of them. Returns the others.

    Call in the turn of whoever writes notices: all rows that were attributed before a period was shortened are there
    then.
    """
    with connection.cursor() as cursor:
        cursor.execute(DONE, [list(periods)])
    return list(ShortenedPeriod.objects.filter(pk__in=periods).order_by("pk").values_list("pk", flat=True))


def find_stretch(*, period: int) -> Stretch | None:
    """Return what of this shortened period is to be given back, in so many rows as one transaction takes.

    None: another run has done it. Call in the same turn.
    """
    shortened = ShortenedPeriod.objects.filter(pk=period).first()
    return _find_stretch(shortened) if shortened else None


def detach_stretch(*, stretch: Stretch, at: datetime) -> None:
    """Put the rows among the held ones and take them out of their line; note how far that period was looked through."""
    pending_releases.hold_reassigned_rows(rows=stretch.rows, at=at, asked=stretch.asked)
    own = [UUID(row.id) for row in stretch.rows if row.report.suppressed_until is not None]
    with connection.cursor() as cursor:
        cursor.execute(GIVE_BACK, [stretch.period.pk, stretch.ids, own, stretch.through, stretch.last])


def _find_stretch(period: ShortenedPeriod) -> Stretch:
    numbers = LineNumber.objects.filter(line=period.line_id, msisdn_hash=period.msisdn_hash)
    msisdn = unseal(numbers[0].msisdn_sealed) if numbers else ""
    values: dict[str, Any] = {
        "line": period.line_id, "since": period.since, "after": period.after, "until": period.until, "rows": ROWS,
    }  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute(FOUND, values)
        found = cursor.fetchall()
    stretch = Stretch(period)
    for identity, content, own_until, gated, *said in found:
        row = None if _is_theirs(said[1], numbers) else _row_by(msisdn, said, bytes(content), own_until)
        if row is not None and UUID(row.id) == identity:
            stretch.rows.append(row)
            stretch.paths.append(said[3])
            stretch.asked |= {row.id} if gated else set()
    if len(found) == ROWS:
        stretch.last, stretch.through = found[-1][0], found[-1][5]
    return stretch


def _is_theirs(at: datetime, numbers: Iterable[LineNumber]) -> bool:
    """Whether the number was the line's then: it may have come back to it."""
    return any(one.starts_at <= at and (one.ends_at is None or at < one.ends_at) for one in numbers)


def _row_by(msisdn: str, said: Sequence[Any], content: bytes, own_until: datetime | None) -> Row | None:
    """The row as it was reported, if that was by this number. Its first order came with it, or by itself later."""
    source_id, occurred_at, *others, completed = said
    aggregator, stored, campaign, purpose, scope, precision_m, basis, outcome, decision_id, authority_ref = others
    rows = (
        row_of(
            Report(
                source_id, occurred_at, msisdn, aggregator, path, campaign, purpose, scope, precision_m, basis, outcome,
                decision_id, authority_ref, until,
            ),
            n=0,
        )
        for path in paths.reported_paths(path=stored, completed=completed)
        for until in dict.fromkeys((None, own_until))
    )  # fmt: skip
    return next((row for row in rows if row.content == content[:CONTENT_BYTES]), None)


# From whom the rows that everybody may know of came, the last time. What an order hides is held by nothing: that would
# tell that it is there.
MOVED = """
WITH came AS MATERIALIZED (
    SELECT DISTINCT ON (given.disclosure_id) given.disclosure_id AS id, given.line_id FROM disclosures_givenback given
    WHERE given.disclosure_id = ANY (%s::uuid[]) ORDER BY given.disclosure_id, given.id DESC
), known AS MATERIALIZED (
    SELECT came.line_id AS was, known.line_id, known.id, known.occurred_at
    FROM came JOIN disclosures_disclosureregister known ON known.id = came.id
), hidden AS MATERIALIZED (
    SELECT hidden.id FROM known
        JOIN disclosures_concealeddisclosure hidden ON hidden.line_id = known.line_id AND hidden.id = known.id
)
SELECT was, line_id, id, occurred_at FROM known
WHERE was <> line_id AND NOT id IN (SELECT id FROM hidden) ORDER BY id
"""


def hold_reassigned(*, ids: Collection[UUID], actor: str, at: datetime) -> None:
    """Of these rows, just attributed: hold the lines that got others' releases, warn those, and open an incident."""
    with connection.cursor() as cursor:
        cursor.execute(MOVED, [list(ids)])
        moved = cursor.fetchall()
    if not moved:
        return
    losers, receivers = {before for before, *_ in moved}, {after for _, after, *_ in moved}
    start_history_hold(line_ids=receivers, at=at)
    told = Line.objects.filter(pk__in=losers).order_by("pk")
    notify_of_line_moves(lines=told, change=Change.HISTORY, at=at)
    nothing: dict[int, dict[str, object]] = {line_id: {} for line_id in losers | receivers}
    audit.actions.record_for_lines(action="line.history_moved", actor=actor, at=at, details=nothing)
    kind, key = Incident.Kind.HISTORY_MOVED, at.date().isoformat()
    audit.actions.open_incident(kind=kind, key=key, subject="The carrier's own records", at=at, count=len(moved))
    audit.actions.store_affected_lines(kind=kind, key=key, releases=[Release(*release) for _, *release in moved])
