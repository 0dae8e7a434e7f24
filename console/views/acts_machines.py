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
from console.views.acts import PROPOSED, Act, answer, build_arguments
from console.views.site import show
from partners.actions import clients, proposals
from partners.actions.clients import disable_machine, register_machine, unbind_machine
from partners.models import Client, Proposal
from partners.queries import thumbprint_of
from support.forms.acting import ActForm


def machine(request: PersonRequest, number: int) -> HttpResponse:
    """One machine: whose, its key and certificate, and what was done about it."""
    page = machine_page(number=number, at=timezone.now())
    if page is None:
        raise Http404
    return show(request, "machine.html", title=page.machine.client_id, page=page)


def register(request: PersonRequest) -> HttpResponse:
    """Write a machine down and propose to let it in: another officer must agree."""
    act = Act(
        title="Register an API client",
        lead="It signs in with its own private key once another officer agrees. To replace the key of a registered"
        " client, open its page.",
        form=rules.ClientForm(request.POST or None),
        verb=lambda form, by: register_machine(**build_arguments(form, by)),
        back=lambda made: _page(getattr(made, "number", 0)),
        done="Registered and proposed. It can sign in when another officer agrees, within 7 days.",
        button="Register and propose",
        cancel=reverse("admin:clients"),
    )
    return answer(request, act)


def propose_key(request: PersonRequest, number: int) -> HttpResponse:
    """Propose another key, after a look at both: another officer must agree."""
    one = get_object_or_404(Client, number=number)
    act = Act(
        title=f"Propose a new key for {one.client_id}",
        lead="The old key stops working once another officer agrees. You'll see both keys before you propose.",
        form=rules.KeyForm(request.POST or None),
        verb=lambda form, by: clients.propose_key(
            number=number, was=thumbprint_of(machine=one), **build_arguments(form, by)
        ),
        back=_page(number),
        done=PROPOSED,
        button="Propose",
        shows=lambda form: key_replaced(machine=one, public_jwk=form.cleaned_data["public_jwk"]),
        asked=_list_machine_proposals(number),
    )
    return answer(request, act)


def disable(request: PersonRequest, number: int) -> HttpResponse:
    """Let it in no more: one officer, at once."""
    one = get_object_or_404(Client, number=number)
    act = Act(
        title=f"Disable {one.client_id}",
        lead="Its tokens end immediately and it gets no new ones. Activating it again takes two officers.",
        form=ActForm(request.POST or None),
        verb=lambda _, by: disable_machine(number=number, **by),
        back=_page(number),
        done="Disabled.",
        button="Disable",
        warns=True,
    )
    return answer(request, act)


def enable(request: PersonRequest, number: int) -> HttpResponse:
    """Propose to let it in as it is: another officer must agree."""
    one = get_object_or_404(Client, number=number)
    act = Act(
        title=f"Propose activation of {one.client_id}",
        lead="It stays disabled until another officer agrees to its current key and certificate.",
        form=ActForm(request.POST or None),
        verb=lambda _, by: proposals.propose(
            act=Proposal.Act.ENABLE_MACHINE, of="machine", target_id=number, payload={}, **by
        ),
        back=_page(number),
        done=PROPOSED,
        button="Propose",
        asked=_list_machine_proposals(number),
    )
    return answer(request, act)


def propose_certificate(request: PersonRequest, number: int) -> HttpResponse:
    """Propose a certificate to which its tokens are bound: another officer must agree."""
    one = get_object_or_404(Client, number=number)
    now = f"It is bound to {one.certificate_sha256} now." if one.certificate_sha256 else "No certificate is bound now."
    act = Act(
        title=f"Propose a certificate for {one.client_id}",
        lead=f"{now} Once another officer agrees, tokens bound to another certificate end immediately.",
        form=rules.CertificateForm(request.POST or None),
        verb=lambda form, by: clients.propose_certificate(
            number=number, certificate=form.cleaned_data["certificate"], **by
        ),
        back=_page(number),
        done=PROPOSED,
        button="Propose",
        asked=_list_machine_proposals(number),
    )
    return answer(request, act)


def unbind(request: PersonRequest, number: int) -> HttpResponse:
    """Bind it to no certificate."""
    one = get_object_or_404(Client, number=number)
    act = Act(
        title=f"Remove the certificate of {one.client_id}",
        lead="Where certificates are required, it can't sign in until a certificate is bound again.",
        form=ActForm(request.POST or None),
        verb=lambda _, by: unbind_machine(number=number, **by),
        back=_page(number),
        done="Certificate removed.",
        button="Remove certificate",
        warns=True,
    )
    return answer(request, act)


def _list_machine_proposals(number: int) -> Sequence[OpenProposal]:
    return list_open_proposals(of=Proposal.Of.MACHINE, target_id=number, at=timezone.now())


def _page(number: int) -> str:
    return reverse("admin:machine", args=[number])
