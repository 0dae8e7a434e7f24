"""Make a document of the records: preview it, sign it, keep it, and read it again. Each is written down."""

import hashlib
import uuid
from datetime import datetime

from django.conf import settings
from django.db import transaction

import audit.actions
from accounts.models import User
from accounts.policies.permissions import StaffAction
from accounts.primitives.reasons import check_reason
from accounts.primitives.sealing import seal_bytes, unseal_bytes
from accounts.queries import acting_staff
from console.domain.documents import sign_document
from console.queries.documents import DocumentRequest, Report, complete_report
from console.queries.evidence_packs import build_report
from console.queries.order_packs import build_order_pack
from partners.policies.lifecycle import NotNow
from support.actions.cases import record_case_act
from support.models import Document, Ticket
from support.queries import names
from support.queries.subjects import list_documents

ORDER = Document.Kind.ORDER


@transaction.atomic
def preview_document(*, kind: str, ref: str, actor: str, reason: str, at: datetime) -> Report:
    """Show what a document would say, before it is signed.

    Raises StaffOnly, NoReason, and NotNow where there are no records for it.
    """
    name = acting_staff(actor=actor, action=_choose_permission(kind, StaffAction.MAKE_DOCUMENTS))
    report = _build_report(kind, ref, _get_name(name), at)
    own = report.about if kind == ORDER else f"{kind}:{ref}"
    _record("previewed", report.title, report.about, own, name, check_reason(reason), at)
    return report


def make_document(*, kind: str, ref: str, seen: str, actor: str, reason: str, at: datetime) -> uuid.UUID:
    """Sign a document and keep it. Returns its id. `seen`: the seal of the report that was previewed.

    Who signs the same twice in a day, in two tabs say, has one document.

    It is printed before the transaction: the audit log's chains are locked until that ends, and stops wait for them.
    Raises StaffOnly, NoReason, and NotNow where there are no records, or they changed since the preview.
    """
    name = acting_staff(actor=actor, action=_choose_permission(kind, StaffAction.MAKE_DOCUMENTS))
    why, who = check_reason(reason), _get_name(name)
    report = _build_report(kind, ref, who, at)
    if report.seal != seen:
        raise NotNow("The records changed since you previewed them. Preview the document again.")
    document_id = uuid.uuid5(uuid.NAMESPACE_URL, f"{settings.BASE_URL} {name} {at:%F} {report.content_digest}")
    whole = complete_report(report=report, document_id=str(document_id), at=at)
    pdf = sign_document(report=whole, document_id=str(document_id), who=who, at=at)
    sealed = seal_bytes(pdf)
    with transaction.atomic():
        kept = {
            "kind": report.kind, "about": report.about, "title": report.title, "line_id": report.line_id,
            "release_id": report.release_id, "company_id": report.company_id, "made_at": at, "made_by": name,
            "sha256": hashlib.sha256(pdf).hexdigest(), "pdf_sealed": sealed,
        }  # fmt: skip
        _, is_new = Document.objects.get_or_create(id=document_id, defaults=kept)
        if is_new:
            _record("made", report.title, report.about, str(document_id), name, why, at)
    return document_id


@transaction.atomic
def open_document(*, document_id: uuid.UUID, actor: str, reason: str, at: datetime, of_legal: bool = False) -> bytes:
    """Return the PDF as it was signed. `of_legal`: one of the legal-process role's own packs.

    Raises StaffOnly, NoReason, and NotNow where there is no such document or our copy is another by now.
    """
    needed = _choose_permission(ORDER if of_legal else "", StaffAction.READ_DOCUMENTS)
    name, why = acting_staff(actor=actor, action=needed), check_reason(reason)
    one = list_documents(at=at, of_legal=of_legal).filter(pk=document_id).first()
    if one is None:
        raise NotNow("There is no such document.")
    pdf = unseal_bytes(one.pdf_sealed)
    if hashlib.sha256(pdf).hexdigest() != one.sha256:
        raise NotNow("Our copy is not the document that was signed. Tell the administrators of this system.")
    _record("taken", one.title, one.about, str(one.pk), name, why, at)
    return pdf


def _choose_permission(kind: str, of_others: StaffAction) -> StaffAction:
    """What staff must be allowed for a document: of an order, to know that there are orders."""
    return StaffAction.SEE_DELAYED if kind == ORDER else of_others


def _build_report(kind: str, ref: str, who: str, at: datetime) -> Report:
    if kind == ORDER:
        report = build_order_pack(wanted=DocumentRequest(ref, who, at))
    else:
        report = build_report(kind=kind, ref=ref, who=who, at=at)
    if report is None:
        raise NotNow("There are no records for this document.")
    return report


def _get_name(actor: str) -> str:
    return names.get_staff_name(user=User.objects.get(pk=int(actor.partition(":")[2])))


def _record(verb: str, title: str, about: str, own: str, actor: str, reason: str, at: datetime) -> None:
    """Write into the audit log that a document was previewed, made or taken; of a case, also into its person's log."""
    detail = {"title": title, "about": about}
    audit.actions.record(
        action=f"document.{verb}", actor=actor, target=f"document:{own}", at=at, reason=reason, detail=detail
    )
    kind, _, code = about.partition(":")
    if kind == "ticket":
        told: dict[str, object] = {} if verb == "previewed" else {"document": own}
        record_case_act(
            ticket=Ticket.objects.get(code=code), action="case.exported" if told else "case.seen", actor=actor, at=at,
            reason=reason, detail=told,
        )  # fmt: skip
