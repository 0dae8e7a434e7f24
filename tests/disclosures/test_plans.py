"""No page reads a whole table that grows with lines, and every hot table can be spread over servers by its lines."""

import json
import re
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest
from django.db import connection, connections, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from pytest_django import Settings

from audit.queries import database_clock
from consent.actions.choices import stop
from disclosures.domain.ingest.rollups import roll_up
from disclosures.models import AnomalyWatch, GrowingLine, PublishedFigure
from disclosures.queries.figures.statements import Figure
from disclosures.workers import publishing
from disclosures.workers.anomalies.detection import find
from tests.disclosures.anomalies import BRIDGE, JAIL, TRACK, looked
from tests.factories import a_campaign, an_approval
from tests.feeds import (
    ROAD,
    approval_row,
    line_row,
    release_row,
    take_approvals,
    take_lines,
    take_parties,
    take_releases,
    told,
)
from tests.people import Browser, signed_in
from tests.world import World, a_world

DAY = timedelta(days=1)
CITUS = Path(__file__).resolve().parents[2] / "docs" / "reference" / "citus.md"
# Grow with lines, and are reached by the line: spread by it.
BY_LINE = {
    "consent_approval", "consent_choice", "consent_choiceorder", "consent_choicereceipt", "consent_endedpause",
    "consent_linegate", "consent_setaside", "consent_tightening", "consent_unarchived",
    "disclosures_changedday", "disclosures_concealeddisclosure", "disclosures_dailyrollup",
    "disclosures_delayednotice", "disclosures_disclosure", "disclosures_growingline", "disclosures_judgementchange",
    "disclosures_longline", "disclosures_rolledfacts", "partners_dealing", "revocations_attempt",
    "revocations_downstreamreport", "revocations_duty",
    "revocations_evidencerequest", "revocations_order", "revocations_receipt",
    "revocations_standing",
}  # fmt: skip
# The one exception: an id is unique over all lines.
BY_ID = {"disclosures_disclosureregister"}
# Grow with lines, and are what finds the line, or a queue, or a chain of all: kept in one place.
IN_ONE_PLACE = {
    "accounts_browsersession", "accounts_delegation", "accounts_knowndevice", "accounts_letter", "accounts_line",
    "accounts_linenumber",
    "accounts_linereminder", "accounts_linestate", "accounts_linetexts", "accounts_lineuser", "accounts_message",
    "accounts_safecontact", "accounts_separation", "accounts_textedcode", "accounts_user", "accounts_wrongcode",
    "accounts_devicecookie", "accounts_spentcode", "accounts_throttle",
    "audit_auditevent", "audit_incidentline", "consent_ask",
    "consent_digestfinding", "consent_heldrow", "consent_privacysignal", "consent_progresslink", "consent_touched",
    "disclosures_anomaly", "disclosures_archive", "disclosures_archivepart",
    "disclosures_givenback", "disclosures_helddisclosure", "disclosures_heldnotice", "disclosures_shortenedperiod",
    "partners_agentrequest",
    "partners_pairwisesubject",
    "revocations_breach", "support_attachment", "support_bulkreply", "support_draft", "support_entry",
    "support_loggedcall", "support_protectedline", "support_reveal", "support_seedline", "support_suspendrequest",
    "support_ticket",
}  # fmt: skip
GROWING = BY_LINE | BY_ID | IN_ONE_PLACE

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
INSERT INTO disclosures_disclosure (line_id, occurred_at, id, source_id, aggregator, path, campaign, purpose, scope,
    precision_m, basis, outcome, decision_id, authority_ref, basis_doubtful, judgement, recorded_at)
SELECT other.id, month + (other.id % 25) * interval '1 day', gen_random_uuid(), '', 'https://geobridge.example',
    ARRAY['https://geobridge.example', 'https://roadaid.example'], 'CMP-roadaid', 'dpv:Marketing', 'read', 500,
    'approval', 'released', '', '', false, 'permitted', month
