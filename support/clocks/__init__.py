"""What is watched, once a minute; staff over days and weeks every ten, and the trail every six hours."""

from support.clocks.watching import (
    verify_audit,
    watch,
    watch_agents,
    watch_codes,
    watch_failed_stops,
    watch_seeds,
    watch_staff,
    watch_staff_for_long,
)

__all__ = [
    "verify_audit",
    "watch",
    "watch_agents",
    "watch_codes",
    "watch_failed_stops",
    "watch_seeds",
    "watch_staff",
    "watch_staff_for_long",
]
