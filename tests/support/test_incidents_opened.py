"""What is watched opens its incident by what really happened, and not by one less."""

import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
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
from accounts.models import Line
from audit.models import Incident, IncidentStep
from audit.policies import get_next_deadline
from consent.actions import choices
from consent.actions.agents import answer_request
from consent.primitives import stop_failures
from console.actions.staff_access_log import view_order
from partners.clients import checkpoint_places
from partners.clients.sms import HttpBackend
from partners.workers import checkpoints
from portal import health
from revocations.models import Order
from support.queries.incidents import get_incident_impact
from support.workers import watching
from support.workers.watching import (
    verify_audit,
    watch_agents,
    watch_codes,
    watch_failed_stops,
    watch_staff,
    watch_staff_for_long,
)
from tests.agents import an_agent_asks
from tests.factories import a_campaign, a_contract, a_ledger_row, a_line, a_party, an_approval
from tests.fixtures import Refusal
from tests.people import number_of
from tests.staff import an_actor
from tests.support.officers import staff

pytestmark = pytest.mark.usefixtures("no_broker")
HOUR = timedelta(hours=1)


def incidents() -> list[tuple[str, str, int]]:
    return list(Incident.objects.order_by("id").values_list("kind", "subject", "count"))


def a_stopped_line() -> Line:
    line, campaign = a_line(), a_campaign(a_contract(a_party("GeoBridge")))
    an_approval(line, campaign)
    choices.stop(line_id=line.pk, scope="all", actor=f"line:{line.pk}", channel="web")
    return line


def looked_at(line: Line, actor: str) -> None:
    order = Order.objects.filter(line_id=line.pk).latest("queued_at")
    view_order(
        party_id=order.party_id, order_id=order.id, actor=actor, kind="fault", reason="Case 7, they called.",
        at=timezone.now(),
    )  # fmt: skip


# Staff


@pytest.mark.django_db
@pytest.mark.parametrize("role", ["officer", "auditor"])
def test_staff_who_look_at_very_many_subscribers_within_an_hour(settings: Settings, role: str) -> None:
    settings.STAFF_BROWSING_ALARM = 2
    actor, lines = an_actor(role), [a_stopped_line() for _ in range(3)]
    for line in (lines[0], lines[1], lines[1]):
        looked_at(line, actor)
    watch_staff(now=timezone.now())
    assert incidents() == []
    looked_at(lines[2], an_actor(role))
    watch_staff(now=timezone.now())
    assert incidents() == [], "another's look is no look of theirs"
    looked_at(lines[2], actor)
    now = timezone.now()
    watch_staff(now=now)
    watch_staff(now=now)
    assert incidents() == [("staff_browsing", actor, 3)]
    # An hour later there is nothing to add.
    watch_staff(now=now + HOUR)
    assert incidents() == [("staff_browsing", actor, 3)]


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("within", "key", "words"),
    [("day", "day:%Y-%m-%d", "counted over a day"), ("week", "week:%G-W%V", "counted over a week")],
)
def test_staff_who_look_at_a_few_each_hour(settings: Settings, within: str, key: str, words: str) -> None:
    settings.STAFF_BROWSING_ALARM, settings.STAFF_BROWSING_ALARM_DAY, settings.STAFF_BROWSING_ALARM_WEEK = 2, 9, 9
    setattr(settings, f"STAFF_BROWSING_ALARM_{within.upper()}", 4)
    actor, now = an_actor("agent"), timezone.now()
    step = {"day": HOUR, "week": 24 * HOUR}[within]

    def looks(line: Line, at: datetime) -> None:
        audit.actions.record(action="ticket.seen", actor=actor, target="ticket:T-234567", at=at, line_id=line.pk)

    lines = [a_line() for _ in range(5)]
    for n, line in enumerate((*lines[:4], lines[0])):
        looks(line, now - n * step)
    # What is older than that counts no more.
    looks(lines[4], now - {"day": 25, "week": 24 * 7 + 1}[within] * HOUR)
    watching.watch(now=now)
    watch_staff_for_long(now=now)
    assert incidents() == []
    looks(lines[4], now)
    watching.watch(now=now)
    watch_staff_for_long(now=now)
    watch_staff_for_long(now=now)
    (one,) = Incident.objects.all()
    assert (one.kind, one.subject, one.key, one.count) == ("staff_browsing", actor, f"{actor}:{now:{key}}", 5)
    assert one.due_at == get_next_deadline(kind="staff_browsing", begun=[now])
    reached = get_incident_impact(incident=one, about=None, at=now)
    assert (reached.lines, reached.through.endswith(words)) == (5, True)


