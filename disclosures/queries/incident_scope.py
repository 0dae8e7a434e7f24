"""Whom the system's own incidents reached, and the rows behind them: by what was kept as they came, or found again.

Rows under a delayed-notice order are in none of it, from the moment on which the order says so.
"""

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from django.db import connection
from django.utils.dateparse import parse_date

from audit.models import Incident, IncidentLine
from audit.queries import not_ahead
from disclosures.models import AnomalyRule
from disclosures.queries.anomaly_rows import START, IncidentRow, Place, build_incident_row
from disclosures.queries.visible import SHOWN, UNDER_ORDER

Kind = Incident.Kind
LONGEST_KEY = 200
# Each gives line, moment, id, path, purpose, judgement. A row is whose it is now: it may have been another line's as it
# was kept, and may have been kept for both.
KEPT = """
WITH kept AS MATERIALIZED (
    SELECT DISTINCT disclosure_id AS id FROM audit_incidentline WHERE incident_id = %(incident)s
), known AS MATERIALIZED (
    SELECT known.line_id, known.occurred_at, known.id
    FROM kept JOIN disclosures_disclosureregister known ON known.id = kept.id
)
SELECT d.line_id, d.occurred_at, d.id::text, d.path, d.purpose, d.judgement
FROM known JOIN disclosures_disclosure d
    ON d.line_id = known.line_id AND d.occurred_at = known.occurred_at AND d.id = known.id
WHERE <shown>
""".replace("<shown>", SHOWN)
# How often an order hides by now what was counted: a release that moved twice was counted twice.
HIDDEN_NOW = """
WITH <hidden>
SELECT kept.incident_id, count(DISTINCT kept.id)
FROM hidden
    CROSS JOIN LATERAL (SELECT * FROM audit_incidentline WHERE disclosure_id = hidden.disclosure_id OFFSET 0) kept
WHERE kept.incident_id = ANY (%(incidents)s)
GROUP BY 1
""".replace("<hidden>", UNDER_ORDER)
# The incidents of which orders hide every release. One that a rule opened: an order removed its last anomaly, and none
# is on record now, standing or cleared. Any other: each release that was kept is hidden, and as many were kept as
# were counted. A visible one is looked for first, as a large incident has one near; as EXISTS it could read it all.
WHOLLY_HIDDEN = """
WITH <hidden>, reached AS MATERIALIZED (
    SELECT DISTINCT kept.incident_id FROM hidden CROSS JOIN LATERAL (
        SELECT incident_id FROM audit_incidentline WHERE disclosure_id = hidden.disclosure_id OFFSET 0) kept
)
SELECT found.id FROM reached JOIN audit_incident found ON found.id = reached.incident_id
WHERE CASE
    WHEN found.kind = ANY (%(rules)s) THEN found.count = 0 AND (
        SELECT a.id FROM disclosures_anomaly a
        WHERE a.kind = found.kind AND a.party = substr(found.key, 6) AND to_char(a.period, 'YYYY') = left(found.key, 4)
        LIMIT 1) IS NULL
    WHEN (
        SELECT kept.id FROM audit_incidentline kept
        WHERE kept.incident_id = found.id AND kept.disclosure_id NOT IN (SELECT disclosure_id FROM hidden)
        LIMIT 1) IS NOT NULL THEN false
    ELSE found.count <= (SELECT count(*) FROM audit_incidentline kept WHERE kept.incident_id = found.id)
END
ORDER BY 1
""".replace("<hidden>", UNDER_ORDER)
NEWEST_ORDER = """
SELECT max(n.recorded_at)
FROM audit_incidentline kept JOIN disclosures_delayednotice n ON n.disclosure_id = kept.disclosure_id
WHERE kept.incident_id = ANY (%(incidents)s)
"""
# What stands behind the counts of a comparison, as far as it was kept.
IN_BOOKS = """
SELECT f.line_id, f.found_at, f.id::text, array_remove(ARRAY[p.uri, f.recipient], ''), f.purpose, 'partner_has'
FROM consent_digestrun run
    JOIN consent_digestfinding f ON f.run_id = run.id
    JOIN partners_party p ON p.id = run.party_id
WHERE run.party_id = %(party)s AND f.kind = 'partner_has' AND f.line_id IS NOT NULL
    AND f.found_at >= %(since)s AND f.found_at < %(until)s
"""
STATEMENTS: Mapping[str, str] = {
    Kind.UNGATED: KEPT, Kind.BASIS_DOUBTFUL: KEPT, Kind.HISTORY_MOVED: KEPT, Kind.PARTNER_HAS: IN_BOOKS,
}  # fmt: skip
# Keys begin or end with the day or the year that their incidents count.
SPAN = re.compile(r"^\d{4}(-\d\d-\d\d)?(?= )|(?<=:)\d{4}-\d\d-\d\d$")
# Counted by release, each of which was kept.
BY_RELEASE = (Kind.UNGATED, Kind.BASIS_DOUBTFUL, Kind.HISTORY_MOVED, Kind.CONTRADICTED)
COUNTED = "SELECT count(DISTINCT line_id), min(at), max(at) FROM ({}) reached (line_id, at)"
IN_ORDER = """
SELECT * FROM ({}) reached (line_id, at, id, path, purpose, judgement)
WHERE (at, line_id, id) > (%(moment)s, %(line)s, %(id)s)
ORDER BY at, line_id, id LIMIT %(rows)s
"""


