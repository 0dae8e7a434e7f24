"""Lists of officers' acts: suspensions, proposals, terminations."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from django.db.models import Q
from django.http import HttpResponseBase
from django.urls import reverse

from accounts.policies.permissions import actor_of
from accounts.views.access import PersonRequest
from console.queries.proposals import waiting
from console.views import cells
from console.views.listing import Cell, Column, Filter, Listing, Rows, of_choices, show_list
from partners.labels import sanitise_text
from partners.models import Proposal, Suspension
from partners.policies.loosening import OPEN_FOR
from revocations.models import Cohort
from support.queries import names


def suspensions(request: PersonRequest) -> HttpResponseBase:
    """Every suspension, by officers and by the stream rules; those that run first."""
    return show_list(request, SUSPENSIONS)


def proposals(request: PersonRequest) -> HttpResponseBase:
    """Every loosening act that somebody wanted; those that wait for a second officer first."""
    reader = actor_of(request.user)
    by = Filter(
        "by", "Proposed by", (("others", "Others"), ("me", "Me")),
        lambda rows, value, _: rows.filter(proposed_by=reader) if value == "me" else rows.exclude(proposed_by=reader),
    )  # fmt: skip
    return show_list(request, replace(PROPOSALS, filters=(*PROPOSALS.filters, by)))


def terminations(request: PersonRequest) -> HttpResponseBase:
    """Every end, by a term or an officer, and how far its deletion receipts are."""
    return show_list(request, TERMINATIONS)


def _suspension_cells(rows: Sequence[Suspension], at: datetime) -> list[tuple[Cell, ...]]:
    named = names.targets(wanted={(one.of, one.target_id) for one in rows})
    who = names.actors(wanted={one.actor for one in rows})
    return [
        (
            cells.target(named[one.of, one.target_id]),
            Cell("lifted") if one.ends_at and one.ends_at <= at else Cell("denied", tone="bad"),
            cells.moment(one.starts_at, under=cells.format_waiting(one.starts_at, one.ends_at or at)),
            Cell("stream rules" if one.automatic else who[one.actor]),
            Cell(sanitise_text(one.reason, at_most=160)),
            cells.moment(one.ends_at),
        )
        for one in rows
    ]


def _proposal_cells(rows: Sequence[Proposal], at: datetime) -> list[tuple[Cell, ...]]:
    named = names.targets(wanted={(one.of, one.target_id) for one in rows})
    who = names.actors(wanted={actor for one in rows for actor in (one.proposed_by, one.decided_by) if actor})
    return [
        (
            Cell(one.get_act_display(), href=reverse("admin:proposal", args=[one.pk]), under=one.of),
            cells.target(named[one.of, one.target_id]),
            _format_decision(one, at),
            Cell(who[one.proposed_by], under=sanitise_text(one.reason, at_most=160)),
            cells.moment(one.proposed_at),
            Cell(who[one.decided_by], under=sanitise_text(one.decision_reason, at_most=160))
            if one.decision
            else Cell("–"),
        )
        for one in rows
    ]


def _termination_cells(rows: Sequence[Cohort], at: datetime) -> list[tuple[Cell, ...]]:
    named = names.targets(wanted={(one.of, one.target_id) for one in rows} | {("party", one.party_id) for one in rows})
    who = names.actors(wanted={one.actor for one in rows})
    return [
        (
            Cell(named[one.of, one.target_id].name, href=reverse("admin:termination", args=[one.pk]), under=one.of),
            cells.target(named["party", one.party_id]),
            _progress(one, at),
            Cell(f"{one.subject_count:,}", number=True),
            cells.moment(one.terminated_at, under="term expired" if one.by_term else who[one.actor]),
            Cell(cells.format_distance(one.complete_by, at), under=f"{one.complete_by:%-d %b %Y}"),
        )
        for one in rows
    ]


def _progress(one: Cohort, at: datetime) -> Cell:
    if one.completed_at:
        return Cell("deletion signed", tone="good")
    if one.is_contradicted:
        return Cell("continued after signing", tone="bad", under="overdue" if one.complete_by <= at else "")
    if one.complete_by <= at:
        return Cell("overdue", tone="bad")
    return Cell("list sent, waiting for signatures" if one.manifest_at else "preparing list", tone="warn")


def _now(rows: Rows, value: str, at: datetime) -> Rows:
    runs = Q(ends_at__isnull=True) | Q(ends_at__gt=at)
    return rows.filter(runs) if value == "yes" else rows.exclude(runs)


def _format_decision(one: Proposal, at: datetime) -> Cell:
    if one.decision:
        return Cell(one.get_decision_display())
    old = one.proposed_at <= at - OPEN_FOR
    return Cell("expired") if old else Cell("waiting for a second officer", tone="warn")


def _open(rows: Rows, value: str, at: datetime) -> Rows:
    if value == "open":
        return rows.filter(waiting(at=at))
    if value == "old":
        return rows.filter(decision="", proposed_at__lte=at - OPEN_FOR)
    return rows.filter(decision=value)


def _filter_by_progress(rows: Rows, value: str, at: datetime) -> Rows:
    if value == "done":
        return rows.filter(completed_at__isnull=False)
    waits = rows.filter(completed_at__isnull=True)
    if value == "contradicted":
        return waits.filter(contradicted_at__isnull=False)
    return waits.filter(complete_by__lte=at) if value == "late" else waits


SUSPENSIONS = Listing(
    title="Suspensions",
    lead="Companies, contracts and campaigns that are denied everything for now. One officer can suspend; lifting"
    " takes two.",
    columns=(
        Column("What"), Column("Status"), Column("Since", "starts_at"), Column("By"), Column("Reason"),
        Column("Lifted", "ends_at"),
    ),
    start=lambda _: Suspension.objects.order_by("-starts_at", "-id"),
    cells=_suspension_cells,
    search=("reason",),
    search_label="Reason",
    filters=(
        Filter("running", "Status", (("yes", "Active"), ("no", "Lifted")), _now),
        of_choices("of", "What", Suspension.Of.choices),
        Filter(
            "automatic", "By", (("yes", "Stream rules"), ("no", "An officer")),
            lambda rows, value, _: rows.filter(automatic=value == "yes"),
        ),
    ),
    empty=("Nothing is suspended", ("Suspend a company, contract or campaign on its own page. It takes effect"
    " immediately.")),
)  # fmt: skip
PROPOSALS = Listing(
    title="Proposals",
    lead="Changes that loosen a control. One officer proposes, another agrees. Until then nothing changes.",
    columns=(
        Column("Action", "act"), Column("About"), Column("Status", "decision"), Column("Proposed by"),
        Column("When", "proposed_at"), Column("Decided by"),
    ),
    start=lambda _: Proposal.objects.order_by("decision", "-proposed_at"),
    cells=_proposal_cells,
    search=("reason",),
    search_label="Reason",
    filters=(
        Filter("state", "Status", (("open", "Waiting"), ("old", "Expired"), *Proposal.Decision.choices), _open),
        of_choices("act", "Action", Proposal.Act.choices),
    ),
    empty=("No proposals", "Lifting a suspension, extending a term or loosening a rule starts as a proposal."),
)  # fmt: skip
TERMINATIONS = Listing(
    title="Terminations",
    lead="What has ended, because its term expired or an officer terminated it, and the partners' signed deletion"
    " receipts.",
    columns=(
        Column("Contract or campaign"), Column("Partner"), Column("Status", "completed_at"),
        Column("Lines on the list", "subject_count", number=True), Column("Ended", "terminated_at"),
        Column("Due", "complete_by"),
    ),
    start=lambda _: Cohort.objects.defer("plan", "index_token").order_by("-terminated_at", "-id"),
    cells=_termination_cells,
    filters=(
        Filter(
            "state", "Status",
            (
                ("open", "In progress"), ("late", "Overdue"), ("contradicted", "Continued after signing"),
                ("done", "Signed"),
            ),
            _filter_by_progress,
        ),
    ),
    empty=("Nothing has ended", "Expired and terminated contracts and campaigns appear here."),
)  # fmt: skip
