"""Dates that partners let pass, for the officers: what is owed too long, and what was once."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Count, Min, Q, QuerySet

from revocations.models import Breach, Cohort, Order, State

type Counted = tuple[int, datetime | None]
DONE = (State.COMPLETED, State.SUPERSEDED)
NONE: Counted = (0, None)


@dataclass(frozen=True)
class Late:
    """What one partner owes past its date: orders and ended agreements, and the oldest date passed.

    `unacknowledged` is of all its orders, `oldest_unacknowledged` when the oldest of those was queued.
    """

    party_id: int
    orders: int = 0
    cohorts: int = 0
    since: datetime | None = None
    unacknowledged: int = 0
    oldest_unacknowledged: datetime | None = None

    @property
    def overdue(self) -> bool:
        """The flag beside the states."""
        return bool(self.orders or self.cohorts)


def overdue_orders(*, at: datetime) -> QuerySet[Order]:
    """Orders whose agreed date has passed and that are not done. Read from the index `revocations_owed_by`."""
    return Order.objects.filter(complete_by__isnull=False, complete_by__lte=at).exclude(state__in=DONE)


def overdue_cohorts(*, at: datetime) -> QuerySet[Cohort]:
    """Ended agreements whose partner has not signed for the whole list by the agreed date."""
    return Cohort.objects.filter(completed_at__isnull=True, complete_by__lte=at)


def late_by_party(*, at: datetime, party_ids: Collection[int] | None = None) -> Mapping[int, Late]:
    """By partner, those alone that have something late or not acknowledged. Three statements."""
    mine = Q() if party_ids is None else Q(party_id__in=party_ids)
    orders = _count_by_partner(overdue_orders(at=at).filter(mine), "complete_by")
    cohorts = _count_by_partner(overdue_cohorts(at=at).filter(mine), "complete_by")
    waiting = _count_by_partner(Order.objects.filter(mine, next_attempt_at__isnull=False), "queued_at")
    return {
        party_id: Late(
            party_id=party_id,
            orders=orders.get(party_id, NONE)[0],
            cohorts=cohorts.get(party_id, NONE)[0],
            since=min((since for rows in (orders, cohorts) if (since := rows.get(party_id, NONE)[1])), default=None),
            unacknowledged=waiting.get(party_id, NONE)[0],
            oldest_unacknowledged=waiting.get(party_id, NONE)[1],
        )
        for party_id in {*orders, *cohorts, *waiting}
    }


def _count_by_partner(rows: QuerySet[Order] | QuerySet[Cohort], first: str) -> dict[int, Counted]:
    """By partner: how many, and the first moment."""
    counted = rows.order_by().values("party_id").annotate(n=Count("id"), first=Min(first))
    return {row["party_id"]: (row["n"], row["first"]) for row in counted}


def breaches(
    *, party_id: int | None = None, contract_id: int | None = None, unmended: bool = False
) -> QuerySet[Breach]:
    """Breaches of a partner or of one contract, the newest first; `unmended`: only what has not come to this day."""
    found = Breach.objects.order_by("-at", "-id")
    if party_id is not None:
        found = found.filter(party_id=party_id)
    if contract_id is not None:
        found = found.filter(contract_id=contract_id)
    return found.filter(mended_at__isnull=True) if unmended else found
