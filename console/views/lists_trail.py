"""Lists for oversight: incidents, and who did what."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from django.db.models import Q
from django.http import HttpResponseBase
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone

from accounts.models import User
from accounts.policies.permissions import actor_of
from accounts.views.access import PersonRequest
from accounts.views.downloads import csv_file, limit_downloads
from audit.models import AuditEvent, Incident
from console.actions.staff_access_log import export_trail
from console.queries import staff
from console.queries.dashboard import last_visit
from console.queries.notifications import list_incidents_by_time_used
from console.queries.staff import find_companies
from console.views.listing import (
    Cell,
    Column,
    Filter,
    Listing,
    Rows,
    build_typed_filter,
    filter_rows,
    format_distance,
    format_waiting,
    moment,
    of_choices,
    purpose_page,
    read_list_query,
    show_list,
    target,
)
from console.views.site import show
from disclosures.queries.incident_scope import count_occurrences, span_of
from partners.labels import sanitise_text
from partners.models import Party
from support.forms.acting import ActForm
from support.models import Ticket
from support.queries import names
from support.queries.due import TIME_USED
from support.queries.history import describe_action, list_people, more_of, proposal_of
from support.queries.incidents import ABOUT_STAFF, DUE_FIRST, OF_A_SEED, subjects, tickets
from support.queries.mentions import OF_TERMS, mentions_of
from support.queries.names import NamedTarget
from support.queries.visible import HiddenCases, visible_incidents


def incidents(request: PersonRequest) -> HttpResponseBase:
    """What went wrong in a way that may be reportable."""
    return show_list(request, incidents_list(request, timezone.now()))


def incidents_list(request: PersonRequest, at: datetime) -> Listing:
    """The list of incidents, as this reader may narrow it."""
    reader, since = actor_of(request.user), last_visit(user=request.user, at=at)
    whose = {"mine": {"assigned_to": reader}, "nobody": {"assigned_to": ""}}
    return replace(INCIDENTS, filters=(
        *INCIDENTS.filters,
        Filter(
            "whose", "Assigned to", (("mine", "Me"), ("nobody", "Nobody")),
            lambda rows, value, _: rows.filter(closed_at__isnull=True, **whose[value]),
        ),
        build_typed_filter("company", "Company", lambda rows, value, _: _about_company(rows, value)),
        Filter("changed", "Opened", CHANGED, lambda rows, _visit, _: rows.filter(opened_at__gt=since)),
    ))  # fmt: skip


def trail(request: PersonRequest) -> HttpResponseBase:
    """Every look and act of staff, from the audit trail; for the legal-process role its own."""
    return show_list(request, trail_list(request, timezone.now()))


@limit_downloads
def export(request: PersonRequest) -> HttpResponseBase:
    """Say why, and take the same as CSV, narrowed as the address says."""
    at = timezone.now()
    listing, form = trail_list(request, at), ActForm(request.POST or None)
    asked = read_list_query(request.GET.dict(), listing, at)
    narrows = asked.get_criteria(words=listing.search_label)
    if asked.is_reversed or asked.wrong:
        return redirect(f"{reverse('admin:trail')}?{request.GET.urlencode()}")
    if request.method == "POST" and form.is_valid():
        parts = export_trail(
            rows=filter_rows(listing, asked=asked, at=at), criteria=narrows, user=request.user,
            reason=form.cleaned_data["reason"], at=at,
        )  # fmt: skip
        return csv_file(lines=parts, name=f"whereabouts-who-did-what-{at:%Y-%m-%d}")
    return show(request, "trail_export.html", title="Export audit log", form=form, narrows=narrows.items())


def trail_list(request: PersonRequest, at: datetime) -> Listing:
    """The audit log, as this reader may see and narrow it."""
    of_legal = request.user.role == User.Role.LEGAL
    who = of_choices("who", "Staff member", staff.list_members(of_legal=of_legal), by="actor")
    if of_legal:
        return replace(TRAIL_OF_LEGAL, filters=(who, *TRAIL_OF_LEGAL.filters))
    reader, since = actor_of(request.user), last_visit(user=request.user, at=at)
    return replace(TRAIL, filters=(who, *TRAIL.filters, _by_others(reader, since), _mentions(request.user.pk)))


def _by_others(reader: str, since: datetime) -> Filter:
    return Filter(
        "changed", "By others", CHANGED, lambda rows, _visit, _: rows.filter(at__gt=since).exclude(actor=reader)
    )


def _mentions(reader_id: int) -> Filter:
    return Filter(
        "mentions", "Mentions", (("me", "Me, in the last 7 days"),),
        lambda rows, _me, at: rows.filter(mentions_of(user_id=reader_id, actions=OF_TERMS, at=at)),
    )  # fmt: skip


def list_changes(*, reader: str, since: datetime, hidden: HiddenCases) -> Listing:
    """The audit log as the dashboard counts it: what others did since then."""
    return replace(
        TRAIL, filters=(*TRAIL.filters, _by_others(reader, since)), start=lambda at: staff.acts(at=at, hidden=hidden)
    )


def _incident_cells(rows: Sequence[Incident], at: datetime) -> list[tuple[Cell, ...]]:
    about, opened = subjects(rows=rows), tickets(rows=rows)
    who, counts = _staff_in(rows), count_occurrences(incidents=rows, at=at)
    return [
        (
            Cell(
                one.get_kind_display(),
                href=reverse("admin:incident", args=[one.pk]),
                under="test line" if one.key.startswith(OF_A_SEED) else span_of(key=one.key),
            ),
            _incident_state(one, who),
            target(about[one.subject]) if one.subject in about else _bare_subject(one, who),
            Cell(f"{counts[one.pk]:,}", number=True),
            _due(one, at),
            moment(one.opened_at, under=format_waiting(one.opened_at, one.closed_at or at)),
            _ticket(opened.get(one.pk), at),
            moment(one.closed_at),
        )
        for one in rows
    ]


def _staff_in(rows: Sequence[Incident]) -> Mapping[str, str]:
    """The names of staff whom incidents are about, or assigned to."""
    browsing = {one.subject for one in rows if one.kind in ABOUT_STAFF}
    return names.actors(wanted=browsing | {one.assigned_to for one in rows if one.assigned_to})


def _bare_subject(one: Incident, who: Mapping[str, str]) -> Cell:
    """Somebody of staff by name, or what it is about as it is written down."""
    return Cell(who.get(one.subject) or sanitise_text(one.subject, at_most=160))


def _incident_state(one: Incident, who: Mapping[str, str]) -> Cell:
    if one.closed_at:
        return Cell("closed")
    return Cell("open", tone="bad", under=who.get(one.assigned_to, ""))


def _due(one: Incident, at: datetime) -> Cell:
    """By when the next of its duties is to be done, marked where that is past."""
    if one.due_at is None or one.closed_at:
        return Cell("–")
    if one.due_at <= at:
        return Cell("overdue", tone="bad", under=f"{one.due_at:%-d %b %Y}, {format_distance(one.due_at, at)}")
    return moment(one.due_at, under=format_distance(one.due_at, at))


def _ticket(one: Ticket | None, at: datetime) -> Cell:
    if one is None:
        return Cell("–")
    due = f"due {format_distance(one.due_at, at)}" if one.is_under_way else one.get_state_display().lower()
    return Cell(one.code, href=reverse("desk-case", args=[one.code]), under=due, whole=True)


def _event_cells(rows: Sequence[AuditEvent], at: datetime) -> list[tuple[Cell, ...]]:
    who = names.actors(wanted=list_people(events=rows))
    named = names.targets(wanted={key for one in rows if (key := staff.target_of(one))})
    return [
        (
            moment(one.at),
            Cell(who[one.actor], under=staff.role_of(one)),
            _did(one, who),
            _to(one, named, called),
            Cell(sanitise_text(staff.get_reason(one), at_most=200) or "–"),
        )
        for one, called in zip(rows, staff.describe_subjects(rows), strict=True)
    ]


def _did(event: AuditEvent, who: Mapping[str, str]) -> Cell:
    """What was done, which leads to the proposal behind it, and what it changed."""
    proposal = proposal_of(event=event)
    href = reverse("admin:proposal", args=[proposal]) if proposal else ""
    return Cell(describe_action(action=event.action), href=href, under=more_of(event=event, who=who))


def _to(event: AuditEvent, named: Mapping[tuple[str, int], NamedTarget], called: str) -> Cell:
    """What it was done to, with the case in which it was. `called`: what that is called, where it has no name."""
    key = staff.target_of(event)
    if key and event.line_id is None and named[key].known:
        return target(named[key])
    kind, _, own = event.target.partition(":")
    case = staff.case_of(event)
    if case:
        return Cell(
            "a subscriber" if event.line_id is not None else "a case",
            href=reverse("desk-case", args=[case]), under=case,
        )  # fmt: skip
    href = {"purpose": purpose_page, "proposal": _proposal_page, "incident": _incident_page}.get(kind)
    return Cell(called, href=href(own) if href and event.line_id is None else "")


def _proposal_page(own: str) -> str:
    return reverse("admin:proposal", args=[own])


def _incident_page(own: str) -> str:
    return reverse("admin:incident", args=[own])


CHANGED = (("visit", "Since my last visit"),)


def _about_company(rows: Rows, part: str) -> Rows:
    """Incidents about companies with this in their name or address; of an address that is one's own, about that one."""
    found = Party.objects.filter(pk__in=find_companies(part=part)).values_list("pk", "uri")
    return rows.filter(subject__in=[said for pk, uri in found for said in (uri, f"partner:{pk}")])