FROM other, generate_series(
    date_trunc('month', now() - interval '27 months'), now() + interval '4 months', interval '1 month') AS month;
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
"""
# Every page of a subscriber that reads the ledger, and the downloads.
PAGES = (
    "/home/", "/history/", "/history/?company=https://roadaid.example&not_allowed=on", "/history/?not_allowed=on",
    "/history/?since=2026-01-01&until=2026-10-01", "/companies/{company}/", "/choices/", "/access-log/",
    "/settings/", "/history/download.csv?not_allowed=on", "/history/download.json",
)  # fmt: skip


def a_carrier() -> tuple[World, Browser]:
    """A line with a history, once long and counted, among thousands of others."""
    world = a_world(at=timezone.now())
    stop(line_id=world.line.pk, scope="party", ref="https://securetrack.example", actor="subscriber:1", channel="web")
    browser = signed_in(world.line)
    GrowingLine.objects.create(line_id=world.line.pk)
    assert roll_up(at=timezone.now(), long=50) == 1
    with connections["owner"].cursor() as cursor:
        cursor.execute(OTHERS)
    return world, browser


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


def reads(sql: str, *, seqscan: str) -> list[tuple[str, str, bool]]:
    """What a plan reads of tables that grow with lines: the relation, how, and whether by a condition on an index."""
    return [
        (node["Relation Name"], node["Node Type"], "Index Cond" in node)
        for node in nodes(plan_of(sql, seqscan=seqscan))
        if table_of(node.get("Relation Name", "")) in GROWING and node["Node Type"].endswith("Scan")
    ]


def of_all_lines(sql: str) -> list[str]:
    """The indexes by which a plan finds stretches of time, in which everybody's rows lie."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT c.relname FROM pg_class c JOIN pg_am ON pg_am.oid = c.relam WHERE pg_am.amname = 'brin'")
        stretches = {name for (name,) in cursor.fetchall()}
        assert "disclosures_disclosure_occurred" in stretches
    planned = nodes(plan_of(sql, seqscan="off"))
    return [node["Index Name"] for node in planned if node.get("Index Name") in stretches]


def check_pages(world: World, browser: Browser) -> None:
    company = world.securetrack.lbs_provider_id
    read = [(path, sql) for path in PAGES for sql in statements(browser.client, path.format(company=company))]
    large = large_relations()
    assert large >= {"disclosures_dailyrollup", "disclosures_disclosure_default", "accounts_lineuser"}
    seen = set[str]()
    for path, sql in read:
        found = reads(sql, seqscan="on")
        whole = [(table, how) for table, how, by in found if table in large and not by and "Bitmap" not in how]
        assert whole == [], (path, sql)
        # What holds little here is read whole whatever its indexes are: not if that is out of favour.
        assert [table for table, how, _ in reads(sql, seqscan="off") if how == "Seq Scan"] == [], (path, sql)
        assert of_all_lines(sql) == [], (path, sql)
        seen |= {table_of(table) for table, _, _ in found}
    assert of_all_lines("SELECT id FROM disclosures_disclosure WHERE occurred_at > now() - interval '1 hour'") != []
    assert seen >= {
        "disclosures_disclosure", "disclosures_dailyrollup", "disclosures_delayednotice", "consent_linegate",
        "consent_choice", "revocations_order", "audit_auditevent",
    }  # fmt: skip


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


def check_probes(settings: Settings) -> None:
    """Asked each few seconds, for figures and readiness: what is open has an index, what is over has none."""
    settings.METRICS_TOKEN = "token-of-this-test"
    browser = Browser()
    browser.client.defaults["HTTP_AUTHORIZATION"] = f"Bearer {settings.METRICS_TOKEN}"
    read = [(path, sql) for path in ("/metrics", "/readyz") for sql in statements(browser.client, path)]
    assert [(path, found, sql) for path, sql in read for found in wholes(sql)] == []
    assert {path for path, sql in read if "revocations_order" in sql} == {"/metrics", "/readyz"}
    assert wholes("SELECT state, count(*) FROM revocations_order GROUP BY 1") != []


