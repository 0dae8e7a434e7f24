"""How a line becomes long, what is counted of it, and that nothing which commits meanwhile is lost."""

import re
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.db import OperationalError, connection, transaction
from django.utils import timezone

from accounts.models import Line, LineNumber
from audit.queries import database_clock
from disclosures.domain.ingest import rollups
from disclosures.models import ChangedDay, DailyRollup, DelayedNotice, Disclosure, GrowingLine, LongLine, RolledFacts
from disclosures.queries.release_counts import facts_of
from disclosures.workers import reassignment
from tests.factories import a_line
from tests.feeds import (
    approval_row,
    choice_row,
    line_row,
    moment,
    release_row,
    take_approvals,
    take_choices,
    take_lines,
    take_notices,
    take_parties,
    take_releases,
)
from tests.overlapping import overlap
from tests.people import Browser, signed_in
from tests.world import World, a_world

PACIFIC = ZoneInfo("America/Los_Angeles")


def hourly(n: int, **changes: object) -> list[dict[str, object]]:
    """So many rows, each with an id of its own: of the first 240, three have their line counted."""
    start = moment("2026-03-01T00:00:00Z")
    return [
        release_row(id=f"hour-{hour}", occurred_at=(start + timedelta(hours=hour)).isoformat(), **changes)
        for hour in range(n)
    ]


def marked(line_id: int) -> set[date]:
    return set(ChangedDay.objects.filter(line_id=line_id).values_list("day", flat=True))


def total(line_id: int) -> int:
    return sum(one.n for one in facts_of(line_id=line_id, zone=PACIFIC, at=database_clock()))


@pytest.fixture
def line(db: None, no_broker: None) -> Line:
    """A line with 240 rows on the eleven days that these hours are part of, by its own clock."""
    take_parties()
    take_lines(line_row())
    take_releases(*hourly(240))
    return Line.objects.get()


def test_a_line_becomes_long_when_it_is(line: Line) -> None:
    assert GrowingLine.objects.filter(line_id=line.pk).exists(), "one row in 64 has its line counted"
    assert rollups.roll_up(at=database_clock(), long=241) == 0
    assert (LongLine.objects.count(), GrowingLine.objects.count()) == (0, 0)
    GrowingLine.objects.create(line_id=line.pk)
    at = database_clock()
    assert rollups.roll_up(at=at, long=240) == 1
    (long,) = LongLine.objects.all()
    assert (long.zone, long.through) == (PACIFIC.key, at.astimezone(PACIFIC).date() - timedelta(days=1))
    assert (DailyRollup.objects.count(), RolledFacts.objects.count(), marked(line.pk)) == (11, 1, set())
    assert sum(DailyRollup.objects.values_list("n", flat=True)) == 240 == total(line.pk)
    assert rollups.roll_up(at=database_clock(), long=240) == 0


@pytest.mark.usefixtures("committed_db", "no_broker")
def test_two_runs_at_once_count_a_line_once() -> None:
    take_parties()
    take_lines(line_row())
    take_releases(*hourly(240))
    line = Line.objects.get()
    GrowingLine.objects.create(line_id=line.pk)

    def roll_up() -> int:
        return rollups.roll_up(at=database_clock(), long=240)

    # After three of looking for lines that have become long, or moved.
    assert overlap(roll_up, roll_up, at_commit=4) == (1, 0)
    assert (DailyRollup.objects.count(), sum(DailyRollup.objects.values_list("n", flat=True))) == (11, 240)


@pytest.fixture
def counted(line: Line) -> Line:
    """The same line, counted."""
    GrowingLine.objects.create(line_id=line.pk)
    assert rollups.roll_up(at=database_clock(), long=240) == 1
    return line


def test_a_late_row_opens_its_day_and_no_other(counted: Line) -> None:
    take_releases(release_row(occurred_at="2026-03-05T09:00:00Z"))
    assert (marked(counted.pk), total(counted.pk)) == ({date(2026, 3, 5)}, 241)
    assert rollups.roll_up(at=database_clock()) == 1
    assert (marked(counted.pk), total(counted.pk)) == (set(), 241)


