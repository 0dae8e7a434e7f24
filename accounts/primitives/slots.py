"""Limit how many do a thing at once: so many in this process (`SlotPool`), or one worker for a job (`lock_job`).

An answer in parts keeps its place until it has gone out.
"""

import asyncio
import secrets
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from threading import Lock
from weakref import WeakSet

from django.db import connection
from django.http import StreamingHttpResponse
from django.http.response import HttpResponseBase


class Slot:
    """One of them. It is free again when it is given back, or when nobody knows of it any more."""

    def __init__(self, whose: object, places: WeakSet["Slot"], lock: Lock) -> None:
        self.whose, self._places, self._lock = whose, places, lock

    def release(self) -> None:
        """More than once does no harm."""
        with self._lock:  # not while somebody counts them
            self._places.discard(self)


class SlotPool:
    """Those that are taken, by whom."""

    def __init__(self) -> None:
        self._lock, self._places = Lock(), WeakSet[Slot]()

    @property
    def taken_count(self) -> int:
        return len(self._places)

    def take(self, most: int, *, whose: object = None) -> Slot | None:
        """Take a place, unless they have as many already."""
        with self._lock:
            if sum(one.whose == whose for one in self._places) >= most:
                return None
            place = Slot(whose, self._places, self._lock)
            self._places.add(place)
            return place


class Turns:
    """One at a time on an event loop, and of many who wait one of each in turn: nobody is turned away.

    Which of one's is drawn by lot: in a line, whoever comes behind a flood from their own network would never get to
    its end before the proxy gives up.
    """

    def __init__(self) -> None:
        self._waiting: dict[str, list[asyncio.Future[None]]] = {}
        self._is_taken = False

    async def take(self, whose: str, *, gone: asyncio.Future[None]) -> bool:
        """Wait until it is their turn. Returns False, and takes none, where they are gone by then."""
        if self._is_taken:
            turn = asyncio.get_running_loop().create_future()
            self._waiting.setdefault(whose, []).append(turn)
            await asyncio.wait((turn, gone), return_when=asyncio.FIRST_COMPLETED)
            if not turn.done():
                turn.cancel()
                return False
        self._is_taken = True
        return True

    def release(self) -> None:
        """The next one's turn: those of whoever has just had one come after everybody else's."""
        while self._waiting:
            whose = next(iter(self._waiting))
            # Whoever has hung up costs the others of their network no round.
            theirs = [one for one in self._waiting.pop(whose) if not one.done()]
            if theirs:
                turn = theirs.pop(secrets.randbelow(len(theirs)))
                if theirs:
                    self._waiting[whose] = theirs
                turn.set_result(None)
                return
        self._is_taken = False


class _SendingBody(Iterator[bytes]):
    """The parts of an answer. Its place is free after the last, after one that fails, and when the reader hangs up."""

    def __init__(self, parts: Iterable[bytes], place: Slot) -> None:
        self._parts, self._place = iter(parts), place

    def __next__(self) -> bytes:
        try:
            return next(self._parts)
        except BaseException:
            self._place.release()
            raise

    def close(self) -> None:
        """Called by the server, whether all went out or not."""
        self._place.release()


def hold_until_sent[R: HttpResponseBase](response: R, place: Slot) -> R:
    """Return this answer, which gives the place back once it has gone out: one that is whole already, now."""
    if isinstance(response, StreamingHttpResponse):
        response.streaming_content = _SendingBody(response, place)
    else:
        place.release()
    return response


TRY = "SELECT pg_try_advisory_lock(hashtextextended(%s, 0))"
WAIT = "SELECT true FROM pg_advisory_lock(hashtextextended(%s, 0))"


@contextmanager
def lock_job(*, name: str, waits: bool = False) -> Iterator[bool]:
    """Return whether this worker has the job for itself. A worker that is killed gives it back with its session.

    `waits`: until nobody else has it.

    It saves work twice done; that nothing is done twice, each step's own transaction sees to.
    """
    with connection.cursor() as cursor:
        cursor.execute(WAIT if waits else TRY, [name])
        ((mine,),) = cursor.fetchall()
    try:
        yield bool(mine)
    finally:
        if mine:
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_unlock(hashtextextended(%s, 0))", [name])
