"""The views of the console's lists that their readers saved."""

from functools import partial

from django.http import Http404, HttpResponse
from django.urls import reverse

from accounts.domain.view_as import get_shown_role
from accounts.views.access import PersonRequest
from console.views.site import show, site
from support.views.saved_views import answer


def saved_views(request: PersonRequest, page: str) -> HttpResponse:
    """The views of one list; the address says, as the list's own does, what is to be saved."""
    if not _is_open(page, get_shown_role(request)):
        raise Http404
    titled = partial(show, request, "saved_views.html", title="Saved views")
    return answer(request, page=page, of_list=reverse(f"admin:{page}"), show=lambda words: titled(**words))


def _is_open(page: str, role: str) -> bool:
    """Whether this role has a page of this name that is about no one thing, and no form."""
    found = (one for one in site.addresses if one.name == page and role in one.roles)
    return any("<" not in one.route and "POST" not in one.methods for one in found)
