"""How a company, contract or campaign stands: reach, look-ups by month, disputes, what is open, who looks after it."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from django.db.models import Q
from django.utils.dateparse import parse_datetime

from audit.models import AuditEvent
from consent.models import DigestRun
from console.queries.overdue_orders import LateSigner, list_late_signers, orders_to_sign
from partners.models import Contract, Party
from support.queries import names
from support.queries.counts import NONE, Count, count_disputes, count_of, lines_received_by, lookups_by_month
from support.queries.visible import visible_incidents

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

    What a page does not show is nought or None: people of a contract or campaign, orders and `run` where none are sent.
    `rate`: disputes in percent of the consents on record, "" where there is nothing to compare. `owner`: an officer's
    e-mail, "" for nobody; `remind_on`: the day that was chosen last.
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
    *, of: str, target_id: int, party: Party, refs: Collection[str], consents: Count, has_orders: bool, at: datetime
) -> Standing:
    """Return how something ("contract", 3) of a company stands. `refs`: of its campaigns.

    `has_orders`: orders are sent for it.
    """
    disputes = count_disputes(uri=party.uri if of == "party" else "", refs=refs)
    owner, remind_on = _owner_of(f"{of}:{target_id}")
    contract_id = target_id if of == "contract" else None
    open_orders, late, run = _orders_and_run(party, contract_id, at) if has_orders else (NONE, None, None)
    months = lookups_by_month(refs=refs, at=at)
    return Standing(
        people=lines_received_by(party_id=party.pk) if of == "party" else NONE,
        months=_bars(months),
        sampled=any(one.about for one in months.values()),
        disputes=disputes,
        rate=_rate(disputes, consents),
        open_orders=open_orders,
        late=late,
        open_incidents=count_of(rows=visible_incidents(at=at).filter(about(party=party), closed_at__isnull=True)),
        run=run,
        owner=owner,
        remind_on=remind_on,
    )


def _orders_and_run(
    party: Party, contract_id: int | None, at: datetime
) -> tuple[Count, LateSigner | None, DigestRun | None]:
    owing = orders_to_sign().filter(party_id=party.pk)
    if contract_id is not None:
        owing = owing.filter(contract_id=contract_id)
    late = list_late_signers(most=1, at=at, party_id=party.pk, contract_id=contract_id)
    runs = DigestRun.objects.filter(party_id=party.pk, finished_at__isnull=False).order_by("-received_at")
    return count_of(rows=owing), late[0] if late else None, runs.first()


def about(*, party: Party) -> Q:
    """Return which incidents are about a company."""
    return Q(subject__in=(party.uri, f"partner:{party.pk}"))


def contracts_to_renew(*, at: datetime) -> list[int]:
    """Return the contracts in force whose reminder has come, by id. Two statements."""
    running = Contract.objects.filter(is_draft=False, ends_at__gt=at).values_list("pk", flat=True)
    notes = AuditEvent.objects.filter(
        target__in=[f"contract:{pk}" for pk in running], action="contract.noted", detail__has_key="remind_on"
    )
    newest = dict(notes.order_by("at", "id").values_list("target", "detail__remind_on"))
    due = [target for target, said in newest.items() if (day := parse_datetime(str(said))) and day <= at]
    return [int(target.removeprefix("contract:")) for target in due]


def _owner_of(target: str) -> tuple[str, datetime | None]:
    kind = target.partition(":")[0]
    notes = AuditEvent.objects.filter(target=target, action=f"{kind}.noted").order_by("-at", "-id")
    owners = notes.filter(detail__has_key="owner").values_list("detail__owner", flat=True)
    days = notes.filter(detail__has_key="remind_on").values_list("detail__remind_on", flat=True)
    owner = str(owners.first() or "")
    day = days.first()
    return names.actors(wanted={owner})[owner] if owner else "", parse_datetime(str(day)) if day else None


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
