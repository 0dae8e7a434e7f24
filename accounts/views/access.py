"""Who may pass. Each decorator tells a view's whole access story; views themselves check nothing.

`line_required(ACTION)`  a line on which the table of `permissions` lets this person do it, by the proof it asks for:
                         a texted code; the same, unless their line is held; or a password or passkey as well
`subscriber_required`    to stop
`seeing_required`        to see
`allowing_required`      to allow
`choosing_required`      to choose what lets them see
`person_required`        signed in, whoever it is: for pages about the sign-in itself
`require_no_hold`        beside it: for pages that change what lets somebody in
`limit_downloads`            below it: for downloads, of which a person has two at a time
`staff_required`         staff of a role, signed in with a second factor

A new SIM, number or forwarding of the line that somebody signs in by holds for 24 hours what lets them see, allow or
change what lets them in (`queries.get_hold_end`). It never holds stopping, pausing, disputing or ending sign-ins. A new
number alone holds no reading by a password or passkey from before (`auth_factors.is_on_hold_only_for_new_number`), nor
by a code sent to the safe contact from before (`auth_factors.find_earlier_contact`).

The line is the one that `?line=` (or a posted `line`) names by its public id, else the person's first. A line that
the person may neither see nor act on is a 404, as a made-up id is. A trusted helper's visit is in the line's own log.
"""

import time
from collections.abc import Callable
from datetime import datetime
from functools import wraps
from http import HTTPStatus
from typing import Concatenate
from urllib.parse import urlencode

from django.conf import settings
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.forms import BaseForm
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.http import url_has_allowed_host_and_scheme

from accounts import queries
from accounts.domain import auth_factors, sessions, view_as
from accounts.models import User
from accounts.policies import delegations
from accounts.policies.permissions import Action, How, StaffAction, roles_that_may
from accounts.primitives import browsers
from accounts.primitives.zones import zone_of
from accounts.queries import PersonsLine
from accounts.views.looks import is_a_page, record_view

LINE = "line"
READS = frozenset({Action.KNOW, Action.SEE, Action.DOWNLOAD, Action.SEE_LOG, Action.READ_CASES})
# Times ANSWER_SECONDS: longer than it takes to hash some passwords, and to stop.
HASHING_TAKES = 20
HOME = "/home/"
# Ends the address of a sign-in to which something sent has led; the page says that it was not done.
SENT = "&sent=1"
# In a request's environment: the moment before which its answer may not leave, and that it need not wait for one.
ANSWER_AT, NOTHING_LOOKED_UP = "whereabouts.answer_at", "whereabouts.nothing_looked_up"


class SubscriberRequest(HttpRequest):
    """A request of a signed-in subscriber: `lines` are those they may see, `line` is the one asked about.

    `action`: what they want to do. `known`: every line that they know of.
    `held_until`: until when they may only stop, pause, dispute and leave; None: they are not held.
    """

    user: User
    lines: list[PersonsLine]
    known: list[PersonsLine]
    line: PersonsLine
    action: Action
    held_until: datetime | None


class LineOnHold(Exception):
    """The line that a page turned out to be about is held until the moment given."""


class PersonRequest(HttpRequest):
    """A request of somebody who is signed in, whoever they are."""

    user: User


type View[**P] = Callable[Concatenate[SubscriberRequest, P], HttpResponseBase]
type PersonView[**P] = Callable[Concatenate[PersonRequest, P], HttpResponseBase]
type Door = Callable[..., HttpResponseBase]


def line_required[**P](action: Action) -> Callable[[View[P]], Door]:
    """Signed in, with a line on which they may do this, by the proof that the table of permissions asks for."""

    def decorate(view: View[P]) -> Door:
        @wraps(view)
        def door(request: SubscriberRequest, *args: P.args, **kwargs: P.kwargs) -> HttpResponseBase:
            user = _person(request)
            if user is None:
                return redirect_to_sign_in(request, then=_get_return_path(request))
            request.action, request.known = action, _require_lines(user)
            request.lines = [line for line in request.known if line.may(Action.SEE)]
            request.line = _line(request)
            own, now = request.known[0].line, timezone.now()
            request.held_until = queries.get_hold_end_between(own=own, line=request.line.line, at=now)
            if missing := _missing_proof(request, user):
                return missing
            if request.method != "POST":
                record_view(request, line=request.line)
            try:
                with timezone.override(zone_of(request.line.line.state)):
                    response = view(request, *args, **kwargs)
            except LineOnHold as held:
                return render_hold_page(request, line=request.line, own=request.known[0], until=held.args[0])
            if is_a_page(response):
                # By now it is the line that the page turned out to be about, whatever line the address named.
                record_view(request, line=request.line)
            return response

        return door

    return decorate


