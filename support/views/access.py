"""Let staff come to the desk: `at_the_desk(ACTION)` tells a view's whole access story, `answer` runs an act as a page.

Staff of a role that may do this, with a second factor in this session; nothing of it is kept by the browser, and times
are those of the desk. Who is not signed in is sent to do so as staff. Everybody else is refused (403).

An act on a case is a form with its reason, one verb, and back to the case; what was typed is never lost.
"""

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.http import content_disposition_header
from django.utils.translation import gettext_lazy as _
from django.views.decorators.cache import never_cache

from accounts import queries
from accounts.domain import sessions
from accounts.models import User
from accounts.policies.permissions import Action, StaffAction, actor_of
from accounts.primitives.reasons import NoReason
from accounts.queries import PersonsLine
from accounts.views.access import Door, PersonRequest, PersonView, redirect_to_sign_in, staff_required
from audit.queries import database_clock
from consent.actions.choices import UnknownRef
from partners.policies.lifecycle import NotNow as NotNowThere
from support.actions.cases import see_ticket
from support.actions.stop_for import NotProved
from support.forms.acting import Act
from support.models import Ticket
from support.policies.lifecycle import ZONE, NotNow
from support.queries.queue import Counts, counts

DESK = "/desk/"


def at_the_desk[**P](*actions: StaffAction) -> Callable[[PersonView[P]], Door]:
    """Staff who may do one of these."""

    def decorate(view: PersonView[P]) -> Door:
        passed = staff_required(*actions)(view)

        @never_cache
        @wraps(view)
        def door(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
            if not request.user.is_authenticated:
                asked = request.get_full_path() if request.method == "GET" else DESK
                return redirect_to_sign_in(request, page=reverse("sign-in-staff"), then=asked)
            with timezone.override(ZONE):
                return passed(request, *args, **kwargs)

        return door

    return decorate


def reads_cases(request: HttpRequest) -> list[PersonsLine]:
    """The lines on which whoever is here may read cases, by what they have already proved; for all others, none.

    For pages that everybody may open.
    """
    user, now = request.user, timezone.now()
    if not isinstance(user, User) or user.role != User.Role.SUBSCRIBER or sessions.next_proof(request, user=user):
        return []
    lines = queries.list_lines_of_person(user=user, at=now)
    return [
        line
        for line in lines
        if line.may(Action.READ_CASES) and not queries.get_hold_end_between(own=lines[0].line, line=line.line, at=now)
    ]


def to_save(*, name: str, media_type: str, content: bytes) -> HttpResponse:
    """A file as an attachment, in a sandbox without rights, its kind not to be guessed. `name`: harmless already."""
    kind = f"{media_type}; charset=utf-8" if media_type == "text/plain" else media_type
    return HttpResponse(
        content,
        content_type=kind,
        headers={
            "Content-Disposition": content_disposition_header(as_attachment=True, filename=name) or "attachment",
            "X-Content-Type-Options": "nosniff",
            "Content-Security-Policy": "default-src 'none'; sandbox",
        },
    )


def show_case_counts(request: HttpRequest) -> dict[str, Callable[[], Counts]]:
    """The context of every page: how many cases wait, counted where a page shows them."""
    return {"case_counts": lambda: counts(user_id=request.user.pk or 0, at=timezone.now())}


REFUSED = (NotNow, NotNowThere, NoReason, NotProved, UnknownRef, queries.StaffOnly)


# Of a case about an incident or a company: nobody has a log that could show the reason.
OF_NO_PERSON = _("Kept in the audit log. Write no name and no number.")


def answer(request: PersonRequest, code: str, make: Callable[[Ticket], Act]) -> HttpResponse:
    """Show the form, or do the act and go back to the case. `make` reads what its form needs of the case.

    The look is in its person's log. Raises Http404.
    """
    ticket = see_ticket(code=code, actor=actor_of(request.user), at=database_clock())
    if ticket is None:
        raise Http404
    act = make(ticket)
    if ticket.line_id is None:
        act.form.fields["reason"].help_text = OF_NO_PERSON
    if request.method == "POST" and act.form.is_valid() and (said := _perform_act(act, code, actor_of(request.user))):
        messages.success(request, said)
        return redirect(reverse("desk-case", args=[code]))
    return render(request, "desk/act.html", {"ticket": ticket, "act": act, "form": act.form})


def _perform_act(act: Act, code: str, actor: str) -> str:
    """What was done, in words; "" where it was refused, and the form says why."""
    at = database_clock()
    try:
        made = act.verb(code=code, **act.form.build_arguments(at=at), actor=actor, at=at)
    except REFUSED as error:
        act.form.add_error(None, str(error))
        return ""
    return act.done if isinstance(act.done, str) else act.done(made)
