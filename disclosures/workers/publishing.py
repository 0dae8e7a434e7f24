"""Figures for everyone: counted by a task, so that a page reads a few rows whatever the size of the ledger.

What counts people is about one calendar month, and counted once, when that month is over: months have nothing in common
and no figure ever moves, so that nobody learns from two looks what lies between them, be it one person's stop or the
day on which an order began to hide a release. What an order hides at the moment of counting is not counted.
"""

from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
from django.conf import settings
from django.db import connection, transaction

import audit.queries
from disclosures.models import PublishedFigure
from disclosures.queries.figures.statements import FEWEST, STATEMENTS, Figure, Statement

DAYS = timedelta(days=30)
# What systems report of a month's last days comes within these.
REPORTED_WITHIN = timedelta(days=2)
ONE_AT_A_TIME = "SELECT pg_advisory_xact_lock(hashtext('disclosures.figures'))"


@transaction.atomic
def make(*, at: datetime | None = None) -> None:
    """Count what is to be counted as of its turn, or of a moment. Safe to repeat, and twice at once.

    Companies, which are nobody, are counted each time; what counts people once for each month.
    """
    with connection.cursor() as cursor:
        cursor.execute(ONE_AT_A_TIME)
    at = at or audit.queries.database_clock()
    since, until = (at - DAYS, at) if settings.FIGURES_TO_THE_MINUTE else _last_month(at)
    for name, statement in STATEMENTS.items():
        if not (statement.counts and _is_counted(name, statement, since, until)):
            _count(name, statement, {"at": at, "since": since, "until": until, "fewest": FEWEST})


def _last_month(at: datetime) -> tuple[datetime, datetime]:
    """Return the newest calendar month (UTC) of which everything should have come by then."""
    until = _first_of_month(at - REPORTED_WITHIN)
    return _first_of_month(until - timedelta(days=1)), until


def _first_of_month(at: datetime) -> datetime:
    return at.astimezone(UTC).replace(day=1, hour=0, minute=0, second=0, microsecond=0)


def _is_counted(name: Figure, statement: Statement, since: datetime, until: datetime) -> bool:
    """Whether this was counted of these days. By a statement of other columns does not count: nothing could show it."""
    known = PublishedFigure.objects.filter(name=name, since=since, until=until).first()
    return known is not None and all(set(row) == set(statement.columns) for row in known.rows)


def _count(name: Figure, statement: Statement, values: dict[str, datetime | int]) -> None:
    with connection.cursor() as cursor:
        query = psycopg.ClientCursor(connection.connection).mogrify(statement.sql.strip(), values)
        cursor.execute(query)
        rows = [
            dict(zip(statement.columns, row, strict=True)) for row in _fetch_ordered_rows(cursor, statement.columns)
        ]
    made = {"rows": rows, "query": query, "made_at": values["at"], "since": values["since"], "until": values["until"]}
    PublishedFigure.objects.update_or_create(name=name, defaults=made)


def _fetch_ordered_rows(cursor: Any, columns: tuple[str, ...]) -> list[list[object]]:
    """Return the rows with their columns in this order, whatever the statement's."""
    given = [column.name for column in cursor.description]
    return [[row[given.index(column)] for column in columns] for row in cursor.fetchall()]
