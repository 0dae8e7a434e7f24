"""How often the gate gave which answer: counted in the process, without a row and so without a lock that could wait."""

from collections import Counter as Tally
from collections.abc import Sequence
from functools import cache

from prometheus_client import Counter

from consent.gate.shapes import Answer

DECISIONS = Counter("whereabouts_decisions", "Answers of the gate by reason.", ["reason"], registry=None)
# From the start, so that its first one is seen as a rise: that figure is watched.
DECISIONS.labels("unavailable")


def count(answers: Sequence[Answer]) -> None:
    """Add these answers to the figures at `/metrics`; an allow is counted as `allow`."""
    if len(answers) == 1:
        _of(answers[0].reason).inc()
        return
    for reason, times in Tally(answer.reason for answer in answers).items():
        _of(reason).inc(times)


@cache
def _of(reason: str) -> Counter:
    return DECISIONS.labels(reason or "allow")
