"""Acts on a case as pages: a form with its reason, one verb, and back to the case; what was typed is never lost."""

from collections.abc import Callable

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone

from accounts import queries
from accounts.policies.permissions import actor_of
from accounts.primitives.reasons import NoReason
from accounts.views.access import PersonRequest
from consent.actions.choices import UnknownRef
from partners.policies.lifecycle import NotNow as NotNowThere
from support.actions.cases import see_case
from support.actions.stop_for import NotProved
from support.forms.acting import Act
from support.policies.lifecycle import NotNow
from support.queries.case import Case

REFUSED = (NotNow, NotNowThere, NoReason, NotProved, UnknownRef, queries.StaffOnly)


def case_or_404(request: PersonRequest, code: str) -> Case:
    """The case, as whoever asks may see it; the look is in its person's log. Raises Http404."""
    case = see_case(code=code, actor=actor_of(request.user), at=timezone.now())
    if case is None:
        raise Http404
    return case


def answer(request: PersonRequest, code: str, make: Callable[[Case], Act]) -> HttpResponse:
    """Show the form beside what it is about, or do the act and go back to the case."""
    case = case_or_404(request, code)
    act = make(case)
    if request.method == "POST" and act.form.is_valid() and _is_done(act, code, actor_of(request.user)):
        messages.success(request, act.done)
        return redirect(reverse("desk-case", args=[code]))
    return render(request, "desk/act.html", {"case": case, "ticket": case.ticket, "act": act, "form": act.form})


def _is_done(act: Act, code: str, actor: str) -> bool:
    at = timezone.now()
    try:
        act.verb(code=code, **act.form.build_arguments(at=at), actor=actor, at=at)
    except REFUSED as error:
        act.form.add_error(None, str(error))
        return False
    return True
