"""Files that came into cases are looked at before anybody opens them; what is found is taken away.

The row is the queue. A scanner that is away leaves the file waiting; a file that can't be looked at, or whose bytes are
not there, has failed, and the others go on. Bytes whose file was taken away go after an hour. Those without a row wait
30 days: a transaction that was taken back leaves some, and a database that was restored to before they came lacks the
rows of all, which a better restore brings back.
"""

from datetime import datetime, timedelta
from uuid import UUID

import structlog
from cryptography.fernet import InvalidToken
from django.db.models import Q

from support.domain import files
from support.models import Attachment

log = structlog.get_logger()
Scan = Attachment.Scan
BATCH = 50
# Longer than any transaction that writes a file's row after its bytes.
UNWANTED, ROWLESS = timedelta(hours=1), timedelta(days=30)
# So long a file is tried that its scanner says it can't look at.
TRIED = timedelta(hours=1)
# What its scanner could not look at is tried again after so long, and stops nothing that came after it.
AGAIN = timedelta(minutes=5)
# Seconds from one part of the folder to the next: all of them are swept in some 45 minutes.
SWEEPS_EVERY_S = 10


def scan(*, now: datetime) -> int:
    """Look at every file that waits, the oldest first; sweep a part of the folder. Returns how many were looked at."""
    looked = _look_at_all(now)
    _sweep(now)
    return looked


def _look_at_all(now: datetime) -> int:
    untried = Q(scanned_at__isnull=True) | Q(scanned_at__lte=now - AGAIN)
    waiting = Attachment.objects.filter(untried, scan=Scan.WAITING).order_by("at")
    scanner, looked = files.scanner(), 0
    for file_id, media_type, came in list(waiting.values_list("pk", "media_type", "at")[:BATCH]):
        try:
            found = _look(scanner, file_id, media_type)
        except files.ScannerUnavailable:
            log.warning("attachment_scanner_away")
            break
        except files.NotScanned:
            # Perhaps it is busy: for an hour it is asked again.
            if came > now - TRIED:
                Attachment.objects.filter(pk=file_id, scan=Scan.WAITING).update(scanned_at=now)
                continue
            found = Scan.FAILED
        # Whoever took it back meanwhile has taken it back.
        looked += Attachment.objects.filter(pk=file_id, scan=Scan.WAITING).update(scan=found, scanned_at=now)
        if found == Scan.REFUSED:
            log.warning("attachment_refused", attachment=str(file_id))
            files.delete_file(file_id=file_id)
        elif found == Scan.FAILED:
            log.error("attachment_failed", attachment=str(file_id))
    return looked


def _look(scanner: files.Scanner, file_id: UUID, media_type: str) -> Attachment.Scan:
    try:
        content = files.read_file(file_id=file_id)
        return Scan.CLEAN if scanner.is_clean(content=content, media_type=media_type) else Scan.REFUSED
    except InvalidToken as error:
        # Sealed by a newer key, as keys are changed: this process may have that key soon.
        raise files.NotScanned from error
    except files.UNREADABLE:
        return Scan.FAILED


def _sweep(now: datetime) -> None:
    """Take bytes away that nothing will ever open."""
    part = int(now.timestamp()) // SWEEPS_EVERY_S
    there = files.list_files_before(until=now - UNWANTED, part=part)
    known = dict(Attachment.objects.filter(pk__in=there).values_list("pk", "scan"))
    gone = {file_id for file_id, scan in known.items() if scan in (Scan.REFUSED, Scan.REMOVED)}
    for file_id in gone | set(files.list_files_before(until=now - ROWLESS, part=part)) - known.keys():
        log.warning("attachment_swept", attachment=str(file_id))
        files.delete_file(file_id=file_id)
