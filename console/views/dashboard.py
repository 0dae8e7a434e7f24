"""The dashboard, the search over everything, notifications, and what each role may do.

What was searched for stands in no address.
"""

import secrets
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime

from django.http import HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone

from accounts.actions.staff import record_view
from accounts.domain import view_as
from accounts.domain.view_as import get_shown_role
from accounts.models import User
from accounts.policies.delegations import open_separations
from accounts.policies.permissions import StaffAction, actor_of, list_staff_permissions, staff_may
from accounts.views.access import PersonRequest
from console.actions import staff_access_log as searching
from console.actions.staff_access_log import note_visit
from console.queries import dashboard
from console.queries.dashboard import Dashboard, last_visit
from console.queries.dashboard_words import BREACHES as MISSED
from console.queries.dashboard_words import light_href, list_panels, verdict_of
from console.queries.notifications import KINDS
from console.queries.search import Hit, sort_of
from console.views.cards import Card, ToCount, count_cards, of_list
from console.views.lists_delivery import BREACHES, ORDERS
from console.views.lists_partners import CAMPAIGNS, CONTRACTS
from console.views.lists_rules import PROPOSALS, SUSPENSIONS
from console.views.lists_trail import incidents_list, list_changes
from console.views.site import show
from support.queries.counts import Count
from support.queries.notifications import list_notifications
from support.queries.queue import MINE, NOBODY, OFFICE, QueueFilter, filter_tickets
from support.queries.visible import HiddenCases, find_hidden_cases
from support.views.notifications import read_choice


def index(request: PersonRequest) -> HttpResponse:
    """What needs an officer now. Who works on orders of court is sent to their own console."""
    if get_shown_role(request) == User.Role.LEGAL:
        return redirect("admin:delayed")
    at = timezone.now()
    since = note_visit(user=request.user, at=at)
    # What an order hides is asked once for the whole page.
    hidden = find_hidden_cases(at=at)
    incidents = hidden.visible_incidents()
    now = dashboard.get_dashboard(reader=actor_of(request.user), hidden=hidden, at=at)
    listing = replace(incidents_list(request, at), start=lambda _: incidents)
    changes = list_changes(reader=actor_of(request.user), since=last_visit(user=request.user, at=at), hidden=hidden)
    opened = {"changed": "visit"}
    in_force, today, changed, missed = count_cards(
        _in_force(at),
        _today(request, now, hidden, at),
        (
            of_list("Incidents opened", "incidents", listing, opened, at),
            of_list("Changes by others", "trail", changes, {"kind": "act", **opened}, at),
        ),
        (of_list(MISSED, "breaches", BREACHES, {"state": "open"}, at, "bad"),),
    )
    may_act = get_shown_role(request) == User.Role.OFFICER
    panels = list_panels(now, breaches=missed.every[0].n, breaches_href=missed.every[0].href, may_act=may_act, at=at)
    page = {
        "verdict": verdict_of(now, at=at),
        "lights": [(light, light_href(light)) for light in now.lights],
        "panels": [one for one in panels if not one.is_quiet],
        "quiet": [one for one in panels if one.is_quiet],
        "today": today,
        "in_force": in_force,
        "changed": changed.every,
    }
    return show(request, "dashboard.html", title="Dashboard", at=at, since=since, **page)


def _in_force(at: datetime) -> Sequence[ToCount]:
    return (
        of_list("Contracts in force", "contracts", CONTRACTS, {"stage": "running"}, at),
        of_list("Campaigns in force", "campaigns", CAMPAIGNS, {"stage": "running"}, at),
        of_list("Suspended", "suspensions", SUSPENSIONS, {"running": "yes"}, at, "warn"),
        of_list("Contracts ending within 60 days", "contracts", CONTRACTS, {"ends": "60"}, at, "warn"),
        of_list("Contracts to renew", "contracts", CONTRACTS, {"remind": "due"}, at, "warn"),
        of_list("Campaigns ending within 60 days", "campaigns", CAMPAIGNS, {"ends": "60"}, at, "warn"),
    )


