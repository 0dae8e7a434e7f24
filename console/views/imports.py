"""Import of carrier files: upload, dry run, agreement, progress, rejected rows."""

from collections.abc import Sequence
from datetime import datetime

from django.http import Http404, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils import timezone

from accounts.models import User
from accounts.policies.permissions import StaffAction, actor_of
from accounts.primitives.reasons import remove_numbers
from accounts.views.access import PersonRequest
from accounts.views.downloads import csv_file, staff_download
from console.actions import imports
from console.forms.imports import UploadForm
from console.queries.imports import list_feeds, list_uploads, upload_page
from console.views import listing
from console.views.acts import PROPOSED, Act, answer
from console.views.listing import Cell, Column, Listing, of_choices, show_list
from console.views.site import show
from disclosures.models import Upload
from partners.labels import sanitise_text
from partners.models import Proposal
from support.forms.acting import ActForm
from support.queries import names

TONES = {
    Upload.State.CHECKED: "warn", Upload.State.IMPORTED: "good", Upload.State.FAILED: "bad",
    Upload.State.DISCARDED: "plain",
}  # fmt: skip
DRY_RUN = (
    "The file is checked in a dry run first, which changes nothing. Files with companies, lines, consents or releases,"
    " and choices that allow sharing, are imported when a second officer agrees."
)


def show_uploads(request: PersonRequest) -> HttpResponseBase:
    """Every file that staff imported or discarded, newest first."""
    return show_list(request, _list_for(request.user.role))


def add(request: PersonRequest) -> HttpResponse:
    """Upload a file."""
    act = Act(
        title="Import a file",
        lead=DRY_RUN,
        form=UploadForm(request.POST or None, request.FILES, feeds=list_feeds(role=request.user.role)),
        verb=lambda form, by: imports.upload_file(feed=form.cleaned_data["feed"], content=form.content(), **by),
        back=lambda made: reverse("admin:import", args=[getattr(made, "pk", 0)]),
        done="Uploaded. The dry run starts within seconds.",
        button="Upload and check",
        cancel=reverse("admin:imports"),
    )
    return answer(request, act)


def upload(request: PersonRequest, upload_id: int) -> HttpResponse:
    """A file: its dry run, what can be done with it, and what became of it."""
    page = upload_page(upload_id=upload_id, role=request.user.role, reader=actor_of(request.user), at=timezone.now())
    if page is None:
        raise Http404
    forms = {"form": ActForm(), "form_no": ActForm(apart="no")}
    tone = TONES.get(Upload.State(page.upload.state), "plain")
    return show(request, "import.html", title=str(page.upload), page=page, tone=tone, **forms)


def start(request: PersonRequest, upload_id: int) -> HttpResponse:
    """Import a checked file, or propose that."""
    one = _find(request, upload_id)
    act = Act(
        title="Propose the import" if one.loosens else "Import the file",
        lead=str(one),
        form=ActForm(request.POST or None),
        verb=lambda _, by: imports.import_file(upload_id=upload_id, **by),
        back=reverse("admin:import", args=[upload_id]),
        done=lambda made: PROPOSED if isinstance(made, Proposal) else "The import starts within seconds.",
        button="Propose" if one.loosens else "Import",
    )
    return answer(request, act)


def discard(request: PersonRequest, upload_id: int) -> HttpResponse:
    """Delete a file that was not imported."""
    act = Act(
        title="Discard the file",
        lead=str(_find(request, upload_id)),
        form=ActForm(request.POST or None),
        verb=lambda _, by: imports.discard_file(upload_id=upload_id, **by),
        back=reverse("admin:import", args=[upload_id]),
        done="Discarded. Nothing was imported, and the file is deleted.",
        button="Discard",
        warns=True,
    )
    return answer(request, act)


@staff_download
def rejects(request: PersonRequest, upload_id: int) -> HttpResponseBase:
    """Where the rejected rows stand in the file and why they were rejected, as CSV."""
    upload = get_object_or_404(list_uploads(role=request.user.role).defer(None), pk=upload_id)
    lines = imports.export_rejects(upload=upload, actor=actor_of(request.user), at=timezone.now())
    return csv_file(lines=lines, name=f"whereabouts-rejected-{upload_id}")


def _find(request: PersonRequest, upload_id: int) -> Upload:
    return get_object_or_404(list_uploads(role=request.user.role), pk=upload_id)


def _list_for(role: str) -> Listing:
    return Listing(
        title="Imports",
        needed=StaffAction.SEE_DELAYED if role == User.Role.LEGAL else StaffAction.SEE_TERMS,
        lead="Carrier files that staff uploaded. Each is checked in a dry run before it is imported.",
        columns=(
            Column("File", "uploaded_at"), Column("Status", "state"), Column("Uploaded by"),
            Column("Rows", "total", number=True), Column("Accepted", "accepted", number=True),
            Column("Repeated", "repeated", number=True), Column("Rejected", "rejected", number=True),
        ),
        start=lambda _: list_uploads(role=role),
        cells=_cells,
        filters=(
            of_choices("state", "Status", Upload.State.choices),
            of_choices("feed", "Content", list_feeds(role=role)),
        ),
        empty=("No imports", "Files that you upload appear here. The operator can also import files on the server."),
        acts=(("admin:import-add", "Import a file"),),
    )  # fmt: skip


def _cells(rows: Sequence[Upload], at: datetime) -> list[tuple[Cell, ...]]:
    del at
    who = names.actors(wanted={one.uploaded_by for one in rows})
    return [
        (
            Cell(
                one.get_feed_display(), href=reverse("admin:import", args=[one.pk]),
                under=f"{one.uploaded_at:%-d %b %Y, %H:%M} UTC",
            ),
            Cell(one.get_state_display(), tone=TONES.get(Upload.State(one.state), "plain")),
            Cell(who[one.uploaded_by], under=sanitise_text(remove_numbers(one.reason), at_most=160)),
            *(listing.count(n) for n in (one.total, one.accepted, one.repeated, one.rejected)),
        )
        for one in rows
    ]  # fmt: skip
