"""Incidents as an officer reads them: what each is about and what it reached, its ticket, and what was done about it.

What an incident reached names no line.
"""

import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db.models import F, Max, Min, QuerySet
from django.utils.dateparse import parse_date

from accounts.models import User
from accounts.policies.permissions import StaffAction, actor_of, roles_that_may
from audit.models import Incident, IncidentStep
from audit.policies import DUTIES, Clock, list_running_clocks
from audit.queries import CompletedDuty, list_clock_starts, list_completed_duties, steps_of
from disclosures.models import AnomalyRule
from disclosures.queries.incident_scope import STATEMENTS, count_occurrences, get_incident_scope
from partners.labels import party_name, sanitise_text
from partners.models import Party
from revocations.models import Breach, Order
from support.models import CarrierTestLine, Ticket
from support.policies.lifecycle import is_late
from support.queries import names
from support.queries.anomalies import HAVE_ROWS, anomalies_under
from support.queries.history import RecordedAct, done_to
from support.queries.names import NamedTarget
from support.queries.visible import find_incident, hidden_incidents

Kind = Incident.Kind
# Found for each line once: their count is the number of lines.
ONE_A_LINE = {Kind.STAFF_BROWSING, Kind.STOPS_BY_AGENT}
# Whose subject is somebody of staff, as the trail names them.
ABOUT_STAFF = {Kind.STAFF_BROWSING, Kind.STAFF_BY_OPERATOR}
THROUGH: Mapping[str, str] = {
    Kind.CONTRADICTED: "A partner's copy of the data, after it signed that it stopped",
    Kind.UNGATED: "A release by the location gateway without the gate's permission",
    Kind.BASIS_DOUBTFUL: "A release reported as an emergency or network release",
    Kind.AUDIT_FAULT: "The audit log in our own database",
    Kind.PARTNER_HAS: "Reconciliation of a partner's records with ours",
    Kind.PARTNER_UNHEALTHY: "The stream that sends stops to a partner",
    Kind.LIFELINE_AT_RISK: "The stream that sends stops to a partner",
    Kind.ORDER_REFUSED: "An order that a partner refused",
    Kind.KEYS_REFUSED: "An order that a partner refused",
    Kind.NO_WAY_OUT: "Our outgoing connections to partners. Stops were enforced at our gate.",
    Kind.TEXTS_SPENT: "Pages that send codes by text",
    Kind.OVERDUE: "Orders past their deadline",
    Kind.NO_EVIDENCE: "Requests for proof of consent past their deadline",
    Kind.CANARY_FAILED: "Our own test of stopping without an account, with a line of ours",
    Kind.STOPS_FAILING: "The pages and APIs that people use to stop",
    Kind.OUR_BREACH: "An officer's report about our own systems",
    Kind.PARTNER_BREACH: "An officer's report about a partner",
    Kind.STAFF_BROWSING: "Staff pages, where every view needs a reason",
    Kind.MACHINE_BY_OPERATOR: "Operator commands",
    Kind.ADDRESSES_BY_OPERATOR: "Operator commands",
    Kind.STAFF_BY_OPERATOR: "Operator commands",
    Kind.HISTORY_MOVED: "The carrier's records of which line had a number",
    Kind.STOPS_BY_AGENT: "Stops made on behalf of people",
    Kind.WORK_BREAKS: "A background job, which goes on with everything else",
}
# By how the key of an incident says over which span it was counted (`support.workers.watching`).
COUNTED_OVER: Mapping[str, str] = {":day:": ", counted over a day", ":week:": ", counted over a week"}
IN_THE_LEDGER = "Location releases on record"


@dataclass(frozen=True)
class IncidentImpact:
    """What an incident reached. `lines` None: it is not counted by line; then `count` says how often it happened.

    `first_at` and `last_at`: of what happened since it was opened, or opened again.
    """

    lines: int | None
    count: int
    partners: tuple[str, ...]
    first_at: datetime
    last_at: datetime
    through: str