def subscriber_required[**P](view: View[P]) -> Door:
    """Signed in by the code texted to their line, which is still theirs. The line is one they may stop."""
    return line_required(Action.STOP)(view)


def choosing_required[**P](view: View[P]) -> Door:
    """As to stop, and nothing holds this person's line: they may choose what lets them see."""
    return line_required(Action.CHOOSE_WAY_IN)(view)


def seeing_required[**P](view: View[P]) -> Door:
    """Signed in, and a password or passkey given in this session. The line is one they may see."""
    return line_required(Action.SEE)(view)


def allowing_required[**P](view: View[P]) -> Door:
    """As for seeing, and the line is one on which this person may allow: a child is refused (403)."""
    return line_required(Action.ALLOW)(view)


def person_required[**P](view: PersonView[P]) -> Door:
    """Signed in, subscriber or staff: for pages about the sign-in itself, which show nothing of any line."""

    @wraps(view)
    def door(request: PersonRequest, *args: P.args, **kwargs: P.kwargs) -> HttpResponseBase:
        if _person(request) is None:
            return redirect_to_sign_in(request, then=_get_return_path(request))
        return view(request, *args, **kwargs)

    return door


def require_no_hold(view: Door) -> Door:
    """For what changes how somebody gets in. Held is a subscriber whose line is; everybody else passes to the view.

    What the view changes and what is written down of it are one transaction.
    """

    @wraps(view)
    def door(request: HttpRequest, *args: object, **kwargs: object) -> HttpResponseBase:
        user, now = _person(request), timezone.now()
        lines = queries.list_visible_lines(user=user, at=now) if user and user.role == User.Role.SUBSCRIBER else []
        if lines and (until := queries.get_hold_end(line=lines[0].line, at=now)):
            return render_hold_page(request, line=lines[0], own=lines[0], until=until)
        with transaction.atomic():
            return view(request, *args, **kwargs)

    return door


def render_hold_page(request: HttpRequest, *, line: PersonsLine, own: PersonsLine, until: datetime) -> HttpResponse:
    """Until when seeing, allowing and changing are held, and what works meanwhile. In place of what was asked for.

    `own`: the person's own line, which is what holds them.
    """
    by_number = auth_factors.is_on_hold_only_for_new_number(line=own.line, at=timezone.now())
    by_history = delegations.get_history_hold_end(line=line.line, at=timezone.now()) is not None
    takes_code = not by_history and accept_reading_code(request, own=own)
    shown = {"line": line, "until": until, "by_history": by_history, "by_number": by_number, "takes_code": takes_code}
    with timezone.override(line.zone):
        return render(request, "account/held.html", shown, status=403)


def accept_reading_code(request: HttpRequest, *, own: PersonsLine) -> bool:
    """Whether a code to the safe contact would open what there is to read, if there is one; not once it has.

    Whether there is one is told to nobody: whoever took the number over must not learn it.
    """
    by_number = auth_factors.is_on_hold_only_for_new_number(line=own.line, at=timezone.now())
    return own.may(Action.SAFE_CONTACT) and by_number and not _is_open_by_contact(request, own)


