"""Several processes that each take parts of a file in, over a connection of their own.

The parts are dealt out in turn and come back in order; each process has at most two, so that memory stays the same
whatever the file's size. Ids are claimed in the file's order: that turn goes round from process to process.
"""

import gc
import logging
import multiprocessing
import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager
from dataclasses import dataclass
from itertools import cycle
from multiprocessing.connection import Connection
from multiprocessing.context import ForkProcess
from multiprocessing.synchronize import Semaphore
from types import TracebackType

from django.db import connections

logger = logging.getLogger(__name__)
AHEAD = 2
ENDED = "a process of the import ended before its time"
LOOK_ROUND_S = 1.0
FORK = multiprocessing.get_context("fork")


class WorkerGone(Exception):
    """A process ended before its time, and whoever works with it ends too."""


class ClaimTurn(AbstractContextManager["ClaimTurn"]):
    """The turn to claim ids. Here: of a process that is alone, which always has it."""

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Give it back."""

    def check(self) -> None:
        """Raises WorkerGone when nobody waits for the work any longer."""


class PoolTurn(ClaimTurn):
    """The turn that goes round a pool."""

    def __init__(self, *, mine: Semaphore, following: Semaphore, parent: int) -> None:
        self.mine = mine
        self.following = following
        self.parent = parent

    def __enter__(self) -> "PoolTurn":
        while not self.mine.acquire(timeout=LOOK_ROUND_S):
            self.check()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is None:
            self.following.release()

    def check(self) -> None:
        if os.getppid() != self.parent:
            raise WorkerGone("whoever began the import is gone")


@dataclass(frozen=True)
class FinishedPart[Result]:
    """What nobody has to do any more: it comes back in its place."""

    result: Result


@dataclass(frozen=True)
class _Dealt[Part, Result]:
    """A part that was dealt: from where its result comes, once it was handed over."""

    end: "Connection[Part, Result]"
    handed_over: Future[None]


class WorkerPool[Part, Result]:
    """`size` processes, each of which does `work` on the parts it is dealt. Ended with the `with` block."""

    def __init__(self, *, size: int, work: Callable[[Part, ClaimTurn], Result]) -> None:
        self.work = work
        self.gates = [FORK.Semaphore(1 if n == 0 else 0) for n in range(size)]
        self.pipes = [FORK.Pipe() for _ in range(size)]
        self.members: list[ForkProcess] = []
        # Parts are handed over by threads, one for each process: one that is still handing in a large result takes
        # nothing, and whoever waited for it to do so would never come to take that result.
        self.dealers = [ThreadPoolExecutor(1, thread_name_prefix="dealer") for _ in range(size)]

    def __enter__(self) -> "WorkerPool[Part, Result]":
        connections.close_all()  # each has its own, and none must end another's
        parent = os.getpid()
        for n in range(len(self.pipes)):
            self.members.append(FORK.Process(target=self._serve, args=(n, parent)))
            self.members[-1].start()
        for _, theirs in self.pipes:
            theirs.close()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for member in self.members:
            if error is not None:
                member.terminate()
        for ours, _ in self.pipes:
            ours.close()
        for member in self.members:
            member.join()
        for dealer in self.dealers:
            dealer.shutdown(cancel_futures=True)

    def results(self, parts: Iterable[Part | FinishedPart[Result]]) -> Iterator[Result]:
        """Return what each part came to, in order. Raises WorkerGone."""
        turns = cycle(zip(self.dealers, [ours for ours, _ in self.pipes], strict=True))
        waiting: deque[_Dealt[Part, Result] | FinishedPart[Result]] = deque()
        for part in parts:
            if len(waiting) == AHEAD * len(self.pipes):
                yield _receive_result(waiting.popleft())
            if isinstance(part, FinishedPart):
                waiting.append(part)
            else:
                dealer, end = next(turns)
                waiting.append(_Dealt(end, dealer.submit(_send, end, part)))
        while waiting:
            yield _receive_result(waiting.popleft())

    def _serve(self, n: int, parent: int) -> None:
        for m, (ours, theirs) in enumerate(self.pipes):
            ours.close()
            if m != n:
                theirs.close()
        turn = PoolTurn(mine=self.gates[n], following=self.gates[(n + 1) % len(self.gates)], parent=parent)
        end = self.pipes[n][1]
        # Rows by the ten thousand hold no cycles: looking for some all the time costs a sixth of the time.
        gc.freeze()
        gc.disable()
        try:
            while True:
                end.send(self.work(end.recv(), turn))
                gc.collect()
        except (EOFError, ConnectionError, WorkerGone):
            pass  # nobody is there any longer
        except Exception:  # it ends the import, and whoever began that says so
            logger.exception("a part of the file can't be taken in")
        finally:
            connections.close_all()


def _send[Part, Result](end: "Connection[Part, Result]", part: Part) -> None:
    try:
        end.send(part)
    except ConnectionError as error:
        raise WorkerGone(ENDED) from error


def _receive_result[Part, Result](dealt: _Dealt[Part, Result] | FinishedPart[Result]) -> Result:
    if isinstance(dealt, FinishedPart):
        return dealt.result
    dealt.handed_over.result()
    try:
        return dealt.end.recv()
    except (EOFError, ConnectionError) as error:
        raise WorkerGone(ENDED) from error