def get_incident_impact(*, incident: Incident, about: NamedTarget | None, at: datetime) -> IncidentImpact:
    """Return what is known of it now. What an order of court hides is in no number."""
    count = count_occurrences(incidents=[incident], at=at)[incident.pk]
    # Where something is hidden, a step may be of that alone.
    steps = _occurrences(incident) if count == incident.count else IncidentStep.objects.none()
    seen = steps.aggregate(first=Min("at"), last=Max("at"))
    first, last = seen["first"] or incident.opened_at, seen["last"] or incident.opened_at
    lines, first_reached, last_reached = _reach(incident, about, at)
    return IncidentImpact(
        lines=lines,
        count=count,
        partners=(about.name,) if about else (),
        first_at=first_reached or first,
        last_at=last_reached or last,
        through=_through(incident),
    )


def _reach(
    incident: Incident, about: NamedTarget | None, at: datetime
) -> tuple[int | None, datetime | None, datetime | None]:
    """Return how many lines it is about, and from when to when that was, as far as it is known."""
    if incident.kind in AnomalyRule.Kind.values:
        found = anomalies_under(incident=incident).filter(cleared_at=None)
        lines = found.filter(line_id__isnull=False).values("line_id").distinct().count()
        spans = found.aggregate(first=Min("first_at"), last=Max("newest_at"))
        return lines or None, spans["first"], spans["last"]
    if incident.kind in STATEMENTS:
        reached = get_incident_scope(incident=incident, at=at)
        return reached.lines or None, reached.first_at, reached.last_at
    return _lines_by_key(incident, about), None, None


def _lines_by_key(incident: Incident, about: NamedTarget | None) -> int | None:
    if incident.kind in ONE_A_LINE:
        return incident.count
    if incident.kind == Kind.CONTRADICTED and incident.key.startswith(("order:", "test-line:")):
        return 1
    return _overdue(incident, about) if incident.kind == Kind.OVERDUE else None


def _through(incident: Incident) -> str:
    over = [words for mark, words in COUNTED_OVER.items() if mark in incident.key]
    return THROUGH.get(incident.kind, IN_THE_LEDGER) + (over[0] if over and incident.kind in ONE_A_LINE else "")


def _occurrences(incident: Incident) -> QuerySet[IncidentStep]:
    """Return the steps in which it happened, since it was opened the last time. That an officer closed it is none."""
    steps = IncidentStep.objects.filter(incident_id=incident.pk)
    begun = steps.filter(what__in=(IncidentStep.What.OPENED, IncidentStep.What.REOPENED)).order_by("-id").first()
    happened = steps.exclude(what__in=(IncidentStep.What.CLOSED, IncidentStep.What.FEWER))
    return happened.filter(id__gte=begun.pk) if begun else happened


def subject_of(*, incident: Incident) -> str:
    """Whom or what it is about, where that is no company: somebody of staff by their e-mail."""
    if incident.kind in ABOUT_STAFF:
        return names.actors(wanted={incident.subject})[incident.subject]
    return sanitise_text(incident.subject, at_most=200)


def is_about(*, incident: Incident, member: str) -> bool:
    """Return whether it is about this member of staff ("officer:7"), whatever their role was then."""
    role, _, number = incident.subject.partition(":")
    return role in User.Role and number == member.partition(":")[2]


def _overdue(incident: Incident, about: NamedTarget | None) -> int | None:
    if about is None:
        return None
    day = parse_date(incident.key.rpartition(":")[2])
    late = Breach.objects.filter(party_id=about.id, kind=Breach.Kind.COMPLETE, line_id__isnull=False)
    return late.filter(at__date=day or incident.opened_at.date()).values("line_id").distinct().count() or None


