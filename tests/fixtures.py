"""Two kinds of database test: `db` (the application's role in one transaction) and `committed_db` (real commits)."""

import functools
from collections.abc import Iterator
from datetime import UTC, datetime
from types import ModuleType
from typing import Protocol

import psycopg
import pytest
from django.core.cache import cache
from django.db import DatabaseError, connection, connections, transaction
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.utils import CursorWrapper
from django.template.base import Template
from django.utils import timezone, translation
from psycopg.rows import tuple_row
from pytest_django import DjangoDbBlocker, Settings

from accounts.clients.texts import MemoryBackend
from accounts.models import Line
from partners.domain.keysets import look_ups
from partners.models import JurisdictionRule
from partners.workers import rotation
from revocations.actions import nudges
from support.models import SavedReply
from tests import citus, databases
from tests.clocks import Clock, standing_still
from tests.factories import NOW, a_line

INSUFFICIENT_PRIVILEGE = "42501"
KEYS_SINCE = datetime(2026, 1, 1, tzinfo=UTC)
KEPT = {
    "django_migrations", "django_content_type", "auth_permission", "partners_jurisdictionrule", "partners_signingkey",
    "partners_noticetext", "partners_proposal", "disclosures_anomalyrule", "consent_gateopening",
    "support_cannedreply",
}  # fmt: skip


# By what a test, or a fixture of it, asks for a database.
DATABASES = {"db", "committed_db", "django_db_setup"}

# Before Django's test environment wraps it.
RENDER = vars(Template)["_render"]

# Where so many rows were taken out, those that are looked for later should not have to be found among them.
MANY = 100


rules_of_the_migrations: list[int] = []
replies_of_the_migrations: list[int] = []


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Whatever stands in a file with somebody's browser opens pages; what asks for no database has none."""
    for item in items:
        if isinstance(item, pytest.Function):
            if _has_a_browser(item.module):
                item.add_marker("pages")
            if not item.get_closest_marker("django_db") and DATABASES.isdisjoint(item.fixturenames):
                item.add_marker("no_database")


def _has_a_browser(module: ModuleType) -> bool:
    """A person's or an officer's, that is, with which no more than one does something at a time."""
    makers = {getattr(one, "__module__", "") for one in vars(module).values()}
    at_once = module.__name__.endswith("_at_once")
    return "tests.people" in makers or ("tests.support.officers" in makers and not at_once)


@pytest.fixture(scope="session", autouse=True)
def _templates_unwatched(django_test_environment: None) -> Iterator[None]:
    """Nobody here asks which templates made a page; to copy what each was given takes a fifth of a page's time."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(Template, "_render", RENDER)
        yield


@pytest.fixture(scope="session", autouse=True)
def _nudges_sent_at_once(django_test_environment: None) -> Iterator[None]:
    """A nudge that waits for others would come when the test that it belongs to is over."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(nudges, "EVERY_S", 0.0)
        yield


@pytest.fixture(autouse=True)
def _nobody_tried_before(request: pytest.FixtureRequest) -> None:
    """Tries are counted by address, person and company: those of other tests, which had the same ids, are not ours."""
    look_ups.clear()
    if request.node.get_closest_marker("pages") or "committed_db" in request.fixturenames:
        cache.clear()


# The heads that chains begin with.
HEADS = "audit_chainhead"
AS_MIGRATED = """
SELECT setval(quote_ident(sequencename)::regclass, start_value, false) FROM pg_sequences
WHERE schemaname = 'public' AND last_value IS NOT NULL
AND NOT sequencename = ANY (SELECT name || '_id_seq' FROM unnest(%(kept)s::text[]) AS name);
DELETE FROM partners_jurisdictionrule WHERE NOT id = ANY (%(rules)s);
UPDATE partners_jurisdictionrule SET ends_at = NULL, relaxed_by_id = NULL
WHERE ends_at IS NOT NULL OR relaxed_by_id IS NOT NULL;
DELETE FROM partners_noticetext WHERE actor <> 'system:install';
DELETE FROM disclosures_anomalyrule WHERE actor <> 'system:install';
DELETE FROM partners_proposal;
DELETE FROM support_cannedreply WHERE NOT id = ANY (%(replies)s);
UPDATE support_cannedreply SET used = 0, retired_at = NULL WHERE used <> 0 OR retired_at IS NOT NULL;
DELETE FROM partners_signingkey WHERE published_at <> %(keys_since)s;
UPDATE partners_signingkey SET retired_at = NULL WHERE retired_at IS NOT NULL;
DELETE FROM audit_chainhead
WHERE seq <> 0 OR hash <> sha256(convert_to('whereabouts audit chain ' || chain, 'UTF8'))
"""
AS_BEGUN = """
INSERT INTO audit_chainhead (chain, seq, hash)
SELECT chain, 0, sha256(convert_to('whereabouts audit chain ' || chain, 'UTF8'))
FROM generate_series(0, 15) AS chain ON CONFLICT DO NOTHING;
INSERT INTO partners_party (uri, name, kind, website, about, jwks_uri)
VALUES ('unknown', 'A company we can''t name', 'unnamed', '', '', '');
SELECT consent_gate_open()
"""


def empty_database() -> None:
    """Put the database back to what the migrations left, as its owner: the ledgers refuse everybody else."""
    with _sweeping() as cursor:
        for name in _with_rows():
            _empty(cursor, name)
        # A rule names the proposal that ended it, and the rules of the migrations stay. Programs of their own may have
        # rotated keys.
        cursor.execute(
            AS_MIGRATED,
            {
                "kept": sorted(KEPT), "rules": rules_of_the_migrations, "replies": replies_of_the_migrations,
                "keys_since": KEYS_SINCE,
            },
        )  # fmt: skip
    citus.empty()
    with connections["owner"].cursor() as cursor:
        cursor.execute(AS_BEGUN)


