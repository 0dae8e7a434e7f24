"""What people and programs are told while the database does not answer: that it is so, what holds, what to do."""

import sys
from http import HTTPStatus

from django.conf import settings
from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string
from django.views import defaults

RETRY_AFTER_S = 30
# SQLSTATE classes of a server that is not there (any more), has no room, or is being shut down or started.
AWAY = ("08", "53", "57P")


def server_error(request: HttpRequest) -> HttpResponse:
    """Django's `handler500`, which is called while the error is handled."""
    if not database_is_away(sys.exc_info()[1]):
        return defaults.server_error(request)
    # Without the request: nothing that belongs to it can be looked up.
    page = render_to_string("503.html", {"phone": settings.CARRIER_PHONE})
    headers = {"Retry-After": str(RETRY_AFTER_S), "Cache-Control": "no-store"}
    return HttpResponse(page, status=HTTPStatus.SERVICE_UNAVAILABLE, headers=headers)


def database_is_away(error: BaseException | None) -> bool:
    """Whether this, or what led to it, is that the database could not be reached; not that it refused something."""
    while error is not None:
        if isinstance(error, InterfaceError):
            return True
        if isinstance(error, OperationalError):
            state = getattr(error.__cause__, "sqlstate", None)
            return state is None or state.startswith(AWAY)
        error = error.__cause__ or error.__context__
    return False
