"""The queue of the desk. No read here costs more because there are more tickets."""

from dataclasses import dataclass
from datetime import datetime

from django.db.models import QuerySet

from support.lifecycle import UNDER_WAY
from support.models import Ticket

# Nobody needs to know more exactly, and to count on would cost more with every ticket.
COUNTED_TO = 1_000


@dataclass(frozen=True)
class Counts:
    """How many tickets there are of each sort, up to COUNTED_TO."""

    open: int
    overdue: int
    mine: int
    unclaimed: int


def counts(*, user_id: int, at: datetime) -> Counts:
    """How many tickets are under way: all, those past their date, this person's, nobody's."""
    under_way = Ticket.objects.filter(state__in=UNDER_WAY)
    return Counts(
        open=_up_to(under_way),
        overdue=_up_to(under_way.filter(due_at__lt=at)),
        mine=_up_to(under_way.filter(assignee_id=user_id)),
        unclaimed=_up_to(under_way.filter(assignee__isnull=True)),
    )


def _up_to(tickets: QuerySet[Ticket]) -> int:
    return tickets.order_by("due_at")[:COUNTED_TO].count()
