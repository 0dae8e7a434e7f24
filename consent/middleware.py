"""What holds for every sign-in of a browser with the Global Privacy Control signal, and for every stop."""

import logging
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.urls import Resolver404, resolve
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

import accounts.queries
from accounts.domain import sessions
from accounts.middleware import STOPS_SIGNED_IN
from accounts.models import TextedCode, User
from accounts.policies.permissions import Action, How
from accounts.primitives import browsers
from audit.primitives import generic_plans
from consent.actions.signals import SignalTaken, honour_signal
from consent.gate.execution import statement_timeout
from consent.primitives import stop_failures

STOP = TextedCode.Purpose.STOP
OUR_ERROR = 500
# Where somebody stops at a browser, from the number to how far it has come.
WAYS_TO_STOP = re.compile(r"/stop/|/choices/(stop|pause|dispute|signal/stop)/$")
# Every address by which somebody stops, on a page, by text, or through an agent or staff.
STOPS = STOPS_SIGNED_IN | {
    "stop", "stop-code", "stop-again", "stop-all", "stop-ended", "api-texts", "drp-exercise", "agent-asked",
    "desk-stop", "desk-stop-code",
}  # fmt: skip
# Pages of people: none takes so long, unless the database is there and says nothing. A form may wait for others.
PAGES = re.compile(
    r"/(access-log|accounts|ask|authorized|choices|companies|help|history|home|lines|settings|stop|transparency)/"
)
PAGE_PATIENCE_S, FORM_PATIENCE_S = 4.0, 10.0
# Those of staff count and list more, and make documents.
OF_STAFF = re.compile(r"/(admin|desk)/")
STAFF_PAGE_PATIENCE_S, STAFF_FORM_PATIENCE_S = 10.0, 30.0
logger = logging.getLogger(__name__)


def failed_stops(get_response: Callable[[HttpRequest], HttpResponse]) -> Callable[[HttpRequest], HttpResponse]:
    """Count each request to stop that ends in an error of ours, whatever it is that failed below."""

    def middleware(request: HttpRequest) -> HttpResponse:
        response = get_response(request)
        if request.method == "POST" and _get_view_name(request) in STOPS:
            if response.status_code >= OUR_ERROR:
                stop_failures.count_failed_stop(at=timezone.now())
            else:
                stop_failures.FAILED.hand_over()
        return response

    return middleware


def planned_stops(get_response: Callable[[HttpRequest], HttpResponse]) -> Callable[[HttpRequest], HttpResponse]:
    """Have the database keep its plans for what a stop asks: making them anew took a third of its time."""

    def middleware(request: HttpRequest) -> HttpResponse:
        if not WAYS_TO_STOP.match(request.path_info):
            return get_response(request)
        with generic_plans.use_generic_plans():
            return get_response(request)

    return middleware


def page_timeout(get_response: Callable[[HttpRequest], HttpResponse]) -> Callable[[HttpRequest], HttpResponse]:
    """Have whoever waits at a page told soon that the database is away, also where it is there and says nothing."""

    def middleware(request: HttpRequest) -> HttpResponse:
        patience_s = _get_patience(request)
        if patience_s is None:
            return get_response(request)
        with statement_timeout(patience_s):
            return get_response(request)

    return middleware


def _get_patience(request: HttpRequest) -> float | None:
    is_form = request.method == "POST"
    if PAGES.match(request.path_info):
        return FORM_PATIENCE_S if is_form else PAGE_PATIENCE_S
    if OF_STAFF.match(request.path_info):
        return STAFF_FORM_PATIENCE_S if is_form else STAFF_PAGE_PATIENCE_S
    return None


def _get_view_name(request: HttpRequest) -> str:
    """What failed before it came to its view is looked up here; "" for an address that is none."""
    try:
        return (request.resolver_match or resolve(request.path_info)).view_name
    except Resolver404:
        return ""


def privacy_signal(get_response: Callable[[HttpRequest], HttpResponse]) -> Callable[[HttpRequest], HttpResponse]:
    """Honour Sec-GPC: 1 for a line in the request that proves it: at a sign-in or a texted code, and nowhere else.

    No look and no other form takes it: whoever changes a language has said nothing about their location.
    """

    def middleware(request: HttpRequest) -> HttpResponse:
        if request.method != "POST" or not browsers.sends_signal(request):
            return get_response(request)
        before = _find_prior_proofs(request)
        response = get_response(request)
        try:
            _honour_signal(request, before)
        except Exception:  # whatever it is, what the form did stands, and its person must be told so
            logger.exception("a privacy signal can't be taken: it is at the next sign-in")
        return response

    return middleware


@dataclass(frozen=True)
class _Proof:
    """A line whose person is here, and how they are named. `whole`: nothing is missing to see it, too."""

    line_id: int
    actor: str
    whole: bool = True


def _find_prior_proofs(request: HttpRequest) -> Sequence[_Proof] | None:
    """What was proved before this request; None where it can't be read, so that nothing is taken for new."""
    try:
        return _list_proofs(request, timezone.now())
    except Exception:  # the form comes first: it may be a stop
        logger.exception("a privacy signal can't be taken: it is at the next sign-in")
        return None


def _honour_signal(request: HttpRequest, before: Sequence[_Proof] | None) -> None:
    """Take it for each line that this request proved, or proved further, so that its sign-in is complete."""
    if before is None:
        return
    for proof in _list_proofs(request, now := timezone.now()):
        if proof in before:
            continue
        if all(proof.line_id != one.line_id for one in before):
            browsers.forget_signal(request)
        if not browsers.has_recorded_signal(request, line_id=proof.line_id):
            taken = honour_signal(line_id=proof.line_id, actor=proof.actor, at=now)
            browsers.record_signal(request, line_id=proof.line_id)
            _flash_signal_taken(request, taken)


def _flash_signal_taken(request: HttpRequest, taken: SignalTaken) -> None:
    """Say on the next page what nobody pressed a button for."""
    if taken.everything:
        messages.success(request, _("Your browser's signal stopped all sharing for this phone."))
    elif taken.stopped:
        words = ngettext(
            "Your browser's signal stopped %(n)s use of this phone's location that you had not allowed here.",
            "Your browser's signal stopped %(n)s uses of this phone's location that you had not allowed here.",
            taken.stopped,
        )
        messages.success(request, words % {"n": taken.stopped})


def _list_proofs(request: HttpRequest, now: datetime) -> list[_Proof]:
    """Every line that somebody here has proved, by a texted code and by their sign-in; nothing where nobody has.

    Neither hides the other: a line that comes to light again when a code's steps are over would be taken for new.
    """
    proved = sessions.proved_line(request, door=STOP, at=now)
    by_code = [_Proof(proved.line_id, f"line:{proved.line_id}")] if proved else []
    return by_code + _list_signed_in_proofs(request, now)


def _list_signed_in_proofs(request: HttpRequest, now: datetime) -> list[_Proof]:
    if not isinstance(request.user, User) or not request.user.is_subscriber:
        return []
    # The signal is a stop by whoever holds the phone: no line that has ended, nor one looked after for somebody.
    known = accounts.queries.list_lines_of_person(user=request.user, at=now)[:1]
    own = [one for one in known if one.how(Action.STOP) is How.CODE]
    whole = bool(own) and not sessions.next_proof(request, user=request.user)
    return [_Proof(one.line.pk, f"subscriber:{request.user.pk}", whole) for one in own]
