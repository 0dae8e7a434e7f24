"""The first page: what needs an officer now."""

from collections.abc import Sequence
from datetime import datetime

from django.http import HttpResponse
from django.shortcuts import redirect
from django.utils import timezone

from accounts.domain.view_as import get_shown_role
from accounts.models import User
from accounts.policies.permissions import actor_of
from accounts.views.access import PersonRequest
from console.actions.visits import note_visit
from console.queries import dashboard
from console.views.listing import Card, count_card
from console.views.lists_acts import PROPOSALS, SUSPENSIONS
from console.views.lists_delivery import STREAMS, orders_list
from console.views.lists_partners import CAMPAIGNS, CONTRACTS
from console.views.lists_trail import incidents_list, trail_list
from console.views.site import show


def index(request: PersonRequest) -> HttpResponse:
    """What needs an officer now. Who works on orders of court is sent to their own console."""
    if get_shown_role(request) == User.Role.LEGAL:
        return redirect("admin:delayed")
    at = timezone.now()
    since = note_visit(user=request.user, at=at)
    now = dashboard.get_dashboard(reader=actor_of(request.user), at=at)
    cards = {"in_force": _in_force(at), "today": _today(request, at), "changed": _count_changes(request, at)}
    return show(request, "dashboard.html", title="Dashboard", now=now, at=at, since=since, **cards)


def _in_force(at: datetime) -> Sequence[Card]:
    return (
        count_card("Contracts in force", "contracts", CONTRACTS, {"stage": "running"}, at),
        count_card("Campaigns in force", "campaigns", CAMPAIGNS, {"stage": "running"}, at),
        count_card("Suspended", "suspensions", SUSPENSIONS, {"running": "yes"}, at, "warn"),
        count_card("Contracts ending within 60 days", "contracts", CONTRACTS, {"ends": "60"}, at, "warn"),
        count_card("Contracts to renew", "contracts", CONTRACTS, {"remind": "due"}, at, "warn"),
        count_card("Campaigns ending within 60 days", "campaigns", CAMPAIGNS, {"ends": "60"}, at, "warn"),
    )


def _today(request: PersonRequest, at: datetime) -> Sequence[Card]:
    listing = incidents_list(request, at)
    return (
        count_card("Incidents past their deadline", "incidents", listing, {"due": "overdue"}, at, "bad"),
        count_card("Incidents assigned to me", "incidents", listing, {"whose": "mine"}, at, "warn"),
        count_card("Unassigned incidents", "incidents", listing, {"whose": "nobody"}, at, "warn"),
        count_card("Overdue orders", "orders", orders_list(), {"due": "overdue"}, at, "bad"),
        count_card("Partners with delivery problems", "streams", STREAMS, {"delivery": "problems"}, at, "bad"),
        count_card("Open proposals", "proposals", PROPOSALS, {"state": "open"}, at, "warn"),
    )


def _count_changes(request: PersonRequest, at: datetime) -> Sequence[Card]:
    opened = {"changed": "visit"}
    return (
        count_card("Incidents opened", "incidents", incidents_list(request, at), opened, at),
        count_card("Changes by others", "trail", trail_list(request, at), {"kind": "act", **opened}, at),
    )
