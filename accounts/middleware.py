"""What holds for every answer to somebody at a browser."""

import secrets
from collections.abc import Callable
from http import HTTPStatus
from typing import override
from urllib.parse import urlsplit

from django.conf import settings
from django.contrib import messages
from django.contrib.sessions.exceptions import SessionInterrupted
from django.contrib.sessions.middleware import SessionMiddleware
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy

from accounts.actions.rate_limits import remember_device
from accounts.domain import quick_exit, sessions
from accounts.domain.session_store import PROOFS
from accounts.models import User
from accounts.primitives import browsers
from accounts.views.access import SENT, reload_whole_page

OK, OUR_ERROR = 200, 500
DEVICE_KEY = "device"
# Where somebody who is signed in sends a stop: a pause and a dispute are stops as well.
STOPS_SIGNED_IN = frozenset({"choice-stop", "choice-dispute", "choice-pause", "choice-signal-stop"})
SIGN_IN = ("account_login", "sign-in-staff")
SIGNED_OUT = gettext_lazy(
    "You were signed out because you were away for a while. Your choices haven't changed. Sign in to continue."
)
NOT_DONE = gettext_lazy(
    "You were signed out because you were away for a while. What you just sent didn't go through. Sign in and "
    "send it again. You can stop sharing without signing in."
)


class LateSessionMiddleware(SessionMiddleware):
    """Django's own, but that a request whose session went on under another key meanwhile is answered all the same.

    What it writes is dropped: a button that is pressed twice at once leads where the first press leads.
    """

    @override
    def process_response(self, request: HttpRequest, response: HttpResponse) -> HttpResponse:
        try:
            return super().process_response(request, response)
        except SessionInterrupted:
            if not sessions.was_replaced(request):
                raise
            return response


def private_pages(get_response: Callable[[HttpRequest], HttpResponse]) -> Callable[[HttpRequest], HttpResponse]:
    """Keep what a session was shown out of caches, of the Back button and of search engines; of pages, each one.

    A page for everyone tells what somebody came here for as well.
    """

    def middleware(request: HttpRequest) -> HttpResponse:
        response = get_response(request)
        name = settings.SESSION_COOKIE_NAME
        in_session = name in request.COOKIES or name in response.cookies
        is_page = response.headers.get("Content-Type", "").startswith("text/html")
        if in_session or (is_page and "no-store" not in response.headers.get("Cache-Control", "")):
            response.headers["Cache-Control"] = "no-store, private"
        if in_session:
            response.headers["X-Robots-Tag"] = "noindex"
        return response

    return middleware


def end_sign_ins(get_response: Callable[[HttpRequest], HttpResponse]) -> Callable[[HttpRequest], HttpResponse]:
    """End a sign-in that lay unused or has lasted too long (`sessions.is_over`), and say so on the next page.

    What a page asks for by itself keeps no sign-in alive. A stop is none of this: it stands whoever is signed in.
    """

    def middleware(request: HttpRequest) -> HttpResponse:
        if not quick_exit.has_quick_exit_cookie(request):
            return get_response(request)
        asks_by_itself = request.method == "GET" and "HX-Request" in request.headers
        sends = request.method == "POST"
        stops = sends and _is_stop_request(request)
        is_over = sessions.is_over(request, by_hand=not asks_by_itself, stops=stops, at=timezone.now())
        if is_over and not sends:
            messages.info(request, SIGNED_OUT)
        response = get_response(request)
        if is_over and sends:
            _flash_after_post(request, response)
        sessions.start_clock(request, at=timezone.now())
        return response

    return middleware


def remember_devices(get_response: Callable[[HttpRequest], HttpResponse]) -> Callable[[HttpRequest], HttpResponse]:
    """Give a browser a device cookie once its person has proved who they are: others' guesses don't slow it then.

    The cookie is a random token that says nothing of anybody. "Leave quickly" takes it back, as it does every cookie.
    """

    def middleware(request: HttpRequest) -> HttpResponse:
        response = get_response(request)
        token = _device_to_remember(request) if quick_exit.has_quick_exit_cookie(request) else ""
        if token and request.user.pk:
            remember_device(user_id=request.user.pk, token=token, at=timezone.now())
            response.set_cookie(
                settings.DEVICE_COOKIE_NAME, token, max_age=browsers.DEVICE_LASTS, httponly=True, samesite="Lax",
                secure=settings.SESSION_COOKIE_SECURE,
            )  # fmt: skip
        return response

    return middleware


