"""The gate's statements on an event loop: one connection, on which each is sent while those before it are answered.

A session of PostgreSQL that answers one question after another keeps its plans in the processor's caches. Sixteen that
take turns spend twice the time on each answer, and their threads wait for one another besides. The protocol is libpq's
pipeline mode. One Sync follows all that is asked in one turn of the loop: they share a transaction, in which each still
sees whatever was committed before it ran (READ COMMITTED), and a message each way.
"""

import asyncio
from collections import deque
from collections.abc import Sequence
from contextlib import suppress
from operator import attrgetter
from typing import Any, NamedTuple

import psycopg
from django.db import DatabaseError, connection
from psycopg.adapt import PyFormat, Transformer
from psycopg.pq import ExecStatus

from consent.gate.execution import PATIENCE_S, TOO_LATE, Rows

# How often it is looked who has waited long enough: a clock for each question would cost more than its answer.
LOOKS_EVERY_S = 0.1


class Place(NamedTuple):
    """Who waits for one result, and until which moment of the loop's clock; None: nobody does."""

    future: asyncio.Future[Rows] | None
    until: float


class ConnectionLost(DatabaseError):
    """The connection ended before it answered. A question changes nothing, so it may be asked again."""


class StatementFailed(ConnectionLost):
    """The connection was ended because of this very statement. What was prepared may be out of date."""


class Pipeline:
    """Opens its connection when it is first asked, and anew after it was lost. Of one event loop."""

    def __init__(self) -> None:
        self._session: _Session | None = None
        self._opening: asyncio.Task[_Session] | None = None

    async def run(self, statement: bytes, values: Sequence[object], *, until: float | None = None) -> Rows:
        """Run the statement by this moment of the loop's clock (none: within `PATIENCE_S`). Returns what it finds.

        Raises Django's DatabaseError. What a lost connection did not answer is asked of the next one, and what fails
        itself once more. A connection that has said nothing for as long as that is given up, by all who wait.
        """
        until = until or asyncio.get_running_loop().time() + PATIENCE_S
        failed = False
        while True:
            session = self._session
            if session is None or session.is_over:
                session = await self._get_session(until)
            try:
                return await session.answer(statement, values, until)
            except StatementFailed:
                if failed:
                    raise
                failed = True
            except ConnectionLost:
                pass

    @property
    def waiting(self) -> int:
        """How many results are still to come."""
        return 0 if self._session is None else len(self._session.places)

    def close(self) -> None:
        """End the connection. Whoever waits is told that it was lost."""
        if self._session is not None:
            self._session.end("the connection was closed")

    async def _get_session(self, until: float) -> "_Session":
        if self._opening is None or self._opening.done():
            self._opening = asyncio.create_task(self._open())
            self._opening.add_done_callback(_ignore_opening_error)
        try:
            async with asyncio.timeout_at(until):
                # Whoever tires of waiting leaves the others to it.
                return await asyncio.shield(self._opening)
        except TimeoutError as error:
            raise DatabaseError(TOO_LATE) from error

    async def _open(self) -> "_Session":
        own = await asyncio.to_thread(_open_connection)
        try:
            self._session = _Session(own)
        except (psycopg.Error, OSError) as error:
            own.close()
            raise DatabaseError(str(error)) from error
        return self._session


class Pipelines(NamedTuple):
    """The connections that questions go by. A batch has others, so that no single one waits behind its thousand."""

    single: Pipeline
    batches: Sequence[Pipeline]

    def get_least_busy(self) -> Pipeline:
        """Choose the one of those for batches on which the fewest wait."""
        return min(self.batches, key=attrgetter("waiting"))


