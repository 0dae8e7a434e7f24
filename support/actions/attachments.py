"""Files that somebody gives to a case: bytes in their folder, a row for each. The scanner is the first to open them."""

from collections.abc import Sequence
from datetime import datetime
from hashlib import sha256
from uuid import uuid4

from support.domain import files
from support.models import Attachment, Entry, Ticket


def attach(*, ticket: Ticket, entry: Entry | None, author: str, uploads: Sequence[files.Upload], at: datetime) -> None:
    """Within the caller's transaction. `entry`: None for files of an answer that is not sent yet.

    Bytes go first, so that no row is ever without them; `scanning` sweeps what a transaction that is taken back leaves.
    """
    for upload in uploads:
        file_id = uuid4()
        files.keep(file_id=file_id, content=upload.content)
        Attachment.objects.create(
            id=file_id, ticket=ticket, entry=entry, name=upload.name, media_type=upload.media_type,
            size=len(upload.content), sha256=sha256(upload.content).hexdigest(), author=author, at=at,
        )  # fmt: skip
