"""Documents that officers signed, but those about what a delayed-notice order hides."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from django.db.models import Exists, OuterRef, Q, QuerySet, TextField, Value
from django.db.models.functions import Cast, Concat

from accounts.models import Line
from disclosures.models import DelayedNotice
from disclosures.queries.visible import find_hiding_notices
from support.models import Document
from support.queries.subjects import COMPANY, subject_of

NEWEST = 20


def list_documents(*, at: datetime) -> QuerySet[Document]:
    """Return every document, the newest first, but those about what an order hides now."""
    return Document.objects.exclude(_describes_hidden(at)).order_by("-made_at")


def list_documents_about(*, about: str, at: datetime) -> Sequence[Document]:
    """Return the newest documents about one thing, as a document names it ("party:4")."""
    return list(list_documents(at=at).filter(about=about).defer("pdf_sealed")[:NEWEST])


def query_hidden_targets(*, at: datetime) -> QuerySet[Document, str]:
    """Query how the audit log names the documents that no list has now: it would tell that there are such."""
    name = Concat(Value("document:"), Cast("pk", TextField()), output_field=TextField())
    described = Document.objects.filter(_describes_hidden(at), line_id__isnull=False)
    return described.annotate(name_in_log=name).values_list("name_in_log", flat=True)


def _describes_hidden(at: datetime) -> Q:
    """A look-up that is hidden, or a company that its person has no record of while one is."""
    hidden = find_hiding_notices(line_id=OuterRef("line_id"), disclosure_id=OuterRef("release_id"), at=at)
    return Q(Exists(hidden)) | Q(pk__in=_list_of_unknown_companies(at))


def _list_of_unknown_companies(at: datetime) -> list[UUID]:
    in_force = Q(suppressed_until__isnull=True) | Q(suppressed_until__gt=at)
    notices = DelayedNotice.objects.filter(in_force, line_id=OuterRef("line_id"))
    named = Document.objects.filter(Exists(notices), company_id__isnull=False)
    rows = list(named.values_list("pk", "line_id", "company_id"))
    lines = Line.objects.in_bulk([line_id for _, line_id, _ in rows])
    return [
        pk for pk, line_id, company in rows
        if line_id not in lines or subject_of(line=lines[line_id], kind=COMPANY, ref=str(company), at=at) is None
    ]  # fmt: skip
