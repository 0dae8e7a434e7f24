"""What lies at the very end of a month, a night, a day or a window of an anomaly is counted once, where it belongs."""

from datetime import UTC, date, datetime

import pytest

from accounts.models import Line, LineState
from audit.models import Incident
from audit.queries import database_clock
from consent.actions.choices import stop
from consent.models import Choice
from disclosures.models import Anomaly, JudgementChange
from disclosures.queries.anomaly_rows import list_anomaly_releases
from disclosures.workers.anomalies.detection import find
from partners.models import Campaign
from tests.disclosures.anomalies import (
    AFTER_STOP,
    BRIDGE,
    DAY,
    HOUR,
    JAIL,
    MAY,
    NO_APPROVAL,
    TRACK,
    judge_again,
    looked,
    seen,
    set_rule,
    standing,
)
from tests.factories import a_campaign, a_contract, a_line, a_party, an_approval
from tests.moments import A_MOMENT, begins_at
from tests.world import gagged

pytestmark = pytest.mark.usefixtures("db", "no_broker")
JUNE = datetime(2026, 6, 1, tzinfo=UTC)
TO_JAIL = (BRIDGE, TRACK, JAIL)


@pytest.fixture
def now() -> datetime:
    """A few days ago: nothing shows before its order ends by the database's clock."""
    return database_clock() - 3 * DAY


@pytest.fixture
def line() -> Line:
    return a_line(activated_at=MAY - 20 * DAY)


def test_a_window_of_a_whole_month_is_that_of_its_last_moment(line: Line, now: datetime) -> None:
    looked(line, JUNE - 30 * DAY, JUNE - 9 * DAY, JUNE, judgement=NO_APPROVAL, recorded_at=now)
    find(at=now)
    assert [(one.kind, one.period, one.n, one.first_at, one.last_at) for one in standing()] == [
        ("no_approval", JUNE.date(), 3, JUNE - 30 * DAY, JUNE)
    ]


def test_the_first_night_of_a_month_is_of_that_month(now: datetime) -> None:
    line = a_line(state="GU", activated_at=MAY - 20 * DAY)
    # Ten in the evening in Guam.
    looked(line, *(JUNE + n * DAY + 12 * HOUR for n in (-3, -2, -1, 0)), recorded_at=now)
    find(at=now)
    assert [(one.kind, one.period, one.n) for one in standing()] == [("night", JUNE.date(), 4)]


def test_a_night_is_by_the_clock_of_a_state_from_when_the_line_is_there(now: datetime) -> None:
    line = a_line(state="GU", activated_at=MAY - 20 * DAY)
    # Eleven in the evening in Hawaii is seven in Guam.
    nights = [JUNE + 9 * HOUR + n * DAY for n in range(4)]
    LineState.objects.create(line=line, state="HI", since=nights[0])
    looked(line, *nights, recorded_at=now)
    assert seen(now) == [("night", 4, 4)]


def test_midnight_is_of_the_day_that_begins(now: datetime) -> None:
    set_rule("many_lines", at=now, threshold=2, window=1)
    for moment in (JUNE, JUNE + HOUR):
        looked(a_line(), moment, path=TO_JAIL, recorded_at=now)
    looked(a_line(), JUNE - HOUR, path=TO_JAIL, recorded_at=now)
    assert seen(now) == [("many_lines", 2, 2)]
    assert standing()[0].period == JUNE.date()


def test_what_a_rule_found_counts_up_to_when_it_was_switched_off(line: Line, now: datetime) -> None:
    looked(line, MAY, judgement=AFTER_STOP, recorded_at=now - HOUR)
    assert seen(now - HOUR) == [("after_stop", 1, 1)]
    set_rule("after_stop", at=now, enabled=False)
    looked(line, MAY + HOUR, judgement=AFTER_STOP, recorded_at=now)
    looked(line, MAY + 2 * HOUR, judgement=AFTER_STOP, recorded_at=now + A_MOMENT)
    assert seen(now + HOUR) == [("after_stop", 2, 2)]


