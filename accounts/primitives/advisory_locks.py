"""One worker at a time for a job."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection

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
