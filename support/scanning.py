"""Files that came into cases are looked at before anybody opens them; what is found is taken away.

The row is the queue. A scanner that is away leaves the file waiting; one whose bytes are not there has failed.
"""

from datetime import datetime
from uuid import UUID

import structlog

from support import files
from support.models import Attachment

log = structlog.get_logger()
Scan = Attachment.Scan
BATCH = 50


def scan(*, now: datetime) -> int:
    """Look at every file that waits, the oldest first. Returns how many were looked at."""
    waiting = Attachment.objects.filter(scan=Scan.WAITING).order_by("at").values_list("pk", "media_type")
    scanner, looked = files.scanner(), 0
    for file_id, media_type in list(waiting[:BATCH]):
        try:
            found = _look(scanner, file_id, media_type)
        except files.ScannerAway:
            log.warning("attachment_scanner_away")
            break
        # Whoever took it back meanwhile has taken it back.
        looked += Attachment.objects.filter(pk=file_id, scan=Scan.WAITING).update(scan=found, scanned_at=now)
        if found == Scan.REFUSED:
            log.warning("attachment_refused", attachment=str(file_id))
            files.forget(file_id=file_id)
    return looked


def _look(scanner: files.Scanner, file_id: UUID, media_type: str) -> Attachment.Scan:
    try:
        content = files.kept(file_id=file_id)
    except FileNotFoundError:
        return Scan.FAILED
    return Scan.CLEAN if scanner.is_clean(content=content, media_type=media_type) else Scan.REFUSED
