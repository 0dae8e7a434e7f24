"""One comparison of a partner's books with ours: counts, rows, a file, and one row with whose it is after a reason."""

import uuid
from collections.abc import Sequence
from datetime import datetime
from functools import partial

from django.http import Http404, HttpResponse, HttpResponseBase
from django.urls import reverse
from django.utils import timezone

import audit.actions
from accounts.policies.permissions import actor_of
from accounts.views.access import PersonRequest
from accounts.views.downloads import csv_file, staff_download
from consent.models import DigestFinding
from console.actions.staff_access_log import view_difference
from console.queries import differences
from console.views.acts import look
from console.views.listing import Cell, Column, Listing, of_choices, page_of, yes_or_dash
from console.views.site import show
from partners.labels import sanitise_text
from support.forms.acting import LookForm


def run(request: PersonRequest, run_id: uuid.UUID) -> HttpResponse:
    """What one comparison found, by kind, and the rows behind it."""
    page = differences.run_page(run_id=run_id)
    if page is None:
        raise Http404
    listing = Listing(
        title="Differences",
        lead="Each line has a code used only in this comparison. To see whose line it is, open the difference and give"
        " a reason.",
        columns=(Column("Line"), Column("Found", "kind"), Column("Contract"), Column("Purpose"), Column("Our order")),
        start=lambda _: differences.rows_of(run_id=run_id),
        cells=_cells,
        filters=(of_choices("kind", "Found", DigestFinding.Kind.choices),),
        empty=("No differences", "The records match, or the partner hasn't sent its entries yet."),
    )
    listed = page_of(request, listing, at=timezone.now())
    return show(request, "run.html", title=f"Reconciliation with {page.party.name}", page=page, shown=listed)


@staff_download
def download(request: PersonRequest, run_id: uuid.UUID) -> HttpResponseBase:
    """The rows as CSV, streaming; that it was taken is written into the trail."""
    if differences.run_page(run_id=run_id) is None:
        raise Http404
    audit.actions.record(
        action="export.taken", actor=actor_of(request.user), target="export:differences", at=timezone.now(),
        detail={"run": str(run_id)},
    )  # fmt: skip
    return csv_file(lines=differences.as_csv(run_id=run_id), name=f"whereabouts-differences-{run_id}")


def finding(request: PersonRequest, run_id: uuid.UUID, finding_id: int) -> HttpResponse:
    """Say why, and see one difference with the partner's name for the line and its newest order."""
    form = LookForm(request.POST or None)
    if found := look(request, form, partial(view_difference, run_id=run_id, finding_id=finding_id)):
        (page,) = found
        if page is None:
            raise Http404
        return show(request, "finding.html", title=f"Difference {page.finding.code}", page=page)
    if not differences.has_difference(run_id=run_id, finding_id=finding_id):
        raise Http404
    return show(request, "finding_look.html", title="Difference about one line", form=form, run_id=run_id)


def _cells(rows: Sequence[DigestFinding], _: datetime) -> list[tuple[Cell, ...]]:
    return [
        (
            _line(one),
            Cell(one.row.get_kind_display(), under=f"{one.row.found_at:%-d %b %Y, %H:%M}"),
            Cell(one.contract or "none of its contracts"),
            Cell(one.use or "no campaign of ours", under=sanitise_text(one.row.recipient, at_most=80)),
            yes_or_dash(one.row.told_so, word="still allowed it", tone="warn"),
        )
        for one in differences.findings(rows=rows)
    ]


def _line(one: differences.Finding) -> Cell:
    if not one.code:
        return Cell("none")
    return Cell(one.code, href=reverse("admin:finding", args=[one.row.run_id, one.row.pk]))
