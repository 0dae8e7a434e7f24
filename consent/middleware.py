"""What holds for every form of a browser with the Global Privacy Control signal, and for every stop."""

import logging
import re
from collections.abc import Callable
from datetime import datetime

from django.http import HttpRequest, HttpResponse
from django.urls import Resolver404, resolve
from django.utils import timezone

import accounts.queries
from accounts import sessions
from accounts.middleware import STOPS_SIGNED_IN
from accounts.models import TextedCode, User
from accounts.permissions import Action, How
from audit import plans
from consent import actions, failing

STOP = TextedCode.Purpose.STOP
OUR_ERROR = 500
# Where somebody stops at a browser, from the number to how far it has come.
WAYS_TO_STOP = re.compile(r"/stop/|/choices/(stop|pause|dispute|signal/stop)/$")
# Every address by which somebody stops, on a page, by text, or through an agent or staff.
STOPS = STOPS_SIGNED_IN | {
    "stop", "stop-code", "stop-again", "stop-all", "api-texts", "drp-exercise", "agent-asked", "desk-stop",
    "desk-stop-code",
}  # fmt: skip
logger = logging.getLogger(__name__)


def failed_stops(get_response: Callable[[HttpRequest], HttpResponse]) -> Callable[[HttpRequest], HttpResponse]:
    """Count each request to stop that ends in an error of ours, whatever it is that failed below."""

    def middleware(request: HttpRequest) -> HttpResponse:
        response = get_response(request)
        if request.method == "POST" and _is_a_stop(request):
            if response.status_code >= OUR_ERROR:
                failing.count(at=timezone.now())
            else:
                failing.hand_over()
        return response

    return middleware


def planned_stops(get_response: Callable[[HttpRequest], HttpResponse]) -> Callable[[HttpRequest], HttpResponse]:
    """Have the database keep its plans for what a stop asks: making them anew took a third of its time."""

    def middleware(request: HttpRequest) -> HttpResponse:
        if not WAYS_TO_STOP.match(request.path_info):
            return get_response(request)
        with plans.kept():
            return get_response(request)

    return middleware


def _is_a_stop(request: HttpRequest) -> bool:
    """What failed before it came to its view is looked up here."""
    try:
        name = (request.resolver_match or resolve(request.path_info)).view_name
    except Resolver404:
        return False
    return name in STOPS


def privacy_signal(get_response: Callable[[HttpRequest], HttpResponse]) -> Callable[[HttpRequest], HttpResponse]:
    """Honour Sec-GPC: 1 for the line that this session has proved: once a session, at a form, never at a look."""

    def middleware(request: HttpRequest) -> HttpResponse:
        response = get_response(request)
        if request.method == "POST" and request.headers.get("Sec-GPC") == "1":
            try:
                _take(request)
            except Exception:  # whatever it is, what the form did stands, and its person must be told so
                logger.exception("a privacy signal can't be taken: it is at this session's next form")
        return response

    return middleware


def _take(request: HttpRequest) -> None:
    now = timezone.now()
    for line_id, actor in _proved(request, now):
        if not sessions.has_taken_signal(request, line_id=line_id):
            actions.take_signal(line_id=line_id, actor=actor, at=now)
            sessions.note_signal(request, line_id=line_id)


def _proved(request: HttpRequest, now: datetime) -> list[tuple[int, str]]:
    """The line whose person is here, and how they are named; nothing where nobody has proved one."""
    proved = sessions.proved_line(request, door=STOP, at=now)
    if proved is not None:
        return [(proved.line_id, f"line:{proved.line_id}")]
    if not isinstance(request.user, User) or not request.user.is_subscriber:
        return []
    # The signal is a stop by whoever holds the phone: no line that has ended, nor one looked after for somebody.
    known = accounts.queries.lines_known_by(user=request.user, at=now)[:1]
    own = [one for one in known if one.how(Action.STOP) is How.CODE]
    return [(one.line.pk, f"subscriber:{request.user.pk}") for one in own]
