"""Count the days of long lines ahead of time, so that a page of 100,000 rows reads a few hundred.

A day that was counted and has not changed since is read from its rollups, every other from its rows; so no page is
ever wrong or late, however late this runs. The recent days, which change all the time, are never counted.
"""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from django.db import connection, transaction
from django.db.backends.utils import CursorWrapper

from accounts.primitives.zones import ZONE_OF_STATE
from disclosures.models import NOT_YET

# Until this commits, no line becomes long: `_adopt` waits, and sees the rows.
SHARED = "SELECT pg_advisory_xact_lock_shared(hashtext('disclosures.days'))"
# One row in 64 has its line counted: a line of a thousand rows is found, and nobody counts at every row.
NOTED = """
INSERT INTO disclosures_changedday (line_id, day)
SELECT DISTINCT r.line_id, (r.occurred_at AT TIME ZONE long.zone)::date
FROM {rows} r JOIN disclosures_longline long ON long.line_id = r.line_id;
INSERT INTO disclosures_growingline (line_id)
WITH grown AS MATERIALIZED (SELECT DISTINCT line_id FROM {rows} WHERE get_byte(uuid_send(id), 0) < 4)
SELECT line_id FROM grown
EXCEPT SELECT long.line_id FROM grown JOIN disclosures_longline long ON long.line_id = grown.line_id
"""

# With fewer rows, reading them takes no longer than reading what they were counted into.
LONG = 2_000
BATCH = 1_000
RECENT = timedelta(days=1)
# The clocks of two servers differ by less: a notice has ended for all of them when it ended so long ago.
CLOCKS_DIFFER = timedelta(hours=1)

ADOPT_ALONE = "SELECT pg_advisory_xact_lock(hashtext('disclosures.days'))"
ROLL_TOGETHER = "SELECT pg_advisory_xact_lock_shared(hashtext('disclosures.rolling'))"
GROWING = """
DELETE FROM disclosures_growingline WHERE (line_id, id) IN (
    SELECT line_id, id FROM disclosures_growingline ORDER BY line_id LIMIT %s FOR UPDATE SKIP LOCKED)
RETURNING line_id
"""
# Which of these are long, and the zone of their state.
GROWN = """
WITH grown AS MATERIALIZED (
    SELECT line_id FROM disclosures_release WHERE line_id = ANY (%(lines)s) GROUP BY line_id
    HAVING count(*) >= %(long)s
)
SELECT one.id, coalesce(known.zone, 'UTC') FROM grown JOIN accounts_line one ON one.id = grown.line_id
    LEFT JOIN unnest(%(states)s::text[], %(zones)s::text[]) AS known (state, zone) ON known.state = one.state
ORDER BY one.id
"""
ADOPT = """
INSERT INTO disclosures_longline (line_id, zone)
SELECT * FROM unnest(%s::bigint[], %s::text[]) AS grown (line_id, zone) ON CONFLICT (line_id) DO NOTHING
"""
# The line moved to a state of another zone: its days are other days now.
MOVED = """
WITH long AS MATERIALIZED (SELECT line_id, zone FROM disclosures_longline)
SELECT long.line_id, coalesce(known.zone, 'UTC') FROM long JOIN accounts_line one ON one.id = long.line_id
    LEFT JOIN unnest(%(states)s::text[], %(zones)s::text[]) AS known (state, zone) ON known.state = one.state
WHERE long.zone <> coalesce(known.zone, 'UTC') ORDER BY long.line_id
"""
# What was counted of it goes when it is counted anew: nothing before `through` is read until then.
START_AGAIN = "UPDATE disclosures_longline SET zone = %(zone)s, through = DEFAULT WHERE line_id = %(line)s"
DUE = """
SELECT line_id FROM (
    SELECT line_id FROM disclosures_changedday WHERE day < %(before)s
    UNION SELECT line_id FROM disclosures_longline WHERE through = %(not_yet)s
) due WHERE line_id > %(after)s ORDER BY line_id LIMIT %(batch)s
"""
LINE = "SELECT zone, through FROM disclosures_longline WHERE line_id = %s FOR UPDATE SKIP LOCKED"
CHANGED = "SELECT id, day FROM disclosures_changedday WHERE line_id = %s AND day < %s"
# The days of rows that are hidden, or shown too recently for every clock.
HELD_OPEN = """
SELECT DISTINCT (d.occurred_at AT TIME ZONE %(zone)s)::date FROM (
    SELECT DISTINCT ON (disclosure_id) disclosure_id, suppressed_until FROM disclosures_delayednotice
    WHERE line_id = %(line)s ORDER BY disclosure_id, number DESC
) newest JOIN disclosures_disclosure d ON d.line_id = %(line)s AND d.id = newest.disclosure_id
WHERE newest.suppressed_until IS NULL OR newest.suppressed_until > %(lifted)s
"""
FORGET = "DELETE FROM disclosures_dailyrollup WHERE line_id = %(line)s AND (day >= %(since)s OR day = ANY (%(days)s))"
COUNT = """
WITH counted AS MATERIALIZED (
    SELECT of.day, d.path, d.campaign, d.purpose, d.basis, d.outcome, d.judgement, d.basis_doubtful,
        count(*) AS n, min(d.occurred_at) AS first_at, max(d.occurred_at) AS last_at, min(d.precision_m) AS finest_m
    FROM (
        SELECT %(since)s::date AS starts, %(until)s::date AS ends
        UNION ALL SELECT day, day + 1 FROM unnest(%(days)s::date[]) AS day WHERE day < %(since)s
    ) span
        JOIN disclosures_disclosure d ON d.line_id = %(line)s
            AND d.occurred_at >= span.starts::timestamp AT TIME ZONE %(zone)s
            AND d.occurred_at < span.ends::timestamp AT TIME ZONE %(zone)s
        CROSS JOIN LATERAL (SELECT (d.occurred_at AT TIME ZONE %(zone)s)::date AS day) of
    WHERE NOT of.day = ANY (%(open)s::date[])
    GROUP BY 1, 2, 3, 4, 5, 6, 7, 8
), keyed AS (
    SELECT counted.*, encode(substr(sha256(convert_to(jsonb_build_array(
        path, campaign, purpose, basis, outcome, judgement, basis_doubtful)::text, 'UTF8')), 1, 16), 'hex')::uuid AS key
    FROM counted
), facts AS (
    INSERT INTO disclosures_rolledfacts (line_id, key, path, campaign, purpose, basis, outcome, judgement,
        basis_doubtful)
    SELECT DISTINCT %(line)s, key, path, campaign, purpose, basis, outcome, judgement, basis_doubtful FROM keyed
    ON CONFLICT (line_id, key) DO NOTHING
)
INSERT INTO disclosures_dailyrollup (line_id, day, facts, n, first_at, last_at, finest_m)
SELECT %(line)s, day, key, n, first_at, last_at, finest_m FROM keyed
"""
STAY_OPEN = "INSERT INTO disclosures_changedday (line_id, day) SELECT %s, unnest(%s::date[])"
DONE = "DELETE FROM disclosures_changedday WHERE line_id = %s AND day = ANY (%s) AND id = ANY (%s)"
COUNTED = "UPDATE disclosures_longline SET through = %s WHERE line_id = %s"
ZONES = {"states": list(ZONE_OF_STATE), "zones": list(ZONE_OF_STATE.values())}


