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

# The SQLSTATE for a name that is not known: psycopg drops whatever was prepared after a rollback or a change of tables.
FORGOTTEN = b"26000"

type Rows = list[tuple[Any, ...]]


class _Thread(local):
    """The connection on which this thread's statements were prepared, and their names there."""

    def __init__(self) -> None:
        self.prepared_on: psycopg.Connection | None = None
        self.names: dict[bytes, bytes] = {}


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
    """The same, prepared once and then run by name. Raises Django's DatabaseError."""
    connection.ensure_connection()
    own: Any = connection.connection
    try:
        reader = Transformer(own)
        given = reader.dump_sequence(values, [PyFormat.AUTO] * len(values))
        result = own.pgconn.exec_prepared(_name(own, statement), given, reader.formats)
        if result.error_field(DiagnosticField.SQLSTATE) == FORGOTTEN:
            _thread.prepared_on = None
            result = own.pgconn.exec_prepared(_name(own, statement), given, reader.formats)
        _expect(result, ExecStatus.TUPLES_OK)
    except psycopg.Error as error:
        raise DatabaseError(str(error)) from error
    reader.set_pgresult(result)
    return reader.load_rows(0, result.ntuples, tuple)


def _name(own: Any, statement: bytes) -> bytes:
    """The statement's name on this connection, where it is prepared first if it is not yet."""
    if _thread.prepared_on is not own:
        _thread.prepared_on, _thread.names = own, {}
    name = _thread.names.get(statement)
    if name is None:
        name = b"consent_gate_%d" % len(_thread.names)
        _expect(own.pgconn.prepare(name, statement), ExecStatus.COMMAND_OK)
        _thread.names[statement] = name
    return name


def _expect(result: Any, status: ExecStatus) -> None:
    if result.status != status:
        raise DatabaseError(result.error_message.decode(errors="replace"))
