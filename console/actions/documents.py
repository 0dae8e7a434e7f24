"""Make a document of the records: preview it, sign it, keep it, and read it again. Each is written down."""

import hashlib
import uuid
from datetime import datetime

from django.db import transaction

import audit.actions
from accounts.policies.permissions import StaffAction
from accounts.primitives.reasons import check_reason
from accounts.primitives.sealing import seal_bytes, unseal_bytes
from accounts.queries import acting_staff
from console.domain.documents import sign_document
from console.queries.documents import Report, complete_report
from console.queries.evidence_packs import build_report
from partners.policies.lifecycle import NotNow
from support.actions.cases import record_case_act
from support.models import Document, Ticket
from support.queries import names


@transaction.atomic
def preview_document(*, kind: str, ref: str, actor: str, reason: str, at: datetime) -> Report:
    """Show what a document would say, before it is signed.

    Raises StaffOnly, NoReason, and NotNow where there are no records for it.
    """
    name = acting_staff(actor=actor, action=StaffAction.CHANGE_TERMS)
    report = _build_report(kind, ref, name, at)
    _record("previewed", report, f"{kind}:{ref}", name, check_reason(reason), at)
    return report


@transaction.atomic
def make_document(*, kind: str, ref: str, actor: str, reason: str, at: datetime) -> uuid.UUID:
    """Sign a document and keep it. Returns its id. Raises StaffOnly, NoReason, NotNow where there is nothing."""
    name = acting_staff(actor=actor, action=StaffAction.CHANGE_TERMS)
    report, document_id = _build_report(kind, ref, name, at), uuid.uuid4()
    _record("made", report, str(document_id), name, check_reason(reason), at)
    whole = complete_report(report=report, document_id=str(document_id), at=at)
    pdf = sign_document(report=whole, document_id=str(document_id), who=_get_name(name), at=at)
    Document.objects.create(
        id=document_id, kind=report.kind, about=report.about, title=report.title, line_id=report.line_id, made_at=at,
        made_by=name, sha256=hashlib.sha256(pdf).hexdigest(), pdf_sealed=seal_bytes(pdf),
    )  # fmt: skip
    return document_id


@transaction.atomic
def open_document(*, document_id: uuid.UUID, actor: str, reason: str, at: datetime) -> bytes:
    """Return the PDF as it was signed. Raises StaffOnly, NoReason, NotNow where there is no such document."""
    name = acting_staff(actor=actor, action=StaffAction.SEE_AUDIT)
    one = Document.objects.filter(pk=document_id).first()
    if one is None:
        raise NotNow("There is no such document.")
    report = Report(one.kind, one.about, one.title, (), one.line_id)
    _record("taken", report, str(one.pk), name, check_reason(reason), at)
    return unseal_bytes(one.pdf_sealed)


def _build_report(kind: str, ref: str, name: str, at: datetime) -> Report:
    report = build_report(kind=kind, ref=ref, who=_get_name(name), at=at)
    if report is None:
        raise NotNow("There are no records for this document.")
    return report


def _get_name(actor: str) -> str:
    return names.actors(wanted={actor})[actor]


def _record(verb: str, report: Report, own: str, actor: str, reason: str, at: datetime) -> None:
    """Write into the audit log that a document was previewed, made or taken; of a case, also into its person's log."""
    detail = {"title": report.title}
    audit.actions.record(
        action=f"document.{verb}", actor=actor, target=f"document:{own}", at=at, reason=reason, detail=detail
    )
    kind, _, code = report.about.partition(":")
    if kind == "ticket":
        ticket = Ticket.objects.get(code=code)
        record_case_act(ticket=ticket, action="case.exported", actor=actor, at=at, reason=reason)