def test_claims_are_of_the_month_in_which_they_came(now: datetime) -> None:
    set_rule("disputed", at=now, threshold=1, window=1)
    campaign = a_campaign(a_contract(a_party("GeoBridge")))
    month = database_clock().replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    # Whoever says no at the very moment of which the company claims a yes disputes nothing before it.
    same = a_line()
    an_approval(same, campaign)
    an_approval(same, campaign, at=say_never_agreed(same, campaign), verified_by="partner")
    for recorded_at in (month, (month - DAY).replace(day=1)):
        one = a_line()
        an_approval(one, campaign, at=recorded_at - DAY, verified_by="partner", recorded_at=recorded_at)
        say_never_agreed(one, campaign)
    find(at=Choice.objects.latest("recorded_at").recorded_at)
    assert [(found.period, found.n, found.out_of) for found in standing(kind="disputed")] == [
        ((month - DAY).date().replace(day=1), 1, 1), (month.date(), 1, 2),
    ]  # fmt: skip
    assert sum(count_rows_behind(kind="disputed")) == 2


def test_a_window_of_two_months_is_of_claims_of_this_one_and_the_last(now: datetime) -> None:
    set_rule("disputed", at=now, threshold=1, window=2)
    campaign = a_campaign(a_contract(a_party("GeoBridge")))
    month = database_clock().replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    last = (month - DAY).replace(day=1)
    for recorded_at in (month, last, last - A_MOMENT):
        one = a_line()
        an_approval(one, campaign, at=recorded_at - DAY, verified_by="partner", recorded_at=recorded_at)
        say_never_agreed(one, campaign)
    find(at=Choice.objects.latest("recorded_at").recorded_at)
    assert [(found.period, found.n) for found in standing(kind="disputed")] == [
        ((last - DAY).date().replace(day=1), 1), (last.date(), 2), (month.date(), 2),
    ]  # fmt: skip


def count_rows_behind(*, kind: str) -> list[int]:
    """How many look-ups or claims are behind each incident."""
    return [
        len(list_anomaly_releases(kind=one.kind, key=one.key, subject=one.subject, at=database_clock(), rows=9))
        for one in Incident.objects.filter(kind=kind)
    ]


def say_never_agreed(line: Line, campaign: Campaign) -> datetime:
    """When they said it."""
    stop(line_id=line.pk, scope="campaign", ref=campaign.ref, actor="s:1", channel="web", reason="never_agreed")
    return Choice.objects.get(line_id=line.pk).made_at


def test_each_january_is_of_its_own_year(line: Line, now: datetime) -> None:
    rows = [
        looked(line, datetime(year, 1, 9, tzinfo=UTC), judgement=AFTER_STOP, recorded_at=now)[0]
        for year in (2025, 2026)
    ]
    find(at=now)
    assert [one.period for one in standing()] == [date(2025, 1, 1), date(2026, 1, 1)]

    def stand() -> list[tuple[str, int]]:
        return [(one.key[:4], one.count) for one in Incident.objects.filter(closed_at=None).order_by("key")]

    years = stand()
    assert [n for _, n in years] == count_rows_behind(kind="after_stop") == [1, 1]
    for row, left in zip(reversed(rows), (1, 0), strict=True):
        judge_again([row], "permitted")
        find(at=JudgementChange.objects.latest("changed_at").changed_at)
        assert len(stand()) == left


@pytest.mark.parametrize("path", [(BRIDGE, TRACK), TO_JAIL], ids=["of a line", "across lines"])
@pytest.mark.parametrize("hidden", [0, 1], ids=["the first", "the newest"])
def test_an_end_that_an_order_hides_leaves_no_trace(now: datetime, path: tuple[str, ...], hidden: int) -> None:
    across = path == TO_JAIL
    set_rule("many_lines" if across else "after_stop", at=now, threshold=2)
    lines = [a_line(), a_line()] if across else [a_line()] * 2
    judgement = "permitted" if across else AFTER_STOP
    rows = [
        looked(one, MAY + n * HOUR, path=path, judgement=judgement, recorded_at=now)[0] for n, one in enumerate(lines)
    ]
    assert len(seen(now)) == 1
    gagged(rows[hidden], until=now + HOUR, at=now)
    assert seen(now + HOUR / 2) == []

    def is_there(at: datetime) -> bool:
        find(at=at)
        return Anomaly.objects.exists()

    assert begins_at(is_there, now + HOUR)


def test_what_is_found_again_the_same_is_no_news(line: Line, now: datetime) -> None:
    looked(line, MAY, MAY + HOUR, judgement=AFTER_STOP, recorded_at=now - HOUR)
    find(at=now - HOUR)
    Anomaly.objects.update(consequence="suspended")
    (found,) = standing()
    newest = set_rule("after_stop", at=now, threshold=2)
    looked(line, MAY + DAY, recorded_at=database_clock())
    find(at=database_clock())
    (again,) = standing(kind="after_stop")
    assert (again.rule_id, again.grown_at, again.consequence) == (newest.pk, found.grown_at, "suspended")
