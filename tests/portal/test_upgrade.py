"""A database of each release with a stop in it becomes one of today by `migrate` alone.

    KEEP_DUMP=1 ./whereabouts test tests/portal/test_upgrade.py

keeps one of the version in `pyproject.toml`, as it is now, beside the others.
"""

import json
import lzma
import os
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest
from django.conf import settings
from django.db import connections
from pytest_django import DjangoDbBlocker

from portal.embedded import cluster
from tests import forks
from tests.conventions.sources import FUNCTIONS, TRIGGERS
from tests.databases import drop_database
from tests.faults.programs import PROJECT
from tests.portal.processes import clean_environment

# Each made by its release: one line, an agreement, a campaign that its person allowed, and a stop of everything.
DUMPS = sorted(Path(__file__).parent.glob("*.sql.xz"))
# These lack the smaller releases of 1.1.
LACKING = {"0.1.0", "1.0.0"}
# What every kept database was sealed and signed with.
KEYS = {
    "FIELD_ENCRYPTION_KEYS": "g1K9WXm8dca3GukR8fiwMGP8A11YRMI2f4BLmK4WC78=",
    "SECRET_KEY": "of-a-database-of-0.1.0-and-of-nothing-else-in-the-world",
}
WRITTEN_OTHERWISE = re.compile(r"::(?:text|character varying)(?:\[\])?|[()\s]")
MAKE = """
import django
django.setup()
from consent.actions import choices
from tests.factories import a_campaign, a_contract, a_line
line, campaign = a_line(), a_campaign(a_contract(endpoint_url="https://geobridge.example/events"))
choices.allow(line_id=line.pk, campaign=campaign.ref, actor="subscriber:1", channel="web")
choices.stop(line_id=line.pk, scope="all", actor="subscriber:1", channel="web")
"""
# Programs of other releases read these in other ways, or not at all.
NOT_KEPT = re.compile(r"--|\\|SET transaction_timeout|$")
LOOK = """
import json, django
django.setup()
from accounts.models import Line
from audit.queries import verify_chains
from consent.gate import deciding, shapes
from consent.models import Choice, ChoiceReceipt
from partners.domain import keys
from partners.models import Campaign, JurisdictionRule, SigningKey
from revocations.models import Order
line, campaign = Line.objects.get(), Campaign.objects.get()
question = shapes.Question(
    aggregator=campaign.contract.aggregator.uri, provider=campaign.lbs_provider.uri, campaign=campaign.ref,
    purpose=campaign.purpose, scope=campaign.scope, precision_m=campaign.precision_m, line=line.carrier_id,
)
(answer,) = deciding.evaluate(questions=[question])
receipts = [keys.verify_own(use=SigningKey.Use.RECEIPT, token=one.token) for one in ChoiceReceipt.objects.all()]
trail = verify_chains(since=None, until=None, signed={})
print(json.dumps({
    "trail": [trail.checked > 0, trail.fault is None],
    "gate": str(answer.reason), "stops": Choice.objects.filter(kind="stop").count(),
    "orders": Order.objects.exists(), "receipts": all("receipt" in one for one in receipts), "states": sorted(
        JurisdictionRule.objects.values_list("state", flat=True)),
}))
"""