def _today(request: PersonRequest, now: Dashboard, hidden: HiddenCases, at: datetime) -> Sequence[Card | ToCount]:
    """What there is to do, by who may do it: what is late first. What the dashboard counted is not counted again."""
    incidents, streams = reverse("admin:incidents"), reverse("admin:streams")
    late, cases = _cases_today(request, hidden, at)
    return (
        _card("Incidents past their deadline", now.overdue_incidents, f"{incidents}?due=overdue", "bad"),
        *late,
        of_list("Overdue orders", "orders", ORDERS, {"due": "overdue"}, at, "bad"),
        _card("Partners with delivery problems", Count(now.failing), f"{streams}?delivery=problems", "bad"),
        _card("Incidents assigned to me", now.my_incidents, f"{incidents}?whose=mine"),
        _card("Unassigned incidents", now.free_incidents, f"{incidents}?whose=nobody"),
        of_list("Open proposals", "proposals", PROPOSALS, {"state": "open"}, at, "warn"),
        *cases,
        *_separations_today(request),
    )


def _cases_today(request: PersonRequest, hidden: HiddenCases, at: datetime) -> tuple[list[ToCount], list[ToCount]]:
    """The desk's cases that are late, and others that the reader or the privacy office has."""

    def card(label: str, whose: str, tone: str, *, overdue: bool = False) -> ToCount:
        asked = QueueFilter(whose=whose, overdue=overdue)
        rows = filter_tickets(asked=asked, user_id=request.user.pk, at=at, hidden=hidden)
        return ToCount(label, rows, f"{reverse('desk')}?whose={whose}{'&overdue=on' if overdue else ''}", tone)

    late = [card("Unassigned overdue cases", NOBODY, "bad", overdue=True)]
    cases = [card("Escalated cases", OFFICE, "warn")]
    if staff_may(get_shown_role(request), StaffAction.WORK_TICKETS):
        late.insert(0, card("My overdue cases", MINE, "bad", overdue=True))
        cases.append(card("Cases assigned to me", MINE, "warn"))
    return late, cases


def _separations_today(request: PersonRequest) -> Iterator[ToCount]:
    if staff_may(get_shown_role(request), StaffAction.WORK_SEPARATIONS):
        yield ToCount("Line separations", open_separations(), reverse("admin:separations"), "warn")


def _card(label: str, n: Count, href: str, tone: str = "warn") -> Card:
    return Card(label, n, href, tone if n else "")


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


def notifications(request: PersonRequest) -> HttpResponse:
    """What waits, each leading to where it is done; and the reader's e-mails."""
    # Whatever role an officer views it as, it is the reader's own.
    kinds, at = KINDS[request.user.role], timezone.now()
    form = read_choice(request, kinds=kinds)
    if form is None:
        return redirect("admin:notifications")
    found = list_notifications(kinds=kinds, reader=actor_of(request.user), at=at)
    return show(request, "notifications.html", title="Notifications", found=found, form=form, at=at)


# Where a role begins, as far as an officer may go there.
FIRST_PAGE = {
    User.Role.AGENT: "desk",
    User.Role.AUDITOR: "admin:index",
    User.Role.LEGAL: "admin:imports",
    User.Role.OFFICER: "admin:roles",
}
STAFF = tuple(role for role in User.Role if role != User.Role.SUBSCRIBER)


def roles(request: PersonRequest) -> HttpResponse:
    """Each permission by role; for officers also the switch that shows pages as another role finds them."""
    wanted = request.POST.get("role", "")
    if wanted in FIRST_PAGE and wanted != view_as.get_shown_role(request):
        role = User.Role(wanted)
        record_view(role=role, actor=actor_of(request.user), at=timezone.now())
        view_as.set_viewed_role(request, role=role)
        return redirect(FIRST_PAGE[role])
    rows = [(does, [role in who for role in STAFF]) for does, who in list_staff_permissions()]
    offered = view_as.ROLES if staff_may(request.user.role, StaffAction.VIEW_AS) else ()
    return show(request, "roles.html", title="Roles", staff=STAFF, rows=rows, offered=offered)
