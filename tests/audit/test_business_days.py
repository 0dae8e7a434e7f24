"""Business days leave out weekends and federal holidays, and never name a day too late."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from audit.primitives.business_days import after_business_days, before_business_days, holidays, is_business_day

EAST = ZoneInfo("America/New_York")
# As the Office of Personnel Management lists them.
OPM: dict[int, tuple[str, ...]] = {
    2021: ("01-01", "01-18", "02-15", "05-31", "06-18", "07-05", "09-06", "10-11", "11-11", "11-25", "12-24", "12-31"),
    2022: ("01-17", "02-21", "05-30", "06-20", "07-04", "09-05", "10-10", "11-11", "11-24", "12-26"),
    2026: ("01-01", "01-19", "02-16", "05-25", "06-19", "07-03", "09-07", "10-12", "11-11", "11-26", "12-25"),
    2027: ("01-01", "01-18", "02-15", "05-31", "06-18", "07-05", "09-06", "10-11", "11-11", "11-25", "12-24", "12-31"),
}


def test_the_holidays_are_those_of_federal_offices() -> None:
    for year, days in OPM.items():
        assert sorted(holidays(year=year)) == [date.fromisoformat(f"{year}-{day}") for day in days]


def test_five_days_from_friday_before_thanksgiving_end_on_a_monday() -> None:
    friday = datetime(2026, 11, 20, 17, tzinfo=UTC)
    assert after_business_days(start=friday, days=5, zone=EAST) == datetime(2026, 11, 30, 17, tzinfo=UTC)
    assert after_business_days(start=friday, days=0, zone=EAST) == friday


def test_the_day_is_that_of_the_zone() -> None:
    late_on_monday_there = datetime(2026, 11, 17, 3, tzinfo=UTC)
    assert after_business_days(start=late_on_monday_there, days=1, zone=EAST) == datetime(2026, 11, 18, 3, tzinfo=UTC)
    assert after_business_days(start=late_on_monday_there, days=1, zone=ZoneInfo("UTC")) == datetime(
        2026, 11, 18, 3, tzinfo=UTC
    )
    late_on_friday_there = datetime(2026, 11, 14, 3, tzinfo=UTC)
    assert after_business_days(start=late_on_friday_there, days=1, zone=EAST) == datetime(2026, 11, 17, 3, tzinfo=UTC)


def test_same_time_of_day_stands_where_clocks_are_set_between() -> None:
    noon = datetime(2026, 10, 30, 16, tzinfo=UTC)
    assert after_business_days(start=noon, days=1, zone=EAST) == datetime(2026, 11, 2, 17, tzinfo=UTC)


def test_no_day_is_named_that_is_none() -> None:
    for n in range(800):
        start = datetime(2026, 1, 1, 12, tzinfo=UTC) + timedelta(days=n)
        for days in (1, 5, 7):
            end = after_business_days(start=start, days=days, zone=EAST)
            span = [start.date() + timedelta(days=m) for m in range(1, (end.date() - start.date()).days + 1)]
            assert (is_business_day(day=end.date()), sum(is_business_day(day=day) for day in span)) == (True, days)


def test_a_clock_is_counted_back_to_the_latest_moment_that_it_may_have_begun_at() -> None:
    for n in range(400):
        start = datetime(2026, 1, 1, 12, tzinfo=UTC) + timedelta(days=n)
        for days in (1, 5, 10):
            end = after_business_days(start=start, days=days, zone=EAST)
            began = before_business_days(end=end, days=days, zone=EAST)
            assert began >= start
            assert after_business_days(start=began, days=days, zone=EAST) == end
            assert after_business_days(start=began + timedelta(days=1), days=days, zone=EAST) > end
    # On a Saturday the whole Friday has passed.
    saturday = datetime(2026, 11, 14, 17, tzinfo=UTC)
    last_of_thursday = datetime(2026, 11, 13, 4, 59, 59, 999999, tzinfo=UTC)
    assert before_business_days(end=saturday, days=1, zone=EAST) == last_of_thursday


def test_a_moment_without_its_offset_is_no_moment() -> None:
    with pytest.raises(ValueError, match="a start needs its offset"):
        after_business_days(start=datetime(2026, 1, 1, tzinfo=UTC).replace(tzinfo=None), days=1, zone=EAST)
    with pytest.raises(ValueError, match="an end needs its offset"):
        before_business_days(end=datetime(2026, 1, 1, tzinfo=UTC).replace(tzinfo=None), days=1, zone=EAST)
