"""Figures for everyone: the page, and each figure as a file and as a picture, as last made or of one month."""

from datetime import date

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import translation
from django.views.decorators.http import conditional_page, require_safe

from disclosures.queries.figures.page import WHOLE, displayed_figure, figures_page, picture_of
from disclosures.queries.figures.published import all_as_csv, figure_as_csv, get_public_figures
from disclosures.queries.figures.statements import Figure


@require_safe
def transparency(request: HttpRequest, month: str = "") -> HttpResponse:
    """Every figure as it was last made or of one month, with how it was counted."""
    figures = figures_page(month=_month(month))
    if month and figures is None:
        raise Http404
    return render(request, "pages/transparency.html", {"figures": figures})


@require_safe
@conditional_page
def transparency_csv(request: HttpRequest, name: str, month: str = "") -> HttpResponse:
    """One figure as CSV, or `all` of them. Any cache may keep it, and asks whether it is still so (304)."""
    if name == "all":
        figures = get_public_figures(month=_month(month))
        if month and not figures:
            raise Http404
        text = all_as_csv(figures=figures)
    else:
        figure = _figure(name)
        found = get_public_figures(names=[figure], month=_month(month)).get(figure)
        if month and found is None:
            raise Http404
        text = figure_as_csv(name=figure, figure=found)
    response = HttpResponse(text, content_type="text/csv; charset=utf-8")
    response.headers["Content-Disposition"] = f'attachment; filename="whereabouts-{name}.csv"'
    response.headers["Cache-Control"] = "public, no-cache"
    return response


@require_safe
@conditional_page
def transparency_svg(request: HttpRequest, name: str, month: str = "") -> HttpResponse:
    """One figure as a picture for other pages, in the language that its address names. Any cache may keep it."""
    asked = request.GET.get("language", "")
    if _figure(name) not in WHOLE:
        raise Http404
    with translation.override(asked if asked in dict(settings.LANGUAGES) else settings.LANGUAGE_CODE):
        figure = displayed_figure(name=Figure(name), month=_month(month))
        if figure is None:
            raise Http404
        shown = {
            "figure": figure,
            "source": settings.BASE_URL + _address(month),
            "picture": picture_of(
                bars=figure.bars,
                legend=[(one.tint, one.words) for one in figure.legend],
                right_to_left=translation.get_language_bidi(),
            ),
        }
        response = render(request, "pages/figure.svg", shown, content_type="image/svg+xml; charset=utf-8")
    response.headers["Cache-Control"] = "public, max-age=3600"
    return response


def _address(month: str) -> str:
    return reverse("transparency-month", args=[month]) if month else reverse("transparency")


def _figure(name: str) -> Figure:
    if name not in set(Figure):
        raise Http404
    return Figure(name)


def _month(month: str) -> date | None:
    """Return the month that an address names; None where it names none."""
    try:
        return date.fromisoformat(f"{month}-01") if month else None
    except ValueError as error:
        raise Http404 from error
