"""Everything about a line as one file: ask for it, see how far it is, take it."""

from django.http import Http404, HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone, translation
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from accounts.policies.permissions import Action
from accounts.views.access import SubscriberRequest, at_line, few_at_once, line_required
from disclosures import actions
from disclosures.models import Archive
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
    actions.ask_archive(line_id=line.line.pk, user_id=request.user.pk, language=language, at=timezone.now())
    return redirect(f"/settings/archive/{at_line(request)}")


@require_safe
@never_cache
@line_required(Action.DOWNLOAD)
@few_at_once
def download(request: SubscriberRequest) -> HttpResponseBase:
    """The file. Every time it is taken stands in the line's log."""
    now = timezone.now()
    line_id = request.line.line.pk
    found = archive_of(line_id=line_id, user_id=request.user.pk, at=now)
    if found is None or found.state != Archive.State.READY:
        raise Http404
    actions.note_export(line_id=line_id, actor=f"subscriber:{request.user.pk}", reason="archive.zip", at=now)
    response = StreamingHttpResponse(bytes_of(archive_id=found.pk), content_type="application/zip")
    response.headers["Content-Disposition"] = 'attachment; filename="whereabouts.zip"'
    response.headers["Content-Length"] = str(found.size)
    return response


def _build_archive_context(request: SubscriberRequest) -> dict[str, object]:
    now = timezone.now()
    found = archive_of(line_id=request.line.line.pk, user_id=request.user.pk, at=now)
    return {"line": request.line, "at_line": at_line(request), "archive": found, "at": now}
