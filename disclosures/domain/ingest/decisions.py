"""Whether a reported release rests on an answer of the gate: its decision id proves it, for a line and a short time."""

from datetime import datetime, timedelta

from consent.gate import decision_ids
from consent.gate.decision_ids import get_claimed_time
from consent.gate.shapes import USE_WITHIN_S

MAY_BE_REPORTED_WITHIN = timedelta(seconds=USE_WITHIN_S)


def may_have_the_gates_yes(*, decision_id: str, occurred_at: datetime) -> bool:
    """Whether this id claims a yes for that moment. Whether it is the gate's can be told only for a line."""
    claimed_at = get_claimed_time(decision_id=decision_id)
    return claimed_at is not None and _may_follow(claimed_at, occurred_at)


def had_the_gates_yes(*, line_id: int, campaign: str, decision_id: str, occurred_at: datetime) -> bool:
    """Whether the gate allowed this release: by this id, for this line and campaign, a moment before."""
    allowed_at = decision_ids.allowed_at(decision_id=decision_id, line_id=line_id, campaign=campaign)
    return allowed_at is not None and _may_follow(allowed_at, occurred_at)


def _may_follow(yes_at: datetime, occurred_at: datetime) -> bool:
    """Whether a release may rest on a yes of that moment. Who reports may tell the time in whole seconds."""
    since = yes_at if occurred_at.microsecond else yes_at.replace(microsecond=0)
    return since <= occurred_at <= yes_at + MAY_BE_REPORTED_WITHIN
