"""A worker process's own thread for delivery: tasks hand over to it, and are free again at once.

A task that waited for a slow partner would keep its worker from everybody else's orders. What is under way when the
process ends is given back by its leases, as after any other end.
"""

import os
import threading
from collections.abc import Collection
from datetime import datetime
from functools import cache
from queue import SimpleQueue

import structlog
from django.db import connection

from audit.primitives import generic_plans
from revocations.workers.delivery.claims import Clock
from revocations.workers.delivery.delivery_rounds import Message, Round, Wake

log = structlog.get_logger()

LINGER_S = 20.0


class Desk:
    """Where this process delivers from. The thread ends when nothing has come for a while, and starts again."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._inbox: SimpleQueue[Message] = SimpleQueue()
        self._thread: threading.Thread | None = None

    def wake(self, *, party_ids: Collection[int], now: datetime, linger_s: float = LINGER_S) -> None:
        """Have what is due to these partners pushed. Returns at once."""
        with self._lock:
            self._inbox.put(Wake(party_ids, now))
            if self._thread is None:
                self._thread = threading.Thread(target=self._work, args=(now, linger_s), daemon=True, name="delivery")
                self._thread.start()

    def finish(self, *, within_s: float) -> None:
        """Wait until the thread has ended."""
        thread = self._thread
        if thread is not None:
            thread.join(within_s)

    def _work(self, now: datetime, linger_s: float) -> None:
        try:
            while True:
                connection.ensure_connection()
                with generic_plans.use_generic_plans():
                    Round(Clock(now), self._inbox).run(linger_s=linger_s)
                with self._lock:
                    if self._inbox.empty():
                        self._thread = None
                        return
        except Exception:  # the sweep begins anew, on another session and with whatever the leases give back
            log.exception("delivery stopped")
            with self._lock:
                self._thread = None
        finally:
            connection.close()


@cache
def _desk(_pid: int) -> Desk:
    return Desk()


def desk() -> Desk:
    """This process's own: a thread does not live on in a forked one."""
    return _desk(os.getpid())
