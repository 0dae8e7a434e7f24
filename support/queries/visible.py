"""Incidents and their cases, for every list, count, search and export: what an order hides wholly is not there."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache

from django.db.models import Q, QuerySet
from django.utils import translation
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy

from audit.models import Incident
from disclosures.queries.incident_scope import get_newest_order, list_hidden_incidents
from support.models import Entry, SuspendRequest, Ticket
from support.policies.thread_events import MERGED_IN, describe_event

# What a case is called whose own subject is hidden, but not that of a case that was merged into it.
MERGED_CASES = gettext_lazy("Merged cases")
# As a dispute is kept.
DISPUTED = gettext_lazy("I never agreed to this")


@dataclass(frozen=True)
class HiddenCases:
    """Hidden incidents, by id, and the codes of the cases about them, by id.

    `shared`: cases that stay, because one that is not hidden was merged into them. `since`: when the newest order on
    these incidents was recorded; what staff did in a shared case later says nothing of the hidden incident.
    """

    incidents: Sequence[int]
    cases: Mapping[int, str]
    shared: Mapping[int, str]
    since: datetime

    def visible_incidents(self) -> QuerySet[Incident]:
        """Return the incidents that are not hidden."""
        return Incident.objects.exclude(pk__in=self.incidents)

    def get_about(self, *, ticket: Ticket) -> str:
        """Return what a case is about, in words."""
        if ticket.pk in self.shared:
            return str(MERGED_CASES)
        return str(_list_own_words().get(ticket.about, ticket.about))

    def find_targets(self, *, field: str, date: str) -> Q:
        """Return the rows that name a hidden incident or case in a field, as the audit log does, by their date."""
        names = [*(f"incident:{pk}" for pk in self.incidents), *(f"ticket:{code}" for code in self.cases.values())]
        shared = [f"ticket:{code}" for code in self.shared.values()]
        return Q((f"{field}__in", names)) | Q((f"{field}__in", shared), (f"{date}__lte", self.since))

    def find_entries(self) -> Q:
        """Return what was written in hidden cases, and that another case goes on for one of them."""
        codes = [*self.cases.values(), *self.shared.values()]
        return self._find_in_cases(date="at") | Q(
            kind=Entry.Kind.EVENT, body__in=[describe_event(MERGED_IN, code=code) for code in codes]
        )

    def visible_requests(self) -> QuerySet[SuspendRequest]:
        """Return the requests to suspend a company without those that were made in hidden cases."""
        return SuspendRequest.objects.exclude(self._find_in_cases(date="asked_at"))

    def _find_in_cases(self, *, date: str) -> Q:
        return Q(ticket__in=list(self.cases)) | Q((f"{date}__lte", self.since), ticket__in=list(self.shared))


@cache
def _list_own_words() -> Mapping[str, str | Promise]:
    """Return by their English, in which they are kept, the words of ours that say what cases are about."""
    with translation.override("en"):
        return {str(one): one for one in (DISPUTED, *(kind.label for kind in Ticket.Kind))}


def find_hidden_cases(*, at: datetime) -> HiddenCases:
    """Return what an order hides wholly. One statement while that is nothing."""
    incidents = list_hidden_incidents(at=at)
    if not incidents:
        return HiddenCases((), {}, {}, at)
    about = Ticket.objects.filter(key__in=[f"incident:{pk}" for pk in incidents])
    cases: dict[int, str] = dict(about.values_list("pk", "code"))
    shared = _take_shared(cases)
    return HiddenCases(incidents, cases, shared, get_newest_order(incidents=incidents) or at)


def _take_shared(cases: dict[int, str]) -> dict[int, str]:
    """Take those out that a case which isn't hidden was merged into, and return them."""
    merged = list(Ticket.objects.filter(merged_into__in=cases).values_list("pk", "merged_into_id"))
    shared: dict[int, str] = {}
    while into := {parent for pk, parent in merged if pk not in cases and parent in cases}:
        shared |= {pk: cases.pop(pk) for pk in into}
    return shared


def visible_incidents(*, at: datetime) -> QuerySet[Incident]:
    """Return the incidents without those of which a delayed-notice order hides every release. One statement."""
    return Incident.objects.exclude(pk__in=list_hidden_incidents(at=at))


def hidden_incidents(*, at: datetime) -> QuerySet[Incident]:
    """Return those of which an order hides every release, for who handles orders. One statement."""
    return Incident.objects.filter(pk__in=list_hidden_incidents(at=at))


def find_incident(*, incident_id: int, at: datetime) -> Incident | None:
    """Return an incident that may be seen; None where there is none."""
    return visible_incidents(at=at).filter(pk=incident_id).first()


def visible_tickets(*, at: datetime, hidden: HiddenCases | None = None) -> QuerySet[Ticket]:
    """Return the cases without those that the system opened about hidden incidents. `hidden`: where that is known."""
    return Ticket.objects.exclude(pk__in=list((hidden or find_hidden_cases(at=at)).cases))


def list_hidden_tickets(*, at: datetime) -> Sequence[int]:
    """Return the cases about hidden incidents, by id, but those that another case was merged into."""
    return list(find_hidden_cases(at=at).cases)


def acts_on_hidden(*, hidden: HiddenCases) -> Q:
    """Return which acts would tell that there is a hidden incident: on it, its case or a document about either."""
    # Before documents' acts said what they are about, a preview was named by the reference that it was asked for with.
    previews = [*(f"breach:{pk}" for pk in hidden.incidents), *(f"case:{code}" for code in hidden.cases.values())]
    acts = hidden.find_targets(field="target", date="at") | Q(target__in=[f"document:{one}" for one in previews])
    for pk in hidden.incidents:
        acts |= Q(detail__contains={"incident": pk}) | Q(detail__contains={"about": f"incident:{pk}"})
    for code in hidden.cases.values():
        acts |= Q(detail__contains={"about": f"ticket:{code}"})
    for code in hidden.shared.values():
        acts |= Q(at__lte=hidden.since, detail__contains={"about": f"ticket:{code}"})
    return acts
