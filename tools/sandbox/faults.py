"""What the partner can be told to do wrong."""

from collections.abc import Callable
from enum import StrEnum
from threading import Condition

SLOW_SECONDS = 12.0


class Fault(StrEnum):
    NONE = "none"
    SLOW = "slow"
    DOWN = "down"
    ERR400 = "err400"
    ERR500 = "err500"
    DUPLICATE = "duplicate"
    DROP_RECEIPT = "drop-receipt"
    PARTIAL = "partial"
    FORGET = "forget"
    GULLIBLE = "gullible"
    MISLABEL = "mislabel"
    NO_EVIDENCE = "no-evidence"
    DEAF = "deaf"
    WHOLESALE = "wholesale"


class Faults:
    """The one fault in force. Lives in memory: a restart is healthy again unless told otherwise."""

    def __init__(self, fault: Fault = Fault.NONE) -> None:
        self._changed = Condition()
        self._seconds = SLOW_SECONDS
        self._fault = fault
        self.on_change: Callable[[], None] = lambda: None

    @property
    def now(self) -> Fault:
        return self._fault

    def set(self, fault: Fault, *, seconds: float = SLOW_SECONDS) -> None:
        with self._changed:
            self._fault, self._seconds = fault, seconds
            self._changed.notify_all()
        self.on_change()

    def dawdle(self) -> None:
        """While slow: keep the caller waiting, until the time is over or the fault is lifted."""
        with self._changed:
            self._changed.wait_for(lambda: self._fault is not Fault.SLOW, timeout=self._seconds)
