"""The views of a list that its reader saved: to add one, rename and remove them. The queue's; the console's alike."""

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.http import HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from accounts.policies.permissions import StaffAction
from accounts.queries import StaffOnly
from accounts.views.access import PersonRequest
from support.actions.saved_views import remove_view, rename_view, save_view
from support.forms.saved_views import SavedViewForm
from support.policies.lifecycle import NotNow
from support.queries.saved_views import list_views
from support.views.access import at_the_desk

# The name of the queue's address, as those of the console's lists name theirs.
QUEUE = "desk"
# What an address says of a list that is not how it looks.
PASSING = ("page", "after", "csv")
LONGEST = 1000
LONGEST_ID = 18


@require_http_methods(["GET", "HEAD", "POST"])
@at_the_desk(StaffAction.SEE_TICKETS)
def saved_views(request: PersonRequest) -> HttpResponse:
    """The views of the queue; the address says, as the queue's own does, what is to be saved."""
    return answer(
        request, page=QUEUE, of_list=reverse(QUEUE), show=lambda words: render(request, "desk/saved_views.html", words)
    )


def answer(
    request: PersonRequest, *, page: str, of_list: str, show: Callable[[dict[str, Any]], HttpResponse]
) -> HttpResponse:
    """Change the views of one list, and go back to it (`of_list`: its address); else show them."""
    query, form = read_query(request.GET), SavedViewForm(request.POST if "name" in request.POST else None)
    words = query.urlencode()
    if request.method == "POST" and (_change(request) or _save(request, page, query, form)):
        return redirect(f"{of_list}?{words}" if words else of_list)
    return show({
        "views": list_views(user=request.user, page=page), "form": form, "query": words, "of_list": of_list,
    })  # fmt: skip


def read_query(given: QueryDict) -> QueryDict:
    """Return what of a list's address is worth saving."""
    query = given.copy()
    for name in PASSING:
        query.pop(name, None)
    return query


def _change(request: PersonRequest) -> bool:
    """Whether a view was named, which is gone now or has another name; why it hasn't is said."""
    view_id, removed = _get_id(request, "rename"), _get_id(request, "remove")
    if removed is not None:
        remove_view(user=request.user, view_id=removed, at=timezone.now())
        messages.success(request, _("Removed."))
        return True
    return view_id is not None and _rename(request, view_id, SavedViewForm({"name": request.POST.get("new_name", "")}))


def _rename(request: PersonRequest, view_id: int, form: SavedViewForm) -> bool:
    if not form.is_valid():
        messages.error(request, " ".join(map(str, form.errors["name"])))
        return False
    try:
        rename_view(user=request.user, view_id=view_id, name=form.cleaned_data["name"], at=timezone.now())
    except (StaffOnly, NotNow) as error:
        messages.error(request, str(error))
        return False
    messages.success(request, _("Renamed."))
    return True


def _get_id(request: PersonRequest, name: str) -> int | None:
    chosen = request.POST.get(name, "")
    return int(chosen) if chosen.isascii() and chosen.isdecimal() and len(chosen) <= LONGEST_ID else None


def _save(request: PersonRequest, page: str, query: QueryDict, form: SavedViewForm) -> bool:
    """Whether it was saved. A refusal is said in the form."""
    words = query.urlencode()
    if not form.is_valid():
        return False
    if not words:
        form.add_error(None, _("Filter or sort the list first: this is the whole list, in its usual order."))
        return False
    if len(words) > LONGEST:
        form.add_error(None, _("These filters are too long to be saved."))
        return False
    typed = [str(one) for name, values in query.lists() for one in (name, *values)]
    try:
        save_view(
            user=request.user, page=page, name=form.cleaned_data["name"], query=words, typed=typed, at=timezone.now()
        )
    except (StaffOnly, NotNow) as error:
        form.add_error(None, str(error))
        return False
    messages.success(request, _("Saved."))
    return True
