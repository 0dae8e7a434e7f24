"""The console of the legal-process role: delayed-notice orders. To look is an act too, with its reason."""

from django.http import HttpResponse
from django.urls import reverse
from django.utils import timezone

from accounts.policies.permissions import actor_of
from accounts.primitives.reasons import NoReason
from accounts.queries import StaffOnly
from accounts.views.access import PersonRequest
from console.forms.delayed import AwaitedForm, DelayForm, OrderForm
from console.views.acts import Act, answer
from console.views.site import show
from disclosures import actions
from disclosures.actions import DelayedNoticeResult
from support.forms.base import ActForm
from support.queries.incidents import list_hidden


def look(request: PersonRequest) -> HttpResponse:
    """Say why, and see every order and what it hides. References stand in no address and in nobody else's list."""
    form, orders, incidents, at = ActForm(request.POST or None), None, None, timezone.now()
    if request.method == "POST" and form.is_valid():
        try:
            orders = actions.view_delayed_orders(
                actor=actor_of(request.user), reason=form.cleaned_data["reason"], at=at
            )
            incidents = list_hidden(at=at)
        except (StaffOnly, NoReason) as error:
            form.add_error(None, str(error) or "You don't have permission to do this.")
    return show(request, "delayed.html", title="Delayed notices", form=form, orders=orders, incidents=incidents, at=at)


def hide(request: PersonRequest) -> HttpResponse:
    """Hide disclosures under an order."""
    act = Act(
        title="Hide a release",
        lead="A hidden release is left out of every page, count, receipt and export until the order is lifted or its"
        " end date.",
        form=DelayForm(request.POST or None, at=timezone.now()),
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
        title="Hide a future release",
        lead=(
            "For releases that the carrier hasn't reported yet. Each is hidden as soon as it arrives. Check every ID"
            " against the order: with a mistyped ID, the release would be shown."
        ),
        form=AwaitedForm(request.POST or None, at=timezone.now()),
        verb=lambda form, actor, at: actions.delay_notice(
            order_ref=form.cleaned_data["order_ref"], suppressed_until=form.end(), source_ids=form.source_ids(),
            actor=actor, reason=form.cleaned_data["reason"], at=at, awaited=True,
        ),
        back=reverse("admin:delayed"),
        done=_format_delay_result,
        button="Hide on arrival",
        warns=True,
    )  # fmt: skip
    return answer(request, act)


def _format_delay_result(result: object) -> str:
    """What came of it, in numbers: nothing is called hidden that is not."""
    if not isinstance(result, DelayedNoticeResult):
        return ""
    hidden = f"{result.changed:,} release{'' if result.changed == 1 else 's'} hidden."
    if not result.waiting:
        return hidden if result.changed else "Nothing changed: these releases are already hidden this way."
    waiting = f"{result.waiting:,} not arrived yet: hidden as {'it arrives' if result.waiting == 1 else 'they arrive'}."
    return f"{hidden} {waiting}" if result.changed else waiting


def lift(request: PersonRequest) -> HttpResponse:
    """Show what an order hid."""
    act = Act(
        title="Lift an order",
        lead="The subscriber will see the release, marked as told late. Releases that another order hides stay hidden.",
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
