"""Pages for everyone, without domain: the two doors, safety; and the gallery of components."""

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from portal.gallery import SAMPLES


@require_safe
def front(request: HttpRequest) -> HttpResponse:
    """What this is, and two doors."""
    return render(request, "pages/front.html")


@require_safe
def safety(request: HttpRequest) -> HttpResponse:
    """If someone may be tracking you."""
    return render(request, "pages/safety.html")


@require_safe
def gallery(request: HttpRequest) -> HttpResponse:
    """Every component with what it can be given. In DEBUG only."""
    if not settings.DEBUG:
        raise Http404
    return render(request, "pages/gallery.html", {"samples": SAMPLES})