def roll_up(*, at: datetime, long: int = LONG) -> int:
    """Adopt lines that have become long, and count what changed. Returns how many lines were counted.

    Each line is a transaction of its own; two runs at once share the lines between them.
    """
    while _adopt(long):
        pass
    _restart_moved_lines()
    counted, last = 0, 0
    # By the earliest clock: what is not a past day there is counted in the next run.
    before = at.date() - RECENT
    while due := _due(before, after=last):
        last = due[-1]
        counted += sum(_roll(line_id, at) for line_id in due)
    return counted


@transaction.atomic
def _adopt(long: int) -> bool:
    """Look at some lines that may have become long. Whether there were any."""
    with connection.cursor() as cursor:
        cursor.execute(GROWING, [BATCH])
        lines = sorted({line_id for (line_id,) in cursor.fetchall()})
        if not lines:
            return False
        cursor.execute(GROWN, {"lines": lines, "long": long, **ZONES})
        grown = cursor.fetchall()
        if grown:
            # Whoever stores rows of these now sees them as long, or has committed: nothing falls in between.
            cursor.execute(ADOPT_ALONE)
            cursor.execute(ADOPT, [[line_id for line_id, _ in grown], [zone for _, zone in grown]])
    return True


@transaction.atomic
def _restart_moved_lines() -> None:
    with connection.cursor() as cursor:
        cursor.execute(MOVED, ZONES)
        moved = cursor.fetchall()
        if moved:
            cursor.execute(ADOPT_ALONE)
        for line_id, zone in moved:
            cursor.execute(START_AGAIN, {"line": line_id, "zone": zone})


def _due(before: date, *, after: int) -> list[int]:
    with connection.cursor() as cursor:
        cursor.execute(DUE, {"before": before, "not_yet": NOT_YET, "after": after, "batch": BATCH})
        return [line_id for (line_id,) in cursor.fetchall()]


@transaction.atomic
def _roll(line_id: int, at: datetime) -> bool:
    with connection.cursor() as cursor:
        cursor.execute(ROLL_TOGETHER)
        cursor.execute(LINE, [line_id])
        found = cursor.fetchone()
        return bool(found) and _count(cursor, line_id, zone=ZoneInfo(found[0]), through=found[1], at=at)


def _count(cursor: CursorWrapper, line_id: int, *, zone: ZoneInfo, through: date, at: datetime) -> bool:
    """Count the days since `through` and those before it that changed. Whether there was anything to count.

    The notes are read first: a change that commits later has a note that stays, and its day stays open.
    """
    until = max(through, at.astimezone(zone).date() - RECENT)
    cursor.execute(CHANGED, [line_id, until])
    notes: Sequence[tuple[UUID, date]] = cursor.fetchall()
    cursor.execute(HELD_OPEN, {"line": line_id, "zone": zone.key, "lifted": at - CLOCKS_DIFFER})
    held_open = {day for (day,) in cursor.fetchall() if day < until}
    days = {day for _, day in notes} - held_open
    cursor.execute(FORGET, {"line": line_id, "since": through, "days": sorted(days | held_open)})
    if not days and through == until:
        return False
    cursor.execute(
        COUNT,
        {
            "line": line_id, "zone": zone.key, "since": through, "until": until, "days": sorted(days),
            "open": sorted(held_open),
        },
    )  # fmt: skip
    cursor.execute(STAY_OPEN, [line_id, sorted(held_open - {day for _, day in notes})])
    cursor.execute(DONE, [line_id, sorted(days), [note for note, _ in notes]])
    cursor.execute(COUNTED, [until, line_id])
    return True


def mark_changed_days(*, cursor: CursorWrapper, rows: str) -> None:
    """In the transaction that stores rows. `rows`: our own table of them, with line_id, occurred_at and id."""
    cursor.execute(SHARED)
    cursor.execute(NOTED.format(rows=rows))
