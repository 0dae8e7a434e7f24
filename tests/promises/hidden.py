"""Releases that an order of court hides, one of each kind, and two lines that differ by nothing but such rows."""

from tests.feeds import (
    BRIDGE,
    JAIL,
    LINK,
    ROAD,
    TRACK,
    Row,
    approval_row,
    line_row,
    release_row,
    take_approvals,
    take_lines,
    take_parties,
    take_releases,
)

PLAIN, GAGGED = "+12065550101", "+12065550102"
BOTH = ((PLAIN, "L-plain"), (GAGGED, "L-gagged"))
FOREVER = "2190-01-01T00:00:00Z"
HIDDEN: list[Row] = [
    {"id": "h-1", "basis": "legal_process", "path": [BRIDGE]},
    {"id": "h-2", "basis": "legal_process", "path": [LINK, JAIL], "aggregator": LINK},
    {"id": "h-3", "path": [BRIDGE, ROAD, "https://sealed.example"]},
    {"id": "h-4", "path": [LINK, TRACK, "unknown"], "aggregator": LINK, "campaign": "CMP-track"},
    {"id": "h-5", "basis": "emergency", "path": [BRIDGE, TRACK]},
    {"id": "h-6", "basis": "network", "outcome": "refused", "path": [BRIDGE, TRACK]},
    {"id": "h-7", "occurred_at": "2025-12-31T23:59:59Z", "outcome": "refused"},
]


def two_lines_alike() -> None:
    take_parties()
    take_lines(*(line_row(line_id=name, msisdn=number, account_id="A") for number, name in BOTH))
    for number, name in BOTH:
        take_approvals(approval_row(id=f"a-of-{name}", msisdn=number))
        take_releases(
            release_row(id=f"r-of-{name}", msisdn=number),
            release_row(id=f"s-of-{name}", msisdn=number, occurred_at="2025-09-01T00:00:00Z"),
        )
