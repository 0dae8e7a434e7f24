"""A browser that has left quickly: its cookies are taken back, and it notes that it left."""

from contextlib import suppress
from datetime import timedelta
from http.cookies import CookieError

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect

# In place of a session's key in a browser that has left quickly: no session has it, and it says nothing of anybody.
LEFT = "left"
LEFT_LASTS = timedelta(hours=1)


def leave(request: HttpRequest) -> HttpResponse:
    """Send a browser to the page that says nothing, and have it forget the site."""
    response = redirect("away")
    response.status_code = 303
    response.headers["Clear-Site-Data"] = '"cache", "cookies", "storage"'
    return clear_browser(request, response)


def clear_browser(request: HttpRequest, response: HttpResponse) -> HttpResponse:
    """Take every cookie of ours back: not all browsers know Clear-Site-Data, and none heeds it over plain http."""
    for name in request.COOKIES:
        # Another site under the same domain may have left one whose name can't be written, or that has none.
        with suppress(CookieError):
            response.delete_cookie(name)
    return response


def mark_quick_exit(response: HttpResponse) -> HttpResponse:
    """Note in the browser that it has left quickly: good for an hour."""
    response.set_cookie(
        settings.SESSION_COOKIE_NAME,
        LEFT,
        max_age=LEFT_LASTS,
        httponly=True,
        secure=settings.SESSION_COOKIE_SECURE,
        samesite="Lax",
    )
    return response


def clear_quick_exit(request: HttpRequest, response: HttpResponse) -> HttpResponse:
    """Forget that this browser left: the person goes on. A session that there is stays."""
    if has_used_quick_exit(request):
        response.delete_cookie(settings.SESSION_COOKIE_NAME)
    return response


def has_used_quick_exit(request: HttpRequest) -> bool:
    """Return whether this browser has left quickly within the last hour and not gone on since."""
    return request.COOKIES.get(settings.SESSION_COOKIE_NAME) == LEFT


def has_quick_exit_cookie(request: HttpRequest) -> bool:
    """Return whether this browser brings the key of a session, whatever became of that."""
    return request.COOKIES.get(settings.SESSION_COOKIE_NAME, LEFT) != LEFT
