"""Who looked: people and programs here, one by one; companies that asked, day by day."""

from datetime import date

from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from accounts.domain import message_templates
from accounts.policies.permissions import Action
from accounts.views.access import SubscriberRequest, at_line, line_required
from audit.queries import events_of_line
from disclosures.queries.access_summary import get_access_page

PAGE = 50


@require_safe
@never_cache
@line_required(Action.SEE_LOG)
def access_log(request: SubscriberRequest) -> HttpResponse:
    """Who looked at this line or acted on it, staff included, newest first."""
    # What was asked in confidence is for whoever may ask it, and for no holder of a child's line.
    own = request.line.may(Action.SEPARATE)
    reader = f"subscriber:{request.user.pk}"
    events = events_of_line(line_id=request.line.line.pk, reader=reader, own=own, confidential=own)
    page = Paginator(events, PAGE).get_page(request.GET.get("page"))
    entries = [message_templates.entry(event=event, reader=request.user) for event in page.object_list]
    shown = {"line": request.line, "page": page, "entries": entries, "at_line": at_line(request), "part": "people"}
    return render(request, "account/access_log.html", shown)


@require_safe
@never_cache
@line_required(Action.SEE_LOG)
def access_summary(request: SubscriberRequest) -> HttpResponse:
    """Which companies asked where this phone is, day by day: how often they were told, how often refused."""
    line = request.line
    before = _day(request)
    page = get_access_page(line_id=line.line.pk, zone=line.zone, before=before, at=timezone.now())
    shown = {"line": line, "page": page, "at_line": at_line(request), "part": "companies", "first": before is None}
    return render(request, "account/asked.html", shown)


def _day(request: HttpRequest) -> date | None:
    try:
        day = date.fromisoformat(request.GET.get("before", ""))
    except ValueError:
        return None
    return day if date(1900, 1, 1) < day < date(9000, 1, 1) else None