def plans_of_a_look(at: datetime) -> list[tuple[str, list[tuple[str, str, bool]], list[tuple[str, str, bool]]]]:
    """What each statement of a look for anomalies reads, as it is planned where its own tables are filled."""
    found: list[tuple[str, list[tuple[str, str, bool]], list[tuple[str, str, bool]]]] = []

    def explained(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        if re.match(
            r"\s*(INSERT INTO (touched|due|found)|WITH|DELETE FROM found|CREATE TEMPORARY TABLE gone|SELECT key)", sql
        ):
            written = psycopg.ClientCursor(connection.connection).mogrify(sql, params)
            found.append((written, reads(written, seqscan="on"), reads(written, seqscan="off")))
        return execute(sql, params, many, context)

    with connection.execute_wrapper(explained):
        find(at=at)
    return found


def check_a_look_for_anomalies(world: World) -> None:
    """It reads what came and what is near it."""
    # After all that the others' notices said.
    now = database_clock() + timedelta(hours=1)
    claims = a_campaign(world.geobridge, world.securetrack.lbs_provider, ref="CMP-claimed")
    an_approval(world.line, claims, at=now - timedelta(days=1), verified_by="partner", recorded_at=now)
    AnomalyWatch.objects.create(until=now)
    looked(world.line, now - timedelta(days=2), path=(BRIDGE, TRACK, JAIL), recorded_at=now)
    looked(world.line, now - timedelta(days=500), judgement="no_approval", recorded_at=now)
    planned = plans_of_a_look(now + timedelta(minutes=1))
    assert len(planned) == 1 + 2 * 8 + 1 + 3
    large = large_relations()
    for sql, on, off in planned:
        # Everybody's look-ups of a day: a partition as small as here may be read whole, though its index is there.
        if "SELECT DISTINCT day::date" not in sql:
            assert [one for one in on if one[0] in large and not one[2] and "Bitmap" not in one[1]] == [], sql
        assert [one for one in off if one[1] == "Seq Scan"] == [], sql
    seen = {table_of(table) for _, on, _ in planned for table, _, _ in on}
    assert seen >= {"disclosures_disclosure", "disclosures_delayednotice", "consent_approval", "disclosures_anomaly"}


def plans_of_judging(*rows: dict[str, object]) -> list[dict[str, Any]]:
    """How a chunk of these rows was judged, as it was done: the nodes of its plan."""
    found: list[dict[str, Any]] = []

    def explained(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        if "INSERT INTO judged" in sql:
            with transaction.atomic():
                execute("EXPLAIN (ANALYZE, FORMAT JSON) " + sql, params, many, context)
                (plan,) = context["cursor"].fetchone()
                found.extend(nodes((json.loads(plan) if isinstance(plan, str) else plan)[0]["Plan"]))
                transaction.set_rollback(True)
        return execute(sql, params, many, context)

    with connection.execute_wrapper(explained):
        assert told(take_releases(*rows)) == [("accepted", "permitted")] * len(rows)
    return found


@pytest.mark.usefixtures("db")
@pytest.mark.parametrize("customers", [1, 40, pytest.param(300, marks=pytest.mark.nightly)])
def test_a_chunk_is_judged_in_one_reading(customers: int) -> None:
    """And not in one for each of its companies."""
    count = 10 * customers
    take_parties()
    take_lines(line_row())
    take_approvals(approval_row(id="yes"))
    rows = [release_row(path=[BRIDGE, ROAD, f"https://customer-{n % customers}.example"]) for n in range(count)]
    read = [(node["CTE Name"], node["Actual Loops"]) for node in plans_of_judging(*rows) if "CTE Name" in node]
    assert {loops for name, loops in read if name == "question"} == {1}
    assert {name for name, _ in read} >= {"question", "own", "plain", "weighed"}


def check_figures() -> None:
    """They are counted from the month that they are about."""
    publishing.make(at=timezone.now())
    large = large_relations()
    since = PublishedFigure.objects.get(name=Figure.RELEASES).since
    month = f"disclosures_disclosure_{since:%Y_%m}"
    for figure in PublishedFigure.objects.all():
        found = reads(figure.query, seqscan="off")
        assert {table for table, _, _ in found if table.startswith("disclosures_disclosure_2")} <= {month}, figure.name
        # What people said is found by when it was recorded, their orders by their keys.
        if figure.name != Figure.RELEASES:
            on = reads(figure.query, seqscan="on")
            assert [one for one in on if one[0] in large and not one[2] and "Bitmap" not in one[1]] == [], figure.name
    found = reads(PublishedFigure.objects.get(name=Figure.RELEASES).query, seqscan="off")
    assert {table for table, _, _ in found} >= {"disclosures_delayednotice", month}


@pytest.mark.usefixtures("committed_db", "no_broker")
def test_no_page_probe_figure_or_look_reads_a_whole_table(settings: Settings) -> None:
    world, browser = a_carrier()
    check_pages(world, browser)
    check_probes(settings)
    check_figures()
    check_a_look_for_anomalies(world)


def large_relations() -> set[str]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT relname FROM pg_class WHERE reltuples >= 1000 AND relkind = 'r'")
        return {name for (name,) in cursor.fetchall()}


def unique_keys() -> dict[str, list[list[str]]]:
    """The columns of every unique index, by table."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT c.relname, array(SELECT a.attname FROM unnest(i.indkey) AS key JOIN pg_attribute a"
            "   ON a.attrelid = c.oid AND a.attnum = key)::text[]"
            " FROM pg_index i JOIN pg_class c ON c.oid = i.indrelid JOIN pg_namespace n ON n.oid = c.relnamespace"
            " WHERE i.indisunique AND n.nspname = 'public' AND NOT c.relispartition"
        )
        found: dict[str, list[list[str]]] = {}
        for table, columns in cursor.fetchall():
            found.setdefault(table, []).append(list(columns))
    return found


@pytest.mark.usefixtures("db")
def test_unique_keys_hold_the_column_their_table_is_spread_by() -> None:
    keys = unique_keys()
    assert {table: of for table in BY_LINE for of in keys[table] if "line_id" not in of} == {}
    assert {table: keys[table] for table in BY_ID} == {"disclosures_disclosureregister": [["id"]]}


@pytest.mark.usefixtures("db")
def test_every_table_that_names_a_line_is_put_somewhere() -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT c.relname FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid"
            " JOIN pg_namespace n ON n.oid = c.relnamespace"
            " WHERE a.attname = 'line_id' AND c.relkind IN ('r', 'p') AND NOT c.relispartition AND n.nspname = 'public'"
        )
        named = {table for (table,) in cursor.fetchall()}
    assert named - GROWING == set()
    assert set() == BY_LINE & IN_ONE_PLACE


def reference_tables() -> list[str]:
    """Those that the guide for operators puts on every server, in its order."""
    return re.findall(r"create_reference_table\('(\w+)'\)", CITUS.read_text())


def foreign_keys() -> list[tuple[str, str]]:
    """Which table refers to which, of whole tables."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT conrelid::regclass::text, confrelid::regclass::text FROM pg_constraint"
            " WHERE contype = 'f' AND conparentid = 0 ORDER BY 1, 2"
        )
        return [(table, to) for table, to in cursor.fetchall()]


@pytest.mark.usefixtures("db")
def test_what_a_spread_table_refers_to_is_on_every_server() -> None:
    keys, spread = foreign_keys(), BY_LINE | BY_ID
    made = re.findall(r"create_(?:reference|distributed)_table\('(\w+)'", CITUS.read_text())
    assert ("partners_dealing", "partners_party") in keys
    assert {(one, to) for one, to in keys if one in spread and to not in reference_tables()} == set()
    # And what is in one place refers to nothing that is spread.
    assert {(one, to) for one, to in keys if to in spread} == set()
    assert {(one, to) for one, to in keys if one in made and to not in made[: made.index(one)]} == set()


NAMED = re.compile(r"\w+")
WRITTEN = re.compile(r"\b(?:INSERT INTO|UPDATE|DELETE FROM)\s+(?:ONLY\s+)?(\w+)")


def reached_by_triggers(tables: set[str], *, how: re.Pattern[str] = NAMED) -> dict[str, set[str]]:
    """What the functions of these tables' triggers name of all tables, and those that they call, by trigger."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT p.proname, coalesce(pg_get_function_sqlbody(p.oid), p.prosrc) FROM pg_proc p"
            " JOIN pg_namespace n ON n.oid = p.pronamespace WHERE n.nspname = 'public' AND p.probin IS NULL"
        )
        sources = {name: re.sub(r"--.*", "", source) for name, source in cursor.fetchall()}
        cursor.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
        known = {name for (name,) in cursor.fetchall()}
        cursor.execute(
            "SELECT t.tgname, p.proname FROM pg_trigger t JOIN pg_proc p ON p.oid = t.tgfoid"
            " JOIN pg_class c ON c.oid = t.tgrelid WHERE NOT t.tgisinternal AND c.relname = ANY (%s)",
            [sorted(tables)],
        )
        found = cursor.fetchall()

    def reached(function: str, seen: set[str]) -> set[str]:
        called = set(NAMED.findall(sources[function])) & sources.keys() - seen
        own = set(how.findall(sources[function])) & known
        return own | {one for name in called for one in reached(name, seen | called)}

    return {trigger: reached(function, {function}) for trigger, function in found}


@pytest.mark.usefixtures("db")
def test_no_trigger_of_a_spread_table_leaves_its_shard() -> None:
    reached = reached_by_triggers(BY_LINE | BY_ID)
    assert reached["consent_stop_has_its_orders"] >= {"partners_cover", "consent_choiceorder", "revocations_order"}
    assert reached["consent_choice_is_archived"] == {"consent_unarchived"}
    assert reached["disclosures_notice_is_kept"] == {"consent_tightening"}
    outside = {trigger: of - BY_LINE - set(reference_tables()) for trigger, of in reached.items()}
    assert {trigger: of for trigger, of in outside.items() if of} == {}
    # A row of a reference table is on every server, and none of them may write it for the others.
    written = reached_by_triggers(BY_LINE | BY_ID, how=WRITTEN)
    assert written["disclosures_notice_is_kept"] == {"consent_tightening"}
    assert {trigger: of for trigger, of in written.items() if of - BY_LINE} == {}


@pytest.mark.usefixtures("db")
def test_the_guide_names_triggers_that_need_more_than_their_copy() -> None:
    on_every_server = set(reference_tables())
    reached = reached_by_triggers(on_every_server)
    written = reached_by_triggers(on_every_server, how=WRITTEN)
    needing = {trigger for trigger, of in reached.items() if of - on_every_server or written[trigger]}
    said = CITUS.read_text().partition("**Triggers of reference tables**")[2].partition("\n\n")[0]
    assert set(re.findall(r"`(\w+)`", said)) & reached.keys() == needing
    assert {"consent_suspension_is_archived", "partners_cover_kin", "consent_campaign_frozen"} <= needing


def test_the_guide_spreads_these_tables_and_no_others() -> None:
    text = CITUS.read_text()
    spread = re.findall(r"create_distributed_table\('(\w+)', '(\w+)'", text)
    assert {table for table, column in spread if column == "line_id"} == BY_LINE
    assert {table for table, column in spread if column == "id"} == BY_ID
    assert {table for table in IN_ONE_PLACE if f"`{table}`" not in text} == set()
