"""Figures for everyone."""

from django.core.cache import cache
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from disclosures.queries import figures

KEPT_S = 600


@require_safe
def transparency(request: HttpRequest) -> HttpResponse:
    """Live figures, counted at most every ten minutes."""
    found = cache.get_or_set("figures", lambda: figures(at=timezone.now()), KEPT_S)
    return render(request, "pages/transparency.html", {"figures": found})
