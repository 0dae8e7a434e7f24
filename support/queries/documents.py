"""Documents that were signed; for whoever isn't legal process, without those about what a court's order hides."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from django.db import connection
from django.db.models import Q, QuerySet

from accounts.models import Line
from support.models import Document
from support.queries.subjects import COMPANY, subject_of
from support.queries.visible import list_hidden_targets

NEWEST = 20
# Documents about a look-up that an order hides; and those about a company whose line has a notice in force.
HIDDEN = """
WITH named AS MATERIALIZED (
    SELECT id, line_id, release_id, company_id FROM support_document WHERE line_id IS NOT NULL
)
SELECT named.id, NULL::bigint AS line_id, NULL::bigint AS company_id
FROM named JOIN disclosures_delayednotice n ON n.line_id = named.line_id AND n.disclosure_id = named.release_id
WHERE (n.suppressed_until IS NULL OR n.suppressed_until > %(at)s) AND NOT EXISTS (
    SELECT FROM disclosures_delayednotice newer
    WHERE newer.line_id = n.line_id AND newer.disclosure_id = n.disclosure_id AND newer.number > n.number)
UNION
SELECT named.id, named.line_id, named.company_id
FROM named JOIN disclosures_delayednotice n ON n.line_id = named.line_id
WHERE named.company_id IS NOT NULL AND (n.suppressed_until IS NULL OR n.suppressed_until > %(at)s)
"""


def list_documents(*, at: datetime, of_legal: bool = False) -> QuerySet[Document]:
    """Return every document, the newest first, but those about what an order hides now, and those about an order.

    `of_legal`: those about an order, and no others.
    """
    newest = Document.objects.order_by("-made_at")
    if of_legal:
        return newest.filter(kind=Document.Kind.ORDER)
    return newest.exclude(kind=Document.Kind.ORDER).exclude(_is_hidden(at))


def list_documents_about(*, about: str, at: datetime) -> Sequence[Document]:
    """Return the newest documents about one thing, as a document names it ("party:4")."""
    return list(list_documents(at=at).filter(about=about).defer("pdf_sealed")[:NEWEST])


def list_hidden_ids(*, at: datetime) -> list[str]:
    """Return the documents that no list has now, by id: what the audit log has of them would tell that there are such.

    Those about an order are legal process's own, and so are its acts on them.
    """
    return [str(pk) for pk in Document.objects.filter(_is_hidden(at)).values_list("pk", flat=True)]


def _is_hidden(at: datetime) -> Q:
    """Of what an order hides, or of a hidden incident or its case."""
    return Q(pk__in=_list_hidden(at)) | Q(about__in=list_hidden_targets(at=at))


def _list_hidden(at: datetime) -> list[UUID]:
    """Of a look-up that is hidden, or of a company that its person has no record of while one is."""
    with connection.cursor() as cursor:
        cursor.execute(HIDDEN, {"at": at})
        rows = cursor.fetchall()
    lines = Line.objects.in_bulk([line_id for _, line_id, _ in rows if line_id is not None])
    return [
        pk for pk, line_id, company in rows
        if line_id not in lines or subject_of(line=lines[line_id], kind=COMPANY, ref=str(company), at=at) is None
    ]  # fmt: skip
