"""How long requests take, who was refused, and who goes first when there are too many: stopping before reading.

A web process has so many threads. Reading pages may take `READING_LIMIT` of them, downloads until they have gone out;
whoever wants to read beyond that is told at once to come back, on a page that offers stopping. The other threads stay
free for stops, sign-ins, answers to questions, partners and the gate, none of which is ever turned away here.
"""

import re
import time
from collections.abc import Callable
from contextlib import suppress
from threading import Lock

import structlog
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.template.loader import render_to_string
from prometheus_client import Counter, Histogram

from accounts.primitives.slots import SlotPool, hold_until_sent

log = structlog.get_logger(__name__)
type View = Callable[[HttpRequest], HttpResponseBase]

REQUESTS = Histogram(
    "whereabouts_request_seconds", "Time on the server by route.", ["route", "method", "status"], registry=None,
    buckets=(0.01, 0.025, 0.05, 0.1, 0.2, 0.3, 0.5, 1.0, 2.5, 10.0),
)  # fmt: skip
TURNED_AWAY = Counter(
    "whereabouts_turned_away", "Requests to read that were told to come back.", ["why"], registry=None
)

# What shows, to subscribers and to everybody; home and the lists hold buttons as well, in whose place the busy page
# offers stopping. Forms, what shows a stop's progress, what staff do on such a day, and what is no page are not here
# and never turned away.
READING = re.compile(
    r"/(home|history|companies|access-log|transparency|gallery)/"
    r"|/settings/archive/(progress/|whereabouts\.zip)?$"
    r"|/(choices|lines|settings|help)/$"
)
READ = ("GET", "HEAD")
# Each stands in the log by itself: who is it that tries? Of whom the route, the time and the proxy's own log tell. So
# many a minute for each route: a flood must not fill the log, and the figures count all. Of 429 one says that somebody
# tries more often than we bear.
REFUSALS = {401: 60, 403: 60, 429: 1}
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
COME_BACK_AFTER_S = 10
# Whoever waited so long before a thread was free reads an answer that nobody waits for any more.
STALE_AFTER_S = 5.0
NONSENSE_AFTER_S = 600.0


class WaitingLines:
    """How many lines of refusals this process wrote this minute."""

    def __init__(self) -> None:
        self._lock, self._minute = Lock(), 0
        self._written: dict[tuple[str, int], int] = {}

    def has_room(self, route: str, status: int, *, minute: int) -> bool:
        """Return whether one more may be written; then it counts as written."""
        with self._lock:
            if minute != self._minute:
                self._minute = minute
                self._written.clear()
            written = self._written.get((route, status), 0)
            if written >= REFUSALS[status]:
                return False
            self._written[route, status] = written + 1
            return True


class Busy(HttpResponse):
    """Come back later: counted, and not a line of the log each, which would cost more than the answer."""

    _has_been_logged = True  # by this Django knows


places = SlotPool()
lines = WaitingLines()


def request_metrics_middleware(get_response: View) -> View:
    """Note how long each answer took, under its route's template: an address may hold a token, a template none."""

    def middleware(request: HttpRequest) -> HttpResponseBase:
        began = time.perf_counter()
        response = get_response(request)
        route = f"/{request.resolver_match.route}" if request.resolver_match else "none"
        method = request.method if request.method in METHODS else "other"
        REQUESTS.labels(route, method, response.status_code).observe(time.perf_counter() - began)
        status = response.status_code
        if status in REFUSALS and lines.has_room(route, status, minute=int(time.monotonic() // 60)):
            log.info("request.refused", route=route, method=method, status=status)
        return response

    return middleware


def stopping_first(get_response: View) -> View:
    """Turn those away who only want to read, while too many do or the queue in front of us is long."""

    def middleware(request: HttpRequest) -> HttpResponseBase:
        if request.method not in READ or not READING.match(request.path_info):
            return get_response(request)
        if STALE_AFTER_S < _waited_s(request) < NONSENSE_AFTER_S:
            return _busy("waited")
        place = places.take(settings.READING_LIMIT)
        if place is None:
            return _busy("full")
        try:
            return hold_until_sent(get_response(request), place)
        except BaseException:
            place.release()
            raise

    return middleware


def _busy(why: str) -> HttpResponse:
    TURNED_AWAY.labels(why).inc()
    # Made without the request: nobody's session is read for it.
    return Busy(render_to_string("pages/busy.html"), status=503, headers={"Retry-After": COME_BACK_AFTER_S})


def _waited_s(request: HttpRequest) -> float:
    """Since the proxy took the request, as X-Request-Start says (`t=` and seconds); 0 where nobody says.

    Anybody may say so, and gains nothing but to be turned away.
    """
    with suppress(ValueError):
        return time.time() - float(request.headers.get("X-Request-Start", "").removeprefix("t="))
    return 0.0
