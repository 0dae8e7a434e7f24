"""A row under a delayed-notice order makes no anomaly, and leaves none, until the order ends."""

from collections.abc import Callable
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.models import Line, User
from audit.models import AuditEvent, Incident
from audit.queries import database_clock
from disclosures import actions
from disclosures.domain.ingest import projections
from disclosures.domain.ingest.rows import id_of
from disclosures.models import Anomaly, Basis, Disclosure, DisclosureRegister
from disclosures.queries.line_alerts import list_line_alerts
from disclosures.workers.anomalies.detection import find
from tests.disclosures.anomalies import (
    AFTER_STOP,
    BRIDGE,
    DAY,
    HOUR,
    JAIL,
    MAY,
    MINUTE,
    NO_APPROVAL,
    ROAD,
    TRACK,
    every,
    judge_again,
    looked,
    seen,
    set_rule,
    standing,
)
from tests.factories import ROADSIDE, a_line
from tests.feeds import choice_row, line_row, release_row, take_choices, take_lines, take_notices, take_parties
from tests.feeds import take_releases as take
from tests.support.officers import Member, staff
from tests.world import gagged

pytestmark = pytest.mark.usefixtures("db", "no_broker")


@pytest.fixture
def now() -> datetime:
    """A few days ago: an order hides to its end by the database's clock, whatever the moment asked about."""
    return database_clock() - 3 * DAY


@pytest.fixture
def line(now: datetime) -> Line:
    return a_line(activated_at=MAY - 20 * DAY)


def test_what_comes_hidden_counts_once_its_order_ends(line: Line, now: datetime) -> None:
    rows = looked(line, *every(MAY, 3, HOUR), judgement=NO_APPROVAL, recorded_at=now)
    gagged(rows[0], until=now + 2 * DAY, at=now)
    assert seen(now) == []
    assert seen(now + DAY) == []
    assert (Anomaly.objects.count(), Incident.objects.count()) == (0, 0)
    assert seen(now + 2 * DAY + MINUTE) == [("no_approval", 3, 3)], "nobody wrote anything: its moment came"


def test_what_is_hidden_late_leaves_no_trace(line: Line, now: datetime) -> None:
    kept = looked(line, *every(MAY, 2, HOUR), judgement=AFTER_STOP, recorded_at=now - HOUR)
    jailed = looked(
        line, *every(MAY, 3, HOUR), judgement=NO_APPROVAL, path=(BRIDGE, TRACK, JAIL), recorded_at=now - HOUR
    )
    assert seen(now) == [("after_stop", 2, 2), ("no_approval", 3, 3)]
    gagged(jailed[0], until=None, at=now + MINUTE)
    gagged(kept[0], until=None, at=now + MINUTE)
    assert seen(now + 2 * MINUTE) == [("after_stop", 1, 1)]
    assert Anomaly.objects.count() == 1, "and nothing says that there was another"
    incident = Incident.objects.get(kind="no_approval")
    assert (incident.count, incident.closed_at) == (0, now + 2 * MINUTE)
    (event,) = AuditEvent.objects.filter(action="incident.closed")
    assert event.reason == "Newer records show that this is no longer true."
    gagged(jailed[0], until=now + 3 * MINUTE, at=now + 3 * MINUTE, number=2)
    assert seen(now + 4 * MINUTE) == [("after_stop", 1, 1), ("no_approval", 3, 3)]


def test_days_and_quiet_times_are_counted_by_what_shows(now: datetime) -> None:
    rows = [looked(a_line(), MAY, path=(BRIDGE, TRACK, JAIL), recorded_at=now - HOUR)[0] for _ in range(26)]
    gagged(rows[0], until=None, at=now - HOUR)
    assert seen(now - MINUTE) == [("many_lines", 25, 25)]
    gagged(rows[1], until=None, at=now)
    assert (seen(now), Anomaly.objects.exists()) == ([], False)
    line = a_line(activated_at=MAY - 300 * DAY)
    looked(a_line(), MAY - 180 * DAY, basis=Basis.NETWORK, recorded_at=now)
    (between,) = looked(line, MAY - 90 * DAY, recorded_at=now)
    gagged(between, until=None, at=now)
    looked(line, *every(MAY, 3, HOUR), recorded_at=now)
    assert seen(now + MINUTE) == [("dormant", 3, 3)]
    gagged(between, until=now + 3 * MINUTE, at=now + 2 * MINUTE, number=2)
    assert seen(now + 3 * MINUTE) == [], "it shows from the moment that the order ends"


