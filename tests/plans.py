"""How PostgreSQL would run each statement of a page: which tables it would read whole."""

import json
import re
from collections.abc import Iterator
from typing import Any

from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from tools.bench.ledger import PUT

# Grow with lines, and are reached by the line.
BY_LINE = {
    "consent_approval", "consent_choice", "consent_choiceorder", "consent_choicereceipt", "consent_endedpause",
    "consent_linegate", "consent_setaside", "consent_tightening", "consent_unarchived",
    "disclosures_changedday", "disclosures_concealeddisclosure", "disclosures_dailyrollup",
    "disclosures_delayednotice", "disclosures_growingline", "disclosures_judgementchange",
    "disclosures_longline", "disclosures_release", "disclosures_rolledfacts", "partners_dealing", "revocations_attempt",
    "revocations_downstreamreport", "revocations_duty",
    "revocations_evidencerequest", "revocations_order", "revocations_receipt",
    "revocations_standing",
}  # fmt: skip

# The one exception: an id is unique over all lines.
BY_ID = {"disclosures_disclosureregister"}

# Grow with lines, and are what finds the line, or a queue, or a chain of all: kept in one place.
IN_ONE_PLACE = {
    "accounts_alertchoice",
    "accounts_browsersession", "accounts_delegation", "accounts_knowndevice", "accounts_letter", "accounts_line",
    "accounts_linenumber",
    "accounts_linereminder", "accounts_linestate", "accounts_linetexts", "accounts_lineuser", "accounts_message",
    "accounts_safecontact", "accounts_separation", "accounts_textedcode", "accounts_user", "accounts_wrongcode",
    "accounts_devicecookie", "accounts_spentcode", "accounts_throttle",
    "audit_auditevent", "audit_incidentline", "consent_ask", "consent_awaitedoutcome",
    "consent_digestfinding", "consent_heldrow", "consent_privacysignal", "consent_progresslink", "consent_touched",
    "disclosures_anomaly", "disclosures_archive", "disclosures_archivepart",
    "disclosures_givenback", "disclosures_helddisclosure", "disclosures_heldnotice", "disclosures_shortenedperiod",
    "partners_agentrequest",
    "partners_pairwisesubject",
    "revocations_breach", "support_attachment", "support_bulkreply", "support_document", "support_draft",
    "support_entry", "support_loggedcall", "support_protectedline", "support_reveal", "support_seedline",
    "support_suspendrequest", "support_ticket",
}  # fmt: skip

# Releases are named so where they are shown with their terms, and in the names of their partitions.
GROWING = BY_LINE | BY_ID | IN_ONE_PLACE | {"disclosures_disclosure"}

# As many others as make reading all of a table the worse plan, in every month and in the default partition.
OTHERS = """
INSERT INTO accounts_account (carrier_id) SELECT 'other-' || n FROM generate_series(1, 4000) AS n;
INSERT INTO accounts_line (carrier_id, account_id, holder_name_sealed, user_role, state, language, activated_at)
SELECT carrier_id, id, '', 'user', 'WA', 'en', now() - interval '3 years'
FROM accounts_account WHERE carrier_id LIKE 'other-%';
CREATE TEMPORARY TABLE other AS SELECT * FROM accounts_line WHERE carrier_id LIKE 'other-%';
INSERT INTO accounts_linenumber (line_id, msisdn_hash, msisdn_sealed, starts_at)
SELECT id, sha256(carrier_id::bytea), '', activated_at FROM other;
INSERT INTO accounts_user (username, password, is_superuser, is_staff, is_active, first_name, last_name, email,
    date_joined, role, language)
SELECT carrier_id, '', false, false, true, '', '', '', activated_at, 'subscriber', 'en' FROM other;
INSERT INTO accounts_lineuser (line_id, user_id, since)
SELECT other.id, u.id, activated_at FROM other JOIN accounts_user u ON u.username = carrier_id;
<releases>;
CREATE TEMPORARY TABLE theirs AS
SELECT line_id, id, occurred_at FROM disclosures_disclosure
WHERE occurred_at > now() - interval '31 days' AND source_id = '';
INSERT INTO consent_approval (line_id, id, campaign, method, captured_at, captured_by, wording, language, evidence_ref,
    verified_by, recorded_at, source_id, content_hash)
SELECT id, gen_random_uuid(), 'CMP-roadaid', 'sms', activated_at, '', '', 'en', '', 'carrier', activated_at,
    carrier_id, '' FROM other;
INSERT INTO disclosures_delayednotice (line_id, disclosure_id, number, suppressed_until, order_ref, recorded_at)
SELECT line_id, id, 1, now(), 'court', now() FROM theirs;
INSERT INTO disclosures_dailyrollup (line_id, day, facts, n, first_at, last_at, finest_m)
SELECT line_id, occurred_at::date, id, 1, occurred_at, occurred_at, 500 FROM theirs;
INSERT INTO disclosures_rolledfacts (line_id, key, path, campaign, purpose, basis, outcome, judgement, basis_doubtful)
SELECT line_id, id, '{a}', '', '', 'approval', 'released', 'permitted', false FROM theirs;
INSERT INTO disclosures_changedday (line_id, day) SELECT id, current_date FROM other;
INSERT INTO disclosures_longline (line_id, zone) SELECT id, 'UTC' FROM other;
INSERT INTO partners_dealing (line_id, aggregator_id, party_id, last_at)
SELECT other.id, p.id, p.id, now() FROM other, partners_party p WHERE p.uri = 'https://geobridge.example';
DROP TABLE other, theirs;
ANALYZE;
""".replace(
    "<releases>",
    PUT.replace(
        "<rows>",
        """
SELECT other.id, month + (other.id % 25) * interval '1 day', gen_random_uuid(), '', 'https://geobridge.example',
    ARRAY['https://geobridge.example', 'https://roadaid.example'], 'CMP-roadaid', 'dpv:Marketing', 'read', 500,
    'approval', 'released', '', '', false, 'permitted', month
FROM other, generate_series(
    date_trunc('month', now() - interval '27 months'), now() + interval '4 months', interval '1 month') AS month
""",
    ),
)


