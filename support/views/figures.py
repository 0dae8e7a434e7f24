"""How the desk does, for those who lead it; one's own for everybody; complaints by year for the certificate."""

from django.http import Http404, HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from accounts.domain.view_as import get_shown_role
from accounts.policies.permissions import StaffAction, staff_may
from accounts.views.access import PersonRequest
from accounts.views.downloads import csv_file, staff_download
from support.actions.cases import export_complaints, export_figures
from support.forms.queue import SpanForm
from support.queries import team_metrics
from support.views.access import at_the_desk

FIRST_YEAR = 2020


@require_safe
@at_the_desk(StaffAction.SEE_TICKETS)
def figures(request: PersonRequest) -> HttpResponse:
    """What is open and late, and how long people wait."""
    at = timezone.now()
    form, span = _span(request)
    shown = {
        "form": form,
        "span": span,
        "figures": team_metrics.figures(span=span, user_id=_whose(request), at=at),
        "own": _whose(request) is not None,
        "rates": _whose(request) is None,
        "may_certify": staff_may(get_shown_role(request), StaffAction.SEE_AUDIT),
        "year": timezone.localtime(at).year,
    }
    return render(request, "desk/figures.html", shown)


@require_safe
@at_the_desk(StaffAction.SEE_TICKETS)
@staff_download
def figures_csv(request: PersonRequest) -> HttpResponseBase:
    """The same as a file; that it was taken is in the trail."""
    _, span = _span(request)
    lines = export_figures(span=span, user_id=_whose(request), user=request.user, at=timezone.now())
    return csv_file(lines=lines, name=f"whereabouts-desk-{span.since}-{span.until}")


@require_safe
@at_the_desk(StaffAction.SEE_AUDIT)
def complaints(request: PersonRequest, year: int) -> HttpResponse:
    """What people complained of in a year, to be printed with the certificate."""
    at = timezone.now()
    this_year = timezone.localtime(at).year
    if not FIRST_YEAR <= year <= this_year:
        raise Http404
    shown = {
        "year": year,
        "complaints": team_metrics.complaints(year=year, at=at),
        "years": [this_year - n for n in range(4)],
        "mark": team_metrics.mark_of(user=request.user, at=at),
    }
    return render(request, "desk/complaints.html", shown)


@require_safe
@at_the_desk(StaffAction.SEE_AUDIT)
@staff_download
def complaints_csv(request: PersonRequest, year: int) -> HttpResponseBase:
    """The same as a file; that it was taken is in the trail."""
    at = timezone.now()
    if not FIRST_YEAR <= year <= timezone.localtime(at).year:
        raise Http404
    lines = export_complaints(year=year, user=request.user, at=at)
    return csv_file(lines=lines, name=f"whereabouts-complaints-{year}")


def _span(request: PersonRequest) -> tuple[SpanForm, team_metrics.Span]:
    """The days asked for; the usual ones where they make no sense, with what is wrong beside them."""
    usual = team_metrics.last_days(at=timezone.now())
    form = SpanForm(request.GET, usual=usual)
    return form, team_metrics.Span(**form.cleaned_data) if form.is_valid() else usual


def _whose(request: PersonRequest) -> int | None:
    """Whose cases somebody sees the figures of: one's own, but for those who lead the desk or audit it."""
    return None if team_metrics.sees_all(role=get_shown_role(request)) else request.user.pk