# Of the line and its campaign, some before it was allowed and one after the stop; the two oldest for the network.
RELEASES = """
INSERT INTO disclosures_disclosure (line_id, occurred_at, id, source_id, aggregator, path, campaign, purpose, scope,
    precision_m, basis, outcome, decision_id, authority_ref, basis_doubtful, judgement, recorded_at)
SELECT l.id, now() - n * interval '20 days', gen_random_uuid(), 'r-' || n, p.uri,
    CASE n WHEN 5 THEN ARRAY[p.uri, (SELECT uri FROM partners_party WHERE kind = 'lbs_provider' LIMIT 1)]
        ELSE ARRAY[p.uri] END, c.ref, c.purpose,
    c.scope, 10 * n, CASE WHEN n > 4 THEN 'network' ELSE 'approval' END, 'released', '', '', false,
    CASE WHEN n > 4 THEN 'network' ELSE 'permitted' END, now()
FROM accounts_line l, generate_series(0, 6) AS n, partners_campaign c
    JOIN partners_contract k ON k.id = c.contract_id JOIN partners_party p ON p.id = k.aggregator_id;
INSERT INTO disclosures_disclosureregister (id, line_id, occurred_at, content_hash)
SELECT id, line_id, occurred_at, sha256(source_id::bytea) FROM disclosures_disclosure
"""
# Django's own migrate grants nothing at its end: a program of 1.0 that can write now could write all the while.
MIGRATE = """
import django
django.setup()
from django.core.management import call_command
from django.core.management.commands.migrate import Command
from django.db import connection, transaction
call_command(Command(), database="owner", interactive=False)
with transaction.atomic(), connection.cursor() as cursor:
    cursor.execute(<release>)
    transaction.set_rollback(True)
call_command("migrate", interactive=False)
""".replace("<release>", repr(RELEASES.partition(";")[0]))
# What the application's role had of these.
RIGHTS = """
GRANT SELECT ON ALL TABLES IN SCHEMA public TO {role};
GRANT INSERT, UPDATE (judgement, basis_doubtful) ON disclosures_disclosure TO {role}
"""
SHOWN = """
SELECT id, occurred_at, source_id, aggregator, path, campaign, purpose, scope, precision_m, basis, outcome,
    basis_doubtful, recorded_at, judgement FROM disclosures_disclosure ORDER BY occurred_at
"""
# From PostgreSQL 18 on each NOT NULL is a constraint with a name of its own: attnotnull says the same.
SHAPE = """
SELECT attname, format_type(atttypid, atttypmod), attnotnull FROM pg_attribute
WHERE attrelid = 'disclosures_release'::regclass AND attnum > 0 AND NOT attisdropped
UNION ALL SELECT conname, pg_get_constraintdef(oid), convalidated FROM pg_constraint
WHERE conrelid = 'disclosures_release'::regclass AND contype <> 'n'
UNION ALL SELECT indexrelid::regclass::text, pg_get_indexdef(indexrelid), indisvalid FROM pg_index
WHERE indrelid = 'disclosures_release'::regclass
ORDER BY 1
"""
# All by approval: nobody had agreed, or the person had stopped by then. Then who turns out to sell look-ups. Meanwhile
# nothing is rewritten.
JUDGE = """
import io
import django
django.setup()
from consent.models import RejudgeRequest
from django.core.management import CommandError, call_command
from django.db import connection, connections
from django.utils import timezone
from disclosures.domain.ingest import projections, rejudging
from disclosures.models import Disclosure
from partners.models import Party
oldest = Disclosure.objects.filter(basis="approval").earliest("occurred_at")
RejudgeRequest.objects.create(line_id=oldest.line_id, since=oldest.occurred_at)
def compact_meanwhile(execute, sql, params, many, context):
    if sql == rejudging.CONVERT:
        try:
            call_command("compact_ledger", stdout=io.StringIO())
        except CommandError as error:
            print(error)
    return execute(sql, params, many, context)
with connections["owner"].cursor() as cursor, connection.execute_wrapper(compact_meanwhile):
    cursor.execute("SET lock_timeout = '100ms'")
    print(rejudging.rejudge(cause="test"))
projections.mark_doubtful(parties=[Party.objects.filter(kind="lbs_provider").first().uri], at=timezone.now())
print(Disclosure.objects.filter(basis_doubtful=True).count())
"""
# First while somebody reads the ledger for long. Then months are made while indexes are built.
COMPACT = """
import io
from datetime import timedelta
import django
django.setup()
from django.core.management import CommandError, call_command
from django.db import connection, connections, transaction
from django.utils import timezone
from disclosures.workers import compaction, retention
compaction.TRIES = 2
owner, told, made, proved = connections["owner"], io.StringIO(), [], []
def make_months(execute, sql, params, many, context):
    if sql.startswith("CREATE INDEX CONCURRENTLY") and not made:
        made.append(retention.make_partitions(now=timezone.now() + timedelta(days=300)))
    return execute(sql, params, many, context)
with owner.cursor() as cursor, owner.execute_wrapper(make_months):
    cursor.execute("SET statement_timeout = '20s'")
    with transaction.atomic(), connection.cursor() as reader:
        reader.execute("SELECT FROM disclosures_disclosure")
        try:
            call_command("compact_ledger", stdout=told)
        except CommandError as error:
            print(error)
    cursor.execute("SET client_min_messages = debug1")
    owner.connection.add_notice_handler(lambda notice: proved.append(notice.message_primary))
    call_command("compact_ledger", stdout=told)
print(told.getvalue().splitlines()[-1], made)
assert any('"disclosures_disclosure_default.term" are sufficient to prove' in one for one in proved), proved
"""


def url(alias: str, name: str) -> str:
    one = settings.DATABASES[alias]
    return f"postgresql://{one['USER']}:{one['PASSWORD']}@{one['HOST']}:{one['PORT']}/{name}"


@contextmanager
def database(name: str) -> Iterator[str]:
    """An empty database of the tests' server."""
    name = f"{connections['owner'].settings_dict['NAME']}_{name}"
    with connections["owner"]._nodb_cursor() as cursor:
        drop_database(cursor, name)
        cursor.execute(f'CREATE DATABASE "{name}"')
        yield name
        drop_database(cursor, name)


def keep_dump(name: str, into: Path) -> None:
    run(name, "manage.py", "migrate", "--no-input")
    run(name, "-c", MAKE)
    dump = [str(cluster.binary("pg_dump")), "--inserts", "--no-owner", "--no-privileges", url("owner", name)]
    said = subprocess.run(dump, check=True, capture_output=True, text=True).stdout
    kept = "\n".join(line for line in said.splitlines() if not NOT_KEPT.match(line))
    into.write_bytes(lzma.compress(kept.encode()))


