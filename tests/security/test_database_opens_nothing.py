"""Whoever reads the whole database, by the application's role or in a dump, opens nothing with what is there."""

import re
from base64 import b32encode, urlsafe_b64encode
from collections.abc import Iterator

import pytest
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from django.conf import settings as configured
from django.db import connection
from django.test import Client
from pytest_django.fixtures import Settings

from accounts.domain import auth_factors
from tests.agents import an_agent_asks
from tests.consent.camara import ask
from tests.consent.claiming import a_partner, link_in
from tests.factories import a_line
from tests.fixtures import KEPT
from tests.people import PASSWORD, Browser, asked_for_new_password, newest_text, number_of, sign_in, user_of
from tests.staff import a_staff_user
from tests.support.officers import staff

pytestmark = pytest.mark.usefixtures("committed_db", "no_broker")
# Kinds of columns that hold words, signs or bytes.
COLUMNS = """
SELECT c.relname, a.attname, format_type(a.atttypid, NULL) FROM pg_class c
JOIN pg_namespace n ON n.oid = c.relnamespace JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0
WHERE n.nspname = 'public' AND c.relkind IN ('r', 'p') AND NOT c.relispartition AND NOT a.attisdropped
    AND NOT c.relname = ANY (%s) AND has_column_privilege(c.oid, a.attnum, 'SELECT')
    AND format_type(a.atttypid, NULL) ~ '^(text|character varying|bytea|jsonb|uuid)'
"""
SHORTEST, LONGEST = 6, 200
WORD = re.compile(rf"[A-Za-z0-9_.+=-]{{{SHORTEST},}}")


@pytest.fixture(autouse=True)
def _fast(settings: Settings) -> None:
    settings.SMS_BACKEND, settings.ANSWER_SECONDS = "accounts.clients.texts.MemoryBackend", 0.0
    settings.DRP_BUSINESS_ID = "CARRIER"


def whole_database() -> Iterator[bytes]:
    """Read every value that could be, or hold, a key: as the application's role reads it."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_user")
        assert cursor.fetchone() == (configured.DATABASES["default"]["USER"],)
        cursor.execute(COLUMNS, [sorted(KEPT)])
        for table, column, kind in cursor.fetchall():
            as_bytes = f'"{column}"' if kind == "bytea" else f"convert_to(\"{column}\"::text, 'UTF8')"
            cursor.execute(f'SELECT DISTINCT {as_bytes} FROM "{table}" WHERE "{column}" IS NOT NULL')
            yield from (bytes(value) for (value,) in cursor.fetchall())


def candidates(value: bytes) -> set[str]:
    """Make of a value what could be typed, sent or put into an address."""
    encoded = {value.hex(), urlsafe_b64encode(value).decode().rstrip("="), b32encode(value).decode().rstrip("=")}
    try:
        return encoded | {value.decode()} | set(WORD.findall(value.decode()))
    except UnicodeDecodeError:
        return encoded


def session_of(client: Client) -> str:
    return str(client.cookies[configured.SESSION_COOKIE_NAME].value)


@pytest.fixture
def secrets() -> dict[str, str]:
    """What opens something just now, each made the way the world makes it."""
    line, officer = a_line(), staff("officer")
    person = sign_in(line)
    activation = re.search(r"secret=(\w+)|>([A-Z2-7]{32})<", person.get("/accounts/2fa/totp/activate/").text)
    assert activation is not None
    secret = activation[1] or activation[2]
    RecoveryCodes.activate(user_of(line))
    codes = re.findall(r"\b\d{8}\b", person.get("/accounts/2fa/recovery-codes/").text)
    stopper, other = Browser(), a_line()
    stopper.post("/stop/", {"number": number_of(other)})
    stopper.post("/stop/code/", {"code": newest_text(number_of(other)).code})
    progress = stopper.post("/stop/all/", {"stop-all": "1"}).url
    waiting = a_line()
    Browser().post("/accounts/login/", {"number": number_of(waiting)})
    partner = a_partner()
    asked = link_in(ask(partner, requestCaptureUrl=True, phoneNumber=number_of(a_line()))["captureUrl"])
    return {
        "subscriber": session_of(person.client), "officer": session_of(officer.client),
        "stopper": session_of(stopper.client), "app": secret, "recovery": codes[0],
        "code": newest_text(number_of(waiting)).code, "progress": progress.split("/")[3],
        "cancel": asked_for_new_password(line).split("/")[2], "question": asked.split("/")[2],
        "agent": an_agent_asks(a_line()).split("/")[3], "password": PASSWORD,
        "invitation": auth_factors.invitation_path(user=a_staff_user()).split("/")[4],
    }  # fmt: skip


def test_no_live_secret_is_in_the_database(secrets: dict[str, str]) -> None:
    found = set()
    for value in whole_database():
        words = candidates(value)
        found |= {name for name, secret in secrets.items() if secret in words or secret.encode() in value[:LONGEST]}
    assert found == set()


def test_nothing_in_the_database_is_a_session(secrets: dict[str, str]) -> None:
    client = Client()

    def opens(key: str) -> bool:
        client.cookies[configured.SESSION_COOKIE_NAME] = key
        return client.get("/settings/").status_code == 200

    words = {word for value in whole_database() for word in candidates(value)}
    tried = sorted(word for word in words if re.fullmatch(r"[\w-]{20,80}", word, re.ASCII))
    assert len(tried) > 200
    assert opens(secrets["officer"])
    assert [word for word in tried if opens(word)] == []