# How the key of an incident begins that was found by a line of our own (`support.workers.watching`).
OF_A_SEED = "test-line:"
# How the trail names who handles delayed-notice orders: what they did is theirs alone.
LEGAL = f"{User.Role.LEGAL}:"
# What is open, the next date first, then what has none, the newest first; what is closed comes last.
DUE_FIRST = (
    F("closed_at").desc(nulls_first=True), F("due_at").asc(nulls_last=True), F("opened_at").desc(), F("id").desc(),
)  # fmt: skip


@dataclass(frozen=True)
class DutyState:
    """A duty of an incident with its clock. `told`: that it was done, None while it was not; `who` wrote that down."""

    clock: Clock
    told: CompletedDuty | None
    who: str = ""


@dataclass(frozen=True)
class IncidentPage:
    """One incident. `about`: the party it concerns, None where it concerns none.

    `whose`: the officer who has it, "" while nobody has. `reporter`: who reported it, "" where the system found it.
    `has_rows`: whom it reached can be looked at, line by line. `is_found`: by a rule for anomalies.
    """

    incident: Incident
    about: NamedTarget | None
    subject: str
    ticket: Ticket | None
    timeline: Sequence[RecordedAct]
    whose: str
    reporter: str
    duties: Sequence[DutyState]
    affected: IncidentImpact
    has_rows: bool
    is_found: bool
    of_a_test_line: bool
    case_is_late: bool


def incident_page(*, incident_id: int, at: datetime) -> IncidentPage | None:
    """Return everything about one incident; None where there is none."""
    one = find_incident(incident_id=incident_id, at=at)
    if one is None:
        return None
    about = subjects(rows=[one]).get(one.subject)
    who = names.actors(wanted={one.assigned_to, one.reported_by} - {""})
    affected = get_incident_impact(incident=one, about=about, at=at)
    ticket = tickets(rows=[one]).get(one.pk)
    return IncidentPage(
        incident=one,
        about=about,
        subject=subject_of(incident=one),
        ticket=ticket,
        timeline=timeline_of(incident=one, count=affected.count),
        whose=who.get(one.assigned_to, ""),
        reporter=who.get(one.reported_by, ""),
        duties=duties_of(incident=one),
        affected=affected,
        has_rows=one.kind in HAVE_ROWS,
        is_found=one.kind in AnomalyRule.Kind.values,
        of_a_test_line=is_of_a_test_line(incident=one),
        case_is_late=ticket is not None and is_late(ticket=ticket, at=at),
    )


@dataclass(frozen=True)
class HiddenIncident:
    """An incident of which an order hides every release, for who handles orders. `about`: a company by name."""

    incident: Incident
    about: str
    duties: Sequence[DutyState]


def list_hidden(*, at: datetime) -> list[HiddenIncident]:
    """Return the incidents that nobody else sees, with what may have to be told by when: the next date first."""
    found = list(hidden_incidents(at=at).order_by(*DUE_FIRST))
    about = subjects(rows=found)
    return [
        HiddenIncident(
            one,
            about[one.subject].name if one.subject in about else subject_of(incident=one),
            duties_of(incident=one, of_legal=True),
        )
        for one in found
    ]


def timeline_of(*, incident: Incident, count: int) -> list[RecordedAct]:
    """Return everything that became of it, the newest first: as the database wrote it down, and as officers did it.

    `count`: how often it happened, without what an order hides. Steps that only counted further are left out, and what
    legal process did while an order hid it.
    """
    acts = (IncidentStep.What.CLOSED, IncidentStep.What.REOPENED)
    counted = (IncidentStep.What.COUNTED, IncidentStep.What.FEWER)
    most = count if count < incident.count else sys.maxsize
    steps = [
        RecordedAct(
            one.at, "The system", _describe_step(one, incident), "",
            times(n=one.count) if one.count <= most else "", "",
        )
        for one in steps_of(incident_id=incident.pk)
        if one.what not in acts and (one.count <= most or one.what not in counted)
    ]  # fmt: skip
    done = done_to(target=target_of(incident_id=incident.pk), but_by=LEGAL)
    return sorted([*steps, *done], key=lambda one: one.at, reverse=True)


