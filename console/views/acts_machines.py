"""API clients: two officers let one in, or change its key or certificate; one disables or unbinds it."""

from collections.abc import Sequence

from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils import timezone

from accounts.views.access import PersonRequest
from console.forms import rules
from console.queries.machines import key_replaced, machine_page
from console.queries.proposals import OpenProposal, list_open_proposals
from console.views.acts import PROPOSED, Act, answer
from console.views.site import show
from partners.actions import clients, proposals
from partners.actions.clients import disable_machine, register_machine, unbind_machine
from partners.models import Client, Proposal
from partners.queries import thumbprint_of
from support.forms.base import ActForm


def machine(request: PersonRequest, number: int) -> HttpResponse:
    """One machine: whose, its key and certificate, and what was done about it."""
    page = machine_page(number=number, at=timezone.now())
    if page is None:
        raise Http404
    return show(request, "machine.html", title=page.machine.client_id, page=page)


def register(request: PersonRequest) -> HttpResponse:
    """Write a machine down and propose to let it in: another officer must agree."""
    act = Act(
        title="Register a machine",
        lead="It signs in with the private half of its own key, once another officer has agreed. One that is known gets"
        " another key on its own page.",
        form=rules.ClientForm(request.POST or None),
        verb=lambda form, actor, at: register_machine(**form.cleaned_data, actor=actor, at=at),
        back=lambda made: _page(getattr(made, "number", 0)),
        done="Registered, and proposed. It may sign in when another officer agrees, within 7 days.",
        button="Register and propose",
        cancel=reverse("admin:clients"),
    )
    return answer(request, act)


def propose_key(request: PersonRequest, number: int) -> HttpResponse:
    """Propose another key, after a look at both: another officer must agree."""
    one = get_object_or_404(Client, number=number)
    act = Act(
        title=f"Propose another key for {one.client_id}",
        lead="With the old key nobody signs in any more once another officer has agreed. Before you propose it you see"
        " both keys.",
        form=rules.KeyForm(request.POST or None),
        verb=lambda form, actor, at: clients.propose_key(
            number=number, public_jwk=form.cleaned_data["public_jwk"], was=thumbprint_of(machine=one),
            reason=form.cleaned_data["reason"], actor=actor, at=at,
        ),
        back=_page(number),
        done=PROPOSED,
        button="Propose",
        shows=lambda form: key_replaced(machine=one, public_jwk=form.cleaned_data["public_jwk"]),
        asked=_list_machine_proposals(number),
    )  # fmt: skip
    return answer(request, act)


def disable(request: PersonRequest, number: int) -> HttpResponse:
    """Let it in no more: one officer, at once."""
    one = get_object_or_404(Client, number=number)
    act = Act(
        title=f"Disable {one.client_id}",
        lead="Its tokens end at once, and it gets no others. To let it in again takes two officers.",
        form=ActForm(request.POST or None),
        verb=lambda form, actor, at: disable_machine(
            number=number, reason=form.cleaned_data["reason"], actor=actor, at=at
        ),
        back=_page(number),
        done="Disabled: it is let in no more.",
        button="Disable it",
        warns=True,
    )
    return answer(request, act)


def enable(request: PersonRequest, number: int) -> HttpResponse:
    """Propose to let it in as it is: another officer must agree."""
    one = get_object_or_404(Client, number=number)
    act = Act(
        title=f"Propose to let {one.client_id} in",
        lead="It stays out until another officer agrees, to the key and the certificate that it has now.",
        form=ActForm(request.POST or None),
        verb=lambda form, actor, at: proposals.propose(
            act=Proposal.Act.ENABLE_MACHINE, of="machine", target_id=number, payload={},
            reason=form.cleaned_data["reason"], actor=actor, at=at,
        ),
        back=_page(number),
        done=PROPOSED,
        button="Propose",
        asked=_list_machine_proposals(number),
    )  # fmt: skip
    return answer(request, act)


def propose_certificate(request: PersonRequest, number: int) -> HttpResponse:
    """Propose a certificate to which its tokens are bound: another officer must agree."""
    one = get_object_or_404(Client, number=number)
    now = f"It is bound to {one.certificate_sha256} now." if one.certificate_sha256 else "It is bound to none now."
    act = Act(
        title=f"Propose a certificate for {one.client_id}",
        lead=f"{now} Once another officer agrees, tokens that were bound to another end at once.",
        form=rules.CertificateForm(request.POST or None),
        verb=lambda form, actor, at: clients.propose_certificate(
            number=number, certificate=form.cleaned_data["certificate"], reason=form.cleaned_data["reason"],
            actor=actor, at=at,
        ),
        back=_page(number),
        done=PROPOSED,
        button="Propose",
        asked=_list_machine_proposals(number),
    )  # fmt: skip
    return answer(request, act)


def unbind(request: PersonRequest, number: int) -> HttpResponse:
    """Bind it to no certificate."""
    one = get_object_or_404(Client, number=number)
    act = Act(
        title=f"Unbind {one.client_id} from its certificate",
        lead="Where certificates are asked for, it can't sign in until it is bound again.",
        form=ActForm(request.POST or None),
        verb=lambda form, actor, at: unbind_machine(
            number=number, reason=form.cleaned_data["reason"], actor=actor, at=at
        ),
        back=_page(number),
        done="It is bound to no certificate.",
        button="Unbind it",
        warns=True,
    )
    return answer(request, act)


def _list_machine_proposals(number: int) -> Sequence[OpenProposal]:
    return list_open_proposals(of=Proposal.Of.MACHINE, target_id=number, at=timezone.now())


def _page(number: int) -> str:
    return reverse("admin:machine", args=[number])
