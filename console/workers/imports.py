"""Carrier files that officers uploaded: the dry run, and the import once it is agreed.

A dry run takes the rows in as the import does, some at a time, each part in a transaction that is rolled back. A part
is small because it holds, while it lasts, what a person's own stop may wait for. So rows of one part don't see those of
another: a row that depends on an earlier one may be rejected here and accepted in the import. A file of one part is
settled to its end.
"""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import batched
from typing import Any, override

import structlog
from django.db import connection, transaction
from django.db.models import Q, QuerySet

import audit.actions
import audit.queries
from accounts.primitives.sealing import keyed_hash, unseal_bytes
from consent.feeds.choices import ChoicesFeed
from console.domain.carrier_files import FEEDS, Row, is_about_form, read_rows
from console.queries.imports import CHANGED, DECIDED_WITHIN, NOTICES, RELEASES
from disclosures import actions
from disclosures.feeds.releases import DisclosuresFeed, NoticesFeed
from disclosures.feeds.terms import settle_files
from disclosures.models import Upload, UploadPart
from disclosures.models.uploads import ABOUT_PEOPLE
from partners.actions import proposals
from partners.feeds.checking import STATUSES, Fate, build_repeated_fate
from partners.feeds.command import Feed, Rejects, Tally
from partners.feeds.parties import PartiesFeed, Unreadable, sections_of
from partners.labels import sanitise_text
from partners.models import Campaign, Contract, Party, Proposal

log = structlog.get_logger()
LEASE = timedelta(minutes=10)
# After each failure it waits longer; after the last the file is given up.
WAITS = (timedelta(minutes=1), timedelta(minutes=5), timedelta(minutes=15), timedelta(0))
ROWS_IN_A_TRIAL, ROWS_AT_ONCE = 25, 1000
MOST_REJECTS = 50_000
MOST_NAMED = 200
# Of a parties file: what an entry is, and by which field it is known.
SECTIONS: Mapping[str, tuple[str, QuerySet[Any], str]] = {
    "parties": ("company", Party.objects.all(), "uri"),
    "contracts": ("contract", Contract.objects.all(), "ref"),
    "campaigns": ("campaign", Campaign.objects.all(), "ref"),
}
# What this transaction wrote so far, before it is rolled back.
WRITTEN = """
SELECT root.relname, sum(pg_stat_get_xact_tuples_inserted(part.oid)), sum(pg_stat_get_xact_tuples_updated(part.oid))
FROM pg_class part JOIN pg_class root ON root.oid = coalesce(pg_partition_root(part.oid), part.oid)
WHERE part.relkind = 'r' AND root.relname = ANY (%s) AND root.relnamespace = 'public'::regnamespace GROUP BY 1
"""

type Changes = Counter[tuple[str, str]]


class _LeaseLost(Exception):
    """Another worker has the file, or it was discarded."""


class _ContentChanged(Exception):
    """The stored content is not what was uploaded."""


class _FirstRejects(Rejects):
    """The first rejected rows; of more, only that there are more. `only_form`: those whose form is wrong."""

    def __init__(self, *, only_form: bool) -> None:
        super().__init__(file=None, as_csv=False)
        self.only_form = only_form
        self.rows: list[tuple[int | str, str, str]] = []

    @override
    def write(self, fate: Fate) -> None:
        if self.only_form and not is_about_form(f"{fate.field} {fate.reason}".strip()):
            return
        if len(self.rows) < MOST_REJECTS:
            self.rows.append((fate.line, fate.field, fate.reason))
        elif len(self.rows) == MOST_REJECTS:
            self.rows.append(("", "", f"Only the first {MOST_REJECTS:,} rejected rows are listed."))


