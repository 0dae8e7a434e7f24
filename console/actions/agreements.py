"""Keep the agreement behind a contract or campaign: a PDF that an officer uploads, scanned, version by version."""

import hashlib
import uuid
from datetime import datetime

from django.core.exceptions import ValidationError
from django.db import transaction

from accounts.policies.permissions import StaffAction
from accounts.primitives.sealing import seal_bytes
from partners.actions import guards
from partners.actions.guards import Of, lock_target
from partners.policies.lifecycle import NotNow
from support.domain import files
from support.models import Document

PDF = "application/pdf"
NO_PDF = "This isn't a PDF. Save the agreement as PDF and upload that."
HARMFUL = "The scan found something in this file that can harm whoever opens it, so it wasn't kept."
DAMAGED = "This PDF is damaged, so it can't be scanned and wasn't kept. Save the agreement as PDF again."
NOT_SCANNED = "The file can't be scanned now, so it wasn't kept. Try again later."


def add_agreement(*, of: Of, target_id: int, content: bytes, reason: str, actor: str, at: datetime) -> uuid.UUID:
    """Keep a PDF as the newest version of the agreement. Returns the document's id.

    It is scanned before the transaction, as the scanner may be another program. Raises ValidationError (by field) for a
    file that isn't kept, StaffOnly, and NotNow for one that is kept already or can't be scanned now.
    """
    name = guards.officer(actor=actor, reason=reason, action=StaffAction.MAKE_DOCUMENTS)
    _scan(content)
    sha256, sealed = hashlib.sha256(content).hexdigest(), seal_bytes(content)
    with transaction.atomic():
        row = lock_target(of=of, target_id=target_id)
        about = guards.target_of(row=row)
        earlier = list(
            Document.objects.filter(kind=Document.Kind.AGREEMENT, about=about).values_list("sha256", flat=True)
        )
        if sha256 in earlier:
            raise NotNow("We already keep this PDF.")
        version = len(earlier) + 1
        one = Document.objects.create(
            id=uuid.uuid4(), kind=Document.Kind.AGREEMENT, about=about, title=f"{row.ref[:160]}, version {version}",
            made_at=at, made_by=name, sha256=sha256, pdf_sealed=sealed,
        )  # fmt: skip
        guards.note_on(
            action=f"{of}.agreement_added", actor=name, row=row, at=at, reason=reason,
            detail={"version": version, "sha256": sha256},
        )  # fmt: skip
    return one.pk


def _scan(content: bytes) -> None:
    """Raise ValidationError unless it is a PDF in which nothing was found."""
    try:
        upload = files.build_upload(name="", content=content)
    except files.NotAFile as error:
        raise ValidationError({"file": NO_PDF}) from error
    if upload.media_type != PDF:
        raise ValidationError({"file": NO_PDF})
    try:
        clean = files.scanner().is_clean(content=content, media_type=PDF)
    except (files.ScannerUnavailable, files.NotScanned) as error:
        raise NotNow(NOT_SCANNED) from error
    if not clean:
        raise ValidationError({"file": DAMAGED if files.is_damaged(content=content) else HARMFUL})
