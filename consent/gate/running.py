"""Two ways to run a statement on Django's own connection of this thread.

By a cursor, which Django counts and shows like every other; and, where a gateway waits and nothing else happens, by
libpq itself: what psycopg's cursor does around it takes longer than all the rest of an answer in Python.
"""

from collections.abc import Sequence
from threading import local
from typing import Any

import psycopg
from django.db import DatabaseError, connection
from psycopg.adapt import PyFormat, Transformer
from psycopg.pq import DiagnosticField, ExecStatus

NAME = b"consent_gate"
# The SQLSTATE for a name that is not known: psycopg drops whatever was prepared after a rollback or a change of tables.
FORGOTTEN = b"26000"

type Rows = list[tuple[Any, ...]]


class _Thread(local):
    """The connection on which this thread's statement was prepared."""

    prepared_on: psycopg.Connection | None = None


_thread = _Thread()


def by_cursor(statement: bytes, values: Sequence[object], *, raw: bool) -> Rows:
    """Bound on the server, so that it is planned once for each connection. `raw`: its values are `$1`, not `%s`."""
    connection.ensure_connection()
    plain: Any = (psycopg.RawCursor if raw else psycopg.Cursor)(connection.connection)
    cursor: Any = connection.make_debug_cursor(plain) if connection.queries_logged else connection.make_cursor(plain)
    with cursor:
        cursor.execute(statement, values)
        return list(cursor.fetchall())


def by_libpq(statement: bytes, values: Sequence[object]) -> Rows:
    """The same, prepared once and then run by name. There is room for one statement. Raises Django's DatabaseError."""
    connection.ensure_connection()
    own: Any = connection.connection
    try:
        if _thread.prepared_on is not own:
            _prepare(own, statement)
        reader = Transformer(own)
        given = reader.dump_sequence(values, [PyFormat.AUTO] * len(values))
        result = own.pgconn.exec_prepared(NAME, given, reader.formats)
        if result.error_field(DiagnosticField.SQLSTATE) == FORGOTTEN:
            _prepare(own, statement)
            result = own.pgconn.exec_prepared(NAME, given, reader.formats)
        _expect(result, ExecStatus.TUPLES_OK)
    except psycopg.Error as error:
        raise DatabaseError(str(error)) from error
    reader.set_pgresult(result)
    return reader.load_rows(0, result.ntuples, tuple)


def _prepare(own: Any, statement: bytes) -> None:
    _expect(own.pgconn.prepare(NAME, statement), ExecStatus.COMMAND_OK)
    _thread.prepared_on = own


def _expect(result: Any, status: ExecStatus) -> None:
    if result.status != status:
        raise DatabaseError(result.error_message.decode(errors="replace"))
