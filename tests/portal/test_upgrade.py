"""A database of 0.1.0 with a stop in it becomes one of today by `migrate` alone."""

import json
import lzma
import os
import re
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import psycopg
import pytest
from django.conf import settings
from django.db import connections
from pytest_django import DjangoDbBlocker

from tests import forks
from tests.conventions.sources import FUNCTIONS, TRIGGERS
from tests.databases import cut_off
from tests.faults.programs import PROJECT
from tests.portal.processes import clean_environment

# Made by 0.1.0: one line, an agreement, a campaign that its person allowed, and a stop of everything.
DUMP = Path(__file__).with_name("0.1.0.sql.xz")
KEYS = {
    "FIELD_ENCRYPTION_KEYS": "g1K9WXm8dca3GukR8fiwMGP8A11YRMI2f4BLmK4WC78=",
    "SECRET_KEY": "of-a-database-of-0.1.0-and-of-nothing-else-in-the-world",
}
WRITTEN_OTHERWISE = re.compile(r"::(?:text|character varying)(?:\[\])?|[()\s]")
LOOK = """
import json, django
django.setup()
from accounts.models import Line
from audit.queries import verify
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
receipt = keys.verify_own(use=SigningKey.Use.RECEIPT, token=ChoiceReceipt.objects.get().token)
trail = verify(since=None, until=None, signed={})
print(json.dumps({
    "trail": [trail.checked, trail.fault is None],
    "gate": str(answer.reason), "stops": Choice.objects.filter(kind="stop").count(),
    "orders": Order.objects.count(), "receipt": sorted(receipt), "states": sorted(
        JurisdictionRule.objects.values_list("state", flat=True)),
}))
"""


def url(alias: str, name: str) -> str:
    one = settings.DATABASES[alias]
    return f"postgresql://{one['USER']}:{one['PASSWORD']}@{one['HOST']}:{one['PORT']}/{name}"


@pytest.fixture
def old(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[str]:
    """The name of a database as 0.1.0 left it."""
    name = f"{connections['owner'].settings_dict['NAME']}_0_1_0"
    with django_db_blocker.unblock(), connections["owner"]._nodb_cursor() as cursor:
        cursor.execute(f'DROP DATABASE IF EXISTS "{name}"')
        cursor.execute(f'CREATE DATABASE "{name}"')
        with psycopg.connect(url("owner", name), autocommit=True) as session:
            session.execute(lzma.decompress(DUMP.read_bytes()))
        yield name
        cut_off(cursor, name)
        cursor.execute(f'DROP DATABASE "{name}"')


def run(name: str, *command: str) -> str:
    environment: Mapping[str, str] = clean_environment(
        DATABASE_URL=url("default", name),
        DATABASE_OWNER_URL=url("owner", name),
        REDIS_URL=os.environ["REDIS_URL"],
        DJANGO_SETTINGS_MODULE="portal.settings",
        BASE_URL="http://localhost:8000",
        **KEYS,
    )
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


def test_a_stop_of_0_1_0_stands_and_its_proofs_verify(old: str) -> None:
    run(old, "manage.py", "migrate", "--no-input")
    run(old, "manage.py", "migrate", "--check", "--no-input")
    assert json.loads(run(old, "-c", LOOK)) == {
        "gate": "stopped_all", "stops": 1, "orders": 1, "receipt": ["choice", "iat", "iss", "line", "receipt"],
        "states": ["CT", "MD", "OR", "VA"], "trail": [8, True],
    }  # fmt: skip
    assert rules(old) == rules(str(connections["default"].settings_dict["NAME"]))
