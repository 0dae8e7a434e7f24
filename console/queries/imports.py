"""Files that staff import: what a reader may see of them, and what a dry run or an import came to."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import QuerySet

from accounts.models import User
from console.queries.dry_runs import ONLY_IMPORT, DryRun, read_dry_run
from console.queries.proposals import OpenProposal, list_open_proposals
from disclosures.models import Upload
from support.queries import names
from support.queries.history import RecordedAct, done_to

# Undecided after that, a file is discarded: by then its dry run says little about today.
DECIDED_WITHIN = timedelta(days=7)
SHOWN = 10
RELEASES, NOTICES = "disclosures_release", "disclosures_delayednotice"
# What a file changes, by the table that tells; a parties file by its entries.
CHANGED: Mapping[str, str] = {
    "accounts_line": "lines",
    "accounts_linenumber": "periods of a line's number",
    "consent_approval": "consents",
    "consent_choice": "choices",
    "revocations_order": "orders to partners",
    RELEASES: "releases",
    NOTICES: "delayed notices",
    "consent_heldrow": "rows kept until their line or campaign is known",
}
# What a reason means where its name does not say it.
REASONS: Mapping[str, str] = {
    "line_unknown": "no line had this number then; the row is kept until there is one",
    "campaign_unknown": "no such campaign; the row is kept until there is one",
    "disclosure_unknown": "no such release: nothing is hidden. For one still to arrive, say so: “awaited”",
    "hidden_on_arrival": "not arrived yet: hidden as it arrives",
    "id_conflict": "this ID was imported before with other content",
    "broken": "not a valid JSON object",
    "not_utf8": "not UTF-8",
    "nul": "has a NUL character",
    "twice": "appears twice in the row",
    "missing": "missing",
    "not_allowed": "not one of the values allowed here",
    "not_a_state": "not a US state, like WA",
    "not_e164": "not a phone number like +12065550142",
    "not_a_time": "not a time in RFC 3339 with an offset",
    "in_future": "in the future",
    "not_one_we_know": "not one we know",
    "number_overlap": "another line had this number then",
    "not_same_user": "not the same user",
    "party_unknown": "no such company",
    "contract_unknown": "no such contract",
    "loosening_needs_two_officers": "propose this in the console: it takes two officers",
    "changed_by_officers_alone": "officers change this in the console",
}


@dataclass(frozen=True)
class RejectedRow:
    """One rejected row: where it stands in the file, and why it was rejected."""

    place: str
    reason: str


@dataclass(frozen=True)
class UploadPage:
    """A file and what its reader can do about it. `dry_run`: what it found, then and now.

    `reasons`: how many rows were rejected for each. `changes`: what the import would write, or wrote. `only_import`:
    what the dry run doesn't tell this reader. `clashes`: why rows that it left undecided would be rejected.
    """

    upload: Upload
    dry_run: DryRun | None
    uploaded_by: str
    asked: Sequence[OpenProposal]
    history: Sequence[RecordedAct]
    reasons: Sequence[tuple[str, int]]
    rejected: Sequence[RejectedRow]
    changes: Sequence[str]
    warnings: Sequence[str]
    only_import: Sequence[str]
    clashes: Sequence[tuple[str, int]]
    kept_until: datetime | None

    @property
    def was_interrupted(self) -> bool:
        """Whether a worker gave up on it or was lost, so that it begins again or did."""
        return self.upload.tries > 1 or bool(self.upload.outcome.get("interrupted"))

    @property
    def may_discard(self) -> bool:
        """Whether it can still be taken back."""
        return self.upload.state in {Upload.State.WAITING, Upload.State.CHECKED}


def list_feeds(*, role: str) -> list[tuple[str, str]]:
    """Return what this role may import, with its label."""
    return [
        (one, label) for one, label in Upload.Feed.choices if (one == Upload.Feed.NOTICES) == (role == User.Role.LEGAL)
    ]


def list_uploads(*, role: str) -> QuerySet[Upload]:
    """Return the files that this role may see, newest first: delayed notices are the legal-process role's alone."""
    feeds = [one for one, _ in list_feeds(role=role)]
    return Upload.objects.defer("rejects").filter(feed__in=feeds).order_by("-uploaded_at", "-pk")


def upload_page(*, upload_id: int, role: str, reader: str, at: datetime) -> UploadPage | None:
    """Return a file as this reader, of this role, sees it; None where there is none that they may see."""
    upload = list_uploads(role=role).defer(None).filter(pk=upload_id).first()
    if upload is None:
        return None
    dry_run = read_dry_run(upload=upload, reader=reader)
    said, found, hides = _read_outcome(upload, dry_run)
    return UploadPage(
        upload=upload,
        dry_run=dry_run,
        uploaded_by=names.actors(wanted={upload.uploaded_by})[upload.uploaded_by],
        asked=list_open_proposals(of="import", target_id=upload.pk, at=at, reader=reader),
        history=done_to(target=f"import:{upload.pk}"),
        reasons=_count_reasons(said.get("reasons", ())),
        rejected=_list_rejected_rows(upload.rejects),
        changes=[] if hides else _list_changes(said),
        warnings=[*map(_format_reason, said.get("warnings", ())), *said.get("addresses", ())],
        only_import=ONLY_IMPORT[upload.feed] if hides else (),
        clashes=_count_reasons(found.get("clashes", ())),
        kept_until=upload.checked_at + DECIDED_WITHIN if upload.checked_at else None,
    )


def _read_outcome(upload: Upload, dry_run: DryRun | None) -> tuple[Mapping[str, Any], Mapping[str, Any], bool]:
    """What is told of a file now, what of its dry run, and whether the import alone tells its reader the rest."""
    if dry_run is None:
        return upload.outcome, upload.outcome, False
    if upload.state == Upload.State.IMPORTED:
        return upload.outcome, dry_run.outcome, False
    return dry_run.outcome, dry_run.outcome, bool(dry_run.only_form)


def _count_reasons(rows: Sequence[tuple[str, int]]) -> list[tuple[str, int]]:
    return [(_format_reason(what), n) for what, n in rows]


def _list_changes(said: Mapping[str, Any]) -> list[str]:
    overridden = said.get("extra", {}).get("file_stops_pierced", 0)
    return [
        *(f"{how.capitalize()} {CHANGED[name]}: {n:,}" for name, how, n in said.get("changes", ())),
        *([f"Stops from earlier files that it overrides: {overridden:,}"] if overridden else []),
    ]


def _list_rejected_rows(rows: Sequence[tuple[object, str, str]]) -> list[RejectedRow]:
    return [RejectedRow(str(place), _format_reason(f"{name} {reason}".strip())) for place, name, reason in rows[:SHOWN]]


def _format_reason(what: str) -> str:
    """Return "msisdn missing" as "msisdn: missing"."""
    field, _, reason = what.rpartition(" ")
    words = REASONS.get(reason, reason.replace("_", " "))
    return f"{field}: {words}" if field else words
