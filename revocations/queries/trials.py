"""What came of a trial so far."""

from collections.abc import Mapping, Sequence
from uuid import UUID

from revocations.models import Trial, TrialOrder, TrialReceipt, TrialShard


def trial_receipts(*, trial: Trial) -> Mapping[str, Sequence[TrialReceipt]]:
    """The receipts that came in, by the `jti` of their order, oldest first."""
    found: dict[str, list[TrialReceipt]] = {}
    for receipt in TrialReceipt.objects.filter(order__trial=trial).order_by("received_at"):
        found.setdefault(receipt.order_id, []).append(receipt)
    return found


def fetched_parts(*, manifest_id: UUID) -> tuple[int, int]:
    """How many parts of a trial's manifest were fetched, and how many there are."""
    parts = list(TrialShard.objects.filter(manifest_id=manifest_id).values_list("fetched_at", flat=True))
    return sum(at is not None for at in parts), len(parts)


def is_downstream_refused(*, jti: str) -> bool:
    """Whether a receipt for this order was refused for that of a company below."""
    return TrialOrder.objects.filter(jti=jti, below=TrialOrder.Below.REFUSED).exists()