def _device_to_remember(request: HttpRequest) -> str:
    """The token for this browser's device cookie, where its person has just proved who they are; else ""."""
    proofs, user = request.session.get(PROOFS), request.user
    if not proofs or not isinstance(user, User) or request.session.get(DEVICE_KEY) == len(proofs):
        return ""
    request.session[DEVICE_KEY] = len(proofs)
    # As they are now: this very request may have given them a password.
    user = User.objects.get(pk=user.pk)
    factor = sessions.next_proof if user.is_subscriber else sessions.next_factor
    if factor(request, user=user):
        return ""
    return browsers.get_source(request).device or secrets.token_urlsafe(browsers.DEVICE_BYTES)


def always_render(get_response: Callable[[HttpRequest], HttpResponse]) -> Callable[[HttpRequest], HttpResponse]:
    """Answer whoever opens by hand an address that takes forms alone with a page: a browser shows an error of its own.

    Programs and scripts, which name no page among what they accept, are told by the status and by Allow.
    """

    def middleware(request: HttpRequest) -> HttpResponse:
        response = get_response(request)
        if response.status_code != HTTPStatus.METHOD_NOT_ALLOWED or response.content or not _wants_page(request):
            return response
        page = render(request, "404.html", status=HTTPStatus.METHOD_NOT_ALLOWED)
        page.headers["Allow"] = response.headers.get("Allow", "")
        return page

    return middleware


def refuse_nul_in_paths(get_response: Callable[[HttpRequest], HttpResponse]) -> Callable[[HttpRequest], HttpResponse]:
    """Answer 404 to an address with a NUL: PostgreSQL can't store one."""

    def middleware(request: HttpRequest) -> HttpResponse:
        if "\x00" in request.path_info:
            raise Http404
        return get_response(request)

    return middleware


def _wants_page(request: HttpRequest) -> bool:
    """Whether a browser asks for a whole page: by its name. Programs accept anything, which names none."""
    named = any((one.main_type, one.sub_type) == ("text", "html") for one in request.accepted_types)
    return request.method == "GET" and named and "HX-Request" not in request.headers


def _is_stop_request(request: HttpRequest) -> bool:
    """Whether what somebody signed in sends is a stop: by where it goes."""
    return request.path in {reverse(name) for name in STOPS_SIGNED_IN}


def _requires_sign_in(response: HttpResponse) -> bool:
    """Whether it was refused for want of a sign-in. Much that is sent needs none, and is done: a stop above all."""
    page = urlsplit(response.headers.get("Location", "")).path
    return response.status_code == HTTPStatus.UNAUTHORIZED or page in {reverse(name) for name in SIGN_IN}


def blank_after_quick_exit(
    get_response: Callable[[HttpRequest], HttpResponse],
) -> Callable[[HttpRequest], HttpResponse]:
    """Show a browser that has left quickly the blank page wherever Back leads it, for an hour or until it goes on.

    Without a script nothing takes the earlier pages out of its history: each asks again, and this is what it is told.
    Stands outside the session's middleware, which takes back a cookie without a session. Who comes to the blank page
    by a link of somebody else's, or still has a session, has not left. While the database is away nobody's session can
    be ended, and whoever leaves leaves all the same.
    """

    def middleware(request: HttpRequest) -> HttpResponse:
        if _has_used_quick_exit(request):
            return redirect("away") if "HX-Request" not in request.headers else reload_whole_page()
        response = get_response(request)
        if request.method == "POST" and request.path == reverse("leave") and response.status_code >= OUR_ERROR:
            return quick_exit.leave(request)
        if _shows_blank_page(request, response):
            return quick_exit.mark_quick_exit(response)
        return response

    return middleware


def _shows_blank_page(request: HttpRequest, response: HttpResponse) -> bool:
    """Whether a browser came to the blank page by itself, and not for having left before or by another's link."""
    if request.path != reverse("away") or request.method != "GET" or response.status_code != OK:
        return False
    is_led_there = request.headers.get("Sec-Fetch-Site") == "cross-site"
    return not is_led_there and not quick_exit.has_quick_exit_cookie(request)


def _flash_after_post(request: HttpRequest, response: HttpResponse) -> None:
    messages.info(request, NOT_DONE if _requires_sign_in(response) else SIGNED_OUT)
    if "Location" in response.headers:
        # The message says it already.
        response.headers["Location"] = response.headers["Location"].removesuffix(SENT)


def _has_used_quick_exit(request: HttpRequest) -> bool:
    """Whether a browser that has left asks for another page than those of leaving."""
    is_a_browser = "Sec-Fetch-Mode" in request.headers
    return (
        quick_exit.has_used_quick_exit(request)
        and is_a_browser
        and request.path not in {reverse("away"), reverse("leave")}
    )