@dataclass
class _Pass:
    """One time through a file: what became of its rows. `changes`: rows written, of a dry run.

    `accepted`: where the rows that were accepted last stand in the file. `extra`: further counts. `found`: what a dry
    run found of people, apart from the form of their rows; for readers other than whoever uploaded the file.
    `addresses`: what the door out would refuse of the partners' addresses. `clashes`: why rows that a dry run leaves
    undecided would be rejected.
    """

    is_trial: bool
    feed: str
    found: dict[str, Any] | None = None
    changes: Changes = field(default_factory=Counter)
    accepted: Sequence[str] = ()
    extra: Mapping[str, int] = field(default_factory=dict)
    named: Sequence[str] = ()
    addresses: Sequence[str] = ()
    clashes: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        self.rejects = _FirstRejects(only_form=self.is_trial and self.feed in ABOUT_PEOPLE)
        self.tally = Tally(rejects=self.rejects)

    def count_statuses(self) -> dict[str, int]:
        return {name: self.tally.counts[name] for name in STATUSES}

    def set_apart_stored(self, total: int) -> None:
        """Set apart what is stored of people: for whoever chose the rows it would be a look-up."""
        form = Counter({reason: n for reason, n in self.tally.reasons.items() if is_about_form(reason)})
        if self.feed not in ABOUT_PEOPLE:
            return
        self.found = self.count_statuses() | self.describe()
        self.tally.reasons = form
        self.tally.counts = Counter(accepted=total - form.total(), rejected=form.total())
        self.tally.warnings, self.changes, self.extra, self.clashes = [], Counter(), {}, Counter()

    def describe(self) -> dict[str, Any]:
        """What it came to, besides the counts of rows."""
        return {
            "reasons": self.tally.reasons.most_common(),
            "warnings": _cut(self.tally.warnings),
            "addresses": _cut(self.addresses),
            "changes": [[name, how, n] for (name, how), n in self.changes.items() if n],
            "extra": dict(self.extra),
            "clashes": self.clashes.most_common(),
        }


def run(*, now: datetime) -> bool:
    """Check or import one file that waits, and discard those nobody decided on. Returns whether one waited."""
    for old in Upload.objects.filter(state=Upload.State.CHECKED, checked_at__lte=now - DECIDED_WITHIN):
        close(upload=old, state=Upload.State.DISCARDED, actor="system:expiry", at=now)
    upload = _claim(now)
    if upload is None:
        return False
    try:
        _go_through(upload)
    except _LeaseLost:
        return False
    except (Unreadable, _ContentChanged) as error:
        log.warning("import_failed", upload=upload.pk, error=type(error).__name__)
        close(upload=upload, state=Upload.State.FAILED, actor="system:import", at=now)
    except Exception:
        _mine(upload).update(
            leased_until=audit.queries.database_clock() + WAITS[upload.tries - 1],
            outcome=upload.outcome | {"interrupted": True},
        )
        raise
    return True


@transaction.atomic
def close(*, upload: Upload, state: Upload.State, actor: str, at: datetime, reason: str = "") -> bool:
    """End an upload as discarded or failed, and delete its content. Returns False where it has moved on meanwhile."""
    proposals.lock_open(act=Proposal.Act.IMPORT_FILE, of=Proposal.Of.IMPORT, target_id=upload.pk)
    there = Upload.objects.filter(pk=upload.pk, state=upload.state)
    if not there.update(state=state, finished_at=at, leased_until=None):
        return False
    UploadPart.objects.filter(upload=upload).delete()
    proposals.end_open(
        act=Proposal.Act.IMPORT_FILE, of=Proposal.Of.IMPORT, target_id=upload.pk, reason="The file was deleted.", at=at
    )
    audit.actions.record(action=f"import.{state}", actor=actor, target=f"import:{upload.pk}", at=at, reason=reason)
    return True


def digest_of(content: bytes) -> bytes:
    """Return the digest of a file's content; keyed, so that nobody guesses the content from it."""
    return keyed_hash("upload")(content)


