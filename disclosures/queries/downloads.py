"""What a person downloads: the history as CSV or JSON, a row at a time, and the bytes of an archive once it is made."""

import csv
import io
import json
import uuid
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime

from django.db import connection

from accounts.primitives.sealing import unseal_bytes
from disclosures.labels import describe_outcome, judgement_in_words
from disclosures.models import Archive, ArchivePart, Disclosure
from partners.labels import party_name, purpose_in_words
from partners.models import Party

CHUNK = 2000
COLUMNS = (
    "id",
    "occurred_at",
    "aggregator",
    "path",
    "path_names",
    "path_completed",
    "campaign",
    "purpose",
    "purpose_in_words",
    "scope",
    "precision_m",
    "basis",
    "outcome",
    "judgement",
    "judgement_in_words",
    "told_later",
)
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")


def as_csv(*, rows: Iterable[Disclosure]) -> Iterator[str]:
    """CSV with a header, UTF-8, times in UTC. A cell that a spreadsheet would run as a formula is quoted off."""
    names = _Names()
    yield "\ufeff" + _line(COLUMNS)
    for row in rows:
        yield _line([plain_cell(value=value) for value in _values(row, names).values()])


def as_json(*, rows: Iterable[Disclosure], line: str, at: datetime) -> Iterator[str]:
    """Yield one JSON object: the line's public id, when it was made, and `disclosures`, newest first."""
    names = _Names()
    yield f'{{"line": {json.dumps(line)}, "made_at": {json.dumps(_instant(at))}, "disclosures": ['
    between = "\n"
    for row in rows:
        values: dict[str, object] = {**_values(row, names), "path": row.path, "told_later": bool(vars(row)["delayed"])}
        values["path_names"] = [names.of(uri) for uri in row.path]
        yield between + json.dumps(values, ensure_ascii=False)
        between = ",\n"
    yield "\n]}\n"


class _Names:
    """Names by address, read when first met: few, whatever the number of rows."""

    def __init__(self) -> None:
        self._known: dict[str, str] = {}

    def of(self, uri: str) -> str:
        if uri not in self._known:
            party = Party.objects.filter(uri=uri).first()
            self._known[uri] = party_name(party.name if party else "", uri)
        return self._known[uri]


def _values(row: Disclosure, names: _Names) -> dict[str, object]:
    return dict(
        zip(
            COLUMNS,
            (
                row.source_id,
                _instant(row.occurred_at),
                row.aggregator,
                " > ".join(row.path),
                " > ".join(names.of(uri) for uri in row.path),
                row.path_completed,
                row.campaign,
                row.purpose,
                purpose_in_words(row.purpose),
                row.scope,
                row.precision_m,
                row.basis,
                row.outcome,
                row.judgement,
                judgement_in_words(describe_outcome(row)),
                "yes" if vars(row)["delayed"] else "",
            ),
            strict=True,
        )
    )


def plain_cell(*, value: object) -> object:
    """Return a value that no spreadsheet runs as a formula."""
    return f"'{value}" if isinstance(value, str) and value.startswith(FORMULA_STARTS) else value


def _line(values: Iterable[object]) -> str:
    written = io.StringIO()
    csv.writer(written).writerow(values)
    return written.getvalue()


def _instant(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


# What the archive holds and an order hides by now: a row that was there, and not hidden, at its moment.
HIDDEN_SINCE = """
SELECT EXISTS (
    SELECT FROM (
        SELECT DISTINCT ON (disclosure_id) disclosure_id, suppressed_until, recorded_at
        FROM disclosures_delayednotice WHERE line_id = %(line)s ORDER BY disclosure_id, number DESC
    ) newest JOIN disclosures_disclosure d ON d.line_id = %(line)s AND d.id = newest.disclosure_id
    WHERE (newest.suppressed_until IS NULL OR newest.suppressed_until > %(at)s)
        AND newest.recorded_at > %(as_of)s AND d.recorded_at <= %(as_of)s
        AND NOT EXISTS (
            SELECT FROM (
                SELECT suppressed_until FROM disclosures_delayednotice n
                WHERE n.line_id = %(line)s AND n.disclosure_id = d.id AND n.recorded_at <= %(as_of)s
                ORDER BY n.number DESC LIMIT 1
            ) was WHERE was.suppressed_until IS NULL OR was.suppressed_until > %(as_of)s))
"""


def archive_of(*, line_id: int, user_id: int, at: datetime) -> Archive | None:
    """Return the archive that this person asked for of this line; None: there is none, or its day is over.

    One that tells of what an order hides by now is not there either.
    """
    found = Archive.objects.filter(line_id=line_id, user_id=user_id, expires_at__gt=at).first()
    return None if found is None or tells_hidden(archive=found, at=at) else found


def tells_hidden(*, archive: Archive, at: datetime) -> bool:
    """Return whether an order hides by now what this archive tells."""
    if archive.as_of is None:
        return False
    with connection.cursor() as cursor:
        cursor.execute(HIDDEN_SINCE, {"line": archive.line_id, "at": at, "as_of": archive.as_of})
        ((hidden,),) = cursor.fetchall()
    return bool(hidden)


def bytes_of(*, archive_id: uuid.UUID) -> Iterator[bytes]:
    """Yield the archive, a part at a time."""
    for number in ArchivePart.objects.filter(archive_id=archive_id).order_by("number").values_list("number", flat=True):
        yield unseal_bytes(ArchivePart.objects.values_list("sealed", flat=True).get(pk=(archive_id, number)))