MONDAY = datetime(2026, 3, 2, tzinfo=UTC)
LOOKING = pytest.mark.parametrize(
    ("within", "span", "mark"), [("day", timedelta(days=1), "day:%Y-%m-%d"), ("week", timedelta(days=7), "week:%G-W%V")]
)


def _looks(actor: str, lines: list[Line], at: datetime) -> None:
    for line in lines:
        audit.actions.record(action="ticket.seen", actor=actor, target="ticket:T-234567", at=at, line_id=line.pk)


def _stands() -> list[tuple[str, int]]:
    return list(Incident.objects.order_by("id").values_list("key", "count"))


@pytest.mark.django_db
@LOOKING
def test_the_looks_of_one_day_or_week_are_one_incident(
    settings: Settings, within: str, span: timedelta, mark: str
) -> None:
    settings.STAFF_BROWSING_ALARM_DAY, settings.STAFF_BROWSING_ALARM_WEEK = 99, 99
    setattr(settings, f"STAFF_BROWSING_ALARM_{within.upper()}", 2)
    actor, lines = an_actor("agent"), [a_line() for _ in range(3)]
    _looks(actor, lines, MONDAY - HOUR)
    watch_staff_for_long(now=MONDAY - HOUR)
    before = (f"{actor}:{MONDAY - HOUR:{mark}}", 3)
    assert _stands() == [before]
    one = Incident.objects.get()
    audit.actions.close_incident(incident_id=one.pk, actor="officer:1", reason="Case 7.", at=MONDAY - HOUR)
    for now in (MONDAY, MONDAY + HOUR):
        watch_staff_for_long(now=now)
        assert _stands() == [before], "the same looks are no more trouble at midnight"
    # What comes then is of the day or week that began, and of nothing before.
    _looks(actor, lines[:2], MONDAY + HOUR)
    watch_staff_for_long(now=MONDAY + HOUR)
    assert _stands() == [before]
    _looks(actor, [a_line()], MONDAY + HOUR)
    watch_staff_for_long(now=MONDAY + HOUR)
    after = (f"{actor}:{MONDAY:{mark}}", 3)
    assert _stands() == [before, after]
    # And the day or week after that knows nothing of them.
    watch_staff_for_long(now=MONDAY + span)
    assert _stands() == [before, after]


@pytest.mark.django_db
@LOOKING
def test_whoever_goes_on_past_midnight_is_found(settings: Settings, within: str, span: timedelta, mark: str) -> None:
    settings.STAFF_BROWSING_ALARM_DAY, settings.STAFF_BROWSING_ALARM_WEEK = 99, 99
    setattr(settings, f"STAFF_BROWSING_ALARM_{within.upper()}", 2)
    actor, lines = an_actor("agent"), [a_line() for _ in range(3)]
    _looks(actor, lines[:2], MONDAY - HOUR)
    watch_staff_for_long(now=MONDAY - HOUR)
    assert _stands() == []
    _looks(actor, lines[2:], MONDAY + HOUR)
    watch_staff_for_long(now=MONDAY + HOUR)
    one = (f"{actor}:{MONDAY:{mark}}", 3)
    assert _stands() == [one]
    watch_staff_for_long(now=MONDAY + span)
    assert _stands() == [one]


@pytest.mark.django_db
def test_the_same_looks_are_one_incident_at_midnight(settings: Settings) -> None:
    settings.STAFF_BROWSING_ALARM = 2
    actor, minute = an_actor("agent"), timedelta(minutes=1)
    _looks(actor, [a_line() for _ in range(3)], MONDAY - minute)
    for now in (MONDAY - minute, MONDAY, MONDAY + minute):
        watch_staff(now=now)
        assert _stands() == [(f"{actor}:2026-03-01", 3)]


