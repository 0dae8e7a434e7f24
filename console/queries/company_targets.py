"""Whose a target of the audit log is: how each kind leads to a company."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from uuid import UUID

from django.db.models import Q, QuerySet

from audit.models import AuditEvent, Incident
from consent.models import DigestFinding
from partners.models import Campaign, Client, Contract, Party
from revocations.models import Cohort, Order, Stream
from support.models import Ticket
from support.queries import names

type Parties = Sequence[int]


def _incidents(parties: Parties) -> Iterable[object]:
    """Their subject is a company, by its address or our id, or an API client."""
    uris = Party.objects.filter(pk__in=parties).values_list("uri", flat=True)
    machines = Client.objects.filter(party__in=parties).values_list("number", flat=True)
    said = [*uris, *(f"partner:{one}" for one in parties), *(f"machine:{one}" for one in machines)]
    return Incident.objects.filter(subject__in=said).values_list("pk", flat=True)


OWNED: Mapping[str, Callable[[Parties], Iterable[object]]] = {
    "party": lambda parties: parties,
    "contract": lambda parties: Contract.objects.filter(aggregator__in=parties).values_list("pk", flat=True),
    "campaign": lambda parties: Campaign.objects.filter(
        Q(contract__aggregator__in=parties) | Q(lbs_provider__in=parties)
    ).values_list("pk", flat=True),
    "machine": lambda parties: Client.objects.filter(party__in=parties).values_list("number", flat=True),
    "client": lambda parties: Client.objects.filter(party__in=parties).values_list("client_id", flat=True),
    "stream": lambda parties: Stream.objects.filter(party_id__in=parties).values_list("pk", flat=True),
    "cohort": lambda parties: Cohort.objects.filter(party_id__in=parties).values_list("pk", flat=True),
    "ticket": lambda parties: Ticket.objects.filter(party_id__in=parties).values_list("code", flat=True),
    "incident": _incidents,
}


def list_owned_targets(*, parties: Parties) -> list[str]:
    """Return what is these companies' own or about them, as the audit log names it. At most a few statements a kind."""
    return [f"{kind}:{own}" for kind, find in OWNED.items() for own in find(parties)]


def list_viewed_targets(*, rows: QuerySet[AuditEvent], parties: Parties) -> list[str]:
    """Return which orders and differences that these acts are about are these companies'.

    A company has one of each for every line: they are looked for from the acts, which are few.
    """
    return [*_list_orders(rows, parties), *_list_differences(rows, parties)]


def _list_orders(rows: QuerySet[AuditEvent], parties: Parties) -> list[str]:
    about = rows.filter(target__startswith="order:", line_id__isnull=False).order_by()
    seen = set(about.values_list("target", "line_id"))
    ids = {UUID(own) for target, _ in seen if names.UUID.fullmatch(own := target.partition(":")[2])}
    line_ids = {line_id for _, line_id in seen if line_id is not None}
    found = Order.objects.filter(line_id__in=line_ids, id__in=ids, party_id__in=parties)
    return [f"order:{own}" for own in found.values_list("id", flat=True)]


def _list_differences(rows: QuerySet[AuditEvent], parties: Parties) -> list[str]:
    seen = set(rows.filter(target__startswith="difference:").order_by().values_list("target", flat=True))
    ids = [int(own) for target in seen if (own := target.partition(":")[2]).isdecimal()]
    found = DigestFinding.objects.filter(pk__in=ids, run__party_id__in=parties)
    return [f"difference:{own}" for own in found.values_list("pk", flat=True)]
