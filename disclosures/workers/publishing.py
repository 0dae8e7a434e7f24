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
from disclosures.models import PastFigure, PublishedFigure
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
    if settings.FIGURES_TO_THE_MINUTE:
        _count_before(at, since)
    for name, statement in STATEMENTS.items():
        if not (statement.counts and _is_counted(name, statement, since, until)):
            made = _count(statement, at, since, until)
            _keep_past(name, statement, since)
            PublishedFigure.objects.update_or_create(name=name, defaults=made)


def _keep_past(name: Figure, statement: Statement, since: datetime) -> None:
    """Keep what was published of an earlier month. Nothing may count it again: what is hidden by now was not then."""
    if statement.counts and not settings.FIGURES_TO_THE_MINUTE:
        for known in PublishedFigure.objects.filter(name=name, until__lte=since):
            as_it_was = {one: getattr(known, one) for one in ("made_at", "until", "rows", "query")}
            PastFigure.objects.get_or_create(name=name, since=known.since, defaults=as_it_was)


def _count_before(at: datetime, until: datetime) -> None:
    """Count the days before as well, anew each time: a demonstration has no past that anybody saw."""
    PastFigure.objects.all().delete()
    for name, statement in STATEMENTS.items():
        if statement.counts:
            PastFigure.objects.create(name=name, **_count(statement, at, until - DAYS, until))


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


def _count(statement: Statement, at: datetime, since: datetime, until: datetime) -> dict[str, Any]:
    values = {"at": at, "since": since, "until": until, "fewest": FEWEST}
    with connection.cursor() as cursor:
        query = psycopg.ClientCursor(connection.connection).mogrify(statement.sql.strip(), values)
        cursor.execute(query)
        rows = [
            dict(zip(statement.columns, row, strict=True)) for row in _fetch_ordered_rows(cursor, statement.columns)
        ]
    return {"rows": rows, "query": query, "made_at": at, "since": since, "until": until}


def _fetch_ordered_rows(cursor: Any, columns: tuple[str, ...]) -> list[list[object]]:
    """Return the rows with their columns in this order, whatever the statement's."""
    given = [column.name for column in cursor.description]
    return [[row[given.index(column)] for column in columns] for row in cursor.fetchall()]
