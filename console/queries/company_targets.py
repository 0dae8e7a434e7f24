"""Whose a target of the audit log is: how each kind leads to a company."""

from collections.abc import Callable, Iterable, Mapping, Sequence, Set
from uuid import UUID

from django.db.models import BigIntegerField, Case, Exists, Func, OuterRef, Q, QuerySet, TextField, Value, When
from django.db.models.fields.json import KeyTextTransform
from django.db.models.functions import Cast

from audit.models import AuditEvent, Incident
from consent.models import DigestFinding
from partners.models import AuthorizedAgent, Campaign, Client, Contract, Party
from revocations.models import Cohort, Order, Stream
from support.models import Ticket
from support.queries import names

type Parties = Sequence[int]
MOST_NAMED = 1_000


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
}


def find_named_targets(*, words: str) -> Sequence[str]:
    """Return what has these words in its name or reference, as the trail names it ("contract:3"); 1,000 of a kind."""
    rows = {
        "party": Party.objects.filter(Q(name__icontains=words) | Q(uri__icontains=words)).values_list("pk"),
        "contract": Contract.objects.filter(ref__icontains=words).values_list("pk"),
        "campaign": Campaign.objects.filter(ref__icontains=words).values_list("pk"),
        "machine": Client.objects.filter(client_id__icontains=words).values_list("number"),
        "authorized": AuthorizedAgent.objects.filter(name__icontains=words).values_list("number"),
    }
    return [f"{kind}:{own}" for kind, found in rows.items() for (own,) in found.order_by("-pk")[:MOST_NAMED]]


def find_acts(*, rows: QuerySet[AuditEvent], parties: Parties) -> QuerySet[AuditEvent]:
    """Return which of these acts were done to what is these companies' own, or about them.

    A company may have any number of cases and incidents: they are looked for from the acts. So are orders and
    differences, of which it has one for every line; these are read first, as they may be kept elsewhere.
    """
    few = [f"{kind}:{own}" for kind, find in OWNED.items() for own in find(parties)]
    incidents = Incident.objects.filter(subject__in=_list_subjects(parties))
    behind = Case(
        When(detail__has_key="incident", then=Cast(KeyTextTransform("incident", "detail"), BigIntegerField()))
    )
    about = _is_owned("about", few, incidents, parties)
    return rows.alias(behind=behind, about=KeyTextTransform("about", "detail")).filter(
        Q(target__in=_list_viewed(rows, parties))
        | _is_owned("target", few, incidents, parties)
        # A document that was only previewed is kept nowhere; rows behind an incident stand under their lines.
        | Q(action__startswith="document.") & Q(detail__has_key="about") & about
        | Q(detail__has_key="incident") & Q(Exists(incidents.filter(pk=OuterRef("behind"))))
    )


def _is_owned(name: str, few: Sequence[str], incidents: QuerySet[Incident], parties: Parties) -> Q:
    """Return that what this field names is one of the few, a case of these companies, or one of the incidents.

    What costs least comes first: the rest is then asked of few acts.
    """
    own = Func(OuterRef(name), Value(":"), Value(2), function="split_part", output_field=TextField())
    number = Case(When(Q(text__regex=r"^\d{1,18}$"), then=Cast("text", BigIntegerField())))
    case = Ticket.objects.filter(code=own, party_id__in=parties)
    return (
        Q((f"{name}__in", few))
        | Q((f"{name}__startswith", "ticket:")) & Q(Exists(case))
        | Q((f"{name}__startswith", "incident:")) & Q(Exists(incidents.alias(text=own).filter(pk=number)))
    )


def _list_subjects(parties: Parties) -> list[str]:
    """Return how incidents name companies: by address or our id, or by an API client."""
    uris = Party.objects.filter(pk__in=parties).values_list("uri", flat=True)
    machines = Client.objects.filter(party__in=parties).values_list("number", flat=True)
    return [*uris, *(f"partner:{one}" for one in parties), *(f"machine:{one}" for one in machines)]


def _list_viewed(rows: QuerySet[AuditEvent], parties: Parties) -> list[str]:
    """Return which orders and differences that these acts are about are these companies'. Three statements."""
    orders = Q(target__startswith="order:", line_id__isnull=False)
    about = rows.filter(orders | Q(target__startswith="difference:")).order_by()
    seen = set(about.values_list("target", "line_id"))
    return [*_list_orders(seen, parties), *_list_differences(seen, parties)]


def _list_orders(seen: Set[tuple[str, int | None]], parties: Parties) -> list[str]:
    ids = {UUID(own) for target, _ in seen if names.UUID.fullmatch(own := target.removeprefix("order:"))}
    line_ids = {line_id for target, line_id in seen if target.startswith("order:") and line_id is not None}
    found = Order.objects.filter(line_id__in=line_ids, id__in=ids, party_id__in=parties)
    return [f"order:{own}" for own in found.values_list("id", flat=True)]


def _list_differences(seen: Set[tuple[str, int | None]], parties: Parties) -> list[str]:
    ids = [int(own) for target, _ in seen if (own := target.removeprefix("difference:")).isdecimal()]
    found = DigestFinding.objects.filter(pk__in=ids, run__party_id__in=parties)
    return [f"difference:{own}" for own in found.values_list("pk", flat=True)]
