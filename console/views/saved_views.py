"""The views of a list that its reader saved: to add one, and to remove them."""

from django.contrib import messages
from django.http import Http404, HttpResponse, QueryDict
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone

from accounts.domain.view_as import get_shown_role
from accounts.queries import StaffOnly
from accounts.views.access import PersonRequest
from console.actions.saved_views import remove_view, save_view
from console.forms.saved_views import SavedViewForm
from console.queries.saved_views import list_views
from console.views.site import show, site
from partners.policies.lifecycle import NotNow

# What an address says of a list that is not how it looks.
PASSING = ("page", "csv")
LONGEST = 1000
LONGEST_ID = 18
NOTHING = "Filter or sort the list first: this is the whole list, in its usual order."
TOO_LONG = "These filters are too long to be saved."


def saved_views(request: PersonRequest, page: str) -> HttpResponse:
    """The views of one list; the address says, as the list's own does, what is to be saved."""
    if not _is_open(page, get_shown_role(request)):
        raise Http404
    query, form = _query_of(request.GET), SavedViewForm(request.POST if "name" in request.POST else None)
    if request.method == "POST" and (_remove(request) or _save(request, page, query, form)):
        return redirect(f"{reverse(f'admin:{page}')}?{query.urlencode()}")
    found = list_views(user=request.user, page=page)
    words = {"views": found, "form": form, "query": query.urlencode(), "of_list": reverse(f"admin:{page}")}
    return show(request, "saved_views.html", title="Saved views", **words)


def _is_open(page: str, role: str) -> bool:
    """Whether this role has a page of this name that is about no one thing, and no form."""
    found = (one for one in site.addresses if one.name == page and role in one.roles)
    return any("<" not in one.route and "POST" not in one.methods for one in found)


def _query_of(asked: QueryDict) -> QueryDict:
    """Return what of a list's address is worth saving."""
    query = asked.copy()
    for name in PASSING:
        query.pop(name, None)
    return query


def _remove(request: PersonRequest) -> bool:
    """Whether a view was named, which is gone now."""
    chosen = request.POST.get("remove", "")
    if not chosen.isascii() or not chosen.isdecimal() or len(chosen) > LONGEST_ID:
        return False
    remove_view(user=request.user, view_id=int(chosen), at=timezone.now())
    messages.success(request, "Removed.")
    return True


def _save(request: PersonRequest, page: str, query: QueryDict, form: SavedViewForm) -> bool:
    """Whether it was saved. A refusal is said in the form."""
    words = query.urlencode()
    if not form.is_valid():
        return False
    if fault := "" if 0 < len(words) <= LONGEST else TOO_LONG if words else NOTHING:
        form.add_error(None, fault)
        return False
    typed = [str(one) for _, values in query.lists() for one in values]
    try:
        save_view(
            user=request.user, page=page, name=form.cleaned_data["name"], query=words, typed=typed, at=timezone.now()
        )
    except (StaffOnly, NotNow) as error:
        form.add_error(None, str(error))
        return False
    messages.success(request, "Saved.")
    return True
