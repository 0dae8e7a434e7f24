"""Pages of who has a line's location: the answer, the history, one company, the access log, and it all as one file."""

from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import date, datetime
from typing import Any

from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone, translation
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

import audit.queries
from accounts.domain import message_templates
from accounts.policies.permissions import Action
from accounts.primitives import browsers
from accounts.views.access import SubscriberRequest, at_line, line_required, seeing_required
from accounts.views.downloads import limit_downloads
from audit.queries import events_of_line
from consent.domain import notices
from consent.forms import PauseForm
from consent.queries.choices import signal_of
from consent.queries.termination import ended_agreements
from disclosures import actions
from disclosures.forms import HistoryForm
from disclosures.models import Archive, Disclosure
from disclosures.queries.access_summary import get_access_page
from disclosures.queries.companies import companies_of
from disclosures.queries.company import company_page
from disclosures.queries.downloads import archive_of, as_csv, as_json, bytes_of
from disclosures.queries.history import history_in_parts, history_page, history_start
from disclosures.queries.history_counts import count_history, history_facts, months_of, times_page
from disclosures.queries.line_alerts import list_line_alerts


@require_safe
@never_cache
@seeing_required
def home(request: SubscriberRequest) -> HttpResponse:
    """The whole answer on one screen."""
    now = timezone.now()
    line = request.line
    # Nothing is looked up for a browser that sends no privacy signal.
    signal = signal_of(line_id=line.line.pk) if browsers.has_recorded_signal(request, line_id=line.line.pk) else None
    shown = {
        "line": line,
        "at_line": at_line(request),
        "signal": signal,
        "companies": companies_of(line=line.line, zone=line.zone, at=now),
        "notice": notices.build_stop_notice(),
        "pause": PauseForm(zone=line.zone, at=now, initial={"scope": "all"}),
    }
    return render(request, "home/home.html", shown)


@require_safe
@never_cache
@seeing_required
def history(request: SubscriberRequest) -> HttpResponse:
    """Every release and every refusal, newest first."""
    now = timezone.now()
    line = request.line
    asked = _read_filters(request, now)
    page = history_page(line_id=line.line.pk, filters=asked["filters"], zone=line.zone, at=now)
    shown = {
        **asked,
        "page": page,
        "months": months_of(page=page, counts=asked["counts"]),
        "starts_on": history_start(line=line.line, page=page, zone=line.zone, at=now),
        "noticed": list_line_alerts(line_id=line.line.pk, zone=line.zone, company=asked["filters"].company, at=now),
        "ended": ended_agreements(line_id=line.line.pk, at=now),
    }
    return render(request, "history/history.html", shown)


@require_safe
@never_cache
@seeing_required
def history_times(request: SubscriberRequest) -> HttpResponse:
    """At which times of day and on which weekdays look-ups came, of what the filters ask for."""
    now = timezone.now()
    asked = _read_filters(request, now)
    page = times_page(line_id=request.line.line.pk, filters=asked["filters"], zone=request.line.zone, at=now)
    return render(request, "history/times.html", {**asked, "page": page})


def _read_filters(request: SubscriberRequest, now: datetime) -> dict[str, Any]:
    """Read what is asked for, and how much there is of it. A company may be named by what was typed of its name."""
    line = request.line
    form = HistoryForm(request.GET)
    filters = form.filters()
    found = history_facts(line_id=line.line.pk, filters=filters, zone=line.zone, at=now)
    named = found.find_companies(text=filters.company) if filters.company else ()
    if len(named) == 1:
        filters = replace(filters, company=named[0].uri)
    return {
        "line": line,
        "at_line": at_line(request),
        "form": form,
        "filters": filters,
        "companies": found.companies,
        "named": named,
        "counts": count_history(facts=found.facts, filters=filters),
        "asked": _get_filter_query(request, company=filters.company),
        "of_any_company": _get_filter_query(request, "company"),
    }


@require_safe
@never_cache
@line_required(Action.DOWNLOAD)
@limit_downloads
def history_csv(request: SubscriberRequest) -> HttpResponseBase:
    """The history that the filters ask for, as CSV."""
    return _download_history(request, "history.csv", "text/csv; charset=utf-8", lambda rows, _: as_csv(rows=rows))


@require_safe
@never_cache
@line_required(Action.DOWNLOAD)
@limit_downloads
def history_json(request: SubscriberRequest) -> HttpResponseBase:
    """The history that the filters ask for, as JSON."""
    line = str(request.line.line.public_id)
    return _download_history(
        request, "history.json", "application/json", lambda rows, now: as_json(rows=rows, line=line, at=now)
    )


def _download_history(
    request: SubscriberRequest, name: str, kind: str, written: Callable[[Iterable[Disclosure], datetime], Iterable[str]]
) -> HttpResponseBase:
    now = audit.queries.database_clock()
    line, form = request.line, HistoryForm(request.GET)
    filters = form.filters()
    if form.is_reversed:
        return redirect(f"{reverse('history')}?{request.GET.urlencode()}")
    rows = history_in_parts(line_id=line.line.pk, filters=filters, zone=line.zone, at=now)
    actions.record_export(line_id=line.line.pk, actor=f"subscriber:{request.user.pk}", reason=name, at=now)
    return _download(written(rows, now), kind, name)


@require_safe
@never_cache
@seeing_required
def company(request: SubscriberRequest, party_id: int) -> HttpResponse:
    """One company: what it got, through whom, on what proof, its orders."""
    now = timezone.now()
    line = request.line
    page = company_page(line=line.line, party_id=party_id, zone=line.zone, at=now)
    if page is None:
        raise Http404
    return render(
        request,
        "companies/company.html",
        {"line": line, "at_line": at_line(request), "page": page, "card": page.card, "at": now},
    )


def _get_filter_query(request: SubscriberRequest, *without: str, company: str = "") -> str:
    """The filters as they stand in the address, for links that keep them: but for where the page begins, and these."""
    query = request.GET.copy()
    if company:
        query["company"] = company
    for name in [*without, "before", "month", *(name for name, value in request.GET.items() if not value)]:
        query.pop(name, None)
    return query.urlencode()


def _download(parts: Iterable[str], content_type: str, name: str) -> StreamingHttpResponse:
    response = StreamingHttpResponse(parts, content_type=content_type)
    response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return response


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
    visits = message_templates.fold_visits(events=page.object_list, reader=request.user)
    shown = {"line": request.line, "page": page, "visits": visits, "at_line": at_line(request), "part": "people"}
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
