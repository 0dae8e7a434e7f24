"""Say how a company, contract or campaign stands: reach, look-ups, disputes, what is open; and who signs late.

Who signs late is read from orders past their date, company by company. Nothing here names a line.
"""

from collections import Counter, defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from django.db.models import OuterRef, Q, QuerySet, Subquery, TextField, Value
from django.db.models.functions import Cast, Concat
from django.utils.dateparse import parse_datetime

from accounts.primitives import numbers
from audit.models import AuditEvent
from consent.models import DigestRun
from partners.labels import party_name
from partners.models import Contract, Party
from revocations.models import Order, State
from revocations.queries.coverage import coverage_of
from support.queries import names
from support.queries.counts import CAP, NONE, Count, count_disputes, count_of, lines_received_by, lookups_by_month
from support.queries.visible import visible_incidents

# Of each company so many of its oldest orders say who is missing.
ASKED = 20
SIGNED = (State.COMPLETED, State.SUPERSEDED)
# In these the partner itself has signed, and somebody behind it has not.
SIGNED_IN_PART = (State.PARTIAL, State.CONTRADICTED)


@dataclass(frozen=True)
class LateSigner:
    """A partner with orders past their date.

    `missing`: who has not signed for the oldest, the partner itself first; read for as many as are asked for.
    """

    party_id: int
    name: str
    orders: Count
    due_at: datetime
    missing: Sequence[str]


def orders_to_sign() -> QuerySet[Order]:
    """Return the orders that a partner still has to sign for, those due first coming first."""
    ours = Party.objects.filter(uri=numbers.CANARY_PARTY).values("pk")
    owing = Order.objects.filter(complete_by__isnull=False).exclude(state__in=SIGNED)
    return owing.exclude(party_id__in=ours).order_by("complete_by", "id")


def list_late_signers(
    *, most: int, at: datetime, party_id: int | None = None, contract_id: int | None = None
) -> list[LateSigner]:
    """Return the companies whose orders are past their date, the oldest first: eight statements at most.

    Counted among the ten thousand orders that are the longest overdue. `most`: of so many it says who has not signed.
    `party_id`, `contract_id`: only these.
    """
    rows = _list_late_orders(party_id, contract_id, at)
    counted, oldest = Counter(one for one, *_ in rows[:CAP]), dict[int, datetime]()
    first: dict[int, list[UUID]] = defaultdict(list)
    for one, due_at, order_id in rows[:CAP]:
        oldest.setdefault(one, due_at or at)
        first[one].append(order_id)
    names = {one.pk: party_name(one.name, one.uri) for one in Party.objects.filter(pk__in=oldest)}
    missing = _list_missing([order_id for one in list(oldest)[:most] for order_id in first[one][:ASKED]], names)
    more = len(rows) > CAP
    return [LateSigner(one, names[one], Count(counted[one], more=more), oldest[one], missing[one]) for one in oldest]


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
        behind[order.party_id].update(covered[order.id].missing_for_staff)
    return {one: [names[one]] * (one in themselves) + sorted(behind[one]) for one in names}


WIDTH, HEIGHT, GAP = 480, 90, 6


@dataclass(frozen=True)
class MonthBar:
    """One month of the chart. `x`, `y`, `width`, `height`: its rectangle."""

    month: date
    n: Count
    x: int
    y: int
    width: int
    height: int


@dataclass(frozen=True)
class Standing:
    """Figures of one page. `late`: the orders past their date, None where there are none. `run`: the newest comparison.

    What a page does not show is nought or None: people of a contract, orders and `run` where none are sent. Of a
    campaign, orders and `run` are those of its contract. `rate`: disputes in percent of the consents on record, ""
    where there is nothing to compare. `owner`: an officer's e-mail, "" for nobody; `remind_on`: the day that was chosen
    last.
    """

    people: Count
    months: Sequence[MonthBar]
    sampled: bool
    disputes: Count
    rate: str
    open_orders: Count
    late: LateSigner | None
    open_incidents: Count
    run: DigestRun | None
    owner: str
    remind_on: datetime | None
    width: int = WIDTH
    height: int = HEIGHT


