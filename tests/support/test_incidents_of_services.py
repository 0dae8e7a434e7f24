"""Stops that fail, codes that do not come, and a trail that is not whole open their incident, and not by one less."""

import re
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import time_machine
from django.conf import settings as configured
from django.core.cache import cache
from django.db import OperationalError, connection, connections
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

import audit.actions
from accounts.clients import texts
from audit.models import Incident, IncidentStep
from audit.policies import get_next_deadline
from consent.primitives import stop_failures
from partners.clients import checkpoint_places
from partners.clients.sms import HttpBackend
from partners.workers import checkpoints
from portal import health
from support.workers import watching
from support.workers.watching import verify_audit, watch_codes, watch_failed_stops
from tests.factories import a_ledger_row, a_line
from tests.fixtures import Refusal
from tests.people import number_of
from tests.support.officers import staff

pytestmark = pytest.mark.usefixtures("no_broker")
HOUR = timedelta(hours=1)


def incidents() -> list[tuple[str, str, int]]:
    return list(Incident.objects.order_by("id").values_list("kind", "subject", "count"))


# Stops that fail


class AtOnce:
    """What is done beside the page, done before it: what a test counts then is all there."""

    def submit(self, give: Callable[..., object], *what: Any, **named: Any) -> None:
        give(*what, **named)


