"""How each partner receives its events: by its stream, or, while it has none, pushed to its contract's address.

A stream never frees us from telling, nor a partner from being told: paused or disabled, everything is kept for it.
"""

from revocations.streams.endpoints import CONTRACTS_OWN, Endpoint, allows, endpoints
from revocations.streams.events import queue, subject_of
from revocations.streams.representation import (
    MIN_VERIFICATION_INTERVAL,
    configuration_of,
    events_not_declined,
    events_supported,
    status_of,
    stream_of,
)
from revocations.streams.status import (
    DELIVERY,
    PARTNER,
    ask_from,
    change_status,
    health_of,
    imposed,
    ours_to_undo,
    standing_stream,
)
from revocations.streams.stream_requests import POLLED, Delivery, StreamWanted

__all__ = [
    "CONTRACTS_OWN",
    "DELIVERY",
    "MIN_VERIFICATION_INTERVAL",
    "PARTNER",
    "POLLED",
    "Delivery",
    "Endpoint",
    "StreamWanted",
    "allows",
    "ask_from",
    "change_status",
    "configuration_of",
    "endpoints",
    "events_not_declined",
    "events_supported",
    "health_of",
    "imposed",
    "ours_to_undo",
    "queue",
    "standing_stream",
    "status_of",
    "stream_of",
    "subject_of",
]
