"""What is shown before an order's releases are lifted."""

from collections.abc import Sequence
from dataclasses import astuple, dataclass
from typing import ClassVar

from disclosures.queries.delayed import OrderReach


@dataclass(frozen=True)
class LiftPreview:
    """Everything that an order hides, before it is lifted at once."""

    order_ref: str
    reach: OrderReach
    template: ClassVar[str] = "lift.html"

    @property
    def seal(self) -> Sequence[object]:
        """Of the order and the numbers that were shown."""
        return [self.order_ref, *astuple(self.reach)]