@transaction.atomic
def _claim(now: datetime) -> Upload | None:
    free = Q(leased_until__isnull=True) | Q(leased_until__lte=now)
    waiting = Upload.objects.filter(free, state__in=[Upload.State.WAITING, Upload.State.AGREED])
    upload = waiting.select_for_update(skip_locked=True).order_by("uploaded_at", "pk").first()
    if upload is None:
        return None
    if upload.tries >= len(WAITS):
        log.error("import_failed", upload=upload.pk)
        close(upload=upload, state=Upload.State.FAILED, actor="system:import", at=now)
        return None
    upload.tries, upload.leased_until, upload.done = upload.tries + 1, now + LEASE, 0
    upload.save(update_fields=["tries", "leased_until", "done"])
    return upload


def _mine(upload: Upload) -> QuerySet[Upload]:
    return Upload.objects.filter(pk=upload.pk, state=upload.state, tries=upload.tries)


def _go_through(upload: Upload) -> None:
    content = b"".join(unseal_bytes(part.sealed) for part in upload.parts.order_by("number"))
    if digest_of(content) != bytes(upload.digest):
        raise _ContentChanged
    is_trial = upload.state == Upload.State.WAITING
    _finish(upload, _check(upload, content) if is_trial else _import(upload, content))


def _check(upload: Upload, content: bytes) -> _Pass:
    feed, run = FEEDS[upload.feed](), _Pass(is_trial=True, feed=upload.feed)
    for rows in batched(read_rows(feed=upload.feed, content=content), ROWS_IN_A_TRIAL, strict=False):
        is_whole = upload.total <= ROWS_IN_A_TRIAL
        _count(upload, run, _try(feed, rows, run.changes, is_whole=is_whole), len(rows))
    if upload.feed == Upload.Feed.PARTIES:
        run.named = _name_entries(content, run.accepted)
    run.extra = feed.extra()
    run.clashes = Counter(f"{fate.field} {fate.reason}".strip() for fate in feed.clashes())
    run.addresses = _look_at_addresses(feed)
    run.set_apart_stored(upload.total)
    return run


def _import(upload: Upload, content: bytes) -> _Pass:
    feed, run = FEEDS[upload.feed](), _Pass(is_trial=False, feed=upload.feed)
    if isinstance(feed, ChoicesFeed):
        feed.decided_by, feed.reason = upload.decided_by, upload.reason
    for rows in batched(read_rows(feed=upload.feed, content=content), ROWS_AT_ONCE, strict=False):
        _count(upload, run, _take(feed, rows), len(rows))
    _count(upload, run, feed.finish(at=audit.queries.database_clock()), 0)
    run.extra = feed.extra() | settle(feed=upload.feed, at=audit.queries.database_clock())
    run.addresses = _look_at_addresses(feed)
    return run


def _look_at_addresses(feed: Feed) -> Sequence[str]:
    """Which addresses of a parties file nothing would be sent to, as its command says. Looks names up."""
    if not isinstance(feed, PartiesFeed):
        return ()
    refused, left_out = feed.look_at_addresses()
    return [f"Addresses not looked up, as the time was over: {left_out:,}.", *refused] if left_out else refused


def settle(*, feed: str, at: datetime) -> dict[str, int]:
    """Do what a file as a whole calls for, as the commands do. Returns further counts."""
    if feed == Upload.Feed.PARTIES:
        return {"file_stops_pierced": settle_files(at=at) or 0}
    if feed in {Upload.Feed.LINES, Upload.Feed.APPROVALS, Upload.Feed.CHOICES}:
        actions.catch_up(cause=feed, at=at)
    return {}


def _take(feed: Feed, rows: Sequence[Row]) -> list[Fate]:
    fates = feed.take(lines=rows, at=audit.queries.database_clock())
    if not isinstance(feed, DisclosuresFeed):
        return fates
    # Whether a known release is the same would tell of one that is hidden.
    return [build_repeated_fate(one.line) if one.reason == "id_conflict" else one for one in fates]