def test_judged_again_while_it_is_hidden_it_leaves_nothing(line: Line, now: datetime) -> None:
    rows = looked(line, MAY, judgement=NO_APPROVAL, recorded_at=now - HOUR)
    gagged(rows[0], until=None, at=now - HOUR)
    judge_again(rows, "after_stop")
    assert seen(database_clock()) == []
    assert (Anomaly.objects.count(), Incident.objects.count()) == (0, 0)


def test_by_the_feeds_themselves() -> None:
    take_parties()
    take_lines(line_row())
    take_choices(choice_row())
    take(release_row(id="r", occurred_at="2025-09-01T00:00:00Z", suppressed_until="2190-01-01T00:00:00Z"))
    at = database_clock()
    with CaptureQueriesContext(connection) as looked_for:
        assert seen(at) == []
    # Not even where it lies: it never was part of anything.
    assert not [
        one for one in looked_for.captured_queries if "INSERT INTO due" in one["sql"] and "'burst'" in one["sql"]
    ]
    take_notices({"disclosure_id": "r", "suppressed_until": "2026-01-01T00:00:00Z", "order_ref": "over"})
    projections.reveal(at=database_clock())
    assert seen(database_clock()) == [("after_stop", 1, 1)]


def a_named_one(line: Line, at: datetime, now: datetime) -> str:
    """A look-up by the id under which the carrier knows it."""
    name = f"named-{at.isoformat()}"
    Disclosure.objects.create(
        line_id=line.pk, occurred_at=at, id=id_of(name), source_id=name, aggregator=BRIDGE, path=[BRIDGE, ROAD],
        campaign="", purpose=ROADSIDE, scope="read", precision_m=500, basis="approval", outcome="released",
        decision_id="", authority_ref="", basis_doubtful=False, judgement="no_approval", recorded_at=now,
    )  # fmt: skip
    DisclosureRegister.objects.create(
        id=id_of(name), line_id=line.pk, occurred_at=at, content_hash=b""
    )  # fmt: skip
    return name


def hide(*names: str, by: Member, at: datetime) -> None:
    """By an order that the office writes down."""
    actions.delay_notice(
        order_ref="court", suppressed_until=None, source_ids=names, actor=by.actor, reason="Order 7", at=at
    )  # fmt: skip


def test_who_writes_an_order_waits_for_a_search_first(line: Line, now: datetime) -> None:
    name, officer = a_named_one(line, MAY, now), staff(User.Role.LEGAL)
    act: dict[str, Any] = {"actor": officer.actor, "reason": "Order 7"}
    acts: list[Callable[[], object]] = [
        lambda: actions.record_notice(source_id=name, suppressed_until=None, order_ref="a file", at=now),
        lambda: actions.delay_notice(order_ref="court", suppressed_until=None, source_ids=[name], at=now, **act),
        lambda: actions.lift_notice(order_ref="court", at=now + MINUTE, **act),
    ]
    for one in acts:
        with CaptureQueriesContext(connection) as captured:
            one()
        said = "\n".join(query["sql"] for query in captured.captured_queries)
        turns = [said.index(f"hashtext('disclosures.{name}')") for name in ("anomalies", "notices")]
        assert turns == sorted(turns)
        assert turns[0] < (said + "INSERT INTO").index("INSERT INTO")


@pytest.mark.parametrize("by", ["the office", "a file"])
def test_what_was_found_loses_a_row_once_it_is_hidden(line: Line, now: datetime, by: str) -> None:
    other = a_line(activated_at=MAY - 20 * DAY)
    names = [a_named_one(line, MAY + n * HOUR, now) for n in range(4)]
    looked(other, *every(MAY, 3, HOUR), judgement=NO_APPROVAL, recorded_at=now)
    assert seen(now) == [("no_approval", 4, 4), ("no_approval", 3, 3)]

    def put_under_an_order(name: str) -> None:
        if by == "a file":
            actions.record_notice(source_id=name, suppressed_until=None, order_ref="court", at=now)
        else:
            hide(name, by=officer, at=now)

    officer = staff(User.Role.LEGAL)
    put_under_an_order(names[0])
    assert [(one.line_id, one.n) for one in standing()] == [(line.pk, 3), (other.pk, 3)]
    assert Incident.objects.get().count == 2
    put_under_an_order(names[1])
    assert [one.line_id for one in standing()] == [other.pk]
    assert (Incident.objects.get().count, Anomaly.objects.count()) == (1, 1)
    actions.lift_notice(order_ref="court", actor=officer.actor, reason="Over.", at=now + MINUTE)
    assert seen(now + 2 * MINUTE) == [("no_approval", 4, 4), ("no_approval", 3, 3)]


