"""Incidents as an officer reads them: whom each is about, its ticket, and what was done about it."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from audit.models import Incident
from partners.models import Party
from partners.words import party_name, shown
from support.models import Ticket
from support.oversight.history import Done, done_to
from support.oversight.names import Named


@dataclass(frozen=True)
class IncidentPage:
    """One incident. `about`: the party it concerns, None where it concerns none."""

    incident: Incident
    about: Named | None
    subject: str
    ticket: Ticket | None
    history: Sequence[Done]


def incident_page(*, incident_id: int) -> IncidentPage | None:
    """Everything about one incident; None where there is none."""
    one = Incident.objects.filter(pk=incident_id).first()
    if one is None:
        return None
    return IncidentPage(
        incident=one,
        about=subjects(rows=[one]).get(one.subject),
        subject=shown(one.subject, at_most=200),
        ticket=tickets(rows=[one]).get(one.pk),
        history=done_to(target=target_of(incident_id=one.pk)),
    )


def target_of(*, incident_id: int) -> str:
    """How the audit trail names an incident."""
    return f"incident:{incident_id}"


def subjects(*, rows: Iterable[Incident]) -> Mapping[str, Named]:
    """The parties that these incidents are about, by the incident's subject: an id of ours or the party's own URI."""
    said = {one.subject for one in rows}
    ids = {int(own) for one in said if (own := one.removeprefix("partner:")) != one and own.isdecimal()}
    found: dict[str, Named] = {}
    for pk, name, uri in Party.objects.filter(pk__in=ids).values_list("pk", "name", "uri"):
        found[f"partner:{pk}"] = Named("party", pk, party_name(name, uri))
    for pk, name, uri in Party.objects.filter(uri__in=said - found.keys()).values_list("pk", "name", "uri"):
        found[uri] = Named("party", pk, party_name(name, uri))
    return found


def tickets(*, rows: Iterable[Incident]) -> Mapping[int, Ticket]:
    """The desk's ticket for each incident that has one, by the incident's id."""
    keys = {f"incident:{one.pk}": one.pk for one in rows}
    return {keys[one.key]: one for one in Ticket.objects.filter(key__in=keys)}
