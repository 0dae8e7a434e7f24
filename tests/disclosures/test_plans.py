"""No page reads a whole table that grows with lines, and the ledger can be spread over servers by its lines."""

import json
import re
from datetime import datetime, timedelta
from typing import Any

import psycopg
import pytest
from django.db import connection, connections, transaction
from django.utils import timezone
from pytest_django import Settings

from audit.queries import database_clock
from consent.actions.choices import stop
from disclosures.domain.ingest.rollups import roll_up
from disclosures.models import AnomalyWatch, GrowingLine, PublishedFigure
from disclosures.queries.figures.statements import Figure
from disclosures.workers import distribution, publishing
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
from tests.plans import (
    BY_ID,
    BY_LINE,
    GROWING,
    IN_ONE_PLACE,
    OTHERS,
    large_relations,
    nodes,
    plan_of,
    reads,
    statements,
    table_of,
    wholes,
)
from tests.world import World, a_world

pytestmark = pytest.mark.one_server
DAY = timedelta(days=1)
SPREAD = {*distribution.BY_LINE}

# Every page of a subscriber that reads the ledger, and the downloads.
PAGES = (
    "/home/", "/history/", "/history/?company=https://roadaid.example&not_allowed=on", "/history/?not_allowed=on",
    "/history/?since=2026-01-01&until=2026-10-01", "/history/?only=no_record&month=2026-09", "/history/times/",
    "/companies/{company}/", "/choices/", "/access-log/",
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
        # A month's releases are counted whole; what people said is found by when it was recorded, orders by their keys.
        if figure.name not in {Figure.RELEASES, Figure.PHONES}:
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
    assert {table: of for table in SPREAD for of in keys.get(table, []) if "line_id" not in of} == {}
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
    assert set() == SPREAD - BY_LINE


@pytest.mark.usefixtures("db")
def test_a_spread_table_refers_to_no_other_and_no_other_to_it() -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT conrelid::regclass::text, confrelid::regclass::text FROM pg_constraint"
            " WHERE contype = 'f' AND conparentid = 0"
        )
        keys = {frozenset(pair) for pair in cursor.fetchall()}
    assert frozenset({"partners_dealing", "partners_party"}) in keys
    assert {pair for pair in keys if pair & {*distribution.TABLES}} == set()


NAMED = re.compile(r"\w+")
CALLED = re.compile(r"\b(\w+)\(")
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


def of_the_triggers(reached: dict[str, set[str]]) -> dict[str, set[str]]:
    """Of those that are left where the ledger is spread."""
    return {name: of for name, of in reached.items() if name not in dict(distribution.TRIGGERS)}


@pytest.mark.usefixtures("db")
def test_no_trigger_of_a_spread_table_leaves_its_shard() -> None:
    reached = reached_by_triggers({*distribution.TABLES})
    assert reached["disclosures_notice_is_kept"] == {"consent_tightening"}
    assert reached["disclosures_change_is_recorded"] == {"disclosures_term", "disclosures_judgementchange"}
    kept = of_the_triggers(reached)
    assert len(kept) == len(reached) - len(distribution.TRIGGERS)
    assert {trigger: of for trigger, of in kept.items() if of - SPREAD - {distribution.TERMS}} == {}
    written = of_the_triggers(reached_by_triggers({*distribution.TABLES}, how=WRITTEN))
    assert {trigger: of for trigger, of in written.items() if of} == {}


@pytest.mark.usefixtures("db")
def test_every_function_that_triggers_call_is_on_every_server() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT proname FROM pg_proc WHERE pronamespace = 'public'::regnamespace")
        known = {name for (name,) in cursor.fetchall()}
        cursor.execute(
            "SELECT t.tgname, p.prosrc FROM pg_trigger t JOIN pg_proc p ON p.oid = t.tgfoid"
            " WHERE NOT t.tgisinternal AND t.tgrelid = ANY (%s::regclass[])",
            [[*distribution.TABLES]],
        )
        sources = {name: {source} for name, source in cursor.fetchall()}
    called = {name for of in of_the_triggers(sources).values() for source in of for name in CALLED.findall(source)}
    made = {function.partition("(")[0] for function in distribution.FUNCTIONS}
    assert called & known == {"disclosures_converts", "disclosures_says_the_same", "disclosures_term_key"}
    assert called & known <= made <= known
