"""Browser sessions at rest: by one statement each, and worth nothing to whoever reads the database."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from cryptography.fernet import Fernet
from django.contrib.sessions.backends.base import UpdateError
from django.db import connection
from pytest_django import DjangoAssertNumQueries, Settings

from accounts.domain.session_store import PROOFS, SessionStore, session_key_hash
from accounts.models import BrowserSession
from accounts.workers.clocks import forget_sessions

pytestmark = pytest.mark.django_db
LONG_OVER = datetime(2026, 1, 1, tzinfo=UTC)


def a_session(**data: str) -> SessionStore:
    store = SessionStore()
    store.update(data)
    store.save()
    return store


def key_of(store: SessionStore) -> str:
    assert store.session_key is not None
    return store.session_key


def test_a_session_is_found_by_its_key_and_no_other(django_assert_num_queries: DjangoAssertNumQueries) -> None:
    with django_assert_num_queries(1):
        key = key_of(a_session(asker="one"))
    assert len(key) == 32
    with django_assert_num_queries(1):
        assert dict(SessionStore(key).items()) == {"asker": "one"}
    stranger = SessionStore("x" * 32)
    assert dict(stranger.items()) == {}
    assert stranger.session_key is None
    row = BrowserSession.objects.get()
    assert timedelta(days=13) < row.expires_at - datetime.now(tz=UTC) <= timedelta(days=14)
    store = SessionStore(key)
    store["asker"] = "another"
    with django_assert_num_queries(1):
        store.save()
    assert SessionStore(store.session_key)["asker"] == "another"
    assert BrowserSession.objects.count() == 1
    # Ended meanwhile, it does not come back.
    store["asker"] = "a third"
    SessionStore(store.session_key).delete()
    with pytest.raises(UpdateError):
        store.save()
    assert BrowserSession.objects.count() == 0


def test_a_row_holds_neither_the_key_nor_readable_data() -> None:
    key = key_of(a_session(asker="somebody's secret"))
    ((key_hash, data),) = BrowserSession.objects.values_list("key_hash", "data")
    assert len(bytes(key_hash)) == 32
    assert key.encode() not in bytes(key_hash) + bytes(data)
    assert b"secret" not in bytes(data)
    for guess in (bytes(key_hash).hex(), bytes(key_hash).decode("latin-1"), bytes(data).decode()):
        assert dict(SessionStore(guess).items()) == {}


def test_the_hash_and_the_data_are_keyed_by_the_servers_secret(settings: Settings) -> None:
    key = key_of(a_session(asker="one"))
    row, ours = BrowserSession.objects.get(), [*settings.FIELD_ENCRYPTION_KEYS]
    assert bytes(row.key_hash) == session_key_hash(key)
    settings.FIELD_ENCRYPTION_KEYS = [Fernet.generate_key().decode()]
    theirs = session_key_hash(key)
    assert (theirs != bytes(row.key_hash), len(theirs)) == (True, 32), "one id, two secrets, two hashes"
    assert dict(SessionStore(key).items()) == {}
    # Nor where the row is moved to where another secret looks for it.
    BrowserSession.objects.update(key_hash=theirs)
    assert BrowserSession.objects.filter(key_hash=session_key_hash(key)).exists()
    assert dict(SessionStore(key).items()) == {}
    settings.FIELD_ENCRYPTION_KEYS = ours
    assert dict(SessionStore(key).items()) == {}
    BrowserSession.objects.update(key_hash=row.key_hash)
    assert dict(SessionStore(key).items()) == {"asker": "one"}


def test_data_copied_into_another_row_is_unreadable_there() -> None:
    officer, mine = a_session(asker="officer"), a_session(asker="mine")
    rows = {bytes(row.key_hash): row for row in BrowserSession.objects.all()}
    assert len(rows) == 2
    (data,) = [bytes(row.data) for row in rows.values() if SessionStore(key_of(officer))._decrypt(row.data)]
    BrowserSession.objects.update(data=data)
    stolen = SessionStore(key_of(mine))
    assert dict(stolen.items()) == {}
    assert stolen.session_key is None
    assert SessionStore(key_of(officer))["asker"] == "officer"


def test_an_expired_session_is_gone_and_is_deleted() -> None:
    key, lasting = key_of(a_session(asker="one")), a_session(asker="two")
    BrowserSession.objects.filter(pk=BrowserSession.objects.earliest("pk").pk).update(expires_at=LONG_OVER)
    assert dict(SessionStore(key).items()) == {}
    assert forget_sessions(now=LONG_OVER - timedelta(microseconds=1)) == 0
    assert forget_sessions(now=LONG_OVER) == 1
    assert SessionStore(lasting.session_key)["asker"] == "two"


def test_another_key_leaves_nothing_under_the_old_one(django_assert_num_queries: DjangoAssertNumQueries) -> None:
    store = a_session(asker="one")
    old = key_of(store)
    with django_assert_num_queries(1):
        store.cycle_key()
    assert store.session_key != old
    assert dict(SessionStore(old).items()) == {}
    assert SessionStore(store.session_key)["asker"] == "one"


def is_silent(late: SessionStore, rows: int) -> bool:
    return (late.modified, late.is_empty(), BrowserSession.objects.count()) == (False, False, rows)


def test_a_key_that_was_just_replaced_keeps_nothing() -> None:
    store = a_session(asker="one")
    old = key_of(store)
    store.cycle_key()
    rows = BrowserSession.objects.count()
    for write in (SessionStore.save, SessionStore.create, SessionStore.cycle_key):
        late = SessionStore(old)
        late["asker"] = "late"
        write(late)
        assert is_silent(late, rows), write
    BrowserSession.objects.exclude(key_hash=session_key_hash(key_of(store))).update(expires_at=LONG_OVER)
    anew = SessionStore(old)
    anew["asker"] = "anew"
    anew.save()
    assert SessionStore(anew.session_key)["asker"] == "anew"
    assert (anew.modified, anew.session_key != old) == (True, True)


def begin(store: SessionStore) -> None:
    store.begin()
    store["asker"] = "anew"
    store.save()


def sign_in(store: SessionStore) -> None:
    store[PROOFS] = [{"method": "password", "at": 1.0}]
    store.cycle_key()
    store["asker"] = "anew"
    store.save()


@pytest.mark.parametrize("act", [begin, sign_in])
def test_what_begins_under_a_replaced_key_has_a_session_of_its_own(act: Callable[[SessionStore], None]) -> None:
    store = a_session(asker="one")
    old = key_of(store)
    store.cycle_key()
    late = SessionStore(old)
    act(late)
    assert late.modified
    assert key_of(late) not in {old, key_of(store)}
    assert [SessionStore(key_of(one))["asker"] for one in (late, store)] == ["anew", "one"]


def test_two_that_sign_in_at_once_are_both_signed_in() -> None:
    old = key_of(a_session(asker="one"))
    first, second = SessionStore(old), SessionStore(old)
    assert first["asker"] == second["asker"]
    for one in (first, second):
        sign_in(one)
    assert [SessionStore(key_of(one))[PROOFS][0]["method"] for one in (first, second)] == ["password", "password"]
    assert key_of(first) != key_of(second)


@pytest.mark.parametrize("reads_before", [True, False])
def test_signing_out_under_a_replaced_key_ends_the_session_that_went_on(
    django_assert_num_queries: DjangoAssertNumQueries, reads_before: bool
) -> None:
    other, store = a_session(asker="other"), a_session(asker="one")
    late = SessionStore(store.session_key)
    assert not reads_before or late["asker"] == "one"
    store.cycle_key()
    store.cycle_key()
    assert reads_before or dict(late.items()) == {}
    with django_assert_num_queries(1):
        late.flush()
    assert late.modified
    assert late.is_empty()
    assert dict(SessionStore(store.session_key).items()) == {}
    assert SessionStore(other.session_key)["asker"] == "other"


# As release 1.0 has them.
WRITE_OF_1_0 = """
UPDATE accounts_browsersession SET key_hash = %(key)s, data = %(data)s, expires_at = %(expires_at)s, user_id = NULL
WHERE key_hash = %(key)s
"""
READ_OF_1_0 = "SELECT data FROM accounts_browsersession WHERE key_hash = %s AND expires_at > statement_timestamp()"


def test_release_1_0_brings_no_replaced_key_back() -> None:
    """While a release is put out, a process of 1.0 has read a session that one of ours moves, and saves it then."""
    store = a_session(asker="one")
    old = key_of(store)
    (data,) = BrowserSession.objects.values_list("data", flat=True)
    store.cycle_key()
    saved: dict[str, bytes | datetime] = {
        "key": session_key_hash(old),
        "data": bytes(data),
        "expires_at": datetime.now(tz=UTC) + timedelta(days=14),
    }
    with connection.cursor() as cursor:
        cursor.execute(WRITE_OF_1_0, saved)
        assert cursor.rowcount == 0
        cursor.execute(READ_OF_1_0, [session_key_hash(old)])
        assert cursor.fetchall() == []
    assert dict(SessionStore(old).items()) == {}
    assert SessionStore(store.session_key)["asker"] == "one"


def test_one_that_two_replace_at_once_goes_on_under_one_key() -> None:
    """Both had read it before: there is one session afterwards, and the second keeps no copy."""
    old = key_of(a_session(asker="one"))
    first, second = SessionStore(old), SessionStore(old)
    assert first["asker"] == second["asker"]
    first.cycle_key()
    second.cycle_key()
    second["asker"] = "second"
    second.save()
    assert not second.modified
    assert SessionStore(first.session_key)["asker"] == "one"
    # Beside it, the mark of the old key.
    assert BrowserSession.objects.count() == 2


def test_a_session_that_proves_more_gets_another_key(django_assert_num_queries: DjangoAssertNumQueries) -> None:
    old = key_of(a_session(asker="one"))
    store = SessionStore(old)
    store[PROOFS] = [{"method": "password", "at": 1.0}]
    with django_assert_num_queries(1):
        store.save()
    assert dict(SessionStore(old).items()) == {}
    again = SessionStore(store.session_key)
    again["asker"] = "another"
    again.save()
    assert again.session_key == store.session_key
    again[PROOFS] = [*again[PROOFS], {"method": "mfa", "at": 2.0}]
    again.save()
    assert again.session_key != store.session_key


def test_a_flushed_session_is_deleted_and_begins_anew(django_assert_num_queries: DjangoAssertNumQueries) -> None:
    store = a_session(asker="one")
    with django_assert_num_queries(1):
        store.flush()
    assert (store.session_key, BrowserSession.objects.count()) == (None, 0)
    with django_assert_num_queries(0):
        store.flush()
