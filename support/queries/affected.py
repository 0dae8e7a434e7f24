"""What an incident reached: how many lines, which companies, from when to when, and through what. It names no line."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Max, Min, QuerySet
from django.utils.dateparse import parse_date

from audit.models import Incident, IncidentStep
from disclosures.models import AnomalyRule
from disclosures.queries.incident_scope import STATEMENTS, get_incident_scope
from partners.labels import sanitise_text
from revocations.models import Breach
from support.queries import names
from support.queries.anomalies import anomalies_under
from support.queries.names import NamedTarget

Kind = Incident.Kind
# Found for each line once: their count is the number of lines.
ONE_A_LINE = {Kind.STAFF_BROWSING, Kind.STOPS_BY_AGENT}
THROUGH: Mapping[str, str] = {
    Kind.CONTRADICTED: "A partner's copy, after it had signed that it stopped",
    Kind.UNGATED: "A release by the location gateway without the gate's yes",
    Kind.BASIS_DOUBTFUL: "A release said to be for an emergency or the network",
    Kind.AUDIT_FAULT: "The audit trail in our own database",
    Kind.PARTNER_HAS: "A partner's books, compared with ours",
    Kind.PARTNER_UNHEALTHY: "The stream by which a partner is told of stops",
    Kind.LIFELINE_AT_RISK: "The stream by which a partner is told of stops",
    Kind.ORDER_REFUSED: "An order that a partner did not take",
    Kind.KEYS_REFUSED: "An order that a partner did not take",
    Kind.NO_WAY_OUT: "Our own way out to partners; stops held at our gate",
    Kind.TEXTS_SPENT: "The pages that text codes",
    Kind.OVERDUE: "Orders whose agreed date passed",
    Kind.NO_EVIDENCE: "Requests for proof of consent whose date passed",
    Kind.CANARY_FAILED: "Stopping without an account, tried by ourselves with a line of our own",
    Kind.STOPS_FAILING: "The pages and machine doors by which people stop",
    Kind.OUR_BREACH: "What an officer wrote down of our own house",
    Kind.PARTNER_BREACH: "What an officer wrote down of a partner's house",
    Kind.STAFF_BROWSING: "Staff's own pages, where every look has its reason",
    Kind.MACHINE_BY_OPERATOR: "The operator's own commands",
    Kind.ADDRESSES_BY_OPERATOR: "The operator's own commands",
    Kind.STOPS_BY_AGENT: "Stops made in people's names",
}
# By how the key of an incident says over which span it was counted (`support.workers.watching`).
COUNTED_OVER: Mapping[str, str] = {":day:": ", counted over a day", ":week:": ", counted over a week"}
IN_THE_LEDGER = "Releases of location, found in the ledger"


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
    seen = _occurrences(incident).aggregate(first=Min("at"), last=Max("at"))
    first, last = seen["first"] or incident.opened_at, seen["last"] or incident.opened_at
    lines, first_reached, last_reached = _reach(incident, about, at)
    return IncidentImpact(
        lines=lines,
        count=incident.count,
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
    if incident.kind == Kind.STAFF_BROWSING:
        return names.actors(wanted={incident.subject})[incident.subject]
    return sanitise_text(incident.subject, at_most=200)


def _overdue(incident: Incident, about: NamedTarget | None) -> int | None:
    if about is None:
        return None
    day = parse_date(incident.key.rpartition(":")[2])
    late = Breach.objects.filter(party_id=about.id, kind=Breach.Kind.COMPLETE, line_id__isnull=False)
    return late.filter(at__date=day or incident.opened_at.date()).values("line_id").distinct().count() or None
