"""Documents: those that are kept, making one, and reading one."""

import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from django.http import Http404, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404
from django.urls import NoReverseMatch, reverse
from django.utils import timezone

from accounts.models import User
from accounts.policies.permissions import StaffAction, actor_of
from accounts.primitives.reasons import NoReason
from accounts.queries import StaffOnly
from accounts.views.access import PersonRequest
from accounts.views.downloads import limit_downloads
from console.actions.documents import make_document, open_document, preview_document
from console.forms.acts import OrderPackForm
from console.queries.documents import DocumentPreview, list_years
from console.views import listing
from console.views.acts import Act, ActPreview, answer
from console.views.listing import Cell, Column, Listing, of_choices, show_list
from console.views.site import show
from partners.policies.lifecycle import NotNow
from support.forms.acting import ActForm
from support.models import Document
from support.queries import names
from support.queries.subjects import list_documents

YEARS = 4
# Packs of a court order are made from the page of those orders.
OF_OFFICERS = frozenset(Document.Kind.values) - {Document.Kind.ORDER}
# Agreements are uploaded, on the page of their contract or campaign.
MADE = OF_OFFICERS - {Document.Kind.AGREEMENT}
# A certificate is made of a year that is over.
FIRST_OFFERED = ((Document.Kind.CERTIFICATE, 1), (Document.Kind.CCPA, 0))
PAGES: Mapping[str, str] = {
    Document.Kind.COMPANY: "admin:party", Document.Kind.CASE: "desk-case", Document.Kind.BREACH: "admin:incident",
}  # fmt: skip


def documents(request: PersonRequest) -> HttpResponseBase:
    """Every document that is kept, the newest first; for the legal-process role its own."""
    return show_list(request, DOCUMENTS_OF_LEGAL if _is_legal(request) else DOCUMENTS)


def choose(request: PersonRequest) -> HttpResponse:
    """The documents of a year, and where the others are made."""
    years = list_years(at=timezone.now())
    kinds = [(kind.value, kind.label, years[first : first + YEARS]) for kind, first in FIRST_OFFERED]
    return show(request, "document_choose.html", title="Make a document", kinds=kinds)


def make(request: PersonRequest, document: str, ref: str) -> HttpResponse:
    """Say why, see what it would say, and sign it. `document`: its kind."""
    if document not in MADE:
        raise Http404
    year = ref if document in dict(FIRST_OFFERED) else ""
    form = ActForm(request.POST or None)
    return _sign(request, document, form, lambda _: ref, cancel=_page_of(document, ref), year=year)


def _page_of(document: str, ref: str) -> str:
    """The page that leads to a document: of what it is about, or of all documents."""
    try:
        return reverse(PAGES.get(document, ""), args=[ref])
    except NoReverseMatch:
        return reverse("admin:documents")


def make_order_pack(request: PersonRequest) -> HttpResponse:
    """Name a court order, say why, and do the same with its evidence. Its reference stands in no address."""
    form = OrderPackForm(request.POST or None)
    return _sign(
        request, Document.Kind.ORDER, form, lambda form: form.cleaned_data["order_ref"], cancel=reverse("admin:delayed")
    )


def _sign[F: ActForm](
    request: PersonRequest, kind: str, form: F, ref_of: Callable[[F], str], *, cancel: str, year: str = ""
) -> HttpResponse:
    act = Act(
        title=f"{Document.Kind(kind).label}{f' for {year}' if year else ''}",
        lead="You see everything the document says before you sign it. The audit log records it.",
        form=form,
        verb=lambda form, by: make_document(kind=kind, ref=ref_of(form), seen=request.POST.get("seen", ""), **by),
        back=lambda document_id: reverse("admin:document", args=[document_id]),
        done="Signed and kept.",
        button="Preview",
        cancel=cancel,
        shows=lambda form: _preview(request, kind, ref_of(form), form),
    )
    return answer(request, act)


@limit_downloads
def read(request: PersonRequest, document_id: uuid.UUID) -> HttpResponseBase:
    """One document: what is known of it, and the PDF, for a reason."""
    of_legal = _is_legal(request)
    listed = list_documents(at=timezone.now(), of_legal=of_legal)
    one = get_object_or_404(listed.defer("pdf_sealed"), pk=document_id)
    form = ActForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            pdf = open_document(
                document_id=document_id, actor=actor_of(request.user), reason=form.cleaned_data["reason"],
                at=timezone.now(), of_legal=of_legal,
            )  # fmt: skip
        except (StaffOnly, NoReason, NotNow) as error:
            form.add_error(None, str(error))
        else:
            response = HttpResponse(pdf, content_type="application/pdf")
            response.headers["Content-Disposition"] = f'attachment; filename="document-{document_id}.pdf"'
            return response
    who = names.actors(wanted={one.made_by})[one.made_by]
    return show(request, "document.html", title=one.title, document=one, who=who, form=form)


def _preview(request: PersonRequest, document: str, ref: str, form: ActForm) -> ActPreview | None:
    """Show what it would say; None where that was seen or there is nothing: signing says so."""
    if request.POST.get("seen"):
        return None
    reason, actor = form.cleaned_data["reason"], actor_of(request.user)
    try:
        return DocumentPreview(preview_document(kind=document, ref=ref, actor=actor, reason=reason, at=timezone.now()))
    except NotNow:
        return None


def _is_legal(request: PersonRequest) -> bool:
    return request.user.role == User.Role.LEGAL


def _cells(rows: Sequence[Document], _: datetime) -> list[tuple[Cell, ...]]:
    who = names.actors(wanted={one.made_by for one in rows})
    return [
        (
            Cell(one.title, href=reverse("admin:document", args=[one.pk])),
            Cell(one.get_kind_display()),
            listing.moment(one.made_at),
            Cell(who[one.made_by]),
            Cell(one.sha256[:16], whole_text=one.sha256),
        )
        for one in rows
    ]


DOCUMENTS = Listing(
    title="Documents",
    lead="Certificates, notifications and evidence packs that officers signed, and agreements that they uploaded.",
    columns=(
        Column("Document", "title"), Column("Kind", "kind"), Column("Since", "made_at"), Column("By"),
        Column("SHA-256"),
    ),
    start=lambda at: list_documents(at=at).defer("pdf_sealed"),
    cells=_cells,
    search=("title",),
    search_label="Title",
    filters=(of_choices("kind", "Kind", [one for one in Document.Kind.choices if one[0] in OF_OFFICERS]),),
    empty=("No documents", "Documents that officers sign or upload are kept here."),
    acts=(("admin:document-choose", "Make a document"),),
    needed=StaffAction.READ_DOCUMENTS,
)  # fmt: skip
DOCUMENTS_OF_LEGAL = replace(
    DOCUMENTS,
    lead="Evidence packs of court orders, kept as they were signed. No one else can see that they exist.",
    start=lambda at: list_documents(at=at, of_legal=True).defer("pdf_sealed"),
    filters=(),
    empty=("No documents", "Evidence packs that you sign are kept here."),
    acts=(("admin:delayed-pack", "Make an evidence pack"),),
    needed=StaffAction.SEE_DELAYED,
)
