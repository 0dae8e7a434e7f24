"""Lists for oversight: incidents, and who did what."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.urls import reverse

from audit.models import AuditEvent, Incident
from partners.words import shown
from support.admin import cells
from support.admin.listing import Cell, Column, Filter, Listing, Rows, of_choices, show_list
from support.models import Ticket
from support.oversight import names
from support.oversight.history import acts_of_staff, more_of, proposal_of, said
from support.oversight.incidents import DUE_FIRST, OF_A_SEED, subjects, tickets

TARGETS = ("party", "contract", "campaign", "rule", "machine", "authorized", "anomaly", "protection")


def incidents(request: HttpRequest) -> HttpResponse:
    """What went wrong in a way that may be reportable."""
    return show_list(request, INCIDENTS)


def trail(request: HttpRequest) -> HttpResponse:
    """Every act of an officer that changed something, from the audit trail."""
    return show_list(request, TRAIL)


def _incident_cells(rows: Sequence[Incident], at: datetime) -> list[tuple[Cell, ...]]:
    about, opened = subjects(rows=rows), tickets(rows=rows)
    browsing = {one.subject for one in rows if one.kind == Incident.Kind.STAFF_BROWSING}
    who = names.actors(wanted=browsing | {one.assigned_to for one in rows if one.assigned_to})
    return [
        (
            Cell(
                one.get_kind_display(),
                href=reverse("admin:incident", args=[one.pk]),
                under="test line" if one.key.startswith(OF_A_SEED) else "",
            ),
            _incident_state(one, who),
            cells.target(about[one.subject]) if one.subject in about else _bare_subject(one, who),
            Cell(f"{one.count:,}", number=True),
            _due(one, at),
            cells.moment(one.opened_at, under=cells.waiting(one.opened_at, one.closed_at or at)),
            _ticket(opened.get(one.pk), at),
            cells.moment(one.closed_at),
        )
        for one in rows
    ]


def _bare_subject(one: Incident, who: Mapping[str, str]) -> Cell:
    """Somebody of staff by their e-mail, or what it is about as it is written down."""
    return Cell(who.get(one.subject) or shown(one.subject, at_most=160))


def _incident_state(one: Incident, who: Mapping[str, str]) -> Cell:
    if one.closed_at:
        return Cell("closed")
    return Cell("open", tone="bad", under=who.get(one.assigned_to, ""))


def _due(one: Incident, at: datetime) -> Cell:
    """By when the next of its duties is to be done, marked where that is past."""
    if one.due_at is None or one.closed_at:
        return Cell("–")
    if one.due_at <= at:
        return Cell("overdue", tone="bad", under=f"{one.due_at:%-d %b %Y}, {cells.away(one.due_at, at)}")
    return cells.moment(one.due_at, under=cells.away(one.due_at, at))


def _ticket(one: Ticket | None, at: datetime) -> Cell:
    if one is None:
        return Cell("–")
    late = one.state == Ticket.State.OPEN and one.due_at <= at
    return Cell(one.code, under=f"due {cells.away(one.due_at, at)}", tone="bad" if late else "")


def _event_cells(rows: Sequence[AuditEvent], at: datetime) -> list[tuple[Cell, ...]]:
    who = names.actors(wanted={one.actor for one in rows})
    named = names.targets(wanted={key for one in rows if (key := _key(one))})
    return [
        (
            cells.moment(one.at),
            Cell(who[one.actor]),
            _did(one),
            cells.target(named[key]) if (key := _key(one)) else Cell(*_bare(one)),
            Cell("–" if one.line_id else shown(one.reason, at_most=200) or "–"),
        )
        for one in rows
    ]


def _did(event: AuditEvent) -> Cell:
    """What was done, which leads to the proposal behind it, and what it changed."""
    proposal = proposal_of(event=event)
    href = reverse("admin:proposal", args=[proposal]) if proposal else ""
    return Cell(said(action=event.action), href=href, under=more_of(event=event))


def _key(event: AuditEvent) -> tuple[str, int] | None:
    kind, _, own = event.target.partition(":")
    return (kind, int(own)) if kind in TARGETS and own.isdecimal() else None


def _bare(event: AuditEvent) -> tuple[str, str]:
    """A target without a page of its own; one that is about a line is not named."""
    kind, _, own = event.target.partition(":")
    if event.line_id is not None or kind == "line":
        return "a subscriber", ""
    if kind == "purpose":
        return f"{kind} {own[:40]}", cells.purpose_page(own)
    href = reverse("admin:proposal", args=[own]) if kind == "proposal" else ""
    return f"{kind} {own[:40]}", href


def _by_clock(rows: Rows, value: str, at: datetime) -> Rows:
    """Open incidents whose next date is past, or to come; or those that have none."""
    if value == "none":
        return rows.filter(due_at__isnull=True)
    wanted = {"due_at__lte": at} if value == "overdue" else {"due_at__gt": at}
    return rows.filter(closed_at__isnull=True, **wanted)


INCIDENTS = Listing(
    title="Incidents",
    lead="What went wrong in a way that may have to be reported, the next date first. Each opens a ticket at the desk.",
    columns=(
        Column("What", "kind"), Column("State"), Column("About"), Column("Times", "count", number=True),
        Column("To be told by", "due_at"), Column("Opened", "opened_at"), Column("Ticket"),
        Column("Closed", "closed_at"),
    ),
    start=lambda _: Incident.objects.order_by(*DUE_FIRST),
    cells=_incident_cells,
    filters=(
        of_choices("kind", "What", Incident.Kind.choices),
        Filter(
            "state", "State", (("open", "Open"), ("closed", "Closed")),
            lambda rows, value, _: rows.filter(closed_at__isnull=value == "open"),
        ),
        Filter(
            "due", "Clock", (("overdue", "Overdue"), ("running", "Running"), ("none", "None")), _by_clock,
        ),
    ),
    acts=(("admin:incident-report", "Report an incident"),),
    empty=("No incidents", "Nothing has failed in a way that would have to be reported."),
)  # fmt: skip
TRAIL = Listing(
    title="Who did what",
    lead="Every act of an officer, with its reason, from the audit trail that nobody can change.",
    columns=(Column("When", "at"), Column("Who"), Column("Did"), Column("To"), Column("Why")),
    start=lambda _: acts_of_staff(),
    cells=_event_cells,
    search=("reason", "action"),
    search_label="Act or reason",
    filters=(
        Filter(
            "about", "About",
            (("party:", "Parties"), ("contract:", "Contracts"), ("campaign:", "Campaigns"), ("machine:", "Machines"),
             ("proposal:", "Proposals")),
            lambda rows, value, _: rows.filter(Q(target__startswith=value)),
        ),
    ),
    empty=("Nothing yet", "The first act of an officer will stand here."),
)  # fmt: skip
