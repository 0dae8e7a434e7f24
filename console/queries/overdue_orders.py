"""Who does not confirm stops: orders past their date that nobody signed for, company by company. Names no line."""

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db.models import QuerySet

from accounts.primitives import synthetic
from partners.labels import party_name
from partners.models import Party
from revocations.models import Order, State
from revocations.queries.coverage import coverage_of
from support.queries.counts import CAP, Count

# Of each company so many of its oldest orders say who is missing.
ASKED = 20
SIGNED = (State.COMPLETED, State.SUPERSEDED)
# In these the partner itself has signed, and somebody behind it has not.
SIGNED_IN_PART = (State.PARTIAL, State.CONTRADICTED)


@dataclass(frozen=True)
class LateSigner:
    """A partner with orders past their date. `missing`: who has not signed for the oldest, the partner itself first."""

    party_id: int
    name: str
    orders: Count
    due_at: datetime
    missing: Sequence[str]


def orders_to_sign() -> QuerySet[Order]:
    """Return the orders that a partner still has to sign for, those due first coming first."""
    ours = Party.objects.filter(uri=synthetic.PARTY).values("pk")
    owing = Order.objects.filter(complete_by__isnull=False).exclude(state__in=SIGNED)
    return owing.exclude(party_id__in=ours).order_by("complete_by", "id")


def list_late_signers(
    *, most: int, at: datetime, party_id: int | None = None, contract_id: int | None = None
) -> list[LateSigner]:
    """Return the companies whose orders are past their date, the oldest first: eight statements at most.

    Counted among the ten thousand orders that are the longest overdue. `party_id`, `contract_id`: only these.
    """
    rows = _list_late_orders(party_id, contract_id, at)
    counted, oldest = Counter(one for one, *_ in rows[:CAP]), dict[int, datetime]()
    first: dict[int, list[UUID]] = defaultdict(list)
    for one, due_at, order_id in rows[:CAP]:
        oldest.setdefault(one, due_at or at)
        first[one].append(order_id)
    shown = list(oldest)[:most]
    names = {one.pk: party_name(one.name, one.uri) for one in Party.objects.filter(pk__in=shown)}
    missing = _list_missing([order_id for one in shown for order_id in first[one][:ASKED]], names)
    more = len(rows) > CAP
    return [LateSigner(one, names[one], Count(counted[one], more=more), oldest[one], missing[one]) for one in shown]


def _list_late_orders(
    party_id: int | None, contract_id: int | None, at: datetime
) -> list[tuple[int, datetime | None, UUID]]:
    late = orders_to_sign().filter(complete_by__lte=at)
    if party_id is not None:
        late = late.filter(party_id=party_id)
    if contract_id is not None:
        late = late.filter(contract_id=contract_id)
    return list(late.values_list("party_id", "complete_by", "id")[: CAP + 1])


def _list_missing(order_ids: Sequence[UUID], names: dict[int, str]) -> dict[int, list[str]]:
    """Return by partner who has not signed for these orders: itself, then the companies behind it by name."""
    orders = list(Order.objects.filter(id__in=order_ids))
    covered = coverage_of(orders=orders)
    themselves = {order.party_id for order in orders if order.state not in SIGNED_IN_PART}
    behind: dict[int, set[str]] = defaultdict(set)
    for order in orders:
        behind[order.party_id].update(covered[order.id].missing_names)
        if covered[order.id].unnamed:
            behind[order.party_id].add("a company we can't name")
    return {one: [names[one]] * (one in themselves) + sorted(behind[one]) for one in names}
