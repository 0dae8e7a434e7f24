"""Months of the ledger: their partitions made ahead of time, and dropped when their time of keeping is over.

Both are work of the owner of the tables. The application's role can do neither, and can't delete a row.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from typing import Any

import psycopg
import structlog
from django.conf import settings
from django.db import OperationalError, connection, connections, transaction
from django.db.backends.utils import CursorWrapper
from django.db.models import Min

import audit.actions
from audit.models import AuditEvent
from consent.domain.conflicts import retry_on_conflict
from disclosures.domain.ingest import chunks
from disclosures.models import Anomaly, DroppedMonth, HeldDisclosure
from disclosures.queries.history import get_first_retained_month
from disclosures.queries.visible import LOOK_UP

log = structlog.get_logger()
MADE_AHEAD = timedelta(days=92)
INTO_NEXT_MONTH = timedelta(days=31)
BLOCKS = 10_000
CLOCKS_APART = timedelta(hours=1)
DROPS_WITHIN = timedelta(days=1)
# A month is made or dropped alone with the table. Whoever reads it for long, as a download does, is not waited for, so
# that nobody waits behind us: the next run tries again.
NOT_FOR_LONG = "SET LOCAL lock_timeout = '2s'"
MONTHS = """
SELECT to_date(right(part.relname, 7), 'YYYY_MM') FROM pg_inherits JOIN pg_class part ON part.oid = inhrelid
WHERE inhparent = 'disclosures_release'::regclass AND part.relname ~ '_[0-9]{4}_[0-9]{2}$' ORDER BY 1
"""
# The rows that outlast a dropped month, and who is seen on them.
KEPT = "SELECT id FROM disclosures_release WHERE occurred_at < %(before)s"
SEEN = """
SELECT DISTINCT d.line_id, unnest(d.path || d.aggregator) FROM disclosures_disclosure d
WHERE d.occurred_at < %(before)s AND <look-up>
""".replace("<look-up>", LOOK_UP)
# In stretches of the table, so that no transaction is long. A row that is still there keeps its entry.
REGISTER = """
DELETE FROM disclosures_disclosureregister
WHERE ctid >= %(first)s::tid AND ctid < %(end)s::tid AND occurred_at < %(before)s AND NOT id = ANY (%(kept)s::uuid[])
"""
# Who had a line's location so long ago is no longer affected by what its person says, unless the person sees it now.
DEALINGS = """
DELETE FROM partners_dealing known
WHERE ctid >= %(first)s::tid AND ctid < %(end)s::tid
    AND last_at < %(before)s AND NOT EXISTS (
        SELECT FROM unnest(%(lines)s::bigint[], %(parties)s::text[]) AS seen (line_id, uri)
            JOIN partners_party party ON party.uri = seen.uri
        WHERE seen.line_id = known.line_id AND party.id = known.party_id)
"""
GIVEN_BACK = """
DELETE FROM disclosures_givenback
WHERE ctid >= %(first)s::tid AND ctid < %(end)s::tid
    AND occurred_at < %(before)s
