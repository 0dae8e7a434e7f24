"""Who has my location: the answer, the whole history, one company."""

from collections.abc import Iterable

from django.http import Http404, HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

import audit.queries
from accounts.policies.permissions import Action
from accounts.primitives import browsers
from accounts.views.access import SubscriberRequest, at_line, few_at_once, line_required, seeing_required
from consent.domain import notices
from consent.forms import PauseForm
from consent.queries.choices import signal_of
from consent.queries.ended import ended_agreements
from disclosures import actions
from disclosures.forms import HistoryForm
from disclosures.queries.companies import companies_of
from disclosures.queries.company import company_page
from disclosures.queries.downloads import as_csv, as_json
from disclosures.queries.history import companies_in, history_in_parts, history_page, history_start
from disclosures.queries.line_alerts import list_line_alerts


@require_safe
@never_cache
@seeing_required
def home(request: SubscriberRequest) -> HttpResponse:
    """The whole answer on one screen."""
    now = timezone.now()
    line = request.line
    # Nothing is looked up for a browser that sends no privacy signal.
    signal = signal_of(line_id=line.line.pk) if browsers.has_taken_signal(request, line_id=line.line.pk) else None
    shown = {
        "line": line,
        "at_line": at_line(request),
        "signal": signal,
        "companies": companies_of(line=line.line, zone=line.zone, at=now),
        "notice": notices.before_stop(),
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
    form = HistoryForm(request.GET)
    filters = form.filters()
    page = history_page(line_id=line.line.pk, filters=filters, zone=line.zone, at=now)
    shown = {
        "line": line,
        "at_line": at_line(request),
        "form": form,
        "filters": filters,
        "companies": companies_in(line_id=line.line.pk, zone=line.zone, at=now),
        "page": page,
        "starts_on": history_start(line=line.line, page=page, zone=line.zone, at=now),
        "asked": _get_filter_query(request),
        "noticed": list_line_alerts(line_id=line.line.pk, zone=line.zone, company=filters.company, at=now),
        "ended": ended_agreements(line_id=line.line.pk, at=now),
    }
    return render(request, "history/history.html", shown)


@require_safe
@never_cache
@line_required(Action.DOWNLOAD)
@few_at_once
def history_csv(request: SubscriberRequest) -> HttpResponseBase:
    """The history that the filters ask for, as CSV."""
    now = audit.queries.database_clock()
    line, form = request.line, HistoryForm(request.GET)
    filters = form.filters()
    if form.is_reversed:
        return redirect(f"{reverse('history')}?{request.GET.urlencode()}")
    rows = history_in_parts(line_id=line.line.pk, filters=filters, zone=line.zone, at=now)
    actions.note_export(line_id=line.line.pk, actor=f"subscriber:{request.user.pk}", reason="history.csv", at=now)
    return _download(as_csv(rows=rows), "text/csv; charset=utf-8", "history.csv")


@require_safe
@never_cache
@line_required(Action.DOWNLOAD)
@few_at_once
def history_json(request: SubscriberRequest) -> HttpResponseBase:
    """The history that the filters ask for, as JSON."""
    now = audit.queries.database_clock()
    line, form = request.line, HistoryForm(request.GET)
    filters = form.filters()
    if form.is_reversed:
        return redirect(f"{reverse('history')}?{request.GET.urlencode()}")
    rows = history_in_parts(line_id=line.line.pk, filters=filters, zone=line.zone, at=now)
    actions.note_export(line_id=line.line.pk, actor=f"subscriber:{request.user.pk}", reason="history.json", at=now)
    written = as_json(rows=rows, line=str(line.line.public_id), at=now)
    return _download(written, "application/json", "history.json")


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


def _get_filter_query(request: SubscriberRequest) -> str:
    """The filters as they stand in the address, for links that keep them."""
    query = request.GET.copy()
    query.pop("before", None)
    return query.urlencode()


def _download(parts: Iterable[str], content_type: str, name: str) -> StreamingHttpResponse:
    response = StreamingHttpResponse(parts, content_type=content_type)
    response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return response
