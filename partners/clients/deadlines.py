"""What one exchange is doing, and the thread that ends it when its time is over."""

import os
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cache
from threading import Condition, Thread, local
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from urllib3._base_connection import BaseHTTPConnection

# Where an address may be: in public; where INTERNAL_HOSTS names it; or in any network of the operator's.
type Reach = Literal["public", "listed", "inside"]


class Watch:
    """What one exchange is doing, for the thread that ends it: no answer may drip on beyond its time."""

    def __init__(self, ends_at: float) -> None:
        self.ends_at = ends_at
        self.connection: BaseHTTPConnection | None = None
        # `wrote`: all of the request is out, so that the other side may have taken it.
        self.wrote = self.over = self.ours = False
        self.reach: Reach = "public"

    def get_remaining_seconds(self) -> float:
        """Seconds that are left, never none: to a socket 0 would mean not to wait at all, and to fail otherwise."""
        return max(0.001, self.ends_at - time.monotonic())

    def end(self) -> None:
        self.over = True
        sock = getattr(self.connection, "sock", None)
        if isinstance(sock, socket.socket):
            with suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)


class Deadlines:
    """One thread that ends every exchange whose time is over."""

    def __init__(self) -> None:
        self._changed = Condition()
        self._running: set[Watch] = set()
        self._next = float("inf")
        Thread(target=self._look, daemon=True).start()

    def add(self, watch: Watch) -> None:
        with self._changed:
            self._running.add(watch)
            if watch.ends_at < self._next:
                self._next = watch.ends_at
                self._changed.notify()

    def remove(self, watch: Watch) -> None:
        with self._changed:
            self._running.discard(watch)

    def _look(self) -> None:
        with self._changed:
            while True:
                now = time.monotonic()
                for watch in [one for one in self._running if one.ends_at <= now]:
                    self._running.discard(watch)
                    watch.end()
                self._next = min((one.ends_at for one in self._running), default=float("inf"))
                self._changed.wait(min(self._next - now, 3600.0))


class Here(local):
    """The exchange that this thread is in."""

    watch = Watch(float("inf"))


here = Here()


@contextmanager
def deadline(seconds: float) -> Iterator[Watch]:
    here.watch = watch = Watch(time.monotonic() + seconds)
    deadlines = deadlines_of(os.getpid())
    deadlines.add(watch)
    try:
        yield watch
    finally:
        deadlines.remove(watch)


@cache
def deadlines_of(_pid: int) -> Deadlines:
    """A thread does not live on in a forked process: each has its own."""
    return Deadlines()
