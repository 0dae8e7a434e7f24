"""Authorised agents: register one and propose that it may ask, propose another key, suspend it at once."""

from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils import timezone

from accounts.views.access import PersonRequest
from console.forms.rules import AgentForm, NewAgentForm
from console.queries.machines import agent_page
from console.queries.proposals import list_open_proposals
from console.views.acts import PROPOSED, Act, answer, build_arguments
from console.views.site import show
from partners.actions.authorized import propose_agent, register_agent, suspend_agent
from partners.models import AuthorizedAgent
from partners.queries import key_of
from support.forms.acting import ActForm


def agent(request: PersonRequest, agent_number: int) -> HttpResponse:
    """One agent: its key, where it is called back, what became of its requests, and what was done about it."""
    page = agent_page(number=agent_number, at=timezone.now())
    if page is None:
        raise Http404
    return show(request, "authorized.html", title=page.agent.name, page=page)


def register(request: PersonRequest) -> HttpResponse:
    """Write an agent down, and propose that it may ask for people."""
    act = Act(
        title="Register an authorized agent",
        lead="It requests stops on behalf of people, and each person confirms on their phone. It can't send requests"
        " until another officer agrees.",
        form=NewAgentForm(request.POST or None),
        verb=lambda form, by: register_agent(**build_arguments(form, by)),
        back=lambda made: _page(getattr(made, "number", 0)),
        done="Registered and proposed. It can send requests when another officer agrees, within 7 days.",
        button="Register and propose",
        cancel=reverse("admin:authorized-agents"),
    )
    return answer(request, act)


def propose(request: PersonRequest, agent_number: int) -> HttpResponse:
    """Propose that it may ask, as it is written down or otherwise: another officer must agree."""
    one = get_object_or_404(AuthorizedAgent, number=agent_number)
    may = one.ended_at is None
    act = Act(
        title=f"Propose a new name, key or hosts for {one.pk}" if may else f"Propose activation of {one.pk}",
        lead="Nothing changes until another officer agrees. Then it signs with this key and must sign in again."
        if may
        else "It can't send requests until another officer agrees to this name, key and hosts.",
        form=AgentForm(
            request.POST or None, initial={"name": one.name, "key": key_of(agent=one), "hosts": "\n".join(one.hosts)}
        ),
        verb=lambda form, by: propose_agent(number=agent_number, **build_arguments(form, by)),
        back=_page(agent_number),
        done=PROPOSED,
        button="Propose",
        asked=list_open_proposals(of="authorized", target_id=agent_number, at=timezone.now()),
    )
    return answer(request, act)


def suspend(request: PersonRequest, agent_number: int) -> HttpResponse:
    """Let it ask for nobody any more: one officer, at once."""
    one = get_object_or_404(AuthorizedAgent, number=agent_number)
    act = Act(
        title=f"Suspend {one.pk}",
        lead="Its token ends immediately, and the links we texted to people stop working. Confirmed stops stay."
        " Activating it again takes two officers.",
        form=ActForm(request.POST or None),
        verb=lambda _, by: suspend_agent(number=agent_number, **by),
        back=_page(agent_number),
        done="Suspended. It can no longer send requests.",
        button="Suspend now",
        warns=True,
    )
    return answer(request, act)


def _page(number: int) -> str:
    return reverse("admin:authorized-agent", args=[number])