def staff_required[**P](*who: User.Role | StaffAction, in_every_view: bool = False) -> Callable[[PersonView[P]], Door]:
    """Staff of one of these roles, or of a role that may do this; with a second factor in this session.

    Everybody else is refused (403), and what `view_as` shuts, but for what leads out of that (`in_every_view`).
    """
    roles = {role for one in who for role in ([one] if isinstance(one, User.Role) else roles_that_may(one))}

    def decorate(view: PersonView[P]) -> Door:
        @wraps(view)
        def door(request: PersonRequest, *args: P.args, **kwargs: P.kwargs) -> HttpResponseBase:
            user = _person(request)
            if user is None:
                return redirect_to_sign_in(request, then=_get_return_path(request))
            if user.role not in roles or (not in_every_view and view_as.is_shut(request, roles=roles)):
                raise PermissionDenied
            if missing := sessions.next_factor(request, user=user):
                return redirect_to_sign_in(request, page=missing, then=_get_return_path(request))
            return view(request, *args, **kwargs)

        return door

    return decorate


def pad_response_time[R: HttpRequest, **P](
    view: Callable[Concatenate[R, P], HttpResponse],
) -> Callable[..., HttpResponse]:
    """Answer a form no sooner than ANSWER_SECONDS after it came, so that the time does not tell who is a customer.

    But for a form in which there was nothing to look up (`mark_lookup_view`, `skip_delay`): that tells of nobody.
    """
    return _delay_view(view, times=1)


def pad_password_response[R: HttpRequest, **P](
    view: Callable[Concatenate[R, P], HttpResponse],
) -> Callable[..., HttpResponse]:
    """Wait the same for a form with a password, errors included, so that the time doesn't tell whether it was right."""
    return _delay_view(view, times=HASHING_TAKES)