def _try(feed: Feed, rows: Sequence[Row], changes: Changes, *, is_whole: bool) -> list[Fate]:
    """Take rows in, count what that writes, and take it back. `is_whole`: they are all that the file has."""
    with transaction.atomic():
        before = _count_written_rows(feed)
        fates = _take(feed, rows)
        fates += feed.settle_rest(at=audit.queries.database_clock()) if is_whole else []
        written = _count_written_rows(feed) - before
        # Where the ledger is spread, this server doesn't count its rows: each that is accepted is a new one.
        if isinstance(feed, DisclosuresFeed | NoticesFeed) and any(fate.status == "accepted" for fate in fates):
            table = NOTICES if isinstance(feed, NoticesFeed) else RELEASES
            written[table, "new"] = sum(fate.status == "accepted" for fate in fates)
        changes.update(written)
        transaction.set_rollback(True)
    return fates


def _count_written_rows(feed: Feed) -> Changes:
    """Of releases no notices: one that came before its release would tell that it is hidden."""
    counted = [NOTICES] if isinstance(feed, NoticesFeed) else [name for name in CHANGED if name != NOTICES]
    with connection.cursor() as cursor:
        cursor.execute(WRITTEN, [counted])
        return Counter(
            {(name, how): int(n) for name, new, old in cursor.fetchall() for how, n in (("new", new), ("changed", old))}
        )


def _count(upload: Upload, run: _Pass, fates: Sequence[Fate], rows: int) -> None:
    run.tally.add(fates)
    run.accepted = [str(fate.line) for fate in fates if fate.status == "accepted"]
    upload.done = min(upload.done + rows, upload.total)
    so_far = {} if run.is_trial else run.count_statuses()
    if not _mine(upload).update(done=upload.done, leased_until=audit.queries.database_clock() + LEASE, **so_far):
        raise _LeaseLost


def _name_entries(content: bytes, places: Collection[str]) -> list[str]:
    """Name the accepted entries of a parties file, before they are imported: "New contract AGR-1"."""
    named = []
    for section, (kind, rows, field_name) in SECTIONS.items():
        entries = sections_of(content)[section]
        taken = {str(entries[n]["id"]): n for n in range(len(entries)) if f"{section}[{n}]" in places}
        known = set(rows.filter(**{f"{field_name}__in": list(taken)}).values_list(field_name, flat=True))
        named += [f"{'Changed' if one in known else 'New'} {kind}: {sanitise_text(one, at_most=80)}" for one in taken]
    return named


@transaction.atomic
def _finish(upload: Upload, run: _Pass) -> None:
    """Keep what became of the rows; after the import delete the content."""
    now = audit.queries.database_clock()
    statuses = run.count_statuses()
    ended = {"state": Upload.State.CHECKED, "checked_at": now, "tries": 0}
    action = "import.checked"
    if not run.is_trial:
        ended = {"state": Upload.State.IMPORTED, "finished_at": now}
        action = f"import.{upload.feed}"
    mine = _mine(upload).update(
        **ended, **statuses, outcome=_describe_outcome(upload, run), rejects=run.rejects.rows,
        done=upload.total, leased_until=None,
    )  # fmt: skip
    if not mine:
        raise _LeaseLost
    if not run.is_trial:
        UploadPart.objects.filter(upload=upload).delete()
    audit.actions.record(
        action=action, actor=f"import:{upload.feed}", target=f"import:{upload.pk}", at=now,
        detail=statuses | ({"tries": upload.tries} if upload.tries > 1 else {}),
    )  # fmt: skip


def _describe_outcome(upload: Upload, run: _Pass) -> dict[str, Any]:
    """What the page shows besides the counts. What a file changes is counted in its dry run alone."""
    if run.is_trial:
        return run.describe() | {"named": _cut(run.named), "found": run.found}
    before = upload.outcome
    changes = (before.get("found") or before)["changes"]
    return run.describe() | {"named": before["named"], "changes": changes, "dry_run": before.get("dry_run")}


def _cut(lines: Sequence[str]) -> list[str]:
    more = len(lines) - MOST_NAMED
    return [*lines[:MOST_NAMED], *([f"and {more:,} more"] if more > 0 else [])]
