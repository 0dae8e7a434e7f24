"""How long the gate's doors wait for their database: one that is there and says nothing is a no, like one that is gone.

A frozen server runs no clock, so no timeout of its own can tell, and its machine still answers for it on the network.
What waits is in the driver and can't be asked to stop; what ends it is that its socket is closed.
"""

import os
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from threading import Event, Lock, Thread
from time import monotonic
from typing import Any

from django.db import DatabaseError, connections

PATIENCE_S = 2.0
LOOK_EVERY_S = 0.2
TOO_LATE = "the database did not answer in time"


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
                        _cut(wait.wrapper)


_watch = _Watch()


def in_time[T](ask: Callable[[], T]) -> T:
    """What this asks of the database. An answer that was seen too late is none: a process that was halted meanwhile
    would hand on what no longer holds. Raises DatabaseError.
    """
    until = monotonic() + PATIENCE_S
    found = ask()
    if monotonic() >= until:
        raise DatabaseError(TOO_LATE)
    return found


@contextmanager
def statement_timeout() -> Iterator[None]:
    """Within it this thread's database has `PATIENCE_S` seconds; from then on whatever waits for it gets an error.

    Opening a connection is not cut short; it has `connect_timeout`.
    """
    wait = _Wait(connections["default"], monotonic() + PATIENCE_S)
    _watch.begin(wait)
    try:
        yield
    finally:
        _watch.end(wait)


def _cut(wrapper: Any) -> None:
    opened = wrapper.connection
    if opened is None or opened.closed:
        return
    # Of a copy, so that the number of the driver's own socket can't come to mean another one meanwhile.
    with suppress(OSError), socket.socket(fileno=os.dup(opened.pgconn.socket)) as copy:
        copy.shutdown(socket.SHUT_RDWR)