def test_a_late_row_of_a_day_not_counted_yet_waits_for_its_turn(counted: Line) -> None:
    at = database_clock()
    today = at.astimezone(PACIFIC).date() - rollups.RECENT
    for day in (date(2026, 3, 5), today):
        take_releases(release_row(id=str(day), occurred_at=f"{day}T20:00:00Z"))
    assert rollups.roll_up(at=at) == 1
    assert (marked(counted.pk), total(counted.pk)) == ({today}, 242)
    assert rollups.roll_up(at=at + timedelta(days=2)) == 1
    assert (marked(counted.pk), total(counted.pk)) == (set(), 242)


def test_a_judgement_that_changes_opens_its_days(counted: Line) -> None:
    take_approvals(approval_row(captured_at="2026-02-01T00:00:00Z"))
    take_choices(choice_row(made_at="2026-03-10T00:00:00Z"))
    found = {one.judgement: one.n for one in facts_of(line_id=counted.pk, zone=PACIFIC, at=database_clock())}
    assert found == {"permitted": 216, "after_stop": 24}
    assert len(marked(counted.pk)) == 11
    assert rollups.roll_up(at=database_clock()) == 1
    assert {one.judgement: one.n for one in facts_of(line_id=counted.pk, zone=PACIFIC, at=database_clock())} == found


def test_a_day_with_a_hidden_row_is_never_counted(counted: Line) -> None:
    moments = ("2026-03-05T09:00:00Z", database_clock().isoformat())
    take_releases(*(release_row(id=at, occurred_at=at, suppressed_until="2190-01-01T00:00:00Z") for at in moments))
    marks = sorted(ChangedDay.objects.values_list("id", "day"))
    for n in (241, 242):
        take_releases(release_row(id=f"n-{n}", occurred_at="2026-03-06T09:00:00Z"))
        assert total(counted.pk) == n
        rollups.roll_up(at=database_clock())
    # Each keeps its marks and gets no more, however often others are counted.
    assert sorted(ChangedDay.objects.values_list("id", "day")) == marks
    assert not DailyRollup.objects.filter(day=date(2026, 3, 5)).exists()
    lifted = {"disclosure_id": moments[0], "suppressed_until": "2026-04-01T00:00:00Z", "order_ref": "lifted"}
    take_notices(lifted)
    assert total(counted.pk) == 243
    rollups.roll_up(at=database_clock())
    assert (marked(counted.pk), total(counted.pk)) == ({day for _, day in marks} - {date(2026, 3, 5)}, 243)


def test_a_line_that_moves_to_another_zone_is_counted_anew(counted: Line) -> None:
    start = moment("2026-03-01T00:00:00Z")
    for state, zone in (("NY", ZoneInfo("America/New_York")), ("", ZoneInfo("UTC"))):
        Line.objects.update(state=state)
        assert sum(one.n for one in facts_of(line_id=counted.pk, zone=zone, at=database_clock())) == 240
        assert rollups.roll_up(at=database_clock()) == 1
        assert LongLine.objects.get().zone == zone.key
        days = Counter((start + timedelta(hours=n)).astimezone(zone).date() for n in range(240))
        assert dict(DailyRollup.objects.values_list("day", "n")) == days
        assert sum(one.n for one in facts_of(line_id=counted.pk, zone=zone, at=database_clock())) == 240
    assert rollups.roll_up(at=database_clock()) == 0


def bytes_of(browser: Browser, world: World) -> list[str]:
    paths = ("/home/", "/history/", "/history/?not_allowed=on", f"/companies/{world.securetrack.lbs_provider_id}/")
    return [re.sub(r'name="csrfmiddlewaretoken" value="[^"]*"', "", browser.get(path).text) for path in paths]


@pytest.mark.usefixtures("db", "no_broker")
def test_pages_are_the_same_byte_for_byte_counted_or_not() -> None:
    world = a_world(at=timezone.now())
    browser = signed_in(world.line)
    plain = bytes_of(browser, world)
    GrowingLine.objects.create(line_id=world.line.pk)
    assert rollups.roll_up(at=timezone.now(), long=50) == 1
    assert DailyRollup.objects.count() > 30
    assert bytes_of(browser, world) == plain


