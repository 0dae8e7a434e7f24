"""Incidents as an officer reads them: whom each is about, its ticket, and what was done about it."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from accounts.models import User
from accounts.permissions import StaffAction, actor_of, roles_that_may
from audit.models import Incident
from disclosures.models import AnomalyRule
from partners.models import Party
from partners.words import party_name, shown
from support.models import Ticket
from support.oversight import names
from support.oversight.clocks import Clock, clocks_of
from support.oversight.history import Done, done_to
from support.oversight.names import Named


@dataclass(frozen=True)
class IncidentPage:
    """One incident. `about`: the party it concerns, None where it concerns none.

    `whose`: the officer who has it, "" while nobody has. `has_rows`: it was found in the ledger of releases.
    """

    incident: Incident
    about: Named | None
    subject: str
    ticket: Ticket | None
    history: Sequence[Done]
    whose: str
    clocks: Sequence[Clock]
    has_rows: bool


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
        whose=names.actors(wanted={one.assigned_to})[one.assigned_to] if one.assigned_to else "",
        clocks=clocks_of(kind=one.kind, opened_at=one.opened_at),
        has_rows=one.kind in AnomalyRule.Kind.values,
    )


def officers() -> list[tuple[str, str]]:
    """Who may have an incident: each by the name that the trail gives them, and by their e-mail."""
    found = User.objects.filter(role__in=roles_that_may(StaffAction.CLOSE_INCIDENT), is_active=True).order_by("email")
    return [(actor_of(user), user.email) for user in found]


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
