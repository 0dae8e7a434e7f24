"""Two things done at once on two connections, in an order that is the same each time: no rounds, no luck.

Where a lock guards what both do, the second waits for it and then sees what the first did. Where none does, the second
goes by what was before the first, and both are done.
"""

from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from itertools import count
from typing import Any

import pytest
from django.db import connection, connections, transaction
from django.db.models import QuerySet

from audit.models import AuditEvent
from consent.domain import order_planning
from revocations.domain.wire import Agreement

A_MOMENT_S = 0.02
WAIT_FOR_US = """
WITH RECURSIVE waiting (pid) AS (
    SELECT pg_backend_pid()
    UNION SELECT held.pid FROM pg_locks held JOIN waiting ON waiting.pid = ANY (pg_blocking_pids(held.pid))
    WHERE NOT held.granted
)
SELECT count(*) - 1 FROM waiting
"""


def noted(action: str) -> int:
    """Count how often the trail has it."""
    return AuditEvent.objects.filter(action=action).count()


def overlap[A, B](first: Callable[[], A], second: Callable[[], B], *, at_commit: int = 1) -> tuple[A, B]:
    """Do `first`, and `second` on a connection of its own from when `first` is about to commit.

    `first` commits once `second` waits for a lock of its or is over. `at_commit`: which commit of several. Returns what
    both returned; raises what `second` raised. Needs `committed_db`.
    """
    started: list[Future[B]] = []
    ours, commits = connections["default"], count(1)
    commit = ours.commit

    def start_the_second_and_commit() -> None:
        if next(commits) == at_commit:
            started.append(pool.submit(_on_its_own_connection, second))
            wait_until_it_waits(started[0])
        commit()

    with ThreadPoolExecutor(1) as pool, pytest.MonkeyPatch.context() as patched:
        patched.setattr(ours, "commit", start_the_second_and_commit)
        done = first()
    assert started, "the first did not commit so often"
    return done, started[0].result()


def _on_its_own_connection[B](verb: Callable[[], B]) -> B:
    try:
        return verb()
    finally:
        connection.close()


def wait_until_it_waits[B](other: Future[B], *, among: int = 1) -> None:
    """Until `other` waits for a lock of this connection's, as so many do, or of who waits for it; or is over."""
    while not wait([other], timeout=A_MOMENT_S).done:
        with connection.cursor() as cursor:
            cursor.execute(WAIT_FOR_US)
            ((waiting,),) = cursor.fetchall()
        if waiting >= among:
            return


def overlap_at_a_row[A, B](row: QuerySet[Any], first: Callable[[], A], second: Callable[[], B]) -> tuple[A, B]:
    """Do both on connections of their own from when both wait, `first` for longer, while this one holds the row.

    Returns what both returned; raises what one of them raised, or that each waited for the other.
    """
    with ThreadPoolExecutor(2) as pool:
        with transaction.atomic():
            row.select_for_update().get()
            one = pool.submit(_on_its_own_connection, first)
            wait_until_it_waits(one)
            other = pool.submit(_on_its_own_connection, second)
            wait_until_it_waits(other, among=2)
        return one.result(), other.result()


def elsewhere[T](verb: Callable[[], T]) -> T:
    """What this returns on another connection, once it is over."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(_on_its_own_connection, verb).result()


def after_the_first_making_up(monkeypatch: pytest.MonkeyPatch, happens: Callable[[], object]) -> list[int]:
    """Let something happen once a stop knows what to tell and before it commits. Returns a list, one for each try."""
    made_up, tries = order_planning.agreements_after_no, list[int]()

    def and_meanwhile(**asked: Any) -> Sequence[Agreement]:
        found = made_up(**asked)
        tries.append(len(found))
        if len(tries) == 1:
            happens()
        return found

    monkeypatch.setattr(order_planning, "agreements_after_no", and_meanwhile)
    return tries