def _by_clock(rows: Rows, value: str, at: datetime) -> Rows:
    """Open incidents whose next date is past, or to come, or how near it is; or those that have none."""
    if value == "none":
        return rows.filter(due_at__isnull=True)
    if value in TIME_USED:
        least, most = TIME_USED[value]
        return rows.filter(pk__in=list_incidents_by_time_used(incidents=rows, least=least, most=most, at=at))
    wanted = {"due_at__lte": at} if value == "overdue" else {"due_at__gt": at}
    return rows.filter(closed_at__isnull=True, **wanted)


INCIDENTS = Listing(
    title="Incidents",
    lead="Failures that may have to be reported, earliest deadline first. Each opens a case at the desk.",
    columns=(
        Column("What", "kind"), Column("Status"), Column("About"), Column("Occurrences", number=True),
        Column("Notify by", "due_at"), Column("Opened", "opened_at"), Column("Case"),
        Column("Closed", "closed_at"),
    ),
    start=lambda at: visible_incidents(at=at).order_by(*DUE_FIRST),
    cells=_incident_cells,
    filters=(
        of_choices("kind", "What", Incident.Kind.choices),
        Filter(
            "state", "Status", (("open", "Open"), ("closed", "Closed")),
            lambda rows, value, _: rows.filter(closed_at__isnull=value == "open"),
        ),
        Filter(
            "due", "Deadline",
            (("overdue", "Overdue"), ("nearly", "90% of the time used"), ("half", "Half of the time used"),
             ("running", "Running"), ("none", "None")),
            _by_clock,
        ),
    ),
    acts=(("admin:incident-report", "Report an incident"),),
    empty=("No incidents", "No failures that may have to be reported."),
)  # fmt: skip
TRAIL = Listing(
    title="Audit log",
    lead="Everything staff viewed or did, with the reason. Entries can't be changed.",
    columns=(Column("When", "at"), Column("Who"), Column("Action"), Column("Subject"), Column("Reason")),
    start=lambda at: staff.acts(at=at),
    cells=_event_cells,
    search=("reason", "action", "target"),
    search_label="Action, reason or subject",
    shortest=3,
    searched_days=90,
    filters=(
        build_typed_filter("company", "Company", lambda rows, value, _: staff.about_company(rows, value)),
        build_typed_filter("case", "Case", lambda rows, value, _: staff.about_case(rows, value)),
        build_typed_filter("on", "Subject", lambda rows, value, _: staff.about_target(rows, value), kind="given"),
        build_typed_filter("from", "From (UTC)", lambda rows, value, _: staff.since(rows, value), kind="date"),
        build_typed_filter("to", "To (UTC)", lambda rows, value, _: staff.until(rows, value), kind="date"),
        Filter("kind", "Kind", staff.KINDS, lambda rows, value, _: staff.of_kind(rows, value)),
        Filter(
            "about", "About",
            (("party:", "Companies"), ("contract:", "Contracts"), ("campaign:", "Campaigns"),
             ("machine:", "API clients"), ("ticket:", "Cases"), ("incident:", "Incidents"), ("export:", "Exports")),
            lambda rows, value, _: rows.filter(Q(target__startswith=value)),
        ),
    ),
    empty=("Nothing yet", "Staff activity will appear here."),
    export="admin:trail-export",
)  # fmt: skip
TRAIL_OF_LEGAL = replace(
    TRAIL,
    lead="Everything the legal-process role viewed or did, with the reason. No one else can see that these entries"
    " exist.",
    start=lambda at: staff.acts(at=at, of_legal=True),
    filters=tuple(one for one in TRAIL.filters if one.name in {"on", "from", "to", "kind"}),
)
