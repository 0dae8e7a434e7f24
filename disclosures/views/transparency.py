"""Figures for everyone: the page, and each figure as a file."""

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import conditional_page, require_safe

from disclosures.queries.figures.page import figures_page
from disclosures.queries.figures.published import all_as_csv, figure_as_csv, get_public_figures
from disclosures.queries.figures.statements import Figure


@require_safe
def transparency(request: HttpRequest) -> HttpResponse:
    """Every figure as it was last made, with how it was counted."""
    return render(request, "pages/transparency.html", {"figures": figures_page()})


@require_safe
@conditional_page
def transparency_csv(request: HttpRequest, name: str) -> HttpResponse:
    """One figure as CSV, or `all` of them. Any cache may keep it, and asks whether it is still so (304)."""
    if name == "all":
        text = all_as_csv(figures=get_public_figures())
    elif name in set(Figure):
        figure = Figure(name)
        text = figure_as_csv(name=figure, figure=get_public_figures(names=[figure]).get(figure))
    else:
        raise Http404
    response = HttpResponse(text, content_type="text/csv; charset=utf-8")
    response.headers["Content-Disposition"] = f'attachment; filename="whereabouts-{name}.csv"'
    response.headers["Cache-Control"] = "public, no-cache"
    return response