@functools.cache
def _sweeper() -> BaseDatabaseWrapper:
    """A session of the owner for which no trigger fires: to switch them off and on in one makes it plan all anew."""
    return connections["owner"].copy()


def _sweeping() -> CursorWrapper:
    session = _sweeper()
    # Some tests end every session that there is.
    if not session.is_usable():
        session.close()
        with session.cursor() as cursor:
            cursor.execute("SET session_replication_role = replica")
    return session.cursor()


@functools.cache
def _looks() -> bytes:
    with _sweeping() as cursor:
        cursor.execute(
            "SELECT c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
            " WHERE n.nspname = 'public' AND c.relkind IN ('r', 'p') AND NOT c.relispartition"
        )
        tables = {name for (name,) in cursor.fetchall()} - KEPT - {HEADS, *citus.SPREAD}
    return " UNION ALL ".join(
        f"SELECT '{name}' WHERE EXISTS (SELECT FROM \"{name}\")" for name in sorted(tables)
    ).encode()


def _with_rows() -> list[str]:
    """Which tables have rows. Planning this takes ten times what looking does: it is planned once."""
    with psycopg.Cursor(_sweeper().connection, row_factory=tuple_row) as prepared:
        prepared.execute(_looks(), prepare=True)
        return [name for (name,) in prepared]


def _empty(cursor: CursorWrapper, name: str) -> None:
    """Take out every row one by one: making new files for a table and its indexes takes longer than most tests."""
    cursor.execute(f'DELETE FROM "{name}"')
    if cursor.rowcount > MANY:
        cursor.execute(f'VACUUM "{name}"')


@pytest.fixture(scope="session")
def django_db_setup(
    django_test_environment: None, django_db_modify_db_settings: None, django_db_blocker: DjangoDbBlocker
) -> Iterator[None]:
    """One test database, made by the owner and read by the application's role: both aliases, always."""
    with django_db_blocker.unblock():
        name = databases.clone_test_database()
        rules_of_the_migrations[:] = JurisdictionRule.objects.values_list("id", flat=True)
        replies_of_the_migrations[:] = SavedReply.objects.values_list("id", flat=True)
        rotation.ensure(now=KEYS_SINCE)
        # What making them wrote into the audit trail is nobody's business here.
        empty_database()
    yield
    with django_db_blocker.unblock():
        _sweeper().close()
        databases.drop_test_database(name)


@pytest.fixture
def committed_db(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    """A database in which commits are real: deferred checks run, other connections and processes see the rows."""
    with django_db_blocker.unblock():
        yield
        for alias in connections:
            _as_new(alias)
        empty_database()


def _as_new(alias: str) -> None:
    """Leave a session as it began: a new one would read the whole catalogue once more for the next test."""
    session = connections[alias]
    if session.connection is None:
        return
    if session.in_atomic_block or not session.get_autocommit() or not session.is_usable():
        session.close()
        return
    with session.cursor() as cursor:
        cursor.execute("RESET ALL; DISCARD TEMP; SELECT pg_advisory_unlock_all()")
    session.init_connection_state()


class Refusal(Protocol):
    """A check that a statement is refused; see `refused`."""

    def __call__(self, statement: str, *, constraint: str = "", using: str = "default") -> None: ...


@pytest.fixture
def refused() -> Refusal:
    """Check that a statement is refused: for want of a right, or by the named guard. `using`: "owner" has every right.

    Guards of rows speak only where there are rows; a statement that fails for anything else is a failure here.
    """

    def check(statement: str, *, constraint: str = "", using: str = "default") -> None:
        # What is checked at the commit is checked at once.
        whole = f"{statement}; SET CONSTRAINTS ALL IMMEDIATE"
        with pytest.raises(DatabaseError) as caught, transaction.atomic(using), connections[using].cursor() as cursor:
            cursor.execute(whole)
        cause = caught.value.__cause__
        assert isinstance(cause, psycopg.Error)
        if constraint:
            assert cause.diag.constraint_name == constraint
        else:
            assert cause.sqlstate == INSUFFICIENT_PRIVILEGE, cause

    return check


@pytest.fixture
def no_broker(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nudges go nowhere, as with a broker that is down: the rows are the queue all the same."""
    monkeypatch.setattr("revocations.tasks.deliver.delay", lambda **_: None)


@pytest.fixture(
    params=[pytest.param(False, marks=pytest.mark.nightly), True], ids=["own sessions", "sessions that take turns"]
)
def both_ways_of_sessions(request: pytest.FixtureRequest) -> Iterator[None]:
    """As web processes connect: directly, or by a pooler that gives a session to each transaction."""
    was = connection.settings_dict["DISABLE_SERVER_SIDE_CURSORS"]
    connection.settings_dict["DISABLE_SERVER_SIDE_CURSORS"] = request.param
    yield
    connection.settings_dict["DISABLE_SERVER_SIDE_CURSORS"] = was


# What many tests begin with; modules that need another of the name have their own.


@pytest.fixture
def now() -> datetime:
    return timezone.now()


@pytest.fixture
def line() -> Line:
    return a_line()


@pytest.fixture
def texts_in_memory(settings: Settings) -> None:
    """Texts are kept for whoever reads them, and no answer waits."""
    translation.activate("en")  # a page in Spanish leaves its language to the next test
    settings.SMS_BACKEND = "accounts.clients.texts.MemoryBackend"
    settings.ANSWER_SECONDS = 0.0
    MemoryBackend.outbox.clear()


@pytest.fixture(scope="module")
def clock(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[Clock]:
    """One that stands still for a whole module, or until a test of it moves it."""
    with django_db_blocker.unblock(), standing_still(NOW) as clock:
        yield clock