def _delay_view[R: HttpRequest, **P](
    view: Callable[Concatenate[R, P], HttpResponse], *, times: int
) -> Callable[..., HttpResponse]:
    @wraps(view)
    def door(request: R, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
        due = time.monotonic() + times * settings.ANSWER_SECONDS
        try:
            return view(request, *args, **kwargs)
        finally:
            if request.method == "POST" and NOTHING_LOOKED_UP not in request.META:
                delay_response(request, due=due)

    return door


def delay_response(request: HttpRequest, *, due: float) -> None:
    """Have the answer wait until `due` (`time.monotonic`). Whoever serves the request waits, and keeps no thread.

    Of several moments the last is waited for.
    """
    request.META[ANSWER_AT] = max(due, request.META.get(ANSWER_AT, due))


def get_hashing_due() -> float:
    """Return when to answer what begins now, so that nobody learns from the time whether a password was right."""
    return time.monotonic() + HASHING_TAKES * settings.ANSWER_SECONDS


def mark_lookup_view(request: HttpRequest, form: BaseForm) -> bool:
    """Whether this form holds something to look up: only then does the answer wait (`pad_response_time`)."""
    return form.is_valid() or skip_delay(request)


def skip_delay(request: HttpRequest) -> bool:
    """Say that nobody's number or code was looked at, so that the answer need not wait. Returns False."""
    request.META[NOTHING_LOOKED_UP] = True
    return False


def redirect_to_sign_in(request: HttpRequest, *, then: str, page: str = "") -> HttpResponse:
    """To the page of the proof that is missing, or the sign-in itself, and from there on to `then`.

    A script that asked for a part of a page would put the whole sign-in in the part's place: it is told to load its
    page anew, which leads to the sign-in and back. What it sent is refused, and what stands on its page is left alone.
    What somebody sent who is not signed in is said not to be done: the address carries that, and no session is begun.
    """
    if "HX-Request" not in request.headers:
        address = f"{page}?{urlencode({'next': then})}" if page else redirect_to_login(then).url
        is_lost = request.method == "POST" and not request.user.is_authenticated
        return redirect(address + SENT if is_lost else address)
    return reload_whole_page() if request.method == "GET" else HttpResponse(status=HTTPStatus.UNAUTHORIZED)


def reload_whole_page() -> HttpResponse:
    """For a script that asked for a part of a page: nothing to put into it, the whole page is loaded anew."""
    return HttpResponse(status=HTTPStatus.NO_CONTENT, headers={"HX-Refresh": "true"})


def get_next_path(request: HttpRequest) -> str:
    """Where the person wanted to go on to, if that is a page of ours; else ""."""
    then = request.POST.get("next") or request.GET.get("next") or ""
    safe = url_has_allowed_host_and_scheme(then, {request.get_host()}, require_https=request.is_secure())
    return then if safe else ""


def turn_to_line(request: SubscriberRequest, line: PersonsLine) -> None:
    """Have a page be about the line of what its address names, whatever it says. Raises LineOnHold, for the door."""
    request.line = line
    if until := delegations.get_history_hold_end(line=line.line, at=timezone.now()):
        raise LineOnHold(until)


def at_line(request: SubscriberRequest) -> str:
    """What to hang on an address so that the next page is about the same line: "" for the person's first."""
    first = request.line.line.pk == request.known[0].line.pk
    return "" if first else f"?{urlencode({LINE: request.line.line.public_id})}"


def has_proved_identity(request: SubscriberRequest) -> bool:
    """Whether this session has given the password or passkey that its person has; who has none can't be asked for it.

    For what a page that takes a texted code alone must keep from whoever else holds the phone for a minute.
    """
    if request.held_until is not None:
        return False
    return not sessions.has_own_proof(user=request.user) or not sessions.next_proof(request, user=request.user)


def redirect_to_identity_proof(request: SubscriberRequest, *, then: str) -> HttpResponse:
    """To the page of that proof, and on from there."""
    if request.held_until is not None:
        return render_hold_page(request, line=request.line, own=request.known[0], until=request.held_until)
    return redirect_to_sign_in(request, page=sessions.next_proof(request, user=request.user), then=then)


def _missing_proof(request: SubscriberRequest, user: User) -> HttpResponseBase | None:
    """What is answered instead, where the table asks for more than is there. Raises PermissionDenied for a no."""
    how = request.line.how(request.action)
    if how not in {How.CODE, How.UNHELD, How.PROOF}:
        raise PermissionDenied
    if request.held_until and how is not How.CODE:
        return _check_during_hold(request, user, how, request.held_until)
    return _missing_factor(request, user, how)


def _check_during_hold(request: SubscriberRequest, user: User, how: How, until: datetime) -> HttpResponseBase | None:
    is_readable = delegations.get_history_hold_end(line=request.line.line, at=timezone.now()) is None
    reads = is_readable and request.method in {"GET", "HEAD"} and request.action in READS
    if reads and _is_open_by_contact(request, request.known[0]):
        return None
    if not reads or not _opens_by_proof(request):
        return render_hold_page(request, line=request.line, own=request.known[0], until=until)
    return _missing_factor(request, user, how)


def _missing_factor(request: SubscriberRequest, user: User, how: How) -> HttpResponseBase | None:
    if how is How.PROOF and (proof := sessions.next_proof(request, user=user)):
        return redirect_to_sign_in(request, page=proof, then=_get_return_path(request))
    return None


def _opens_by_proof(request: SubscriberRequest) -> bool:
    """Whether a password or passkey from before their number changed opens what there is to read."""
    is_their_own = sessions.uses_own_factor(request, user=request.user)
    return is_their_own and auth_factors.is_on_hold_only_for_new_number(line=request.known[0].line, at=timezone.now())


def _is_open_by_contact(request: HttpRequest, own: PersonsLine) -> bool:
    shown = browsers.shown_by_contact(request)
    return auth_factors.is_open_by_contact(shown=shown, line=own.line, at=timezone.now())


def _person(request: HttpRequest) -> User | None:
    return request.user if isinstance(request.user, User) else None


def _require_lines(user: User) -> list[PersonsLine]:
    lines = queries.list_lines_of_person(user=user, at=timezone.now()) if user.role == User.Role.SUBSCRIBER else []
    if not lines:
        raise PermissionDenied
    return lines


def _line(request: SubscriberRequest) -> PersonsLine:
    wanted = request.POST.get(LINE) or request.GET.get(LINE)
    if not wanted:
        return request.known[0]
    # To know that a line is there opens no page about it.
    needed = {Action.SEE, request.action} - {Action.KNOW}
    for line in request.known:
        if str(line.line.public_id) == wanted and any(line.may(action) for action in needed):
            return line
    raise Http404


def _get_return_path(request: HttpRequest) -> str:
    """Where to go on after the missing proof: a page that was asked for, never a form that was sent."""
    return request.get_full_path() if request.method == "GET" else HOME
