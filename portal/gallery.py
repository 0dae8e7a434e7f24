"""What the gallery of components shows them with."""

from datetime import UTC, datetime
from types import SimpleNamespace

ICONS = "stop pause check alert leave globe clock download eye lock pin print key open"

_LONG = "Ünïcode & <b>markup</b> Incorporated International Holdings of a Very Long Name Indeed"


def _order(state: str, *, unconfirmed: bool = False, owes: bool = True) -> SimpleNamespace:
    return SimpleNamespace(state=state, unconfirmed=unconfirmed, owes=owes, owes_deletion=owes, overdue=False, tone="")


SAMPLES = {
    "moment": datetime(2026, 11, 24, 22, 0, 10, tzinfo=UTC),
    "tags": (
        ("good", "You agreed", "check"),
        ("warn", "Only the company says so", "alert"),
        ("bad", "No record that you agreed", "alert"),
        ("plain", "You stopped it", "stop"),
    ),
    "tones": ("plain", "good", "warn", "bad"),
    "icons": tuple(ICONS.split()),
    "states": tuple(SimpleNamespace(state=state) for state in ("on", "partly", "off")),
    "trail": (
        SimpleNamespace(name="", role="carrier", lost=False),
        SimpleNamespace(name="NorthLink", role="aggregator", lost=False),
        SimpleNamespace(name=_LONG, role="service", lost=False),
        SimpleNamespace(name="", role="next", lost=True),
    ),
    "orders": (
        *(_order(state) for state in ("queued", "sent", "acknowledged", "completed", "partial", "superseded")),
        *(_order(state) for state in ("parked", "rejected", "contradicted")),
        _order("queued", unconfirmed=True),
        _order("acknowledged", owes=False),
    ),
}
