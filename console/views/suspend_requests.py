"""Agents ask for a company to be suspended; an officer decides, and the case hears of it."""

from django.http import Http404, HttpResponse
from django.urls import reverse

from accounts.views.access import PersonRequest
from console.forms.ending import DecisionForm
from console.queries.requests import list_suspension_requests, request_of
from console.views.acts import Act, answer
from console.views.site import show
from support.actions.escalation import decide_request


def requests(request: PersonRequest) -> HttpResponse:
    """What waits for a decision, the oldest first, and what was decided lately."""
    waiting, decided = list_suspension_requests()
    return show(request, "suspend_requests.html", title="Suspension requests", waiting=waiting, decided=decided)


def decide(request: PersonRequest, request_id: int) -> HttpResponse:
    """Suspend the company now, or decline, with the reason that the agent reads in the case."""
    asked = request_of(request_id=request_id)
    if asked is None:
        raise Http404
    act = Act(
        title=f"Suspend {asked.name}?",
        lead=f"Asked in case {asked.row.ticket.code}: {asked.row.reason} Suspended, every request of theirs is denied, "
        "for everybody, from this moment on; to lift it takes two officers.",
        form=DecisionForm(request.POST or None),
        verb=lambda form, actor, at: decide_request(
            request_id=request_id, suspends=form.suspends(), reason=form.cleaned_data["reason"], actor=actor, at=at
        ),
        back=reverse("admin:suspend-requests"),
        done="Decided. The agent sees the decision in the case.",
        button="Decide",
        warns=True,
    )
    return answer(request, act)
