"""Sessions: kept as Django keeps them, by one statement each."""

from datetime import UTC, datetime, timedelta

import pytest
from django.contrib.sessions.backends.base import UpdateError
from django.contrib.sessions.models import Session
from pytest_django import DjangoAssertNumQueries

from portal.session_store import SessionStore

pytestmark = pytest.mark.django_db
LONG_OVER = datetime(2026, 1, 1, tzinfo=UTC)


def kept(**said: str) -> SessionStore:
    store = SessionStore()
    store.update(said)
    store.save()
    return store


def test_what_is_kept_is_found_by_its_key_and_by_no_other(django_assert_num_queries: DjangoAssertNumQueries) -> None:
    with django_assert_num_queries(1):
        key = kept(asker="one").session_key
    assert key is not None
    assert len(key) == 32
    with django_assert_num_queries(1):
        assert dict(SessionStore(key).items()) == {"asker": "one"}
    stranger = SessionStore("x" * 32)
    assert dict(stranger.items()) == {}
    assert stranger.session_key is None


def test_it_is_as_django_reads_and_writes_it() -> None:
    row = Session.objects.get(pk=kept(asker="one").session_key)
    assert row.get_decoded() == {"asker": "one"}
    assert timedelta(days=13) < row.expire_date - datetime.now(tz=UTC) <= timedelta(days=14)


def test_a_change_is_written_by_one_statement(django_assert_num_queries: DjangoAssertNumQueries) -> None:
    store = kept(asker="one")
    store["asker"] = "another"
    with django_assert_num_queries(1):
        store.save()
    assert SessionStore(store.session_key)["asker"] == "another"
    assert Session.objects.count() == 1


def test_one_whose_time_is_over_is_gone() -> None:
    key = kept(asker="one").session_key
    Session.objects.update(expire_date=LONG_OVER)
    assert dict(SessionStore(key).items()) == {}


def test_another_key_leaves_nothing_under_the_old_one(django_assert_num_queries: DjangoAssertNumQueries) -> None:
    store = kept(asker="one")
    old = store.session_key
    with django_assert_num_queries(2):
        store.cycle_key()
    assert store.session_key != old
    assert [row.pk for row in Session.objects.all()] == [store.session_key]
    assert SessionStore(store.session_key)["asker"] == "one"


def test_one_that_was_ended_meanwhile_does_not_come_back() -> None:
    store = kept(asker="one")
    store["asker"] = "another"
    SessionStore(store.session_key).delete()
    with pytest.raises(UpdateError):
        store.save()
    assert Session.objects.count() == 0


def test_a_key_that_is_taken_is_not_given_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    first = kept(asker="one")
    drawn = iter([first.session_key, "n" * 32])
    monkeypatch.setattr("portal.session_store.get_random_string", lambda *_: next(drawn))
    assert kept(asker="another").session_key == "n" * 32
    assert SessionStore(first.session_key)["asker"] == "one"


def test_one_that_was_flushed_is_deleted_and_begins_anew(django_assert_num_queries: DjangoAssertNumQueries) -> None:
    store = kept(asker="one")
    with django_assert_num_queries(1):
        store.flush()
    assert (store.session_key, Session.objects.count()) == (None, 0)
    with django_assert_num_queries(0):
        store.flush()