def statements(client: Client, path: str) -> list[str]:
    with CaptureQueriesContext(connection) as seen:
        response: Any = client.get(path)
        if response.streaming:
            assert b"".join(response.streaming_content)
    assert response.status_code == 200, path
    # What a server-side cursor is declared for is what it reads.
    said = [re.sub(r"^DECLARE .*? FOR ", "", one["sql"], flags=re.DOTALL) for one in seen.captured_queries]
    return [sql for sql in said if re.match(r"\s*(SELECT|WITH|UPDATE|INSERT|DELETE)", sql)]


def nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for below in plan.get("Plans", ()):
        yield from nodes(below)


def table_of(relation: str) -> str:
    return re.sub(r"_(\d{4}_\d{2}|default)$", "", relation)


def plan_of(sql: str, *, seqscan: str) -> dict[str, Any]:
    """How a statement is planned, with whole tables in favour or out of it."""
    with connection.cursor() as cursor:
        cursor.execute(f"SET enable_seqscan = {seqscan}")
        cursor.execute("EXPLAIN (FORMAT JSON) " + sql.replace("%", "%%"), [])
        (found,) = cursor.fetchone()
    plan: dict[str, Any] = (json.loads(found) if isinstance(found, str) else found)[0]["Plan"]
    return plan


def count_readings(client: Client, path: str, table: str) -> int:
    """How often the statements of a page begin to read a table."""
    found = 0
    for sql in statements(client, path):
        if table in sql:
            with connection.cursor() as cursor:
                cursor.execute("EXPLAIN (ANALYZE, FORMAT JSON) " + sql.replace("%", "%%"), [])
                ((plan,),) = cursor.fetchall()
            read = nodes((json.loads(plan) if isinstance(plan, str) else plan)[0]["Plan"])
            found += sum(node["Actual Loops"] for node in read if node.get("Relation Name") == table)
    return found


def reads(sql: str, *, seqscan: str) -> list[tuple[str, str, bool]]:
    """What a plan reads of tables that grow with lines: the relation, how, and whether by a condition on an index."""
    return [
        (node["Relation Name"], node["Node Type"], "Index Cond" in node)
        for node in nodes(plan_of(sql, seqscan=seqscan))
        if table_of(node.get("Relation Name", "")) in GROWING and node["Node Type"].endswith("Scan")
    ]


def unbounded(node: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The nodes of a plan that no limit stands above: the first of an index are a few rows of it, if nothing sorts."""
    if node["Node Type"] == "Limit" and "Sort" not in {one["Node Type"] for one in nodes(node)}:
        return
    yield node
    for below in node.get("Plans", []):
        yield from unbounded(below)


def wholes(sql: str, *, seqscan: str = "off") -> list[tuple[str, str]]:
    """What is read whole of tables that grow, even if out of favour: all of one, or all of an index of all of it."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT indexrelid::regclass::text FROM pg_index WHERE indpred IS NOT NULL")
        partial = {name for (name,) in cursor.fetchall()}
        cursor.execute("SELECT indexrelid::regclass::text, indrelid::regclass::text FROM pg_index")
        tables = dict(cursor.fetchall())
    read = [
        (node.get("Relation Name") or tables[node["Index Name"]], node.get("Index Name", ""))
        for node in unbounded(plan_of(sql, seqscan=seqscan))
        if node["Node Type"].endswith("Scan") and ("Index Name" in node or node["Node Type"] == "Seq Scan")
        if "Index Cond" not in node and node.get("Index Name") not in partial
    ]
    return [(table, index) for table, index in read if table_of(table) in GROWING]


def large_relations() -> set[str]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT relname FROM pg_class WHERE reltuples >= 1000 AND relkind = 'r'")
        return {name for (name,) in cursor.fetchall()}
