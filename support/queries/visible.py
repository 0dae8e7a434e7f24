"""Incidents and their cases, for every list, count, search and export: what an order hides wholly is not there."""

from collections.abc import Sequence
from datetime import datetime

from django.db.models import Exists, OuterRef, Q, QuerySet

from audit.models import Incident
from disclosures.queries.incident_scope import list_hidden_incidents
from support.models import Ticket


def visible_incidents(*, at: datetime) -> QuerySet[Incident]:
    """Return the incidents without those of which a delayed-notice order hides every release. One statement."""
    return Incident.objects.exclude(pk__in=list_hidden_incidents(at=at))


def find_incident(*, incident_id: int, at: datetime) -> Incident | None:
    """Return an incident that may be seen; None where there is none."""
    return visible_incidents(at=at).filter(pk=incident_id).first()


def visible_tickets(*, at: datetime) -> QuerySet[Ticket]:
    """Return the cases without those that the system opened about hidden incidents. At most two statements."""
    return Ticket.objects.exclude(pk__in=list_hidden_tickets(at=at))


def list_hidden_tickets(*, at: datetime) -> Sequence[int]:
    """Return the cases about hidden incidents, by id, but those that another case was merged into."""
    hidden = list_hidden_incidents(at=at)
    return list(_cases_about(hidden).values_list("pk", flat=True)) if hidden else ()


def _cases_about(incident_ids: Sequence[int]) -> QuerySet[Ticket]:
    keys = [f"incident:{pk}" for pk in incident_ids]
    others = Ticket.objects.filter(merged_into=OuterRef("pk")).exclude(key__in=keys)
    return Ticket.objects.filter(~Exists(others), key__in=keys)


def list_hidden_targets(*, at: datetime) -> list[str]:
    """Return how the audit log and documents name hidden incidents and their cases."""
    return _name_targets(list_hidden_incidents(at=at))


def acts_on_hidden(*, at: datetime) -> Q:
    """Return which acts would tell that there is a hidden incident: on it or its case, or with it in their detail."""
    hidden = list_hidden_incidents(at=at)
    acts = Q(target__in=_name_targets(hidden))
    for pk in hidden:
        acts |= Q(detail__contains={"incident": pk})
    return acts


def _name_targets(hidden: Sequence[int]) -> list[str]:
    codes = _cases_about(hidden).values_list("code", flat=True) if hidden else ()
    return [*(f"incident:{pk}" for pk in hidden), *(f"ticket:{code}" for code in codes)]
