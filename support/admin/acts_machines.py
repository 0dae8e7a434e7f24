"""Machines that sign in: register, replace the key, disable, let in again, bind to a certificate."""

from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils import timezone

import partners.actions
from accounts.access import PersonRequest
from partners.models import Client, Proposal
from partners.queries import thumbprint_of
from support.admin.acts import Act, answer
from support.admin.console import show
from support.forms import rules
from support.forms.base import ActForm
from support.oversight.machines import key_replaced, machine_page


def machine(request: PersonRequest, number: int) -> HttpResponse:
    """One machine: whose, its key and certificate, and what was done about it."""
    page = machine_page(number=number, at=timezone.now())
    if page is None:
        raise Http404
    return show(request, "machine.html", title=page.machine.client_id, page=page)


def register(request: PersonRequest) -> HttpResponse:
    """Let a machine ask for tokens."""
    act = Act(
        title="Register a machine",
        lead="It signs in with the private half of its own key. One that is known gets another key on its own page.",
        form=rules.ClientForm(request.POST or None),
        verb=lambda form, actor, at: partners.actions.register_machine(**form.cleaned_data, actor=actor, at=at),
        back=lambda made: _page(getattr(made, "number", 0)),
        done="Registered.",
        button="Register",
        cancel=reverse("admin:clients"),
    )
    return answer(request, act)


def replace_key(request: PersonRequest, number: int) -> HttpResponse:
    """Give it another key, after a look at both."""
    one = get_object_or_404(Client, number=number)
    act = Act(
        title=f"Replace the key of {one.client_id}",
        lead="With the old key nobody signs in any more. Before it is replaced you see both keys.",
        form=rules.KeyForm(request.POST or None),
        verb=lambda form, actor, at: partners.actions.replace_key(
            number=number, public_jwk=form.cleaned_data["public_jwk"], was=thumbprint_of(machine=one),
            reason=form.cleaned_data["reason"], actor=actor, at=at,
        ),
        back=_page(number),
        done="The key was replaced.",
        button="Replace the key",
        replaces=lambda form: key_replaced(machine=one, public_jwk=form.cleaned_data["public_jwk"]),
    )  # fmt: skip
    return answer(request, act)


def disable(request: PersonRequest, number: int) -> HttpResponse:
    """Let it in no more: one officer, at once."""
    one = get_object_or_404(Client, number=number)
    act = Act(
        title=f"Disable {one.client_id}",
        lead="Its tokens end at once, and it gets no others. To let it in again takes two officers.",
        form=ActForm(request.POST or None),
        verb=lambda form, actor, at: partners.actions.disable_machine(
            number=number, reason=form.cleaned_data["reason"], actor=actor, at=at
        ),
        back=_page(number),
        done="Disabled: it is let in no more.",
        button="Disable it",
        warns=True,
    )
    return answer(request, act)


def enable(request: PersonRequest, number: int) -> HttpResponse:
    """Propose to let it in again: another officer must agree."""
    one = get_object_or_404(Client, number=number)
    act = Act(
        title=f"Propose to let {one.client_id} in again",
        lead="It stays out until another officer agrees, to the key that it has now.",
        form=ActForm(request.POST or None),
        verb=lambda form, actor, at: partners.actions.propose(
            act=Proposal.Act.ENABLE_MACHINE, of="machine", target_id=number, payload={},
            reason=form.cleaned_data["reason"], actor=actor, at=at,
        ),
        back=_page(number),
        done="Proposed. It is let in when another officer agrees, within 7 days.",
        button="Propose",
    )  # fmt: skip
    return answer(request, act)


def bind(request: PersonRequest, number: int) -> HttpResponse:
    """Bind its tokens to a certificate."""
    one = get_object_or_404(Client, number=number)
    now = f"It is bound to {one.certificate_sha256} now." if one.certificate_sha256 else "It is bound to none now."
    act = Act(
        title=f"Bind {one.client_id} to a certificate",
        lead=f"{now} Tokens that were bound to another end at once.",
        form=rules.CertificateForm(request.POST or None),
        verb=lambda form, actor, at: partners.actions.bind_machine(
            number=number, certificate=form.cleaned_data["certificate"], reason=form.cleaned_data["reason"],
            actor=actor, at=at,
        ),
        back=_page(number),
        done="Bound to the certificate.",
        button="Bind it",
    )  # fmt: skip
    return answer(request, act)


def unbind(request: PersonRequest, number: int) -> HttpResponse:
    """Bind it to no certificate."""
    one = get_object_or_404(Client, number=number)
    act = Act(
        title=f"Unbind {one.client_id} from its certificate",
        lead="Where certificates are asked for, it can't sign in until it is bound again.",
        form=ActForm(request.POST or None),
        verb=lambda form, actor, at: partners.actions.unbind_machine(
            number=number, reason=form.cleaned_data["reason"], actor=actor, at=at
        ),
        back=_page(number),
        done="It is bound to no certificate.",
        button="Unbind it",
        warns=True,
    )
    return answer(request, act)


def _page(number: int) -> str:
    return reverse("admin:machine", args=[number])
