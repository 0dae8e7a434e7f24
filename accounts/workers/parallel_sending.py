"""Hand things to somebody's gateway by several threads of one worker, at no more than the gateway's rate.

One worker at a time does it, so that the rate holds and the other workers are there for orders to partners. What goes
to one line is always sent by the same thread, in its order.
"""

import time
from collections import defaultdict
from collections.abc import Callable, Collection, Hashable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from threading import Event, Lock

from django.db import connection


class Pace:
    """When the next may be handed over: `rate` in a second, whichever thread asks, and none from `until` on."""

    def __init__(
        self, *, rate: int, until: float, clock: Callable[[], float], sleep: Callable[[float], None] = time.sleep
    ) -> None:
        self._between, self._until = 1 / rate, until
        self._clock, self._sleep = clock, sleep
        self._lock, self._next = Lock(), 0.0

    def wait(self) -> bool:
        """Wait for a turn. Returns whether there is one. Time in which nobody asked is not made up for."""
        with self._lock:
            now = self._clock()
            turn = max(now, self._next)
            if turn >= self._until:
                return False
            self._next = turn + self._between
        if turn > now:
            self._sleep(turn - now)
        return True


def send_all[T](
    *, due: Iterable[tuple[T, Hashable]], send: Callable[[T], bool], spreads: Callable[[], bool], threads: int
) -> None:
    """Send what is due, each with what it belongs to: one by one, and once it `spreads` by all threads.

    The first alone: of a gateway that keeps silent one is in doubt, and not one of each thread.
    """
    left = iter(due)
    for thing, _ in left:
        if not send(thing):
            return
        if spreads():
            break
    send_in_parallel(shards=split(left, threads=threads), send=send)


def split[T](things: Iterable[tuple[T, Hashable]], *, threads: int) -> list[list[T]]:
    """Divide things among the threads by what they belong to, in their order."""
    shards: dict[int, list[T]] = defaultdict(list)
    for thing, belongs_to in things:
        shards[hash(belongs_to) % threads].append(thing)
    return list(shards.values())


def send_in_parallel[T](*, shards: Collection[Sequence[T]], send: Callable[[T], bool]) -> None:
    """Send each shard by a thread of its own, until one returns that there is no use in going on, or raises."""
    ended = Event()

    def one_shard(things: Sequence[T]) -> None:
        goes_on = False
        try:
            goes_on = all(not ended.is_set() and send(one) for one in things)
        finally:
            connection.close()
            if not goes_on:
                ended.set()

    if shards:
        with ThreadPoolExecutor(len(shards), thread_name_prefix="sending") as threads:
            list(threads.map(one_shard, shards))
