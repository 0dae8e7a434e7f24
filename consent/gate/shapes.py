"""A question, its answer, and what one look-up finds. Moments are microseconds since 1970, as in the gate row.

They are msgspec's structs because a batch makes thousands of them. None can lead back to itself, so the collector of
cycles need not look at them (`gc=False`).
"""

from collections.abc import Mapping, Sequence
from datetime import datetime

import msgspec

from partners.models import Campaign

USE_WITHIN_S = 2
# Wider than any rule of a state that lets a wider circle pass; the most that the ledger's `integer` holds.
WIDEST_M = 2**31 - 1


class Question(msgspec.Struct, frozen=True, kw_only=True, gc=False):
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


class Answer(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """The gate's word. `reason` is empty when allowed; the fields after `decision_id` are set only then.

    But for `max_precision_m`, which is also set on a no to a campaign's own request; beyond `WIDEST_M` where its state
    lets no circle pass.
    """

    allowed: bool
    reason: str
    decision_id: str
    epoch: int = 0
    version: int = 0
    record_id: str = ""
    expires_at: datetime | None = None
    max_precision_m: int = 0
    subject_ref: str = ""


class Terms(msgspec.Struct, frozen=True, gc=False):
    """What holds for whoever asks so, whatever the line, in the order of the statement's columns.

    `live`: the machine that asks and its token's key. `is_open`: whether anything may be released (`opening`).
    `campaign` and what it allows: only where the request is its own. `suspended`: None where nobody concerned is; True
    where the stream rules alone did it, False where an officer did. `covered_by`: the keys of the stops and pauses that
    cover the request; they may be left out for a line that has none.
    """

    now: int
    live: bool
    is_open: bool
    campaign: str | None
    precision_m: int
    epoch: int
    suspended: bool | None
    covered_by: frozenset[str]


class Line(msgspec.Struct, frozen=True, gc=False):
    """What holds for the line asked about, in the order of the statement's columns; all empty for no line of ours.

    `prohibited_within_m`: up to which radius its state prohibits the use; None where it does not.
    `newest_at` only where it is ahead of the clock. `stops` and `pauses` of a line without any are `NOTHING`.
    `approvals` and what follows are of the campaign asked for.
    """

    line_id: int | None
    gate_version: int
    active: bool
    contract_in_force: bool
    campaign_in_force: bool
    prohibited_within_m: int | None
    newest_at: int | None
    number_changed_at: int | None
    stops: str | None
    pauses: str | None
    approvals: str | None
    claimed: bool | None
    epoch: int | None
    version: int | None
    subject_ref: str | None


NOTHING = "{}"
EVERYTHING = frozenset({"all"})
stops_in = msgspec.json.Decoder(Mapping[str, Mapping[str, int]]).decode
pauses_in = msgspec.json.Decoder(Mapping[str, Sequence[tuple[int, int, str]]]).decode
covering_in = msgspec.json.Decoder(tuple[Sequence[str], Sequence[str], Sequence[str] | None]).decode


def parse_covered_keys(covering: str | None) -> frozenset[str]:
    """Return the keys of the stops and pauses of everything, and of these parties, purposes and campaigns."""
    if covering is None:
        return EVERYTHING
    parties, purposes, campaigns = covering_in(covering)  # of a campaign that is not known: no campaigns
    return EVERYTHING.union(
        (f"party:{uri}" for uri in parties),
        (f"purpose:{term}" for term in purposes),
        (f"campaign:{ref}" for ref in campaigns or ()),
    )


def as_agreed(
    *,
    campaign: Campaign,
    line: str | None = None,
    msisdn: str | None = None,
    recipient: str = "",
    precision_m: int | None = None,
) -> Question:
    """Ask the campaign's own question about a line (the carrier's id) or a number.

    `precision_m`: None asks as exactly as was agreed, which is what partners are told: nothing they hold says how exact
    a use may be. `WIDEST_M` asks whether anything is allowed at all, as a person is told.
    `recipient`: for whom it asks, a party's URI. A campaign whose requests name their recipient asks for its provider
    itself where none is meant: every other recipient is covered by at least as many stops, one that is not told apart
    by those of everybody behind it. One whose requests name nobody is asked as it is, whoever is meant.
    """
    provider = campaign.lbs_provider.uri
    return Question(
        aggregator=campaign.contract.aggregator.uri,
        provider=provider,
        recipient=(recipient or provider) if campaign.names_recipient else "",
        campaign=campaign.ref,
        purpose=campaign.purpose,
        scope=campaign.scope,
        precision_m=campaign.precision_m if precision_m is None else precision_m,
        line=line,
        msisdn=msisdn,
    )
