"""The search over everything: what was typed stands in no address, but in the session of whoever typed it."""

import secrets

from django.http import HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone

from accounts.views.access import PersonRequest
from console.actions import search as searching
from console.queries.search import Hit, sort_of
from console.views.site import show

# So many searches of a session can be opened again.
KEPT = 20
LONGEST = 100


def search(request: PersonRequest) -> HttpResponse:
    """Companies, contracts, campaigns, clients, agents, orders, incidents, cases, notices and the audit log."""
    kept: dict[str, str] = request.session.get("searches", {})
    if request.method == "POST":
        asked = request.POST.get("q", "").replace("\x00", "").strip()[:LONGEST]
        if asked:
            key = secrets.token_urlsafe(6)
            request.session["searches"] = dict([*kept.items(), (key, asked)][-KEPT:])
            return redirect(f"{reverse('admin:search')}?s={key}")
    asked = kept.get(request.GET.get("s", ""), "")
    hits = searching.search(asked=asked, user=request.user, at=timezone.now())
    found = {kind: [(_address(one), one) for one in of_kind] for kind, of_kind in sort_of(hits=hits).items()}
    return show(request, "search.html", title="Search", asked=asked, searched_for=asked, found=found)


def _address(one: Hit) -> str:
    name = one.page if one.page == "desk-case" else f"admin:{one.page}"
    return reverse(name, args=one.args) + (f"?{one.query}" if one.query else "")
