"""Several processes that take parts of a file in: whatever they hand in, and whoever dies, nobody waits for ever."""

import os
import signal
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from partners.feeds.worker_pool import ClaimTurn, FinishedPart, WorkerGone, WorkerPool

PART, RESULT = 20_000_000, 1_000_000
pytestmark = pytest.mark.usefixtures("committed_db")


def whole(crew: WorkerPool[Any, bytes], parts: list[Any]) -> list[bytes] | None:
    """What the parts came to; None where that took longer than it ever may."""
    with ThreadPoolExecutor(1) as pool:
        reading = pool.submit(list, crew.results(parts))
        try:
            return reading.result(60)
        except TimeoutError:
            for member in crew.members:
                member.kill()
            return None


def test_large_results_do_not_wait_for_each_other() -> None:
    """A lines file that is a day late: most of each block comes back as refused."""

    def work(part: bytes, _: ClaimTurn) -> bytes:
        return part[:1] * RESULT

    parts: list[Any] = [bytes([n]) * PART for n in range(7)]
    parts.insert(3, FinishedPart(b"known"))
    with WorkerPool(size=2, work=work) as crew:
        results = whole(crew, parts)
    assert results is not None
    assert [(one[:1], len(one)) for one in results if one != b"known"] == [(bytes([n]), RESULT) for n in range(7)]
    assert results[3] == b"known"


def test_a_process_that_dies_ends_the_import() -> None:
    def work(part: bytes, _: ClaimTurn) -> bytes:
        if part[0] == 2:
            os.kill(os.getpid(), signal.SIGKILL)
        return part[:1]

    with pytest.raises(WorkerGone, match="ended before its time"), WorkerPool(size=2, work=work) as crew:
        list(crew.results([bytes([n]) * PART for n in range(6)]))


def test_a_part_for_which_there_is_no_room_ends_the_import() -> None:
    class TooLarge:
        def __reduce__(self) -> str:
            raise MemoryError

    def work(_: TooLarge, __: ClaimTurn) -> bytes:
        return b""

    with pytest.raises(MemoryError), WorkerPool(size=1, work=work) as crew:
        whole(crew, [TooLarge()])