def test_the_newest_of_a_less_full_time_goes_too(line: Line, now: datetime) -> None:
    set_rule("no_approval", at=now, window=1)
    names = [a_named_one(line, MAY + moment, now) for moment in (*every(DAY, 4, HOUR), *every(9 * DAY, 3, HOUR))]
    assert seen(now) == [("no_approval", 4, 4)]
    (found,) = standing()
    assert (found.last_at, found.newest_at) == (MAY + DAY + 3 * HOUR, MAY + 9 * DAY + 2 * HOUR)
    hide(names[-1], by=staff(User.Role.LEGAL), at=now)
    (found,) = standing()
    assert (found.n, found.newest_at) == (4, found.last_at)


def bursts_told_to(line: Line) -> list[tuple[int, datetime, datetime]]:
    noticed = list_line_alerts(line_id=line.pk, zone=ZoneInfo("UTC"), company=ROAD, at=MAY + DAY)
    return [(one.n, one.first_at, one.last_at) for one in noticed if one.kind == "burst"]


def test_what_a_rule_that_is_off_found_loses_it_too(line: Line, now: datetime) -> None:
    other = a_line(activated_at=MAY - 20 * DAY)
    few = [a_named_one(line, MAY + n * MINUTE, now) for n in range(20)]
    many = [a_named_one(other, MAY + n * MINUTE + HOUR / 3600, now) for n in range(40)]
    find(at=now)
    assert [one.n for one in standing(kind="burst")] == [20, 40]
    for kind in ("burst", "no_approval"):
        set_rule(kind, at=now + MINUTE, enabled=False)
    assert bursts_told_to(line) == [(20, MAY, MAY + 19 * MINUTE)]
    hide(*few[:15], *many[35:], by=staff(User.Role.LEGAL), at=now + 2 * MINUTE)
    assert [(one.kind, one.line_id, one.n) for one in standing()] == [
        ("burst", other.pk, 35), ("no_approval", line.pk, 5), ("no_approval", other.pk, 35),
    ]  # fmt: skip
    assert standing()[0].last_at == MAY + 34 * MINUTE + HOUR / 3600
    assert Anomaly.objects.count() == 3
    assert bursts_told_to(line) == []
    assert Incident.objects.get(kind="burst").count == 1


def test_what_a_wider_window_found_loses_it_too(line: Line, now: datetime) -> None:
    names = [a_named_one(line, MAY + days * DAY, now) for days in (11, 27, 35)]
    set_rule("many_lines", at=now, threshold=2, window=3)
    looked(a_line(), MAY + 2 * DAY, path=(BRIDGE, TRACK, JAIL), recorded_at=now)
    (jailed,) = looked(a_line(), MAY, path=(BRIDGE, TRACK, JAIL), recorded_at=now)
    assert [(one, n) for one, n, _ in seen(now)] == [("many_lines", 2), ("no_approval", 3)]
    set_rule("many_lines", at=now, window=1)
    set_rule("no_approval", at=now, window=7)
    gagged(jailed, until=None, at=now + MINUTE)
    hide(names[0], by=staff(User.Role.LEGAL), at=now + MINUTE)
    assert [one.kind for one in Anomaly.objects.all()] == ["many_lines"], "not looked at yet"
    assert seen(now + 2 * MINUTE) == []
    assert not Anomaly.objects.exists()


def test_what_is_no_longer_so_goes_when_it_is_hidden(line: Line, now: datetime) -> None:
    names = [a_named_one(line, MAY + n * HOUR, now) for n in range(3)]
    assert seen(now) == [("no_approval", 3, 3)]
    judge_again(Disclosure.objects.filter(occurred_at=MAY), "permitted")
    assert seen(database_clock()) == []
    assert [(one.n, one.cleared_at is None) for one in Anomaly.objects.all()] == [(3, False)]
    hide(*names, by=staff(User.Role.LEGAL), at=database_clock())
    assert not Anomaly.objects.exists()
    assert Incident.objects.get().count == 0
