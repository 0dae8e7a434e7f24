"""Import a carrier file: an officer uploads it, reads its dry run, and agrees; alone, or with a second officer."""

from collections.abc import Iterator
from datetime import datetime
from functools import partial

from django.db import connection, transaction

import audit.actions
from accounts.policies.permissions import StaffAction
from accounts.primitives.reasons import check_reason
from accounts.primitives.sealing import seal_bytes
from accounts.queries import acting_staff
from console import tasks
from console.domain.carrier_files import check_file
from console.queries.dry_runs import keep_dry_run
from console.workers.imports import close, digest_of
from disclosures.models import Upload, UploadPart
from partners.actions import proposals
from partners.models import Proposal
from partners.policies.lifecycle import NotNow
from support.queries.exports import csv_lines

PART = 256 * 1024
UNUSABLE = "No row of this file can be imported. Correct the file and upload it again."
MOVED_ON = "This file isn't waiting for a decision any more."


def get_import_right(*, feed: str) -> StaffAction:
    """Return what staff must be allowed to do to import a file of this feed."""
    return StaffAction.CHANGE_DELAYED if feed == Upload.Feed.NOTICES else StaffAction.IMPORT_FILES


@transaction.atomic
def upload_file(*, feed: str, content: bytes, reason: str, actor: str, at: datetime) -> Upload:
    """Keep a file, sealed, and have it checked in a dry run that changes nothing.

    One by the same person whose dry run is still to come is not kept twice. Raises ValidationError (by field) for a
    file that can't be imported here, StaffOnly, NoReason.
    """
    name = acting_staff(actor=actor, action=get_import_right(feed=feed))
    reason = check_reason(reason)
    total, loosens = check_file(feed=feed, content=content)
    digest = digest_of(content)
    if (earlier := _find_unchecked(feed, digest, name)) is not None:
        return earlier
    upload = Upload.objects.create(
        feed=feed, loosens=loosens, size=len(content), digest=digest, total=total, uploaded_by=name, uploaded_at=at,
        reason=reason,
    )  # fmt: skip
    UploadPart.objects.bulk_create(
        UploadPart(upload=upload, number=start // PART, sealed=seal_bytes(content[start : start + PART]))
        for start in range(0, len(content), PART)
    )
    detail = {"feed": feed, "rows": total}
    audit.actions.record(
        action="import.uploaded", actor=name, target=_target(upload), at=at, reason=reason, detail=detail
    )
    transaction.on_commit(partial(tasks.import_files.delay), robust=True)
    return upload


def _find_unchecked(feed: str, digest: bytes, name: str) -> Upload | None:
    """The file that a button pressed once more uploads again, once whoever is uploading it is done."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [f"upload {name} {digest.hex()}"])
    return Upload.objects.filter(feed=feed, digest=digest, uploaded_by=name, state=Upload.State.WAITING).first()


@transaction.atomic
def import_file(*, upload_id: int, reason: str, actor: str, at: datetime) -> Upload | Proposal:
    """Have a checked file imported; propose it to another officer where it may loosen.

    Raises NotNow where it doesn't wait for a decision or no row can be imported, StaffOnly, NoReason.
    """
    proposals.lock_open(act=Proposal.Act.IMPORT_FILE, of=Proposal.Of.IMPORT, target_id=upload_id)
    upload = _lock_checked(upload_id)
    name = acting_staff(actor=actor, action=get_import_right(feed=upload.feed))
    reason = check_reason(reason)
    if upload.is_unusable:
        raise NotNow(UNUSABLE)
    if upload.loosens:
        return proposals.propose(
            act=Proposal.Act.IMPORT_FILE, of=Proposal.Of.IMPORT, target_id=upload.pk, payload={}, reason=reason,
            actor=name, at=at,
        )  # fmt: skip
    _agree(upload, name, at)
    audit.actions.record(action="import.agreed", actor=name, target=_target(upload), at=at, reason=reason)
    return upload


@transaction.atomic
def import_proposed_file(*, proposal: Proposal, at: datetime) -> None:
    """Have a file imported on which two officers agreed. Raises NotNow where it doesn't wait for that any more."""
    upload = _lock_checked(proposal.target_id)
    _agree(upload, proposal.decided_by, at, proposal=proposal)
    audit.actions.record(
        action="import.agreed", actor=proposal.decided_by, target=_target(upload), at=at,
        reason=proposal.decision_reason,
        detail={"proposal": str(proposal.id), "proposed_by": proposal.proposed_by},
    )  # fmt: skip


@transaction.atomic
def discard_file(*, upload_id: int, reason: str, actor: str, at: datetime) -> None:
    """Delete a file that was not imported. Raises NotNow, StaffOnly, NoReason."""
    proposals.lock_open(act=Proposal.Act.IMPORT_FILE, of=Proposal.Of.IMPORT, target_id=upload_id)
    upload = Upload.objects.select_for_update(of=("self",)).get(pk=upload_id)
    name = acting_staff(actor=actor, action=get_import_right(feed=upload.feed))
    reason = check_reason(reason)
    if upload.state not in {Upload.State.WAITING, Upload.State.CHECKED}:
        raise NotNow(MOVED_ON)
    close(upload=upload, state=Upload.State.DISCARDED, actor=name, reason=reason, at=at)


@transaction.atomic
def export_rejects(*, upload: Upload, actor: str, at: datetime) -> Iterator[str]:
    """Return the rejected rows of a file as CSV, part by part. The audit log says who took them."""
    audit.actions.record(action="export.taken", actor=actor, target=_target(upload), at=at)
    return csv_lines(columns=("line", "field", "reason"), rows=upload.rejects)


def _lock_checked(upload_id: int) -> Upload:
    upload = Upload.objects.select_for_update(of=("self",)).get(pk=upload_id)
    if upload.state != Upload.State.CHECKED:
        raise NotNow(MOVED_ON)
    return upload


def _agree(upload: Upload, actor: str, at: datetime, proposal: Proposal | None = None) -> None:
    upload.outcome = keep_dry_run(upload=upload)
    upload.state, upload.agreed_by, upload.decided_by, upload.decided_at = Upload.State.AGREED, proposal, actor, at
    upload.done = upload.accepted = upload.repeated = upload.rejected = 0
    upload.save(
        update_fields=[
            "state", "agreed_by", "decided_by", "decided_at", "done", "accepted", "repeated", "rejected", "outcome",
        ]
    )  # fmt: skip
    transaction.on_commit(partial(tasks.import_files.delay), robust=True)


def _target(upload: Upload) -> str:
    return f"import:{upload.pk}"
