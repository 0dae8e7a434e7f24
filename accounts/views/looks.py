"""Looks at somebody else's line, for the log of the line's own person."""

from http import HTTPStatus

from django.http import HttpRequest, HttpResponseBase
from django.utils import timezone

import audit.actions
from accounts.primitives import browsers
from accounts.queries import PersonsLine


def record_view(request: HttpRequest, *, line: PersonsLine) -> None:
    """Write down in a line's own log that somebody else than its own person reads here; once in ten minutes.

    That is its account holder, or somebody who was asked to look after it. A form that is shown again is read, too.
    """
    now = timezone.now()
    if line.is_own:
        return
    if browsers.has_looked(request, about=str(line.delegation.pk if line.delegation else line.line.pk), at=now):
        return
    who = "delegate" if line.is_delegated else "holder"
    audit.actions.record(
        action=f"{who}.looked",
        actor=f"{who}:{request.user.pk}",
        target=f"line:{line.line.pk}",
        line_id=line.line.pk,
        at=now,
    )


def is_a_page(response: HttpResponseBase) -> bool:
    """Return whether it shows something: what only leads elsewhere, or is empty, doesn't."""
    status = HTTPStatus(response.status_code)
    return status is not HTTPStatus.NO_CONTENT and not status.is_redirection