def get_standing(
    *,
    of: str,
    target_id: int,
    party: Party,
    refs: Collection[str],
    consents: Count,
    has_orders: bool,
    contract: Contract | None,
    at: datetime,
) -> Standing:
    """Return how something ("contract", 3) of a company stands. `refs`: of its campaigns.

    `has_orders`: orders are sent for it. `contract`: whose they are, None for all of the company's; the lines of a
    campaign are counted through its aggregator alone.
    """
    disputes = count_disputes(uri=party.uri if of == "party" else "", refs=refs)
    owner, day = get_upkeep(target=f"{of}:{target_id}")
    open_orders, late, run = _orders_and_run(party, contract, at) if has_orders else (NONE, None, None)
    months = lookups_by_month(refs=refs, at=at)
    return Standing(
        people=NONE
        if of == "contract"
        else lines_received_by(party_id=party.pk, through=contract.aggregator_id if contract else None),
        months=_bars(months),
        sampled=any(one.about for one in months.values()),
        disputes=disputes,
        rate=_rate(disputes, consents),
        open_orders=open_orders,
        late=late,
        open_incidents=count_of(rows=visible_incidents(at=at).filter(about(party=party), closed_at__isnull=True)),
        run=run,
        owner=names.actors(wanted={owner})[owner] if owner else "",
        remind_on=parse_datetime(day),
    )


def _orders_and_run(
    party: Party, contract: Contract | None, at: datetime
) -> tuple[Count, LateSigner | None, DigestRun | None]:
    signer_id, contract_id = (contract.aggregator_id, contract.pk) if contract else (party.pk, None)
    owing = orders_to_sign().filter(party_id=signer_id)
    if contract_id is not None:
        owing = owing.filter(contract_id=contract_id)
    late = list_late_signers(most=1, at=at, party_id=signer_id, contract_id=contract_id)
    runs = DigestRun.objects.filter(party_id=signer_id, finished_at__isnull=False).order_by("-received_at")
    return count_of(rows=owing), late[0] if late else None, runs.first()


def about(*, party: Party) -> Q:
    """Return which incidents are about a company."""
    return Q(subject__in=(party.uri, f"partner:{party.pk}"))


def contracts_to_renew(*, at: datetime) -> list[int]:
    """Return the contracts in force whose reminder has come, by id. One statement."""
    running = Contract.objects.filter(is_draft=False, ends_at__gt=at)
    return [pk for pk, day in get_reminders(contracts=running).items() if day <= at]


def get_reminders(*, contracts: QuerySet[Contract]) -> Mapping[int, datetime]:
    """Return from which day on officers are reminded of each of these contracts that have one. One statement."""
    target = Concat(Value("contract:"), Cast(OuterRef("pk"), TextField()))
    notes = AuditEvent.objects.filter(target=target, action="contract.noted", detail__has_key="remind_on")
    newest = Subquery(notes.order_by("-at", "-id").values("detail__remind_on")[:1])
    said = contracts.annotate(day=newest).values_list("pk", "day")
    return {pk: day for pk, one in said if one and (day := parse_datetime(str(one)))}


def get_upkeep(*, target: str) -> tuple[str, str]:
    """Return who looks after a company, contract or campaign ("officer:7"), and the day of its reminder; "" for none.

    Both as the newest note that says so keeps them.
    """
    kind = target.partition(":")[0]
    notes = AuditEvent.objects.filter(target=target, action=f"{kind}.noted").order_by("-at", "-id")
    owners = notes.filter(detail__has_key="owner").values_list("detail__owner", flat=True)
    days = notes.filter(detail__has_key="remind_on").values_list("detail__remind_on", flat=True)
    return str(owners.first() or ""), str(days.first() or "")


def _rate(disputes: Count, consents: Count) -> str:
    if not consents or consents.more or disputes.more:
        return ""
    return f"{100 * disputes.n / consents.n:.1f}% of {consents} consents on record"


def _bars(counted: Mapping[date, Count]) -> Sequence[MonthBar]:
    most = max((one.n for one in counted.values()), default=0) or 1
    step = WIDTH // len(counted)
    bars = []
    for place, (month, n) in enumerate(counted.items()):
        height = max(2, round(HEIGHT * n.n / most)) if n else 1
        bars.append(MonthBar(month, n, place * step, HEIGHT - height, step - GAP, height))
    return bars
