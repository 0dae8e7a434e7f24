"""Figures for everyone: counted by a task, so that a page reads a few rows whatever the size of the ledger.

What is hidden is in no figure, from the moment on at which its order is written (`leave_out`). Whoever counts and
whoever hides take turns, so that no row is counted while it is hidden.
"""

from collections import Counter
from collections.abc import Collection, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import psycopg
from django.conf import settings
from django.db import connection, transaction

import audit.queries
from disclosures.models import PublishedFigure
from disclosures.queries.figures import STATEMENTS, Figure

DAYS = timedelta(days=30)
ONE_AT_A_TIME = "SELECT pg_advisory_xact_lock(hashtext('disclosures.figures'))"
# Those of these rows that the figure counted, as it counted them. One that an order hid then, or has hidden and shown
# since, was not counted or is left out already. An order that was just written is the newest of its row.
COUNTED = """
SELECT d.purpose, d.basis, d.outcome, coalesce((
    SELECT was FROM disclosures_judgementchange j
    WHERE j.line_id = d.line_id AND j.disclosure_id = d.id AND j.changed_at > %(made_at)s ORDER BY j.changed_at LIMIT 1
), d.judgement)
FROM disclosures_disclosureregister known
    JOIN disclosures_disclosure d ON d.line_id = known.line_id AND d.occurred_at = known.occurred_at AND d.id = known.id
WHERE known.id = ANY (%(ids)s::uuid[]) AND d.occurred_at >= %(since)s AND d.occurred_at < %(until)s
    AND d.recorded_at <= %(made_at)s AND NOT EXISTS (
        SELECT FROM disclosures_delayednotice n
        WHERE n.line_id = d.line_id AND n.disclosure_id = d.id
            AND (n.recorded_at > %(made_at)s OR n.suppressed_until IS NULL OR n.suppressed_until > %(made_at)s)
            AND EXISTS (
                SELECT FROM disclosures_delayednotice newer
                WHERE newer.line_id = n.line_id AND newer.disclosure_id = n.disclosure_id AND newer.number > n.number))
"""

type Counts = Counter[str]


def take_turn() -> None:
    """Before orders are written: alone with the figures until this transaction ends, and with empty hands."""
    with connection.cursor() as cursor:
        cursor.execute(ONE_AT_A_TIME)


@transaction.atomic
def make(*, at: datetime | None = None) -> None:
    """Count every figure anew, as of its turn, or of a moment. Safe to repeat, and twice at once.

    They are about the 30 whole days (UTC) before today: what one person did today shows nobody who looks twice.
    """
    take_turn()
    at = at or audit.queries.database_clock()
    until = (
        at if settings.FIGURES_TO_THE_MINUTE else at.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    )
    values = {"at": at, "since": until - DAYS, "until": until}
    for name, statement in STATEMENTS.items():
        with connection.cursor() as cursor:
            query = psycopg.ClientCursor(connection.connection).mogrify(statement.sql.strip(), values)
            cursor.execute(query)
            rows = [dict(zip(statement.columns, row, strict=True)) for row in _named(cursor, statement.columns)]
        made = {"rows": rows, "query": query, "made_at": at, "since": values["since"], "until": until}
        PublishedFigure.objects.update_or_create(name=name, defaults=made)


def _named(cursor: Any, columns: tuple[str, ...]) -> list[list[object]]:
    """The rows with their columns in this order, whatever the statement's."""
    given = [column.name for column in cursor.description]
    return [[row[given.index(column)] for column in columns] for row in cursor.fetchall()]


def leave_out(*, disclosure_ids: Collection[UUID]) -> None:
    """Take what the figures counted of these rows out of them, in the transaction that hides the rows.

    Call after their orders are written, and after `take_turn`. What is shown again is counted again the next time.
    """
    # Whatever moment its order names: the figure may have been made while the order waited for its turn.
    figure = PublishedFigure.objects.filter(name=Figure.RELEASES).first()
    if figure is None:
        return
    known: dict[str, Any] = {
        "made_at": figure.made_at,
        "since": figure.since,
        "until": figure.until,
        "ids": sorted(disclosure_ids),
    }
    with connection.cursor() as cursor:
        cursor.execute(COUNTED, known)
        counted = cursor.fetchall()
    rows = {(row["purpose"], row["basis"]): row for row in figure.rows}
    for purpose, basis, outcome, judgement in counted:
        row = rows.get((purpose, basis)) or rows.get(("", basis))
        if row is not None:
            row.update(_less(row, _counts(basis, outcome, judgement)))
    figure.rows = [row for row in figure.rows if row["released"] or row["refused"]]
    figure.save(update_fields=["rows"])


def _counts(basis: str, outcome: str, judgement: str) -> Counts:
    """What one row adds to the counts of its purpose and basis: as the statement has it."""
    released = outcome == "released"
    not_allowed = released and basis == "approval" and judgement != "permitted"
    return Counter(released=int(released), not_allowed=int(not_allowed), refused=int(outcome == "refused"))


def _less(row: Mapping[str, Any], counts: Counts) -> dict[str, int]:
    return {column: max(0, row[column] - n) for column, n in counts.items()}
