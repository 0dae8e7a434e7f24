"""The first page: what needs an officer now."""

from django.http import HttpResponse
from django.shortcuts import redirect
from django.utils import timezone

from accounts.models import User
from accounts.policies.permissions import actor_of
from accounts.views.access import PersonRequest
from console.queries import dashboard
from console.queries.dashboard import search_by_name
from console.views.site import show
from support.actions.queue import note_search


def index(request: PersonRequest) -> HttpResponse:
    """What needs an officer now. Who works on orders of court is sent to their own console."""
    if request.user.role == User.Role.LEGAL:
        return redirect("admin:delayed")
    at = timezone.now()
    now = dashboard.now(reader=actor_of(request.user), at=at)
    return show(request, "dashboard.html", title="Dashboard", now=now, at=at)


def search(request: PersonRequest) -> HttpResponse:
    """Companies, contracts, campaigns and machines by name."""
    asked = request.GET.get("q", "").replace("\x00", "").strip()[:100]
    if asked:
        said = {"Name": asked}
        note_search(where="Search", said=said, actor=actor_of(request.user), at=timezone.now())
    return show(
        request, "search.html", title="Search", asked=asked, searched_for=asked, hits=search_by_name(asked=asked)
    )
