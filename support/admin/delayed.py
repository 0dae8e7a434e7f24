"""The console of the legal-process role: delayed-notice orders. To look is an act too, with its reason."""

from django.http import HttpResponse
from django.urls import reverse
from django.utils import timezone

from accounts.access import PersonRequest
from accounts.permissions import actor_of
from accounts.queries import NotForThem
from accounts.reasons import NoReason
from disclosures import actions
from support.admin.acts import Act, answer
from support.admin.console import show
from support.forms.base import ActForm
from support.forms.delayed import DelayForm, OrderForm


def look(request: PersonRequest) -> HttpResponse:
    """Say why, and see every order and what it hides. References stand in no address and in nobody else's list."""
    form, orders = ActForm(request.POST or None), None
    if request.method == "POST" and form.is_valid():
        try:
            orders = actions.look_at_delayed(
                actor=actor_of(request.user), reason=form.cleaned_data["reason"], at=timezone.now()
            )
        except (NotForThem, NoReason) as error:
            form.add_error(None, str(error) or "You may not do this.")
    return show(request, "delayed.html", title="Delayed notices", form=form, orders=orders)


def hide(request: PersonRequest) -> HttpResponse:
    """Hide disclosures under an order."""
    act = Act(
        title="Hide under an order",
        lead="What is hidden is in no page, count, receipt or export until it is lifted or its day comes.",
        form=DelayForm(request.POST or None),
        verb=lambda form, actor, at: actions.delay_notice(
            order_ref=form.cleaned_data["order_ref"], suppressed_until=form.end(), source_ids=form.source_ids(),
            actor=actor, reason=form.cleaned_data["reason"], at=at,
        ),
        back=reverse("admin:delayed"),
        done="Hidden.",
        button="Hide",
    )  # fmt: skip
    return answer(request, act)


def lift(request: PersonRequest) -> HttpResponse:
    """Show what an order hid."""
    act = Act(
        title="Lift an order",
        lead="The subscriber then sees it, marked as told late. What another order hides stays hidden.",
        form=OrderForm(request.POST or None),
        verb=lambda form, actor, at: actions.lift_notice(
            order_ref=form.cleaned_data["order_ref"], source_ids=form.source_ids(), actor=actor,
            reason=form.cleaned_data["reason"], at=at,
        ),
        back=reverse("admin:delayed"),
        done="Lifted.",
        button="Lift",
        warns=True,
    )  # fmt: skip
    return answer(request, act)
