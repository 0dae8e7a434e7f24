"""Trouble that goes on has clocks of its own, and what is closed hides nothing that comes after."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta

import pytest
from pytest_django import DjangoDbBlocker

import audit.actions
from audit.actions import IncidentCount
from audit.models import AuditEvent, Incident, IncidentStep
from audit.policies import ALL
from support.queries.incidents import duties_of
from tests.clocks import Clock, standing_still

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)
BEGAN = datetime(2026, 3, 2, 17, tzinfo=UTC)
PARTY = "https://geobridge.example"


@pytest.fixture(scope="module")
def clock(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[Clock]:
    with django_db_blocker.unblock(), standing_still(BEGAN) as clock:
        yield clock


def stated(count: int, at: datetime, *, kind: str = "after_stop") -> Incident:
    audit.actions.state_incidents(stated=[IncidentCount(kind, "k", PARTY, count)], actor="system:anomalies", at=at)
    return Incident.objects.get()


def seen(at: datetime, *, kind: str = "canary_failed") -> Incident:
    audit.actions.open_incident(kind=kind, key="page", subject="page", at=at)
    return Incident.objects.get()


def told(one: Incident, duty: str, at: datetime) -> None:
    assert audit.actions.complete_duty(
        incident_id=one.pk, duty=duty, told_on=date(2026, 3, 3), reference="", actor="officer:1", reason="Due", at=at
    )


def clocks(one: Incident, duty: str) -> list[tuple[datetime, bool]]:
    """Since when each counts, and whether it was done."""
    one.refresh_from_db()
    return [
        (found.clock.began_at, found.told is not None) for found in duties_of(incident=one)
        if found.clock.duty.name == duty
    ]  # fmt: skip


def test_nine_thousand_more_two_hundred_days_later_have_dates_of_their_own() -> None:
    one, later = stated(1, BEGAN), BEGAN + 200 * DAY
    first = one.due_at
    one = stated(9_000, later)
    assert (one.opened_at, one.renewed_at, one.due_at) == (BEGAN, later, first), "what was never done binds first"
    for duty in ("fcc", "agencies", "customers", "partner"):
        assert clocks(one, duty) == [(BEGAN, False), (later, False)]
    due = {found.clock.duty.name: found.clock.due_at for found in duties_of(incident=one)}
    assert due == {name: ALL[name].due_at(later) for name in ("fcc", "agencies", "customers", "partner")}
    assert list(IncidentStep.objects.order_by("id").values_list("what", "count", "at")) == [
        ("opened", 1, BEGAN), ("renewed", 9_000, later),
    ]  # fmt: skip
    # One word about it does for all that had come by then.
    told(one, "fcc", later)
    assert clocks(one, "fcc") == [(later, True)]


def test_what_goes_on_has_clocks_once_a_week() -> None:
    one = [stated(n + 1, BEGAN + n * DAY) for n in range(20)][-1]
    renewed = IncidentStep.objects.filter(what="renewed").order_by("id").values_list("at", flat=True)
    assert list(renewed) == [BEGAN + 7 * DAY, BEGAN + 14 * DAY]
    # Of a duty that nobody did two run, however long that was: the oldest and the newest.
    assert clocks(one, "partner") == [(BEGAN, False), (BEGAN + 14 * DAY, False)]
    assert stated(20, BEGAN + 40 * DAY).renewed_at == BEGAN + 14 * DAY, "the same again is nothing new"
    assert stated(19, BEGAN + 41 * DAY).renewed_at == BEGAN + 14 * DAY, "nor is less"


@pytest.mark.parametrize("again", [stated, seen], ids=["stated", "seen"])
def test_what_comes_after_duty_was_done_has_clock_at_once(again: object) -> None:
    def more(n: int, at: datetime) -> Incident:
        return stated(n, at) if again is stated else seen(at)

    one = more(1, BEGAN)
    told(one, "fcc", BEGAN)
    one.refresh_from_db()
    assert one.due_at == (None if again is seen else ALL["partner"].due_at(BEGAN))
    one = [more(n, BEGAN + n * DAY) for n in (2, 3)][-1]
    assert one.renewed_at == BEGAN + 2 * DAY
    assert clocks(one, "fcc") == [(BEGAN, True), (BEGAN + 2 * DAY, False)]
    assert one.due_at == (ALL["fcc"].due_at(BEGAN + 2 * DAY) if again is seen else ALL["partner"].due_at(BEGAN))


def test_a_trial_that_keeps_failing_has_dates_each_week() -> None:
    one = [seen(BEGAN + timedelta(hours=hour)) for hour in range(24 * 15)][-1]
    assert (one.count, one.renewed_at) == (360, BEGAN + 14 * DAY)
    assert clocks(one, "fcc") == [(BEGAN, False), (BEGAN + 14 * DAY, False)]


def test_what_has_no_clocks_begins_none_anew() -> None:
    one = [stated(n, BEGAN + 30 * n * DAY, kind="burst") for n in (1, 2)][-1]
    assert (one.renewed_at, one.anew_from, one.due_at) == (None, None, None)


def test_an_incident_from_before_clocks_began_anew_has_them_too() -> None:
    stated(1, BEGAN)
    Incident.objects.update(anew_from=None)
    assert stated(2, BEGAN + 6 * DAY).renewed_at is None
    Incident.objects.update(anew_from=None)
    assert stated(3, BEGAN + 7 * DAY).renewed_at == BEGAN + 7 * DAY


def test_what_is_closed_is_counted_on_so_that_it_hides_nothing() -> None:
    one = stated(5, BEGAN)
    audit.actions.acknowledge_incident(
        incident_id=one.pk, assigned_to="officer:7", actor="officer:1", reason="Due", at=BEGAN
    )
    audit.actions.close_incident(incident_id=one.pk, actor="officer:1", reason="Due", at=BEGAN + DAY)
    one = stated(3, BEGAN + 2 * DAY)
    assert (one.count, one.closed_at) == (3, BEGAN + DAY)
    one = stated(5, BEGAN + 3 * DAY)
    assert (one.count, one.closed_at, one.opened_at) == (5, None, BEGAN + 3 * DAY)
    assert (one.acknowledged_at, one.assigned_to) == (None, "")
    assert one.due_at == ALL["fcc"].due_at(BEGAN + 3 * DAY)
    assert list(IncidentStep.objects.order_by("id").values_list("what", "count")) == [
        ("opened", 5), ("closed", 5), ("fewer", 3), ("reopened", 5),
    ]  # fmt: skip


def test_what_grows_or_shrinks_is_written_down_once_a_minute(clock: Clock) -> None:
    for seconds, count in ((0, 1), (10, 2), (20, 3), (30, 2), (40, 1), (69.999999, 4), (70, 5), (89.999999, 4)):
        clock.move_to(BEGAN + timedelta(seconds=seconds))
        stated(count, clock.now, kind="burst")
    assert [(one.what, one.count, (one.at - BEGAN).total_seconds()) for one in IncidentStep.objects.order_by("id")] == [
        ("opened", 1, 0),
        ("counted", 2, 10),
        ("fewer", 2, 30),
        ("counted", 5, 70),
    ]


def test_what_is_closed_and_no_more_stays_closed() -> None:
    one = stated(5, BEGAN)
    audit.actions.close_incident(incident_id=one.pk, actor="officer:1", reason="Due", at=BEGAN)
    for count in (5, 4, 4, 0):
        assert stated(count, BEGAN + DAY).closed_at == BEGAN
    assert list(AuditEvent.objects.values_list("action", flat=True)) == ["incident.closed"]


def test_nobody_has_seen_what_is_open_again() -> None:
    one = seen(BEGAN)
    audit.actions.acknowledge_incident(
        incident_id=one.pk, assigned_to="officer:7", actor="officer:1", reason="Due", at=BEGAN
    )
    seen(BEGAN + 8 * DAY)
    one.refresh_from_db()
    assert (one.acknowledged_at, one.assigned_to, one.renewed_at) == (BEGAN, "officer:7", BEGAN + 8 * DAY)
    audit.actions.close_incident(incident_id=one.pk, actor="officer:1", reason="Due", at=BEGAN + 8 * DAY)
    one = seen(BEGAN + 8 * DAY)
    assert (one.acknowledged_at, one.assigned_to, one.closed_at, one.renewed_at) == (None, "", None, None)
    assert one.due_at == ALL["fcc"].due_at(BEGAN + 8 * DAY)
    # What was new in the very moment of the end is over with it.
    assert clocks(one, "fcc") == [(BEGAN + 8 * DAY, False)]
