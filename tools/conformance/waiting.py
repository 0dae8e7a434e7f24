"""Waiting for what a partner does in its own time."""

import time
from collections.abc import Callable
from threading import Event

PAUSE_S = 0.25


# Looks again and again until a condition holds, or it is time to give up. Tells which.
type Wait = Callable[[Callable[[], bool]], bool]


def for_seconds(seconds: float) -> Wait:
    """Give up after so many seconds, each time."""

    def wait(condition: Callable[[], bool]) -> bool:
        end, pause = time.monotonic() + seconds, Event()
        while not condition():
            if time.monotonic() >= end:
                return False
            pause.wait(PAUSE_S)
        return True

    return wait
