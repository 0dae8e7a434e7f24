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


class _Session:
    """A thread's connection, the names of what was prepared on it, and what writes its values and reads its rows."""

    def __init__(self, own: Any) -> None:
        self.own, self.reader, self.names = own, Transformer(own), dict[bytes, bytes]()


class _Thread(local):
    session: _Session | None = None


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
    session = _thread.session
    if session is None or session.own is not connection.connection:
        session = _thread.session = _Session(connection.connection)
    try:
        given = session.reader.dump_sequence(values, [PyFormat.AUTO] * len(values))
        result = _run(session, statement, given)
        if result.status != ExecStatus.TUPLES_OK and result.error_field(DiagnosticField.SQLSTATE) == FORGOTTEN:
            session.names.clear()
            result = _run(session, statement, given)
        _expect(result, ExecStatus.TUPLES_OK)
    except psycopg.Error as error:
        raise DatabaseError(str(error)) from error
    session.reader.set_pgresult(result)
    return session.reader.load_rows(0, result.ntuples, tuple)


def _run(session: _Session, statement: bytes, given: Sequence[Any]) -> Any:
    """Run it by its name on this connection, where it is prepared first if it is not yet."""
    name = session.names.get(statement)
    if name is None:
        name = b"consent_gate_%d" % len(session.names)
        _expect(session.own.pgconn.prepare(name, statement), ExecStatus.COMMAND_OK)
        session.names[statement] = name
    return session.own.pgconn.exec_prepared(name, given, session.reader.formats)


def _expect(result: Any, status: ExecStatus) -> None:
    if result.status != status:
        raise DatabaseError(result.error_message.decode(errors="replace"))