@pytest.fixture
def counted(settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Counts of this test alone, all of it within one hour."""
    one = settings.CACHES["default"]
    settings.CACHES = {"default": {**one, "KEY_PREFIX": tmp_path.as_posix()}}
    monkeypatch.setattr(texts, "_threads", AtOnce)
    with time_machine.travel(timezone.now(), tick=False):
        yield


def _broken(*_: Any) -> None:
    raise OperationalError("the database is gone")


@pytest.fixture
def fail(db: None, settings: Settings) -> Iterator[Callable[[], int]]:
    """One stop of somebody's while no statement of the database comes through."""
    settings.ANSWER_SECONDS = 0.0
    client = Client(raise_request_exception=False)

    def once() -> int:
        with connection.execute_wrapper(_broken):
            return client.post("/stop/", {"number": "206 555 0142"}).status_code

    yield once
    stop_failures.FAILED.forget()


def test_stops_that_fail_more_than_now_and_then(counted: None, fail: Callable[[], int], settings: Settings) -> None:
    settings.STOPS_FAILING_ALARM = 3
    assert [fail(), fail()] == [503, 503]
    now = timezone.now()
    watch_failed_stops(now=now)
    assert incidents() == []
    assert fail() == 503
    watch_failed_stops(now=now)
    watch_failed_stops(now=now)
    (one,) = Incident.objects.all()
    assert (one.kind, one.count, one.key) == ("stops_failing", 3, f"{now:%Y-%m-%dT%H}")
    assert one.due_at is not None
    assert "whereabouts_stops_failed_total" in health.metrics(at=now).decode()


def test_few_among_very_many_are_no_failing_mechanism(
    counted: None, fail: Callable[[], int], settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.STOPS_FAILING_ALARM = 1
    monkeypatch.setattr(watching, "FAILED_IN_100", 50)
    now = timezone.now()
    for _ in range(2):
        a_ledger_row(a_line(), "stop", at=now)
    # Nobody asked for that; nor is what is allowed a stop that went well.
    a_ledger_row(a_line(), "stop", at=now, reason="grown_up")
    a_ledger_row(a_line(), "allow", at=now, scope="campaign", ref="CMP-1")
    fail()
    watch_failed_stops(now=now)
    assert incidents() == []
    fail()
    watch_failed_stops(now=now)
    assert [one[0] for one in incidents()] == ["stops_failing"]


def test_uncounted_failures_wait_for_the_next_stop(counted: None, fail: Callable[[], int], settings: Settings) -> None:
    one, now = settings.CACHES["default"], timezone.now()
    settings.CACHES = {"default": {**one, "LOCATION": "redis://127.0.0.1:1"}}
    assert [fail(), fail()] == [503, 503]
    assert stop_failures.FAILED.by_hour(now=now) == {}
    settings.CACHES = {"default": one}
    assert Client().post("/stop/", {"number": "206 555 0142"}).status_code == 302
    assert stop_failures.FAILED.by_hour(now=now) == {now.replace(minute=0, second=0, microsecond=0): 2}


def test_a_stop_by_staff_that_fails_is_counted(counted: None, fail: Callable[[], int]) -> None:
    agent, now = staff("agent").client, timezone.now()
    agent.raise_request_exception = False
    for n, below in enumerate(("stop/", "stop/code/"), 1):
        with connection.execute_wrapper(_broken):
            assert agent.post(f"/desk/T-234567/{below}", {"what": "all"}).status_code == 503
        assert stop_failures.FAILED.by_hour(now=now) == {now.replace(minute=0, second=0, microsecond=0): n}


def test_a_failing_answer_that_stops_is_counted(counted: None, fail: Callable[[], int]) -> None:
    client, now = Client(raise_request_exception=False), timezone.now()
    for path, n in (("/choices/signal/", 0), ("/choices/signal/stop/", 1)):
        client.cookies[configured.SESSION_COOKIE_NAME] = "a" * 32
        with connection.execute_wrapper(_broken):
            assert client.post(path, {"answer": "keep"}).status_code == 503
        assert (path, sum(stop_failures.FAILED.by_hour(now=now).values())) == (path, n)


def test_refusals_and_other_failures_are_not_counted(
    counted: None, fail: Callable[[], int], settings: Settings
) -> None:
    client, now = Client(raise_request_exception=False), timezone.now()
    with connection.execute_wrapper(_broken):
        assert client.post("/accounts/login/", {"number": "206 555 0142"}).status_code == 503
    assert client.post("/choices/stop/", {}).status_code == 302
    assert stop_failures.FAILED.by_hour(now=now) == {}
    assert cache.get("nothing") is None


# Codes that don't come


def _ask(n: int, number: str = "") -> None:
    for _ in range(n):
        one = number or number_of(a_line())
        assert Client().post("/stop/", {"number": one}).status_code == 302


@pytest.mark.django_db
@pytest.mark.parametrize("gateway", ["partners.clients.sms.HttpBackend", "tests.accounts.gateways.Silent"])
def test_codes_the_gateway_refuses_are_a_failing_opt_out(
    counted: None, settings: Settings, gateway: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.STOPS_FAILING_ALARM, settings.ANSWER_SECONDS = 3, 0.0
    settings.SMS_WEBHOOK_URL = "http://127.0.0.1:9/texts"
    monkeypatch.setattr(HttpBackend, "waits_for_network", False)
    settings.SMS_BACKEND = gateway
    result, now = "silent" if gateway.endswith("Silent") else "away", timezone.now()
    before = _handed_over(result)
    _ask(2)
    _ask(3, "+12065559999")
    watching.watch(now=now)
    assert incidents() == [], "nothing goes to a number that is nobody's"
    _ask(1)
    watching.watch(now=now)
    watching.watch(now=now)
    assert incidents() == [("stops_failing", f"codes by text, {now:%Y-%m-%d}", 3)]
    one = Incident.objects.get()
    assert one.due_at == get_next_deadline(kind="stops_failing", begun=[now])
    assert _handed_over(result) == before + 3


def _handed_over(result: str) -> float:
    said = health.metrics(at=timezone.now()).decode()
    (found,) = re.findall(rf'whereabouts_codes_handed_over_total{{result="{result}"}} (\S+)', said)
    return float(found)


@pytest.mark.django_db
def test_few_codes_among_many_are_no_failing_mechanism(
    counted: None, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.STOPS_FAILING_ALARM, settings.ANSWER_SECONDS = 1, 0.0
    monkeypatch.setattr(watching, "FAILED_IN_100", 50)
    now = timezone.now()
    _ask(2)
    settings.SMS_BACKEND = "tests.accounts.gateways.Refusing"
    _ask(1)
    watch_codes(now=now)
    assert incidents() == []
    _ask(1)
    watch_codes(now=now)
    assert [(kind, count) for kind, _, count in incidents()] == [("stops_failing", 2)]


@pytest.mark.django_db
@pytest.mark.parametrize(("came", "found"), [(3, 3), (4, 0)])
def test_few_codes_are_an_outage_where_most_failed(counted: None, settings: Settings, came: int, found: int) -> None:
    settings.STOPS_FAILING_ALARM = 3
    now = timezone.now().replace(hour=12)
    for hours in range(2):
        texts.CODES_NOT_TAKEN.count(at=now - hours * HOUR)
    for _ in range(came):
        texts.CODES_TAKEN.count(at=now - 5 * HOUR)
    watch_codes(now=now)
    assert incidents() == []
    texts.CODES_NOT_TAKEN.count(at=now - 9 * HOUR)
    watch_codes(now=now)
    assert [count for _, _, count in incidents()] == [found][: found and 1]


@pytest.mark.django_db
def test_codes_are_counted_where_no_page_waits(counted: None, settings: Settings) -> None:
    settings.SMS_BACKEND, settings.ANSWER_SECONDS = "tests.accounts.gateways.OverTheNetwork", 0.0
    beside: list[tuple[Any, ...]] = []

    class Threads:
        def submit(self, *what: Any) -> None:
            beside.append(what)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(texts, "_threads", Threads)
        _ask(1)
    now = timezone.now()
    assert texts.CODES_NOT_TAKEN.by_hour(now=now) == {}
    ((give, *what),) = beside
    give(*what)
    assert sum(texts.CODES_NOT_TAKEN.by_hour(now=now).values()) == 1


# The trail


@pytest.mark.usefixtures("committed_db")
def test_a_trail_that_is_not_signed_any_more(settings: Settings, tmp_path: Path) -> None:
    settings.CHECKPOINT_DIR = tmp_path
    now = timezone.now()
    audit.actions.record(action="test.done", actor="system:test", target="thing:1", at=now - timedelta(hours=25))
    checkpoints.write(place=checkpoint_places.place(), at=now - timedelta(hours=23))
    verify_audit(now=now)
    assert incidents() == []
    verify_audit(now=now + timedelta(hours=2))
    since = f"{now - timedelta(hours=23):%Y-%m-%d}"
    assert incidents() == [("audit_fault", f"there is no checkpoint since {since}", 1)]


@pytest.mark.usefixtures("committed_db")
def test_a_trail_that_was_never_signed(settings: Settings, tmp_path: Path) -> None:
    settings.CHECKPOINT_DIR = tmp_path / "gone"
    now = timezone.now()
    audit.actions.record(action="test.done", actor="system:test", target="thing:1", at=now - timedelta(hours=23))
    verify_audit(now=now)
    assert incidents() == []
    verify_audit(now=now + timedelta(hours=2))
    assert incidents() == [("audit_fault", "there is no checkpoint", 1)]


@pytest.mark.usefixtures("committed_db")
def test_a_trail_that_was_changed(settings: Settings, tmp_path: Path) -> None:
    settings.CHECKPOINT_DIR = tmp_path
    now = timezone.now()
    for n in range(3):
        audit.actions.record(action="test.done", actor="system:test", target=f"thing:{n}", at=now, line_id=7)
    checkpoints.write(place=checkpoint_places.place(), at=now)
    verify_audit(now=now)
    assert incidents() == []
    with connections["owner"].cursor() as cursor:
        cursor.execute("SET session_replication_role = replica")
        cursor.execute("UPDATE audit_auditevent SET reason = 'nothing' WHERE seq = 2")
        cursor.execute("SET session_replication_role = origin")
    for _ in range(2):
        verify_audit(now=now)
    assert incidents() == [("audit_fault", "chain 7, row 2 was changed", 1)]


@pytest.mark.usefixtures("committed_db")
def test_one_worker_looks_whether_the_trail_is_whole(settings: Settings, tmp_path: Path) -> None:
    settings.CHECKPOINT_DIR = tmp_path / "gone"
    now = timezone.now()
    audit.actions.record(action="test.done", actor="system:test", target="thing:1", at=now - timedelta(hours=25))
    # In another session.
    with connections["owner"].cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock(hashtextextended('support.verify-audit', 0))")
        verify_audit(now=now)
        assert incidents() == []
        cursor.execute("SELECT pg_advisory_unlock(hashtextextended('support.verify-audit', 0))")
    verify_audit(now=now)
    assert incidents() == [("audit_fault", "there is no checkpoint", 1)]


# What the database writes down of each


@pytest.mark.usefixtures("committed_db")
def test_each_step_is_written_by_the_database_and_stays(refused: Refusal) -> None:
    at = datetime.fromisoformat("2026-11-20T12:00:00+00:00")
    kind, key = Incident.Kind.CANARY_FAILED, "k"
    audit.actions.open_incident(kind=kind, key=key, subject="page", at=at)
    one = Incident.objects.get()
    audit.actions.open_incident(kind=kind, key=key, subject="page", at=at + HOUR)
    audit.actions.open_incident(kind=kind, key=key, subject="page", at=at + HOUR)
    audit.actions.close_incident(incident_id=one.pk, actor="officer:1", reason="Due", at=at + 2 * HOUR)
    audit.actions.open_incident(kind=kind, key=key, subject="page", at=at + 3 * HOUR)
    steps = IncidentStep.objects.order_by("id").values_list("what", "count")
    assert list(steps) == [("opened", 1), ("counted", 2), ("closed", 3), ("reopened", 4)]
    for statement in ("UPDATE audit_incidentstep SET count = 9", "DELETE FROM audit_incidentstep"):
        refused(statement)
        refused(statement, constraint="audit_incidentstep_append_only", using="owner")
    refused("INSERT INTO audit_incidentstep (incident_id, at, what, count) VALUES (1, now(), 'closed', 1)")