def elsewhere(does: Callable[[], object]) -> object:
    """Another connection does it and is gone."""

    def then_close() -> object:
        try:
            return does()
        finally:
            connection.close()

    with ThreadPoolExecutor(1) as other:
        return other.submit(then_close).result()


def a_scene() -> Line:
    take_parties()
    take_lines(line_row())
    take_releases(*hourly(240))
    GrowingLine.objects.create(line_id=Line.objects.get().pk)
    return Line.objects.get()


def stores_rows(row: Disclosure) -> None:
    with connection.cursor() as cursor:
        cursor.execute("CREATE TEMPORARY TABLE fresh (line_id bigint, occurred_at timestamptz, id uuid) ON COMMIT DROP")
        rollups.mark_changed_days(cursor=cursor, rows="fresh")


def hides_a_row(row: Disclosure) -> None:
    DelayedNotice.objects.create(
        line_id=row.line_id, disclosure_id=row.id, number=1, order_ref="court", recorded_at=row.recorded_at
    )


def judges_again(row: Disclosure) -> None:
    with connection.cursor() as cursor:
        cursor.execute("UPDATE disclosures_release SET term = term WHERE line_id = %s", [row.line_id])


def gives_a_row_back(row: Disclosure) -> None:
    LineNumber.objects.filter(line_id=row.line_id).update(ends_at=Disclosure.objects.latest("occurred_at").occurred_at)
    reassignment.detach_releases(at=database_clock(), actor="import:lines")


@pytest.mark.usefixtures("committed_db", "no_broker")
@pytest.mark.parametrize("somebody", [stores_rows, hides_a_row, judges_again, gives_a_row_back])
def test_no_line_becomes_long_while_somebody_changes_its_days(somebody: Callable[[Disclosure], None]) -> None:
    line = a_scene()

    def roll_up() -> None:
        with connection.cursor() as cursor:
            cursor.execute("SET lock_timeout = '50ms'")
        rollups.roll_up(at=database_clock(), long=239)

    with transaction.atomic():
        somebody(Disclosure.objects.earliest("occurred_at"))
        with pytest.raises(OperationalError, match="lock timeout"):
            elsewhere(roll_up)
        assert not LongLine.objects.exists()
    elsewhere(roll_up)
    assert LongLine.objects.get().line_id == line.pk


@pytest.mark.usefixtures("committed_db", "no_broker")
@pytest.mark.parametrize("after", ["CHANGED", "COUNT", "DONE"])
def test_a_row_that_commits_meanwhile_is_not_lost(after: str) -> None:
    line = a_scene()
    rollups.roll_up(at=database_clock(), long=240)
    take_releases(release_row(occurred_at="2026-03-05T09:00:00Z"))
    came: list[object] = []

    def meanwhile(execute: Any, sql: Any, params: Any, many: bool, context: Any) -> Any:
        result = execute(sql, params, many, context)
        if sql == getattr(rollups, after) and not came:
            came.append(elsewhere(lambda: take_releases(release_row(occurred_at="2026-03-05T10:00:00Z"))))
        return result

    with connection.execute_wrapper(meanwhile):
        assert rollups.roll_up(at=database_clock()) == 1
    assert len(came) == 1
    assert (total(line.pk), marked(line.pk)) == (242, {date(2026, 3, 5)})
    rollups.roll_up(at=database_clock())
    assert (total(line.pk), marked(line.pk)) == (242, set())


@pytest.mark.usefixtures("db", "no_broker")
def test_a_line_that_nobody_counted_is_read_from_its_rows() -> None:
    line = a_line()
    LongLine.objects.create(line_id=line.pk, zone=PACIFIC.key)
    assert facts_of(line_id=line.pk, zone=PACIFIC, at=database_clock()) == []
    assert rollups.roll_up(at=database_clock()) == 1
    assert LongLine.objects.get().through > date(2026, 1, 1)