@pytest.mark.django_db
def test_a_closed_incident_stays_closed_while_counts_slide(settings: Settings) -> None:
    settings.STAFF_BROWSING_ALARM = 2
    actor, lines = an_actor("agent"), [a_line() for _ in range(5)]
    noon, minute = MONDAY + 12 * HOUR, timedelta(minutes=1)
    _looks(actor, lines[:1], noon)
    _looks(actor, lines[1:4], noon + 30 * minute)
    watch_staff(now=noon + 30 * minute)
    one = Incident.objects.get()
    assert one.count == 4
    closed_at = noon + 40 * minute
    audit.actions.acknowledge_incident(
        incident_id=one.pk, assigned_to="officer:1", actor="officer:1", reason="Case 7.", at=closed_at
    )
    audit.actions.close_incident(incident_id=one.pk, actor="officer:1", reason="Case 7.", at=closed_at)
    watch_staff(now=noon + 61 * minute)
    _looks(actor, lines[4:], noon + 62 * minute)
    watch_staff(now=noon + 62 * minute)
    one.refresh_from_db()
    assert (one.count, one.closed_at, one.assigned_to) == (4, closed_at, "officer:1")
    assert one.opened_at == noon + 30 * minute
    _looks(actor, lines[:1], noon + 63 * minute)
    watch_staff(now=noon + 63 * minute)
    one.refresh_from_db()
    assert (one.count, one.closed_at, one.assigned_to) == (5, None, ""), "more than there was is news"


@pytest.mark.django_db
def test_searches_and_answers_to_many_are_work(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.STAFF_BROWSING_ALARM = 2
    monkeypatch.setattr(watching, "PAGE", 1)
    actor, lines, now = an_actor("agent"), [a_line() for _ in range(6)], timezone.now()

    def did(action: str, line: Line, **detail: object) -> None:
        audit.actions.record(
            action=action, actor=actor, target="ticket:T-234567", at=now, line_id=line.pk, detail=detail
        )

    for line in lines[:5]:
        did("ticket.found", line)
        did("ticket.answered", line, to_many="1")
        # Rows behind an incident have codes: they are looks at nobody in particular.
        did("anomaly.seen", line)
    for line in lines[:2]:
        did("ticket.answered", line)
    watch_staff(now=timezone.now())
    assert incidents() == []
    did("ticket.found", lines[5])
    watch_staff(now=timezone.now())
    assert incidents() == [("staff_browsing", actor, 6)]


@pytest.mark.django_db
def test_answers_one_by_one_are_looks(settings: Settings) -> None:
    settings.STAFF_BROWSING_ALARM = 2
    actor, now = an_actor("agent"), timezone.now()
    for line in [a_line() for _ in range(3)]:
        for action in ("ticket.found", "ticket.answered"):
            audit.actions.record(action=action, actor=actor, target="ticket:T-234567", at=now, line_id=line.pk)
    watch_staff(now=timezone.now())
    assert incidents() == [("staff_browsing", actor, 3)]


# Agents


@pytest.mark.django_db
def test_very_many_stops_by_one_authorised_agent(settings: Settings) -> None:
    settings.STOPS_BY_AGENT_ALARM = 1
    settings.DRP_BUSINESS_ID = "CARRIER"
    for n in (1, 2):
        link = an_agent_asks(a_line())
        answer_request(token=link.split("/")[-2], theirs=True, notice=None, at=timezone.now())
        watch_agents(now=timezone.now())
        assert incidents() == [("stops_by_agent", "Permission Slip", 2)][: n - 1]


@pytest.mark.django_db
def test_very_many_stops_by_one_of_the_desk(settings: Settings) -> None:
    settings.STOPS_BY_AGENT_ALARM = 1
    actor = an_actor("agent")
    for n in (1, 2):
        choices.stop(line_id=a_line().pk, scope="all", actor=actor, channel="desk")
        watch_agents(now=timezone.now())
        assert incidents() == [("stops_by_agent", actor, 2)][: n - 1]


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
