"""One reported release, checked, before we know whose it is; and whether its decision id proves an answer of the gate.

A decision id holds for one line and a short time.
"""

import hashlib
import uuid
from datetime import datetime, timedelta

import msgspec

from accounts.primitives.sealing import number_hash
from consent.gate import decision_ids
from consent.gate.decision_ids import get_claimed_time
from consent.gate.shapes import USE_WITHIN_S
from partners.feeds.checking import hash_of_meaning

# How many bytes of the keyed hash we keep to tell a repeat from a conflict. 1.0 kept all 32.
CONTENT_BYTES = 7
IDS = uuid.UUID("0b9a3a5e-52a0-4d0e-8c0d-6a7c5a1f0e11")
IN_IDS = hashlib.sha1(IDS.bytes, usedforsecurity=False)


def id_of(source_id: str) -> uuid.UUID:
    """Our id of a disclosure, derived from the sender's."""
    return uuid.uuid5(IDS, source_id)


def hex_id_of(source_id: str) -> str:
    """Return the same as 32 hexadecimal digits, in half the time."""
    digest = IN_IDS.copy()
    digest.update(source_id.encode())
    found = digest.hexdigest()
    return f"{found[:12]}5{found[13:16]}{VARIANT[found[16]]}{found[17:32]}"


# Of a UUID's seventeenth digit the two highest bits are "10".
VARIANT = {f"{digit:x}": f"{digit & 0b11 | 0b1000:x}" for digit in range(16)}


class Report(msgspec.Struct, frozen=True, gc=False):
    """What a row of the disclosures feed says: instants in UTC, absent texts empty."""

    source_id: str
    occurred_at: datetime
    msisdn: str
    aggregator: str
    path: list[str]
    campaign: str
    purpose: str
    scope: str
    precision_m: int
    basis: str
    outcome: str
    decision_id: str
    authority_ref: str
    suppressed_until: datetime | None


class Row(msgspec.Struct, frozen=True, gc=False):
    """A report with its place in the chunk, our id of it, a hash of what it means, and the hash of its number."""

    n: int
    id: str
    content: bytes
    number: bytes
    report: Report


def row_of(said: Report, *, n: int) -> Row:
    """Return the row of a report: what is computed once and needed at several places."""
    content = hash_of_meaning(
        [
            said.occurred_at, said.msisdn, said.aggregator, said.path, said.campaign or None, said.purpose, said.scope,
            said.precision_m, said.basis, said.outcome, said.decision_id or None, said.authority_ref or None,
            said.suppressed_until,
        ]
    )[:CONTENT_BYTES]  # fmt: skip
    return Row(n, hex_id_of(said.source_id), content, number_hash(said.msisdn), said)


class Outcome(msgspec.Struct, frozen=True, gc=False):
    """What became of a row: accepted, repeated, line_unknown or id_conflict.

    `judgement` is set for an accepted one that counts among the judged: released, by approval, not under a gag.
    `path_completed`: which places of its path were filled (`PathCompleted`).
    """

    fate: str
    judgement: str = ""
    path_completed: str = ""


MAY_BE_REPORTED_WITHIN = timedelta(seconds=USE_WITHIN_S)


def may_have_the_gates_yes(*, decision_id: str, occurred_at: datetime) -> bool:
    """Return whether this id claims a yes for that moment. Whether it is the gate's can be told only for a line."""
    claimed_at = get_claimed_time(decision_id=decision_id)
    return claimed_at is not None and _may_follow(claimed_at, occurred_at)


def had_the_gates_yes(*, line_id: int, campaign: str, decision_id: str, occurred_at: datetime) -> bool:
    """Return whether the gate allowed this release: by this id, for this line and campaign, a moment before."""
    allowed_at = decision_ids.allowed_at(decision_id=decision_id, line_id=line_id, campaign=campaign)
    return allowed_at is not None and _may_follow(allowed_at, occurred_at)


def _may_follow(yes_at: datetime, occurred_at: datetime) -> bool:
    """Return whether a release may rest on a yes of that moment. Who reports may tell the time in whole seconds."""
    since = yes_at if occurred_at.microsecond else yes_at.replace(microsecond=0)
    return since <= occurred_at <= yes_at + MAY_BE_REPORTED_WITHIN
