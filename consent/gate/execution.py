"""Run a statement on Django's own connection of this thread, and wait for it no longer than the gate, or a page, may.

There are two ways to run one. By a cursor, which Django counts and shows like every other; and, where a gateway waits
and nothing else happens, by libpq itself: what psycopg's cursor does around it takes longer than all the rest of an
answer in Python.

A database that is there and says nothing is a no, like one that is gone. A frozen server runs no clock, so no timeout
of its own can tell, and its machine still answers for it on the network. What waits is in the driver and can't be asked
to stop; what ends it is that its socket is closed.
"""

import os
import socket
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from threading import Event, Lock, Thread, local
from time import monotonic
from typing import Any

import psycopg
from django.db import DatabaseError, connection, connections
from psycopg.adapt import PyFormat, Transformer
from psycopg.pq import DiagnosticField, ExecStatus

PATIENCE_S = 2.0
LOOK_EVERY_S = 0.2
TOO_LATE = "the database did not answer in time"
# The SQLSTATE for a name that is not known: psycopg drops whatever was prepared after a rollback or a change of tables.
FORGOTTEN = b"26000"

type Rows = list[tuple[Any, ...]]


@dataclass(eq=False, slots=True)
class _Wait:
    """A request that is being answered: its thread's connection, which it may open anew, and when that is cut."""

    wrapper: Any
    until: float


@dataclass
class _Watch:
    """Looks after every wait of this process, from one thread, which the first of them starts."""

    waits: set[_Wait] = field(default_factory=set)
    lock: Lock = field(default_factory=Lock)
    process: int = 0

    def begin(self, wait: _Wait) -> None:
        with self.lock:
            self.waits.add(wait)
            if self.process != os.getpid():
                self.process = os.getpid()
                Thread(target=self._look, name="gate patience", daemon=True).start()

    def end(self, wait: _Wait) -> None:
        """After this the wait's connection is left alone: the lock is held while one is cut."""
        with self.lock:
            self.waits.discard(wait)

    def _look(self) -> None:
        pause = Event()
        while not pause.wait(LOOK_EVERY_S):
            with self.lock:
                now = monotonic()
                for wait in self.waits:
                    if wait.until <= now:
                        _cancel_wait(wait.wrapper)


_watch = _Watch()


def ask_in_time[T](ask: Callable[[], T]) -> T:
    """Ask the database, and refuse an answer that was seen too late. Raises DatabaseError.

    A process that was halted meanwhile would hand on what no longer holds.
    """
    until = monotonic() + PATIENCE_S
    found = ask()
    if monotonic() >= until:
        raise DatabaseError(TOO_LATE)
    return found


@contextmanager
def statement_timeout(patience_s: float = PATIENCE_S) -> Iterator[None]:
    """Give this thread's database so many seconds; from then on whatever waits for it gets an error.

    Opening a connection is not cut short; it has `connect_timeout`.
    """
    wait = _Wait(connections["default"], monotonic() + patience_s)
    _watch.begin(wait)
    try:
        yield
    finally:
        _watch.end(wait)


def _cancel_wait(wrapper: Any) -> None:
    opened = wrapper.connection
    if opened is None or opened.closed:
        return
    # Of a copy, so that the number of the driver's own socket can't come to mean another one meanwhile.
    with suppress(OSError), socket.socket(fileno=os.dup(opened.pgconn.socket)) as copy:
        copy.shutdown(socket.SHUT_RDWR)


class _Session:
    """A thread's connection, the names of what was prepared on it, and what writes its values and reads its rows."""

    def __init__(self, own: Any) -> None:
        self.own, self.reader, self.names = own, Transformer(own), dict[bytes, bytes]()


class _Thread(local):
    session: _Session | None = None


_thread = _Thread()


def by_cursor(statement: bytes, values: Sequence[object]) -> Rows:
    """Run it bound on the server, so that it is planned once for each connection."""
    connection.ensure_connection()
    plain: Any = psycopg.RawCursor(connection.connection)
    cursor: Any = connection.make_debug_cursor(plain) if connection.queries_logged else connection.make_cursor(plain)
    with cursor:
        cursor.execute(statement, values)
        return list(cursor.fetchall())


def by_libpq(statement: bytes, values: Sequence[object]) -> Rows:
    """Run it prepared once and then by name. Raises Django's DatabaseError."""
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