"""
CONCEALED = """
DELETE FROM disclosures_concealeddisclosure
WHERE ctid >= %(first)s::tid AND ctid < %(end)s::tid AND occurred_at < %(before)s AND NOT id = ANY (%(kept)s::uuid[])
"""
# What was said of a month's rows while it was dropped: what went with it was taken away before they were. Looked up by
# ids, because a register that is spread stands apart from what speaks of its rows.
WHILE_DROPPED = {"disclosures_judgementchange": "changed_at", "disclosures_delayednotice": "recorded_at"}
SPOKEN_OF = """
SELECT DISTINCT disclosure_id FROM <table>
WHERE ctid >= %(first)s::tid AND ctid < %(end)s::tid AND <moment> > %(since)s
"""
GONE = """
SELECT id FROM disclosures_disclosureregister
WHERE id = ANY (%(spoken_of)s::uuid[]) AND occurred_at < %(before)s AND NOT id = ANY (%(kept)s::uuid[])
"""
WORDS = """
DELETE FROM <table>
WHERE ctid >= %(first)s::tid AND ctid < %(end)s::tid AND disclosure_id = ANY (%(gone)s::uuid[])
"""
# As of one moment: of what comes meanwhile neither row nor entry is seen. To every server where the ledger is spread:
# each asks for itself.
ALLOWED = (
    "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ", "SET LOCAL citus.propagate_set_commands = 'local'",
    "SET LOCAL disclosures.dropping = 'yes'",
)  # fmt: skip


def make_partitions(*, now: datetime) -> int:
    """Make the partitions of this month and the next three where they are missing. Returns how many it made.

    Also those of months whose rows came before there was one, however old; but not of a dropped month of which only
    those are left that outlast it.
    """
    made = 0
    with _alone_with_the_table(owner_of_tables()) as cursor:
        cursor.execute("SELECT disclosures_make_partitions(%s, %s)", [now, now + MADE_AHEAD])
        (made,) = cursor.fetchone() or (0,)
    return int(made)


@contextmanager
def _alone_with_the_table(owner: str) -> Iterator[CursorWrapper]:
    """Within one transaction, which is given up where somebody reads for long: that is no failure of ours."""
    try:
        with transaction.atomic(using=owner), connections[owner].cursor() as cursor:
            cursor.execute(NOT_FOR_LONG)
            yield cursor
    except OperationalError as error:
        if not isinstance(error.__cause__, psycopg.errors.LockNotAvailable):
            raise
        log.info("retention.not_now")


def missing_months(*, now: datetime) -> list[str]:
    """Of this month and the next, those without a partition ("2026-12"). One query, for whoever may only read."""
    first = now.astimezone(UTC).replace(day=1)
    wanted = [f"{day:%Y_%m}" for day in (first, first + INTO_NEXT_MONTH)]
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT replace(month, '_', '-') FROM unnest(%s::text[]) AS month"
            " WHERE to_regclass('public.disclosures_disclosure_' || month) IS NULL ORDER BY 1",
            [wanted],
        )
        return [month for (month,) in cursor.fetchall()]


def drop_months(*, now: datetime) -> int:
    """Drop every month that ended RETENTION_MONTHS ago or earlier, and all that hung on its rows. Returns how many.

    What a court's order hides, or hid until 30 days ago, outlasts it: its person is still to see it. Whatever breaks is
    done again by the next run.
    """
    first_kept = get_first_retained_month(at=now)
    owner = owner_of_tables()
    dropped = 0
    _note_dropped(owner, now)
    for month in _months(owner):
        if month < first_kept:
            with _alone_with_the_table(owner) as cursor:
                cursor.execute("SELECT disclosures_drop_month(%s)", [month])
                dropped += 1
            _note_dropped(owner, now)
    before = datetime(first_kept.year, first_kept.month, 1, tzinfo=UTC)
    since = DroppedMonth.objects.using(owner).filter(forgotten_at=None).aggregate(first=Min("dropped_at"))["first"]
    if since is not None:
        for table, moment in WHILE_DROPPED.items():
            _forget_words(owner, table, moment, before, since - DROPS_WITHIN)
        _forget(owner, CONCEALED, "disclosures_concealeddisclosure", before, now)
        _forget(owner, REGISTER, "disclosures_disclosureregister", before, now)
        _forget(owner, DEALINGS, "partners_dealing", before, now)
        _forget(owner, GIVEN_BACK, "disclosures_givenback", before, now)
        DroppedMonth.objects.using(owner).filter(forgotten_at=None).update(forgotten_at=now)
    HeldDisclosure.objects.filter(held_at__lt=before).delete()
    Anomaly.objects.filter(last_at__lt=before).delete()
    chunks.forget_abandoned_runs(at=now)
    return dropped


def _note_dropped(owner: str, now: datetime) -> None:
    """Write into the trail each drop that it lacks: what the owner did is committed before, by a session of its own."""
    rows = {f"month:{row.month:%Y-%m}": row.dropped_at for row in DroppedMonth.objects.using(owner).order_by("month")}
    events = AuditEvent.objects.filter(action="disclosures.month_dropped", target__in=rows)
    # Earlier releases did not say which drop of a month it was.
    known = {
        event.target
        for event in events
        if event.detail.get("dropped_at") == rows[event.target].isoformat()
        or ("dropped_at" not in event.detail and event.at > rows[event.target] - CLOCKS_APART)
    }
    for target, dropped_at in rows.items():
        if target not in known:
            audit.actions.record(
                action="disclosures.month_dropped", actor="system:retention", target=target, at=now,
                detail={"dropped_at": dropped_at.isoformat()},
            )  # fmt: skip


def _months(owner: str) -> list[date]:
    with connections[owner].cursor() as cursor:
        cursor.execute(MONTHS)
        return [month for (month,) in cursor.fetchall()]


def _forget(owner: str, statement: str, table: str, before: datetime, now: datetime) -> None:
    for first, end in _stretches(owner, table):
        _forget_stretch(owner, statement, {"before": before, "at": now, "first": f"({first},0)", "end": f"({end},0)"})


@retry_on_conflict
def _forget_stretch(owner: str, statement: str, values: dict[str, Any]) -> None:
    with _deleting(owner, values) as cursor:
        cursor.execute(SEEN, values)
        seen = cursor.fetchall()
        values |= {"lines": [line_id for line_id, _ in seen], "parties": [uri for _, uri in seen]}
        cursor.execute(statement, values)


def _forget_words(owner: str, table: str, moment: str, before: datetime, since: datetime) -> None:
    spoken_of, words = SPOKEN_OF.replace("<table>", table).replace("<moment>", moment), WORDS.replace("<table>", table)
    for first, end in _stretches(owner, table):
        _forget_words_of_stretch(
            owner, spoken_of, words, {"before": before, "since": since, "first": f"({first},0)", "end": f"({end},0)"}
        )


@retry_on_conflict
def _forget_words_of_stretch(owner: str, spoken_of: str, words: str, values: dict[str, Any]) -> None:
    with _deleting(owner, values) as cursor:
        cursor.execute(spoken_of, values)
        values["spoken_of"] = [identity for (identity,) in cursor.fetchall()]
        cursor.execute(GONE, values)
        values["gone"] = [identity for (identity,) in cursor.fetchall()]
        cursor.execute(words, values)


@contextmanager
def _deleting(owner: str, values: dict[str, Any]) -> Iterator[CursorWrapper]:
    """Within one transaction that may delete. Notes what is `kept` then among the values."""
    with transaction.atomic(using=owner), connections[owner].cursor() as cursor:
        for allowed in ALLOWED:
            cursor.execute(allowed)
        cursor.execute(KEPT, values)
        values["kept"] = [identity for (identity,) in cursor.fetchall()]
        yield cursor


def _stretches(owner: str, table: str) -> Iterator[tuple[int, int]]:
    with connections[owner].cursor() as cursor:
        cursor.execute("SELECT disclosures_blocks_of(%s)", [table])
        (blocks,) = cursor.fetchone() or (0,)
    for first in range(0, int(blocks), BLOCKS):
        yield first, first + BLOCKS


def owner_of_tables() -> str:
    """Return the database alias of the role that owns the tables: the application's own where there is no other."""
    return "owner" if "owner" in settings.DATABASES else "default"