class _Session:
    """One connection in pipeline mode, and who gets which of its results, in the order of what was sent."""

    def __init__(self, own: Any) -> None:
        self.own, self.reader, self.names = own, Transformer(own), dict[bytes, bytes]()
        self.places = deque[Place]()
        self.loop, self.socket = asyncio.get_running_loop(), own.pgconn.socket
        self.is_sending = self.is_watched = self.is_over = False
        self.heard_at = self.loop.time()
        own.pgconn.nonblocking = 1
        own.pgconn.enter_pipeline_mode()
        self.loop.add_reader(self.socket, self._read)

    @property
    def silent_s(self) -> float:
        """For how long it has owed an answer and given none."""
        return self.loop.time() - self.heard_at if self.places else 0.0

    def answer(self, statement: bytes, values: Sequence[object], until: float) -> asyncio.Future[Rows]:
        """Send it; its rows come later, or a DatabaseError soon after `until`. Raises ConnectionLost, now or later."""
        future: asyncio.Future[Rows] = self.loop.create_future()
        if self.is_over:
            raise ConnectionLost("the connection is closed")
        if not self.places:
            self.heard_at = self.loop.time()
        try:
            self._send_query(statement, values)
        except psycopg.OperationalError as error:
            self.end(str(error))
            raise ConnectionLost(str(error)) from error
        except psycopg.Error as error:
            raise DatabaseError(str(error)) from error
        self.places.append(Place(future, until))
        if not self.is_sending:
            self.is_sending = True
            self.loop.call_soon(self._send)
        if not self.is_watched:
            self.is_watched = True
            self.loop.call_later(LOOKS_EVERY_S, self._watch)
        return future

    def _send_query(self, statement: bytes, values: Sequence[object]) -> None:
        # Lists are written much faster in binary.
        formats = [PyFormat.BINARY if isinstance(value, list) else PyFormat.AUTO for value in values]
        given = self.reader.dump_sequence(values, formats)
        self.own.pgconn.send_query_prepared(self._name(statement), given, self.reader.formats)

    def end(self, why: str) -> None:
        """Close the connection, and tell whoever waits."""
        if self.is_over:
            return
        self.is_over = True
        waiting, self.places = self.places, deque()
        for place in waiting:
            _refuse(place, ConnectionLost(why))
        # The driver has closed the socket by itself where it was lost, and loops differ in what they say to that.
        for forget in (self.loop.remove_reader, self.loop.remove_writer):
            with suppress(OSError, RuntimeError):
                forget(self.socket)
        self.own.close()

    def _name(self, statement: bytes) -> bytes:
        """By what name it runs; at its first time it is prepared under it, ahead of the question."""
        name = self.names.get(statement)
        if name is None:
            name = self.names[statement] = b"consent_gate_%d" % len(self.names)
            self.own.pgconn.send_prepare(name, statement)
            self.places.append(Place(None, 0.0))
        return name

    def _watch(self) -> None:
        """Tell whoever has waited long enough. What owes answers and has been silent for as long is given up."""
        self.is_watched = bool(self.places)
        if not self.places:
            return
        now = self.loop.time()
        for place in self.places:
            if place.until <= now:
                _refuse(place, DatabaseError(TOO_LATE))
        if self.silent_s >= PATIENCE_S:
            self.end("the connection was given up")
        else:
            self.loop.call_later(LOOKS_EVERY_S, self._watch)

    def _send(self) -> None:
        """All that was asked in this turn of the loop goes out at once."""
        self.is_sending = False
        if not self.is_over:
            with suppress(psycopg.Error):  # said again by the next read
                self.own.pgconn.pipeline_sync()
            self._write()

    def _write(self) -> None:
        """What the socket does not take now, it takes when it can."""
        with suppress(psycopg.Error):  # said again by the next read
            if self.own.pgconn.flush():
                self.loop.add_writer(self.socket, self._write)
            else:
                self.loop.remove_writer(self.socket)

    def _read(self) -> None:
        connected = self.own.pgconn
        try:
            connected.consume_input()
            self.heard_at = self.loop.time()
            while self.places and not connected.is_busy():
                result = connected.get_result()
                if result is not None and result.status != ExecStatus.PIPELINE_SYNC and self._deliver_result(result):
                    self.places.popleft()
        except psycopg.Error as error:
            self.end(str(error))

    def _deliver_result(self, result: Any) -> bool:
        """Hand one result to the first who waits, who stays until they have it. False: the connection was ended.

        After an error nothing that was prepared can be relied upon.
        """
        place = self.places[0]
        try:
            if place.future is None and result.status == ExecStatus.COMMAND_OK:
                return True
            if place.future is not None and result.status == ExecStatus.TUPLES_OK:
                self._hand_rows(result, place, place.future)
                return True
            why = result.error_message.decode(errors="replace") or "the statement found no rows"
        except psycopg.Error as error:
            why = str(error)
        _refuse(self._place_behind(place), StatementFailed(why))
        self.end(why)
        return False

    def _place_behind(self, place: Place) -> Place:
        """The question to whose fault it is due: what could not be prepared is that of the question behind it."""
        return next((one for one in self.places if one.future is not None), place)

    def _hand_rows(self, result: Any, place: Place, future: "asyncio.Future[Rows]") -> None:
        self.reader.set_pgresult(result)
        rows = self.reader.load_rows(0, result.ntuples, tuple)
        # A process that was halted meanwhile would hand on what no longer holds.
        if place.until <= self.loop.time():
            _refuse(place, DatabaseError(TOO_LATE))
        elif not future.done():
            future.set_result(rows)


def _refuse(place: Place, error: DatabaseError) -> None:
    if place.future is not None and not place.future.done():
        place.future.set_exception(error)


def _open_connection() -> Any:
    """A connection such as Django makes, which no thread of Django's has. Raises Django's DatabaseError."""
    wrapper = connection.copy()
    wrapper.ensure_connection()
    return wrapper.connection


def _ignore_opening_error(opening: asyncio.Task[_Session]) -> None:
    """Why it could not be opened was said to whoever still waited."""
    if not opening.cancelled():
        opening.exception()
