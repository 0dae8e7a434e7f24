"""What must be in a receipt that says "done", whether of an order or of an ended agreement."""

from collections.abc import Collection
from datetime import datetime, timedelta

from revocations.domain.receipts import ReceiptRefused, VerifiedReceipt

# A partner's clock may run this far ahead of ours.
CLOCK_SKEW = timedelta(seconds=5)


def check_applied(*, word: VerifiedReceipt, epoch: int, version: int) -> None:
    """The partner had taken this order, or a newer one, when it signed. Raises ReceiptRefused."""
    applied = word.said.applied
    if applied is None or (applied.epoch, applied.version) < (epoch, version):
        raise ReceiptRefused("invalid_request", "applied must be at least the order's (epoch, version)")


def check_required_actions(
    *, word: VerifiedReceipt, required: Collection[str], ordered_at: datetime, at: datetime
) -> None:
    """Every required action is there, done between the order and now. Raises ReceiptRefused."""
    done = {deed.action: deed for deed in word.said.actions if deed.status == "completed"}
    # The partner writes whole seconds; it may have acted within the second of the order.
    since = ordered_at.replace(microsecond=0)
    for action in required:
        if action not in done:
            raise ReceiptRefused("invalid_request", f"the required action {action} is not there as completed")
        if not since <= done[action].at <= at + CLOCK_SKEW:
            raise ReceiptRefused("invalid_request", f"{action} must be dated between the order and now")
