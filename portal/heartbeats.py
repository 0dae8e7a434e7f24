"""Signs of life of beat and workers, kept where throttles are: `/metrics` tells how old the newest is."""

import time
from typing import Any

from celery import bootsteps
from django.core.cache import cache

EVERY_S = 15.0
PROCESSES = ("beat", "worker")


def note(*, process: str) -> None:
    """Say that a process of this kind lives. Never fails: without Redis there is no sign, and that is one as well."""
    cache.set(f"heartbeat:{process}", time.time(), timeout=None)


def age_s(*, process: str) -> float:
    """Seconds since the newest sign of life of any process of this kind; infinite where there never was one."""
    newest = cache.get(f"heartbeat:{process}")
    return max(0.0, time.time() - newest) if isinstance(newest, float) else float("inf")


class Heart(bootsteps.StartStopStep):
    """Beats while a worker's main process runs."""

    requires = ("celery.worker.components:Timer",)

    def __init__(self, worker: Any, **options: Any) -> None:
        super().__init__(worker, **options)
        self._beating: Any = None

    def start(self, worker: Any) -> None:
        note(process="worker")
        self._beating = worker.timer.call_repeatedly(EVERY_S, note, kwargs={"process": "worker"})

    def stop(self, worker: Any) -> None:
        del worker
        if self._beating is not None:
            self._beating.cancel()
            self._beating = None
