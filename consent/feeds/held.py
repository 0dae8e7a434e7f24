"""What was held for lines and campaigns that are known now."""

from datetime import datetime

from consent.feeds.approvals import ApprovalsFeed
from consent.feeds.choices import ChoicesFeed


def apply_held_rows(*, at: datetime) -> int:
    """Take in what was held for what is known now, choices first: nothing is allowed that was stopped as well.

    Returns how many stops from files newer approvals outweigh. Safe to repeat, and to be cut off anywhere. Call outside
    a transaction.
    """
    pierced = 0
    for feed in (ChoicesFeed(), ApprovalsFeed()):
        feed.replay(at=at)
        pierced += feed.pierced
    return pierced
