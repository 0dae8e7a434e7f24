"""One incident, and the act that closes it."""

from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils import timezone

import support.actions
from accounts.access import PersonRequest
from audit.models import Incident
from support.admin.acts import Act, answer
from support.admin.console import show
from support.forms.base import ActForm
from support.oversight.incidents import incident_page


def incident(request: PersonRequest, incident_id: int) -> HttpResponse:
    """What happened, how often, to whom, its ticket, and what was done about it."""
    page = incident_page(incident_id=incident_id)
    if page is None:
        raise Http404
    return show(request, "incident.html", title=page.incident.get_kind_display(), page=page, at=timezone.now())


def close(request: PersonRequest, incident_id: int) -> HttpResponse:
    """Say that it is over."""
    one = get_object_or_404(Incident, pk=incident_id)
    act = Act(
        title="Close the incident",
        lead=f"{one.get_kind_display()}. Should it happen again, it opens anew. Its ticket at the desk stays as it is.",
        form=ActForm(request.POST or None),
        verb=lambda form, actor, at: support.actions.close_incident(
            incident_id=incident_id, actor=actor, reason=form.cleaned_data["reason"], at=at
        ),
        back=reverse("admin:incident", args=[incident_id]),
        done="Closed.",
        button="Close it",
    )
    return answer(request, act)
