"""The console of the legal-process role: delayed-notice orders. To look is an act too, with its reason."""

from django.http import HttpResponse
from django.urls import reverse
from django.utils import timezone

from accounts.policies.permissions import actor_of
from accounts.primitives.reasons import NoReason
from accounts.queries import NotForThem
from accounts.views.access import PersonRequest
from console.forms.delayed import AwaitedForm, DelayForm, OrderForm
from console.views.acts import Act, answer
from console.views.site import show
from disclosures import actions
from disclosures.actions import DelayedNoticeResult
from support.forms.base import ActForm


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
        done=_format_delay_result,
        button="Hide",
    )  # fmt: skip
    return answer(request, act)


def await_and_hide(request: PersonRequest) -> HttpResponse:
    """Hide disclosures that are still to come, each as it arrives."""
    act = Act(
        title="Hide before it arrives",
        lead=(
            "For releases that the carrier has not reported yet. Each is hidden from the moment it arrives. An id that"
            " is mistyped waits for ever, and the release that you mean is shown: compare each with the order."
        ),
        form=AwaitedForm(request.POST or None),
        verb=lambda form, actor, at: actions.delay_notice(
            order_ref=form.cleaned_data["order_ref"], suppressed_until=form.end(), source_ids=form.source_ids(),
            actor=actor, reason=form.cleaned_data["reason"], at=at, awaited=True,
        ),
        back=reverse("admin:delayed"),
        done=_format_delay_result,
        button="Hide as they arrive",
        warns=True,
    )  # fmt: skip
    return answer(request, act)


def _format_delay_result(result: object) -> str:
    """What came of it, in numbers: nothing is called hidden that is not."""
    if not isinstance(result, DelayedNoticeResult):
        return ""
    hidden = f"{result.changed:,} release{'' if result.changed == 1 else 's'} hidden."
    if not result.waiting:
        return hidden if result.changed else "Nothing changed: it was hidden so already."
    waiting = f"{result.waiting:,} not arrived yet: hidden as {'it arrives' if result.waiting == 1 else 'they arrive'}."
    return f"{hidden} {waiting}" if result.changed else waiting


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
