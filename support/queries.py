"""What ought to have a ticket."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import CharField, Exists, OuterRef, Q, Value
from django.db.models.functions import Cast, Concat

from audit.models import Incident
from consent.models import Choice
from partners.models import Party
from partners.words import party_name
from support.models import Ticket

LOOK_BACK = timedelta(days=7)
BATCH = 500


@dataclass(frozen=True)
class Wanted:
    """A ticket that ought to be there; `key` makes it one of a kind."""

    kind: Ticket.Kind
    key: str
    about: str
    line_id: int | None


def tickets_wanted(*, at: datetime) -> list[Wanted]:
    """Disputes, incidents and late partners of the last days that have no ticket yet, the oldest first.

    A partner that lets dates pass has one ticket a day, whatever the number of its orders.
    """
    return [*_disputes(at), *_incidents(at)]


def _disputes(at: datetime) -> list[Wanted]:
    rows = Choice.objects.filter(_without_ticket("choice", "id"), reason="never_agreed", recorded_at__gt=at - LOOK_BACK)
    return [
        Wanted(Ticket.Kind.DISPUTE, f"choice:{choice_id}", "I never agreed to this", line_id)
        for line_id, choice_id in rows.order_by("recorded_at").values_list("line_id", "id")[:BATCH]
    ]


def _incidents(at: datetime) -> list[Wanted]:
    rows = Incident.objects.filter(
        _without_ticket("incident", "pk"), opened_at__gt=at - LOOK_BACK, closed_at__isnull=True
    ).order_by("opened_at")
    found = list(rows[:BATCH])
    names = _names(found)
    return [_of(incident, names.get(incident.subject, "")) for incident in found]


def _of(incident: Incident, name: str) -> Wanted:
    key, about = f"incident:{incident.pk}", incident.get_kind_display()
    if incident.kind == Incident.Kind.OVERDUE:
        return Wanted(Ticket.Kind.OVERDUE, key, f"{name}: {about}"[:200], None)
    return Wanted(Ticket.Kind.INCIDENT, key, about, None)


def _without_ticket(what: str, field: str) -> Q:
    key = Concat(Value(f"{what}:"), Cast(OuterRef(field), CharField()), output_field=CharField())
    return Q(~Exists(Ticket.objects.filter(key=key)))


def _names(incidents: list[Incident]) -> dict[str, str]:
    """What the partners are called, by the incidents' subjects."""
    ids = [incident.subject.partition(":")[2] for incident in incidents if incident.subject.startswith("partner:")]
    parties = Party.objects.in_bulk([int(one) for one in ids if one.isdecimal()])
    return {f"partner:{pk}": party_name(party.name, party.uri) for pk, party in parties.items()}
