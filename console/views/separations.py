"""Line separations that were asked in confidence: what is due, one of them after a reason, and that it is done."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

from django.http import Http404, HttpResponse
from django.urls import reverse
from django.utils import timezone

from accounts.actions.line_separation import close_separation, view_separation
from accounts.models import Separation
from accounts.policies import delegations
from accounts.policies.permissions import actor_of
from accounts.queries import StaffOnly
from accounts.views.access import PersonRequest
from console.forms.separations import SeparationForm
from console.views.acts import Act, answer
from console.views.site import show
from support.forms.base import ActForm

CODE = 8


def separations(request: PersonRequest) -> HttpResponse:
    """What waits, what is due first in front. It names nobody."""
    now = timezone.now()
    return show(request, "separations.html", title="Line separations", rows=_rows(delegations.open_separations(), now))


def separation(request: PersonRequest, separation_id: UUID) -> HttpResponse:
    """Say why, and read whose line it is and how the person is reached. The look stands in their own log."""
    form = ActForm(request.POST or None)
    shown = {"code": _code(separation_id), "separation_id": separation_id}
    if request.method == "POST" and form.is_valid():
        try:
            asked = view_separation(
                separation_id=separation_id, actor=actor_of(request.user), reason=form.cleaned_data["reason"],
                at=timezone.now(),
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
        verb=lambda form, actor, at: close_separation(
            separation_id=separation_id, done=form.is_separated(), tell_from=form.tell_from(), actor=actor,
            reason=form.cleaned_data["reason"], at=at,
        ),
        back=reverse("admin:separations"),
        done="Closed.",
        button="Close request",
    )  # fmt: skip
    return answer(request, act)


def _rows(found: Sequence[Separation], now: datetime) -> list[tuple[Separation, str, bool, bool]]:
    return [(one, _code(one.pk), one.due_at < now, one.due_at < now + timedelta(days=1)) for one in found]


def _code(separation_id: UUID) -> str:
    return f"S-{str(separation_id)[:CODE].upper()}"
