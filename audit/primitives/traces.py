"""The trace that work is part of, across processes. Where traces are on, `portal.tracing` puts its own way here."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass

type Tell = Callable[[int | None], None]


@contextmanager
def _untold(_trace: str, _step: str) -> Iterator[Tell]:
    yield lambda _status: None


@dataclass
class Tracing:
    """How to tell of it; as it stands here, nothing is told.

    `current`: the trace under way here, as W3C's `traceparent`, or "". `step`: a step of such a trace, by its name; the
    status that it is answered with can be told.
    """

    current: Callable[[], str] = lambda: ""
    step: Callable[[str, str], AbstractContextManager[Tell]] = _untold


traces = Tracing()
