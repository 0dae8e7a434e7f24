"""What the dry run of an uploaded file found, as each reader saw it before the import and reads it ever after.

Whoever chose the rows does not learn from a dry run what is stored of people; the others don't see the rows.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from disclosures.models import Upload
from partners.feeds.checking import STATUSES

# By feed, what a dry run found of people but doesn't tell whoever chose the rows.
KNOWN = "Rows that we already have, with the same content, count as repeated."
HELD = "A row whose line or campaign we don't know yet counts as rejected, and is kept until we know it."
NO_FIT = (
    "A row is rejected where it doesn't fit what we have: the line has another number and the row has no"
    " number_changed_at, another line had the number then, or the line it continues is unknown or of another user."
)
OTHER_CONTENT = "A row is rejected where its ID was imported before with other content."
ONLY_IMPORT: Mapping[str, Sequence[str]] = {
    Upload.Feed.LINES: (
        "New lines, new numbers and changes of lines that we know are taken in.",
        KNOWN,
        NO_FIT,
    ),
    Upload.Feed.APPROVALS: ("New consents are taken in.", KNOWN, HELD, OTHER_CONTENT),
    Upload.Feed.CHOICES: (
        "New choices are taken in, and those that stop or pause send orders to partners.", KNOWN, HELD, OTHER_CONTENT,
    ),
    Upload.Feed.DISCLOSURES: (
        "New releases are taken in.",
        "A row whose ID was imported before counts as repeated.",
        "A row whose line we don't know yet counts as rejected, and is kept until we know it.",
    ),
}  # fmt: skip
EARLIER = "only the import tells what is already known"
OWN = "you uploaded this file: another officer sees what is already known, before the import"


@dataclass(frozen=True)
class DryRun:
    """Counts of a dry run. `only_form`: why its reader learns which rows are malformed and no more; "" who learns all.

    `outcome`: what else it came to, as the worker wrote it down.
    """

    accepted: int
    repeated: int
    rejected: int
    undecided: int
    only_form: str
    outcome: Mapping[str, Any]

    @property
    def in_words(self) -> str:
        """The counts as part of a sentence that begins with "Its dry run"."""
        if self.only_form:
            return f"found {self.accepted:,} well-formed and rejected {self.rejected:,}"
        found = count_in_words(accepted=self.accepted, repeated=self.repeated, rejected=self.rejected)
        return f"{found}, and left {self.undecided:,} to the import" if self.undecided else found


def count_in_words(*, accepted: int, repeated: int, rejected: int) -> str:
    """Return "accepted 3, found 1 repeated and rejected 0"."""
    return f"accepted {accepted:,}, found {repeated:,} repeated and rejected {rejected:,}"


def keep_dry_run(*, upload: Upload) -> dict[str, Any]:
    """Return the outcome of a checked file with its counts beside it, for when the import counts its rows anew."""
    outcome: dict[str, Any] = upload.outcome
    return outcome | {"dry_run": _describe_counted(upload)}


def read_dry_run(*, upload: Upload, reader: str) -> DryRun | None:
    """Return what this reader (an actor's name, "" for anybody) may know of a dry run.

    None before it has ended, and of a file that was decided on while that was not kept.
    """
    kept = upload.outcome.get("dry_run") or _describe_counted(upload)
    if upload.checked_at is None or kept is None:
        return None
    found = kept["found"]
    only_form = _why_only_form(upload, found, reader)
    told: Mapping[str, Any] = {} if only_form else found or {}
    accepted, repeated, rejected = ((told or kept["counts"])[name] for name in STATUSES)
    return DryRun(
        accepted=accepted,
        repeated=repeated,
        rejected=rejected,
        undecided=max(upload.total - accepted - repeated - rejected, 0),
        only_form=only_form,
        outcome=upload.outcome | kept | told,
    )


def _describe_counted(upload: Upload) -> dict[str, Any] | None:
    """What the dry run came to, while the counts are still its own."""
    if upload.decided_at:
        return None
    said = {name: upload.outcome.get(name) or () for name in ("reasons", "clashes")}
    counts = {name: getattr(upload, name) for name in STATUSES}
    return {"counts": counts, "found": upload.outcome.get("found"), **said}


def _why_only_form(upload: Upload, found: object, reader: str) -> str:
    if not upload.is_about_people:
        return ""
    # Whatever their role was then, and is now.
    if reader.partition(":")[2] == upload.uploaded_by.partition(":")[2]:
        return OWN
    return "" if found else EARLIER
