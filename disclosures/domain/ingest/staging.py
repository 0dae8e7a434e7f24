"""A chunk of rows in temporary tables of one transaction, by COPY.

`incoming` holds each row as it was reported, `term` what many rows have in common, and `fresh`, filled by `store`, the
rows that are new and whose line is known; the statements of `store`, `notices` and `projections` work on them.
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from struct import Struct

from django.db.backends.utils import CursorWrapper

from disclosures.domain.ingest.paths import PathCompleter, ReportedPath
from disclosures.domain.ingest.rows import CONTENT_BYTES, Row
from disclosures.models import Basis, Outcome

TABLES = {
    "incoming": (
        "n integer, occurred_at timestamptz, term integer, precision_m integer, id uuid, number_hash bytea,"
        " content_hash bytea, source_id text, decision_id text, authority_ref text, suppressed_until timestamptz"
    ),
    "term": (
        "term integer, aggregator text, path text[], campaign text, purpose text, scope text, basis text, outcome text,"
        " path_completed text, asks boolean GENERATED ALWAYS AS (basis = 'approval' AND outcome = 'released') STORED"
    ),
    "fresh": (
        "n integer, id uuid, line_id bigint, occurred_at timestamptz, content_hash bytea, term integer,"
        " precision_m integer, decision_id text, gated boolean, hidden boolean"
    ),
    "judged": "n integer, judgement text",
    "put": "term integer, judgement text, id integer",
}
# COPY's binary form, which takes half the time of its text to write and to read: each row begins with the number of its
# columns, each column with its length, and moments are counted in microseconds. The first seven are of fixed length.
HEAD = b"PGCOPY\n\xff\r\n\0" + bytes(8)
END = b"\xff\xff"
FIXED = Struct(f"!hiiiqiiiii16si32si{CONTENT_BYTES}s")
LENGTH = Struct("!i").pack
MOMENT = Struct("!iq").pack
NULL = LENGTH(-1)
COLUMNS = 11
COUNTED_FROM = datetime(2000, 1, 1, tzinfo=UTC)
BLOCK = 2000
# Nobody has statistics of these tables, and without any a join that sorts looks best. It never is. Of terms, `asks` is
# whether rows need an approval: without statistics a flag is taken to hold for half of them, two texts for hardly any,
# and then each row is compared with each term.
NO_SORTING = "SET LOCAL enable_mergejoin = off"

# Aggregator, path, campaign, purpose, scope, basis and outcome.
type Term = tuple[str, tuple[str, ...], str, str, str, str, str]
type Terms = dict[Term, int]


def stage(*, cursor: CursorWrapper, rows: Sequence[Row]) -> PathCompleter:
    """Make the tables and fill the first two. Returns what completes the paths further, once `fresh` is filled."""
    cursor.execute(NO_SORTING)
    for name, columns in TABLES.items():
        cursor.execute(f"CREATE TEMPORARY TABLE {name} ({columns}) ON COMMIT DROP")
    terms: Terms = {}
    with cursor.copy("COPY incoming FROM STDIN (FORMAT binary)") as copy:
        copy.write(HEAD)
        for start in range(0, len(rows), BLOCK):
            copy.write(b"".join([_row(row, terms) for row in rows[start : start + BLOCK]]))
        copy.write(END)
    completer = PathCompleter(cursor=cursor, terms={number: _build_reported_path(key) for key, number in terms.items()})
    with cursor.copy("COPY term FROM STDIN") as copy:
        for (aggregator, _, *others), term in terms.items():
            path, completed = completer[term].path, completer[term].completed
            copy.write_row((term, aggregator, [*path], *others, completed.value))
    return completer


def _build_reported_path(key: Term) -> ReportedPath:
    aggregator, path, campaign, _, _, basis, outcome = key
    released = basis == Basis.APPROVAL and outcome == Outcome.RELEASED
    return ReportedPath(aggregator, path, campaign, needs_approval=released)


def clear(*, cursor: CursorWrapper) -> None:
    """Drop the tables, so that the next chunk may stand in the same transaction."""
    cursor.execute(f"DROP TABLE {', '.join(TABLES)}")


def _row(row: Row, terms: Terms) -> bytes:
    said = row.report
    key = (
        said.aggregator, tuple(said.path), said.campaign, said.purpose, said.scope, said.basis, said.outcome,
    )  # fmt: skip
    fixed = FIXED.pack(
        COLUMNS, 4, row.n, 8, _moment(said.occurred_at), 4, terms.setdefault(key, len(terms)), 4, said.precision_m,
        16, bytes.fromhex(row.id), 32, row.number, CONTENT_BYTES, row.content,
    )  # fmt: skip
    source_id, decision_id = said.source_id.encode(), said.decision_id.encode()
    authority_ref, until = said.authority_ref.encode(), said.suppressed_until
    return b"".join((
        fixed, LENGTH(len(source_id)), source_id, LENGTH(len(decision_id)), decision_id,
        LENGTH(len(authority_ref)), authority_ref, MOMENT(8, _moment(until)) if until else NULL,
    ))  # fmt: skip


def _moment(at: datetime) -> int:
    since = at - COUNTED_FROM
    return (since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds
