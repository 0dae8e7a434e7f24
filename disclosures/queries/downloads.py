"""The history to take away, as CSV or JSON, a row at a time: any size, the same memory."""

import csv
import io
import json
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime

from disclosures.labels import describe_outcome, judgement_in_words
from disclosures.models import Disclosure
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
    """One JSON object: the line's public id, when it was made, and `disclosures`, newest first."""
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
    """A value that no spreadsheet runs as a formula."""
    return f"'{value}" if isinstance(value, str) and value.startswith(FORMULA_STARTS) else value


def _line(values: Iterable[object]) -> str:
    written = io.StringIO()
    csv.writer(written).writerow(values)
    return written.getvalue()


def _instant(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")