@pytest.mark.skipif("KEEP_DUMP" not in os.environ, reason="keeps a dump of this version where KEEP_DUMP=1 asks for it")
def test_a_dump_of_this_version_is_kept(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> None:
    ours = tomllib.loads((PROJECT / "pyproject.toml").read_text())["project"]["version"]
    with django_db_blocker.unblock(), database("kept") as name:
        keep_dump(name, Path(__file__).with_name(f"{ours}.sql.xz"))


def version(dump: Path) -> str:
    return dump.name.removesuffix(".sql.xz")


@pytest.fixture
def old(request: pytest.FixtureRequest, django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[str]:
    """The name of a database as one of the releases left it."""
    with django_db_blocker.unblock(), database("upgraded") as name:
        with psycopg.connect(url("owner", name), autocommit=True) as session:
            session.execute(lzma.decompress(request.param.read_bytes()))
        yield name


def run(name: str, *command: str) -> str:
    environment: Mapping[str, str] = clean_environment(
        DATABASE_URL=url("default", name), DATABASE_OWNER_URL=url("owner", name), REDIS_URL=os.environ["REDIS_URL"],
        DJANGO_SETTINGS_MODULE="portal.settings", BASE_URL="http://localhost:8000", **KEYS,
    )  # fmt: skip
    done = forks.run([sys.executable, *command], cwd=PROJECT, env=environment)
    assert done.returncode == 0, done.stderr
    return done.stdout


def rules(name: str) -> dict[str, str]:
    """Every function and trigger with its text, but for the owner's name in the clock.

    A condition that went through a dump has other brackets and casts, which say the same.
    """
    with psycopg.connect(url("owner", name)) as session:
        found = [*session.execute(FUNCTIONS.encode()).fetchall(), *session.execute(TRIGGERS.encode()).fetchall()]
    return {one: re.sub(WRITTEN_OTHERWISE, "", text) for one, text in found if one != "audit_now"}


def ask(name: str, question: str) -> list[tuple[Any, ...]]:
    with psycopg.connect(url("owner", name)) as session:
        return session.execute(question).fetchall()


def assert_all_stands(name: str) -> None:
    """Its stop, and the proofs of that; and the database keeps the rules of a new one."""
    run(name, "manage.py", "migrate", "--check", "--no-input")
    assert json.loads(run(name, "-c", LOOK)) == {
        "gate": "stopped_all", "stops": 1, "orders": True, "receipts": True,
        "states": ["CT", "MD", "OR", "VA"], "trail": [True, True],
    }  # fmt: skip
    assert rules(name) == rules(str(connections["default"].settings_dict["NAME"]))


@pytest.mark.parametrize("old", [dump for dump in DUMPS if version(dump) not in LACKING], ids=version, indirect=True)
def test_a_stop_of_an_older_release_stands_and_its_proofs_verify(old: str) -> None:
    run(old, "manage.py", "upgrade_check")
    run(old, "manage.py", "migrate", "--no-input")
    assert_all_stands(old)


@pytest.mark.parametrize("old", [dump for dump in DUMPS if version(dump) in LACKING], ids=version, indirect=True)
def test_so_it_does_with_releases_as_1_0_kept_them_which_are_then_made_smaller(old: str) -> None:
    assert (
        "SLOWS  accounts.0026_choose_alerts: look at it: Create model AlertChoice; holds accounts_line for a moment;"
    ) in run(old, "manage.py", "upgrade_check")
    with psycopg.connect(url("owner", old)) as session:
        session.execute(RELEASES)
        session.execute(RIGHTS.format(role=settings.DATABASES["default"]["USER"]).encode())
    before = ask(old, SHOWN)
    run(old, "-c", MIGRATE)
    assert ask(old, SHOWN) == before
    assert_all_stands(old)
    # Releases of then are judged again while they are as they were, and then take no more space than those of today.
    unfinished = (
        "Not finished: canceling statement due to lock timeout. What was rewritten stays. Run the command again.\n"
    )
    assert run(old, "-c", JUDGE) == f"{unfinished}5\n1\n"
    judged = ask(old, SHOWN)
    assert [row[:-3] for row in judged] == [row[:-3] for row in before]
    assert {row[-1] for row in judged} == {"network", "no_approval", "after_stop"}
    whole = "Releases rewritten: 0. No release of version 1.0 is left. [4]\n"
    assert run(old, "-c", COMPACT) == f"{unfinished}{whole}"
    assert ask(old, SHOWN) == judged
    assert ask(old, SHAPE) == ask(str(connections["default"].settings_dict["NAME"]), SHAPE)
    assert run(old, "manage.py", "compact_ledger") == "Releases rewritten: 0. No release of version 1.0 is left.\n"
