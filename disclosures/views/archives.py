"""Everything about a line as one file: ask for it, see how far it is, take it."""

from datetime import date

from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone, translation
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from accounts.domain import message_templates
from accounts.policies.permissions import Action
from accounts.views.access import SubscriberRequest, at_line, line_required
from accounts.views.downloads import limit_downloads
from audit.queries import events_of_line
from disclosures import actions
from disclosures.models import Archive
from disclosures.queries.access_summary import get_access_page
from disclosures.queries.downloads import archive_of, bytes_of


@require_safe
@never_cache
@line_required(Action.DOWNLOAD)
def archive(request: SubscriberRequest) -> HttpResponse:
    """What there is: nothing yet, one that is being made, one to take."""
    return render(request, "archive/archive.html", _build_archive_context(request))


@require_safe
@never_cache
@line_required(Action.DOWNLOAD)
def progress(request: SubscriberRequest) -> HttpResponse:
    """The part of the page that changes, for the script that asks again."""
    return render(request, "archive/_state.html", _build_archive_context(request))


@require_POST
@line_required(Action.DOWNLOAD)
def ask(request: SubscriberRequest) -> HttpResponse:
    """Have it made. Where one is being made, or there, that one is shown."""
    line = request.line
    language = translation.get_language() or "en"
    actions.request_archive(line_id=line.line.pk, user_id=request.user.pk, language=language, at=timezone.now())
    return redirect(f"/settings/archive/{at_line(request)}")


@require_safe
@never_cache
@line_required(Action.DOWNLOAD)
@limit_downloads
def download(request: SubscriberRequest) -> HttpResponseBase:
    """The file. Every time it is taken stands in the line's log."""
    now = timezone.now()
    line_id = request.line.line.pk
    found = archive_of(line_id=line_id, user_id=request.user.pk, at=now)
    if found is None or found.state != Archive.State.READY:
        raise Http404
    actions.record_export(line_id=line_id, actor=f"subscriber:{request.user.pk}", reason="archive.zip", at=now)
    response = StreamingHttpResponse(bytes_of(archive_id=found.pk), content_type="application/zip")
    response.headers["Content-Disposition"] = 'attachment; filename="whereabouts.zip"'
    response.headers["Content-Length"] = str(found.size)
    return response


def _build_archive_context(request: SubscriberRequest) -> dict[str, object]:
    now = timezone.now()
    found = archive_of(line_id=request.line.line.pk, user_id=request.user.pk, at=now)
    return {"line": request.line, "at_line": at_line(request), "archive": found, "at": now}


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
