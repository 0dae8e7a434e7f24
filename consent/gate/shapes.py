"""A question, its answer, and what one look-up finds. Moments are microseconds since 1970, as in the gate row.

They are msgspec's structs because a batch makes thousands of them.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime

import msgspec

USE_WITHIN_S = 2

type Entry = tuple[int, int | None, str]
"""Since when, until when (None: without end) and of which origin: an approval or a pause in a gate row."""


class Question(msgspec.Struct, frozen=True, kw_only=True):
    """What the gateway asks. Exactly one of `line` (the carrier's line id) and `msisdn` (E.164) names the line."""

    aggregator: str
    provider: str
    campaign: str
    purpose: str
    scope: str
    precision_m: int | None = None
    recipient: str = ""
    line: str | None = None
    msisdn: str | None = None


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """The gate's word. `reason` is empty when allowed; the fields after it are set only then."""

    allowed: bool
    reason: str
    decision_id: str
    epoch: int = 0
    version: int = 0
    record_id: str = ""
    expires_at: datetime | None = None
    max_precision_m: int = 0
    subject_ref: str = ""


class Terms(msgspec.Struct, frozen=True):
    """What holds for whoever asks so, whatever the line, in the order of the statement's columns.

    `live`: the machine that asks and its token's key. `is_open`: whether anything may be released (`opening`).
    `campaign` and what it allows: only where the request is its own. `by_officer`, `by_stream`: who suspended somebody
    concerned. A stop or pause of one of the parties, purposes or campaigns covers the request; they are told only for
    lines that have one.
    """

    now: int
    live: bool
    is_open: bool
    campaign: str | None
    precision_m: int
    epoch: int
    by_officer: bool | None
    by_stream: bool | None
    parties: Sequence[str] | None
    purposes: Sequence[str] | None
    campaigns: Sequence[str] | None

    def covered_by(self) -> frozenset[str]:
        """The keys of the stops and pauses that cover the request."""
        return frozenset(
            ["all"]
            + [f"party:{uri}" for uri in self.parties or ()]
            + [f"purpose:{term}" for term in self.purposes or ()]
            + [f"campaign:{ref}" for ref in self.campaigns or ()]
        )


class Line(msgspec.Struct, frozen=True):
    """What holds for the line asked about, in the order of the statement's columns; all empty for no line of ours.

    `newest_at` only where it is ahead of the clock. `approvals` and what follows are of the campaign asked for.
    """

    line_id: int | None
    gate_version: int
    active: bool
    contract_in_force: bool
    campaign_in_force: bool
    prohibited: bool
    newest_at: int | None
    number_changed_at: int | None
    stops: str | None
    pauses: str | None
    approvals: str | None
    claimed: bool | None
    epoch: int | None
    version: int | None
    subject_ref: str | None


stops_in = msgspec.json.Decoder(Mapping[str, Mapping[str, int]]).decode
pauses_in = msgspec.json.Decoder(Mapping[str, Sequence[tuple[int, int, str]]]).decode
approvals_in = msgspec.json.Decoder(Sequence[Entry]).decode
