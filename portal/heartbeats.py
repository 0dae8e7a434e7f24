"""Signs of life of beat and workers, kept where throttles are: `/metrics` tells how old the newest is.

Each says that work was done, not that a process is there: beat that the broker took a job from it, a worker that it has
done a task. One that lost its broker for good is there as well, and so is one whose every task fails.

A container's health check (`portal/health_check.py`) asks less: whether the process takes tasks and ends them. One
whose tasks fail because the database is away works again by itself, and restarting it would only make it late.
"""

import time
from contextlib import suppress
from typing import Any

from celery import Task
from django.conf import settings
from django.core.cache import cache

EVERY_S = 15.0
PROCESSES = ("beat", "worker")
# When this process said so last, by its own clock.
_noted_at: dict[str, float] = {}


def record_heartbeat(*, process: str) -> None:
    """Say that a process of this kind works. Never fails: without Redis there is no sign, and that is one as well."""
    touch_probe(process=process)
    cache.set(f"heartbeat:{process}", time.time(), timeout=None)


def touch_probe(*, process: str) -> None:
    """Say that this process runs, to the health check of its own container alone."""
    with suppress(OSError):
        (settings.DATA_DIR / f"heartbeat-{process}").touch()


def record_heartbeat_sometimes(*, process: str) -> None:
    """Do the same where it happens all the time: at most once in `EVERY_S` for each process."""
    now = time.monotonic()
    if now - _noted_at.get(process, -EVERY_S) >= EVERY_S:
        _noted_at[process] = now
        record_heartbeat(process=process)


def age_s(*, process: str) -> float:
    """Seconds since the newest sign of life of any process of this kind; infinite where there never was one."""
    newest = cache.get(f"heartbeat:{process}")
    return max(0.0, time.time() - newest) if isinstance(newest, float) else float("inf")


class HeartbeatTask(Task[..., Any]):
    """Every task of ours: one that was done is its worker's sign of life, one that failed its container's."""

    def on_success(self, *args: Any, **options: Any) -> None:
        """Called by the worker's process once the task has done what it is for."""
        super().on_success(*args, **options)
        record_heartbeat_sometimes(process="worker")

    def on_failure(self, *args: Any, **options: Any) -> None:
        """Called by the worker's process once the task has failed for good."""
        super().on_failure(*args, **options)
        touch_probe(process="worker")
