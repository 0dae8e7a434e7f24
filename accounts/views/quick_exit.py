"""Leave quickly, and the page that says nothing."""

from django.contrib.auth import logout
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods, require_POST

from accounts.domain import quick_exit


@csrf_exempt  # Leaving must work even when the page is stale, and forging it harms nobody.
@require_POST
def leave(request: HttpRequest) -> HttpResponse:
    """Leave quickly: the session ends, the browser forgets the site, and a page that says nothing takes its place."""
    logout(request)
    response = redirect("away")
    response.status_code = 303
    response.headers["Clear-Site-Data"] = '"cache", "cookies", "storage"'
    return quick_exit.clear_browser(request, response)


@csrf_exempt  # As above: the worst that is forged is the way back to the front page.
@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
def away(request: HttpRequest) -> HttpResponse:
    """A page that says nothing about where somebody was. Back leads nowhere else, until the person goes on from it."""
    if request.method == "POST":
        return quick_exit.clear_quick_exit(request, redirect("front"))
    return render(request, "account/away.html")
