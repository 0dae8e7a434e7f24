"""Tell workers that orders wait: at once, and of those that come right after that, together.

Only a nudge: the rows are the queue, and the sweep finds what it missed. One nudge for each stop of a burst would cost
more processor time, here, at the broker and at the workers, than the orders do.
"""

import os
import time
from collections.abc import Collection
from functools import cache
from threading import Lock, Timer

import structlog

from revocations import tasks

log = structlog.get_logger(__name__)

# Between two nudges of one process.
EVERY_S = 0.05


class Nudges:
    """What this process has to tell workers."""

    def __init__(self) -> None:
        self._lock, self._party_ids = Lock(), set[int]()
        self._next_at, self._is_timed = 0.0, False

    def send(self, *, party_ids: Collection[int]) -> None:
        """Have workers look for orders of these partners, now or in a moment. Raises what the broker raises."""
        with self._lock:
            self._party_ids.update(party_ids)
            if self._is_timed:
                return
            wait = self._next_at - time.monotonic()
            self._is_timed = wait > 0 and self._start_timer(wait)
            if self._is_timed:
                return
            told = self._take()
        tasks.deliver.delay(party_ids=told)

    def _start_timer(self, wait: float) -> bool:
        """Whether it could be started: a process that may have no more threads tells workers at once."""
        timer = Timer(wait, self._send_later)
        timer.daemon = True
        try:
            timer.start()
        except RuntimeError:
            return False
        return True

    def _send_later(self) -> None:
        with self._lock:
            self._is_timed = False
            told = self._take()
        try:
            tasks.deliver.delay(party_ids=told)
        except Exception:  # nobody waits for it: the sweep finds the rows
            log.exception("workers can't be told of orders")

    def _take(self) -> list[int]:
        self._next_at = time.monotonic() + EVERY_S
        told = sorted(self._party_ids)
        self._party_ids.clear()
        return told


@cache
def _make_nudges(_pid: int) -> Nudges:
    return Nudges()


def nudge(*, party_ids: Collection[int]) -> None:
    """Have workers look for orders of these partners, now or in a moment. Raises what the broker raises."""
    # A timer does not live on in a forked process.
    _make_nudges(os.getpid()).send(party_ids=party_ids)