@dataclass(frozen=True)
class IncidentScope:
    """How many lines, and from when to when. No lines: nothing of it is there, or may be seen, any more."""

    lines: int
    first_at: datetime | None
    last_at: datetime | None


def day_key(*, party: str, day: str) -> str:
    """Under which key of its kind's incidents a company (URI) and day ("2026-11-26") stand."""
    return f"{day} {party}"[:LONGEST_KEY]


def span_of(*, key: str) -> str:
    """Return which day or year an incident counts, as its key says it; "" where it says none."""
    found = SPAN.search(key)
    if found is None:
        return ""
    day = parse_date(found[0])
    return f"{day:%-d %b %Y}" if day else found[0]


def get_incident_scope(*, incident: Incident, at: datetime) -> IncidentScope:
    """Whom an incident reached; nobody for one of another kind. At most two statements."""
    values = _values(incident, at)
    if values is None:
        return IncidentScope(0, None, None)
    with connection.cursor() as cursor:
        cursor.execute(COUNTED.format(STATEMENTS[incident.kind]), values)
        return IncidentScope(*(cursor.fetchone() or (0, None, None)))


def count_occurrences(*, incidents: Collection[Incident], at: datetime) -> dict[int, int]:
    """Return how often each happened, by id, without what an order hides now. At most one statement."""
    kept = [one.pk for one in incidents if one.kind in BY_RELEASE]
    hidden: dict[int, int] = {}
    if kept:
        with connection.cursor() as cursor:
            cursor.execute(HIDDEN_NOW, {"incidents": kept, "at": not_ahead(at=at)})
            hidden = dict(cursor.fetchall())
    return {one.pk: max(one.count - hidden.get(one.pk, 0), 0) for one in incidents}


def list_hidden_incidents(*, at: datetime) -> list[int]:
    """Return the incidents of which an order hides every release now, by id. One statement."""
    with connection.cursor() as cursor:
        cursor.execute(WHOLLY_HIDDEN, {"at": not_ahead(at=at), "rules": AnomalyRule.Kind.values})
        return [pk for (pk,) in cursor.fetchall()]


def get_newest_order(*, incidents: Sequence[int]) -> datetime | None:
    """Return when the newest order on a release of these incidents was recorded; None where there is none."""
    with connection.cursor() as cursor:
        cursor.execute(NEWEST_ORDER, {"incidents": [*incidents]})
        (newest,) = cursor.fetchone() or (None,)
    found: datetime | None = newest
    return found


def list_incident_rows(*, incident: Incident, at: datetime, rows: int, after: Place = START) -> list[IncidentRow]:
    """Return the rows behind it by when they were, the first ones after a place; none for one of another kind."""
    values = _values(incident, at)
    if values is None:
        return []
    place = {"line": after.line_id, "moment": after.at, "id": after.id}
    with connection.cursor() as cursor:
        cursor.execute(IN_ORDER.format(STATEMENTS[incident.kind]), values | {"rows": rows, **place})
        return [build_incident_row(row=row) for row in cursor.fetchall()]


def _values(incident: Incident, at: datetime) -> dict[str, Any] | None:
    """Return what its statement needs to know; None where it has none, or can't say whom it reached."""
    known: dict[str, Any] = {"at": not_ahead(at=at), "incident": incident.pk}
    match incident.kind:
        case Kind.UNGATED | Kind.HISTORY_MOVED:
            return known
        case Kind.BASIS_DOUBTFUL:
            # Lines of older ones were not kept. Of those that came to one later there would be too few.
            kept = IncidentLine.objects.filter(incident_id=incident.pk).count()
            return known if kept >= incident.count else None
        case Kind.PARTNER_HAS:
            party, _, said = incident.key.removeprefix("partner:").partition(":")
            day = parse_date(said) if len(said) == len("2026-11-26") else None
            return known | _span(day) | {"party": int(party)} if day and party.isdecimal() else None
    return None


def _span(day: date) -> dict[str, datetime]:
    since = datetime.combine(day, time(), UTC)
    return {"since": since, "until": since + timedelta(days=1)}
