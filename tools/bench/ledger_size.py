"""How many bytes a release takes, all in: its row, its indexes, its id and its share of everything beside them.

The rows come in by `import_disclosures`. Beside them stand the same rows in the tables of 1.0, written in the same
order: chunks of a file, in each the order in which 1.0 wrote.
"""

from collections.abc import Mapping

from tools.bench import ledger, world
from tools.bench.ingest import Office
from tools.bench.measure import Bench, Result

CHUNK = 10_000
BEFORE = """
CREATE SCHEMA before;
CREATE TABLE before.disclosures_disclosure (
    line_id bigint NOT NULL, occurred_at timestamptz NOT NULL, id uuid NOT NULL, source_id varchar(1000) NOT NULL,
    aggregator varchar(1000) NOT NULL, path varchar(1000)[] NOT NULL, campaign varchar(1000) NOT NULL,
    purpose varchar(1000) NOT NULL, scope varchar(1000) NOT NULL, precision_m integer NOT NULL,
    basis varchar(14) NOT NULL, outcome varchar(8) NOT NULL, decision_id varchar(1000) NOT NULL,
    authority_ref varchar(1000) NOT NULL, basis_doubtful boolean NOT NULL, judgement varchar(24) NOT NULL,
    recorded_at timestamptz NOT NULL, path_completed varchar(12) NOT NULL, PRIMARY KEY (line_id, occurred_at, id)
);
CREATE INDEX ON before.disclosures_disclosure USING brin (recorded_at) WITH (pages_per_range = 16);
CREATE INDEX ON before.disclosures_disclosure USING brin (occurred_at) WITH (pages_per_range = 16);
CREATE TABLE before.disclosures_disclosureregister (
    id uuid PRIMARY KEY, line_id bigint NOT NULL, occurred_at timestamptz NOT NULL, content_hash bytea NOT NULL
);
"""
CHUNKS = "split_part(source_id, '-', 1), split_part(source_id, '-', 2)::int / %s"
ROWS = """
INSERT INTO before.disclosures_disclosure
SELECT line_id, occurred_at, id, source_id, aggregator, path, campaign, purpose, scope, precision_m, basis, outcome,
    decision_id, authority_ref, basis_doubtful, judgement, recorded_at, path_completed
FROM public.disclosures_disclosure ORDER BY <chunks>, line_id, occurred_at, id
""".replace("<chunks>", CHUNKS)
REGISTER = """
INSERT INTO before.disclosures_disclosureregister
SELECT id, line_id, occurred_at, sha256(uuid_send(id)) FROM public.disclosures_disclosure ORDER BY <chunks>, id
""".replace("<chunks>", CHUNKS)
SIZES = r"""
SELECT CASE c.relkind WHEN 'i' THEN 'index of ' ELSE '' END
    || regexp_replace(of.relname, '_(\d{4}_\d\d|default)$', '')
    || CASE c.relkind WHEN 'i' THEN ' (' || regexp_replace(pg_get_indexdef(c.oid), '^.* USING ', '') || ')' ELSE '' END,
    sum(pg_relation_size(c.oid) + CASE c.relkind WHEN 'r' THEN pg_table_size(c.oid) - pg_relation_size(c.oid)
        ELSE 0 END)
FROM pg_class c LEFT JOIN pg_index i ON i.indexrelid = c.oid JOIN pg_class of ON of.oid = coalesce(i.indrelid, c.oid)
WHERE c.relnamespace = %s::regnamespace AND c.relkind IN ('r', 'i') AND of.relname LIKE 'disclosures%%'
GROUP BY 1 HAVING sum(pg_relation_size(c.oid)) > %s ORDER BY 2 DESC
"""


def run(bench: Bench) -> Result:
    """Return the bytes of a release; the ceiling: those that it took in 1.0."""
    office = Office(bench, name="size", place=3)
    taken = 0
    while taken < bench.disclosures:
        office.take(1 + office.files % 3)
        taken = _count()
        bench.tell(f"ledger_size: {taken:,} releases")
    with world.owner().cursor() as cursor:
        cursor.execute(BEFORE)
        cursor.execute(ROWS, [CHUNK])
        cursor.execute(REGISTER, [CHUNK])
        cursor.execute("VACUUM (ANALYZE)")
    ledger.checkpoint()
    now, before = _measure("public", taken), _measure("before", taken)
    for name, sizes in (("1.0", before), ("now", now)):
        bench.tell("\n".join(f"ledger_size: {name}: {size:6.1f} {table}" for table, size in sizes.items()))
    return Result("ledger_size", sum(now.values()), "bytes", sum(before.values()))


def _count() -> int:
    with world.owner().cursor() as cursor:
        cursor.execute("SELECT count(*) FROM disclosures_disclosureregister")
        (count,) = cursor.fetchone() or (0,)
    return int(count)


def _measure(schema: str, count: int) -> Mapping[str, float]:
    with world.owner().cursor() as cursor:
        cursor.execute(SIZES, [schema, count // 20])
        return {table: float(size) / count for table, size in cursor.fetchall()}