def _describe_step(step: IncidentStep, incident: Incident) -> str:
    """In words; what somebody reported was known before the system had it."""
    if incident.reported_by and step.what == IncidentStep.What.OPENED:
        return "became known"
    return step.get_what_display().lower()


def is_of_a_test_line(*, incident: Incident) -> bool:
    """Return whether it was found by a line of our own, or is about an order for one."""
    if incident.key.startswith(OF_A_SEED):
        return True
    order_id = incident.key.removeprefix("order:")
    if incident.kind != Incident.Kind.CONTRADICTED or order_id == incident.key or not _is_uuid(order_id):
        return False
    lines = Order.objects.filter(id=order_id).values("line_id")
    return CarrierTestLine.objects.filter(line_id__in=lines).exists()


def _is_uuid(text: str) -> bool:
    try:
        return str(UUID(text)) == text
    except ValueError:
        return False


def times(*, n: int) -> str:
    """Return how often, in words."""
    return f"{n:,} occurrence{'' if n == 1 else 's'} by then"


def duties_of(*, incident: Incident, of_legal: bool = False) -> list[DutyState]:
    """What may have to be told to whom, by when, and whether it was: done what was done, and what is still to do.

    `of_legal`: for that role. For everybody else its clock stops too, but what it did under an order is not there.
    """
    told = list_completed_duties(incident_id=incident.pk, since=incident.opened_at)
    shown = told if of_legal else list_completed_duties(incident_id=incident.pk, since=incident.opened_at, but_by=LEGAL)
    begun = list_clock_starts(incident_id=incident.pk, opened_at=incident.opened_at)
    who = names.actors(wanted={one.actor for one in shown.values()})
    done = [
        DutyState(Clock(duty, _newest_by(begun, found.at)), found, who[found.actor])
        for duty in DUTIES.get(incident.kind, ())
        if (found := shown.get(duty.name))
    ]
    to_do = list_running_clocks(kind=incident.kind, begun=begun, done_at={name: one.at for name, one in told.items()})
    return sorted([*done, *(DutyState(clock, None) for clock in to_do)], key=lambda one: one.clock.due_at)


def _newest_by(begun: Iterable[datetime], at: datetime) -> datetime:
    return max(one for one in begun if one <= at)


def officers() -> list[tuple[str, str]]:
    """Return who may have an incident: each by the name that the trail gives them, and by their e-mail."""
    found = User.objects.filter(role__in=roles_that_may(StaffAction.CLOSE_INCIDENT), is_active=True).order_by("email")
    return [(actor_of(user), user.email) for user in found]


def target_of(*, incident_id: int) -> str:
    """Return how the audit trail names an incident."""
    return f"incident:{incident_id}"


def subjects(*, rows: Iterable[Incident]) -> Mapping[str, NamedTarget]:
    """The parties that these incidents are about, by the incident's subject: an id of ours or the party's own URI."""
    said = {one.subject for one in rows}
    ids = {int(own) for one in said if (own := one.removeprefix("partner:")) != one and own.isdecimal()}
    found: dict[str, NamedTarget] = {}
    for pk, name, uri in Party.objects.filter(pk__in=ids).values_list("pk", "name", "uri"):
        found[f"partner:{pk}"] = NamedTarget("party", pk, party_name(name, uri))
    for pk, name, uri in Party.objects.filter(uri__in=said - found.keys()).values_list("pk", "name", "uri"):
        found[uri] = NamedTarget("party", pk, party_name(name, uri))
    return found


def tickets(*, rows: Iterable[Incident]) -> Mapping[int, Ticket]:
    """Return the desk's ticket for each incident that has one, by the incident's id."""
    keys = {f"incident:{one.pk}": one.pk for one in rows}
    return {keys[one.key]: one for one in Ticket.objects.filter(key__in=keys)}
