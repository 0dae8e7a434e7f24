"""Stops that failed with us, counted outside the database: it may be the database that fails.

A task reads the hours and opens the incident (`support.workers.clocks`).
"""

from datetime import datetime

from prometheus_client import Counter

from audit.primitives.counters import Tally

STOPS_FAILED = Counter("whereabouts_stops_failed", "Stops that ended in an error of ours.", registry=None)
FAILED = Tally("stops-failed")


def count_failed_stop(*, at: datetime) -> None:
    """Count one more stop that failed."""
    STOPS_FAILED.inc()
    FAILED.count(at=at)
