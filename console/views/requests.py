"""Requests that officers or legal process decide: suspensions, line separations, delayed-notice orders."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import partial
from uuid import UUID

from django.http import Http404, HttpResponse
from django.urls import reverse
from django.utils import timezone

from accounts.actions.line_separation import close_separation, view_separation
from accounts.models import Separation
from accounts.policies import delegations
from accounts.policies.permissions import actor_of
from accounts.primitives.reasons import NoReason, remove_numbers
from accounts.queries import StaffOnly
from accounts.views.access import PersonRequest
from audit.queries import database_clock
from console.forms.acts import AwaitedForm, DecisionForm, DelayForm, OrderForm, SeparationForm
from console.queries.delayed_notices import LiftPreview
from console.queries.proposals import list_suspension_requests, request_of
from console.views.acts import Act, answer
from console.views.site import show
from disclosures import actions
from disclosures.actions import DelayedNoticeResult
from support.actions.escalation import decide_request
from support.forms.acting import ActForm
from support.queries.incidents import list_hidden


def requests(request: PersonRequest) -> HttpResponse:
    """What waits for a decision, the oldest first, and what was decided lately."""
    waiting, decided = list_suspension_requests(at=timezone.now())
    return show(request, "suspend_requests.html", title="Suspension requests", waiting=waiting, decided=decided)


def decide(request: PersonRequest, request_id: int) -> HttpResponse:
    """Suspend the company now, or decline, with the reason that the agent reads in the case."""
    asked = request_of(request_id=request_id, at=timezone.now())
    if asked is None:
        raise Http404
    act = Act(
        title=f"Suspend {asked.name}?",
        lead=f"Asked in case {asked.row.ticket.code}: {remove_numbers(asked.row.reason)} Suspended, every request of "
        "theirs is denied, for everybody, from this moment on; to lift it takes two officers.",
        form=DecisionForm(request.POST or None),
        verb=lambda form, by: decide_request(request_id=request_id, suspends=form.suspends(), **by),
        back=reverse("admin:suspend-requests"),
        done="Decided. The agent sees the decision in the case.",
        button="Decide",
        warns=True,
    )
    return answer(request, act)


CODE = 8


def separations(request: PersonRequest) -> HttpResponse:
    """What waits, what is due first in front. It names nobody."""
    now = timezone.now()
    return show(
        request, "separations.html", title="Line separations", rows=_rows(list(delegations.open_separations()), now)
    )


def separation(request: PersonRequest, separation_id: UUID) -> HttpResponse:
    """Say why, and read whose line it is and how the person is reached. The look stands in their own log."""
    form = ActForm(request.POST or None)
    shown = {"code": _code(separation_id), "separation_id": separation_id}
    if request.method == "POST" and form.is_valid():
        try:
            asked = view_separation(
                separation_id=separation_id, actor=actor_of(request.user), reason=form.cleaned_data["reason"],
                at=database_clock(),
            )  # fmt: skip
        except StaffOnly as error:
            form.add_error(None, str(error))
        else:
            if asked is None:
                raise Http404
            return show(request, "separation.html", title="Line separation", asked=asked, **shown)
    if not Separation.objects.filter(pk=separation_id).exists():
        raise Http404
    return show(request, "separation_look.html", title="Line separation", form=form, **shown)


def close(request: PersonRequest, separation_id: UUID) -> HttpResponse:
    """Say that it is done, and from when the holder may be told; or that it can't be done."""
    if not Separation.objects.filter(pk=separation_id).exists():
        raise Http404
    act = Act(
        title="Close line separation",
        lead="First make sure that the carrier has moved the line out of the account. Until the day you enter, the"
        " other holder's list of lines won't change. Agree that day with the person.",
        form=SeparationForm(request.POST or None),
        verb=lambda form, by: close_separation(
            separation_id=separation_id, done=form.is_separated(), tell_from=form.tell_from(), **by
        ),
        back=reverse("admin:separations"),
        done="Closed.",
        button="Close request",
    )
    return answer(request, act)


def _rows(found: Sequence[Separation], now: datetime) -> list[tuple[Separation, str, bool, bool]]:
    return [(one, _code(one.pk), one.due_at < now, one.due_at < now + timedelta(days=1)) for one in found]


def _code(separation_id: UUID) -> str:
    return f"S-{str(separation_id)[:CODE].upper()}"


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
        verb=lambda form, by: actions.delay_notice(
            order_ref=form.cleaned_data["order_ref"], suppressed_until=form.end(), source_ids=form.source_ids(), **by
        ),
        back=reverse("admin:delayed"),
        done=_format_delay_result,
        changed=_is_changed,
        button="Hide",
    )
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
        verb=lambda form, by: actions.delay_notice(
            order_ref=form.cleaned_data["order_ref"], suppressed_until=form.end(), source_ids=form.source_ids(),
            awaited=True, **by,
        ),
        back=reverse("admin:delayed"),
        done=_format_delay_result,
        changed=_is_changed,
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


def _is_changed(result: object) -> bool:
    return isinstance(result, DelayedNoticeResult) and bool(result.changed or result.waiting)


def lift(request: PersonRequest) -> HttpResponse:
    """Show what an order hid; all of it only to whoever has read how much that is."""

    act = Act(
        title="Lift an order",
        lead="The subscriber will see the release, marked as told late. Releases that another order hides stay hidden.",
        form=OrderForm(request.POST or None),
        verb=lambda form, by: actions.lift_notice(
            order_ref=form.cleaned_data["order_ref"], source_ids=form.source_ids(), **by
        ),
        back=reverse("admin:delayed"),
        done=_format_lift_result,
        button="Lift",
        warns=True,
        shows=partial(_preview_lift, actor_of(request.user)),
    )
    return answer(request, act)


def _preview_lift(actor: str, form: OrderForm) -> LiftPreview | None:
    if form.source_ids():
        return None
    said = form.cleaned_data
    reach = actions.view_order_reach(order_ref=said["order_ref"], reason=said["reason"], actor=actor, at=timezone.now())
    return LiftPreview(said["order_ref"], reach) if reach.releases or reach.waiting else None


def _format_lift_result(result: object) -> str:
    if not isinstance(result, DelayedNoticeResult):
        return ""
    lifted = f"{result.changed:,} release{'' if result.changed == 1 else 's'} lifted."
    waiting = f"{result.waiting:,} not arrived yet: no longer hidden on arrival."
    still = f"Still hidden by another order: {result.still_hidden:,}."
    return " ".join(
        [lifted] * bool(result.changed) + [waiting] * bool(result.waiting) + [still] * bool(result.still_hidden)
    )
