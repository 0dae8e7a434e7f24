"""Carrier files that officers uploaded: the dry run, and the import once it is agreed.

A dry run takes the rows in as the import does, some at a time, each part in a transaction that is rolled back. A part
is small because it holds, while it lasts, what a person's own stop may wait for. So rows of one part don't see those of
another: a row that needs an earlier one may fare better in the import.
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
from console.domain.carrier_files import FEEDS, Row, read_rows
from console.queries.imports import CHANGED, DECIDED_WITHIN
from disclosures import actions
from disclosures.feeds.terms import settle_files
from disclosures.models import Upload, UploadPart
from partners.feeds.checking import STATUSES, Fate
from partners.feeds.command import Feed, Rejects, Tally
from partners.feeds.parties import Unreadable, sections_of
from partners.labels import sanitise_text
from partners.models import Campaign, Contract, Party

log = structlog.get_logger()
LEASE = timedelta(minutes=10)
MOST_TRIES = 3
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
    """The first rejected rows; of more, only that there are more."""

    def __init__(self) -> None:
        super().__init__(file=None, as_csv=False)
        self.rows: list[tuple[int | str, str, str]] = []

    @override
    def write(self, fate: Fate) -> None:
        if len(self.rows) < MOST_REJECTS:
            self.rows.append((fate.line, fate.field, fate.reason))
        elif len(self.rows) == MOST_REJECTS:
            self.rows.append(("", "", f"Only the first {MOST_REJECTS:,} rejected rows are listed."))


@dataclass
class _Pass:
    """One time through a file: what became of its rows. `changes`: rows written, of a dry run.

    `accepted`: where the rows that were accepted last stand in the file. `extra`: further counts.
    """

    is_trial: bool
    rejects: _FirstRejects = field(default_factory=_FirstRejects)
    changes: Changes = field(default_factory=Counter)
    accepted: Sequence[str] = ()
    extra: Mapping[str, int] = field(default_factory=dict)
    named: Sequence[str] = ()

    def __post_init__(self) -> None:
        self.tally = Tally(rejects=self.rejects)


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
        # The next run tries again; after some the officer is told.
        _mine(upload).update(leased_until=now)
        raise
    return True


@transaction.atomic
def close(*, upload: Upload, state: Upload.State, actor: str, at: datetime, reason: str = "") -> bool:
    """End an upload as discarded or failed, and delete its content. Returns False where it has moved on meanwhile."""
    there = Upload.objects.filter(pk=upload.pk, state=upload.state)
    if not there.update(state=state, finished_at=at, leased_until=None):
        return False
    UploadPart.objects.filter(upload=upload).delete()
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
    if upload.tries >= MOST_TRIES:
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
    feed, run = FEEDS[upload.feed](), _Pass(is_trial=True)
    for rows in batched(read_rows(feed=upload.feed, content=content), ROWS_IN_A_TRIAL, strict=False):
        _count(upload, run, _try(feed, rows, run.changes), len(rows))
    if upload.feed == Upload.Feed.PARTIES:
        run.named = _name_entries(content, run.accepted)
    return run


def _import(upload: Upload, content: bytes) -> _Pass:
    feed, run = FEEDS[upload.feed](), _Pass(is_trial=False)
    for rows in batched(read_rows(feed=upload.feed, content=content), ROWS_AT_ONCE, strict=False):
        _count(upload, run, _take(feed, rows), len(rows))
    _count(upload, run, feed.finish(at=audit.queries.database_clock()), 0)
    run.extra = feed.extra() | settle(feed=upload.feed, at=audit.queries.database_clock())
    return run


def settle(*, feed: str, at: datetime) -> dict[str, int]:
    """Do what a file as a whole calls for, as the commands do. Returns further counts."""
    if feed == Upload.Feed.PARTIES:
        return {"file_stops_pierced": settle_files(at=at) or 0}
    if feed in {Upload.Feed.LINES, Upload.Feed.APPROVALS, Upload.Feed.CHOICES}:
        actions.catch_up(cause=feed, at=at)
    return {}


def _take(feed: Feed, rows: Sequence[Row]) -> list[Fate]:
    return feed.take(lines=rows, at=audit.queries.database_clock())


def _try(feed: Feed, rows: Sequence[Row], changes: Changes) -> list[Fate]:
    """Take rows in, count what that writes, and take it back."""
    with transaction.atomic():
        before = _count_written_rows()
        fates = _take(feed, rows)
        changes.update(_count_written_rows() - before)
        transaction.set_rollback(True)
    return fates


def _count_written_rows() -> Changes:
    with connection.cursor() as cursor:
        cursor.execute(WRITTEN, [list(CHANGED)])
        return Counter(
            {(name, how): int(n) for name, new, old in cursor.fetchall() for how, n in (("new", new), ("changed", old))}
        )


def _count(upload: Upload, run: _Pass, fates: Sequence[Fate], rows: int) -> None:
    run.tally.add(fates)
    run.accepted = [str(fate.line) for fate in fates if fate.status == "accepted"]
    upload.done = min(upload.done + rows, upload.total)
    if not _mine(upload).update(done=upload.done, leased_until=audit.queries.database_clock() + LEASE):
        raise _LeaseLost


def _name_entries(content: bytes, places: Collection[str]) -> list[str]:
    """Name the accepted entries of a parties file, before they are imported: "New contract AGR-1"."""
    named = []
    for section, (kind, rows, field_name) in SECTIONS.items():
        entries = sections_of(content)[section]
        taken = {str(entries[n]["id"]): n for n in range(len(entries)) if f"{section}[{n}]" in places}
        known = set(rows.filter(**{f"{field_name}__in": list(taken)}).values_list(field_name, flat=True))
        named += [f"{'Changed' if one in known else 'New'} {kind}: {sanitise_text(one, at_most=80)}" for one in taken]
    return named[:MOST_NAMED]


@transaction.atomic
def _finish(upload: Upload, run: _Pass) -> None:
    """Keep what became of the rows; after the import delete the content."""
    now = audit.queries.database_clock()
    statuses = {name: run.tally.counts[name] for name in STATUSES}
    ended = {"state": Upload.State.CHECKED, "checked_at": now}
    action = "import.checked"
    if not run.is_trial:
        ended = {"state": Upload.State.IMPORTED, "finished_at": now}
        action = f"import.{upload.feed}"
    mine = _mine(upload).update(
        **ended, **statuses, outcome=_describe_outcome(upload, run), rejects=run.rejects.rows,
        done=upload.total, tries=0, leased_until=None,
    )  # fmt: skip
    if not mine:
        raise _LeaseLost
    if not run.is_trial:
        UploadPart.objects.filter(upload=upload).delete()
    audit.actions.record(
        action=action, actor=f"import:{upload.feed}", target=f"import:{upload.pk}", at=now, detail=statuses
    )


def _describe_outcome(upload: Upload, run: _Pass) -> dict[str, Any]:
    """What the page shows besides the counts. What a file changes is counted in its dry run alone."""
    changes = [[name, how, n] for (name, how), n in run.changes.items() if n]
    return {
        "reasons": run.tally.reasons.most_common(),
        "judged": dict(run.tally.judged),
        "warnings": run.tally.warnings[:MOST_NAMED],
        "named": list(run.named) if run.is_trial else upload.outcome["named"],
        "changes": changes if run.is_trial else upload.outcome["changes"],
        "extra": dict(run.extra),
    }
