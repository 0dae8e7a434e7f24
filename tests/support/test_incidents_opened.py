"""What is watched opens its incident by what really happened, and not by one less."""

from datetime import UTC, datetime, timedelta

import pytest
from django.utils import timezone
from pytest_django import Settings

import audit.actions
from accounts.models import Line
from audit.models import AuditEvent, Incident
from audit.policies import get_next_deadline
from consent.actions import choices
from consent.actions.agents import answer_request
from console.actions.staff_access_log import view_order
from partners.models import AgentRequest
from revocations.models import Order
from support.queries.incidents import get_incident_impact
from support.workers import watching
from support.workers.watching import watch_agents, watch_staff, watch_staff_for_long
from tests.agents import an_agent_asks
from tests.factories import a_campaign, a_contract, a_line, a_party, an_approval
from tests.moments import ends_at
from tests.staff import an_actor

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
    # What comes then, from midnight itself on, is of the day or week that began, and of nothing before.
    _looks(actor, lines[:2], MONDAY)
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


def is_seen_by_agent(at: datetime) -> bool:
    watch_agents(now=at)
    return bool(incidents())


@pytest.mark.django_db
def test_very_many_stops_by_one_authorised_agent(settings: Settings) -> None:
    settings.STOPS_BY_AGENT_ALARM = 1
    settings.DRP_BUSINESS_ID = "CARRIER"
    for n in (1, 2):
        link = an_agent_asks(a_line())
        answer_request(token=link.split("/")[-2], theirs=True, notice=None, at=timezone.now())
        if n == 2:
            first = AgentRequest.objects.order_by("closed_at")[0].closed_at
            assert first is not None
            assert ends_at(is_seen_by_agent, first + timedelta(hours=1))
        watch_agents(now=timezone.now())
        assert incidents() == [("stops_by_agent", "Permission Slip", 2)][: n - 1]


@pytest.mark.django_db
def test_very_many_stops_by_one_of_the_desk(settings: Settings) -> None:
    settings.STOPS_BY_AGENT_ALARM = 1
    actor = an_actor("agent")
    for n in (1, 2):
        choices.stop(line_id=a_line().pk, scope="all", actor=actor, channel="desk")
        if n == 2:
            first = AuditEvent.objects.filter(actor=actor, line_id__isnull=False).order_by("at")[0]
            assert ends_at(is_seen_by_agent, first.at + timedelta(hours=1))
        watch_agents(now=timezone.now())
        assert incidents() == [("stops_by_agent", actor, 2)][: n - 1]
