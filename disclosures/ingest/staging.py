"""A chunk of rows in temporary tables of one transaction, by COPY.

`incoming` holds each row as it was reported, `term` what many rows have in common, and `fresh`, filled by `store`, the
rows that are new and whose line is known; the statements of `store`, `notices` and `traces` work on them.
"""

import re
from collections.abc import Sequence

from django.db.backends.utils import CursorWrapper

from disclosures.ingest.rows import Row

TABLES = {
    "incoming": (
        "n integer, id uuid, source_id text, number_hash bytea, occurred_at timestamptz, term integer,"
        " precision_m integer, decision_id text, authority_ref text, suppressed_until timestamptz, content_hash bytea"
    ),
    "term": (
        "term integer, aggregator text, path text[], campaign text, purpose text, scope text, basis text, outcome text"
    ),
    "fresh": (
        "n integer, id uuid, line_id bigint, occurred_at timestamptz, term integer, precision_m integer,"
        " decision_id text, gated boolean, hidden boolean"
    ),
    "judged": "n integer, judgement text",
}
# What COPY's text form writes otherwise. An empty line end can't be in a text of one line of JSON but as an escape.
SPECIAL = re.compile(r"[\\\t\n\r]")
ESCAPED = str.maketrans({"\\": r"\\", "\t": r"\t", "\n": r"\n", "\r": r"\r"})
BLOCK = 2000
# Nobody has statistics of these tables, and without any a join that sorts looks best. It never is.
NO_SORTING = "SET LOCAL enable_mergejoin = off"

type Terms = dict[tuple[str, tuple[str, ...], str, str, str, str, str], int]


def stage(*, cursor: CursorWrapper, rows: Sequence[Row]) -> None:
    """Make the tables and fill the first two."""
    cursor.execute(NO_SORTING)
    for name, columns in TABLES.items():
        cursor.execute(f"CREATE TEMPORARY TABLE {name} ({columns}) ON COMMIT DROP")
    terms: Terms = {}
    with cursor.copy("COPY incoming FROM STDIN") as copy:
        for start in range(0, len(rows), BLOCK):
            copy.write("".join(_line(row, terms) for row in rows[start : start + BLOCK]))
    with cursor.copy("COPY term FROM STDIN") as copy:
        for (aggregator, path, *others), term in terms.items():
            copy.write_row((term, aggregator, [*path], *others))


def clear(*, cursor: CursorWrapper) -> None:
    """Drop the tables, so that the next chunk may stand in the same transaction."""
    cursor.execute(f"DROP TABLE {', '.join(TABLES)}")


def _line(row: Row, terms: Terms) -> str:
    said = row.report
    key = (
        said.aggregator, tuple(said.path), said.campaign, said.purpose, said.scope, said.basis, said.outcome,
    )  # fmt: skip
    term = terms.setdefault(key, len(terms))
    source_id, decision_id, authority_ref = said.source_id, said.decision_id, said.authority_ref
    if SPECIAL.search(f"{source_id}{decision_id}{authority_ref}"):
        source_id, decision_id, authority_ref = (
            text.translate(ESCAPED) for text in (source_id, decision_id, authority_ref)
        )
    until = said.suppressed_until.isoformat() if said.suppressed_until else r"\N"
    return (
        f"{row.n}\t{row.id}\t{source_id}\t\\\\x{row.number.hex()}\t{said.occurred_at.isoformat()}\t{term}"
        f"\t{said.precision_m}\t{decision_id}\t{authority_ref}\t{until}\t\\\\x{row.content.hex()}\n"
    )
