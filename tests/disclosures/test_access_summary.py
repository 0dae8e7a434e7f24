"""Which companies asked where a phone is, day by day: told and refused, without what is hidden, rolled up or not."""

import re
import uuid
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.primitives.zones import zone_of
from disclosures.domain.ingest.rollups import roll_up
from disclosures.models import Basis, ChangedDay, Disclosure, LongLine, Outcome
from disclosures.queries.access_summary import AccessPage, get_access_page
from disclosures.queries.release_counts import Facts, ReleaseFilter, facts_of, list_facts_by_month
from disclosures.queries.release_counts import newest as list_newest
from tests.factories import a_line, a_party
from tests.moments import A_MOMENT
from tests.people import signed_in
from tests.world import disclosed, gagged

pytestmark = pytest.mark.usefixtures("db", "no_broker")
DAY = timedelta(days=1)
# Eight in the evening at the line, the next day in UTC.
EVENING = datetime(2026, 5, 4, 3, tzinfo=UTC)
AT = EVENING + 10 * DAY


def told(page: AccessPage) -> list[tuple[str, list[tuple[str, int, int]]]]:
    return [
        (day.day.isoformat(), [(one.company.name, one.told, one.refused) for one in day.askers]) for day in page.days
    ]


def test_days_are_the_line_s_own_most_frequent_first() -> None:
    line, north = a_line(), a_party("NorthLink")
    road, ads = a_party("RoadAid", "lbs_provider"), a_party("AdReach", "lbs_provider")
    minute = timedelta(minutes=1)
    disclosed(line, [north.uri, road.uri], at=EVENING, n=3, every=minute)
    disclosed(line, [north.uri, ads.uri], at=EVENING, n=4, every=minute, outcome=Outcome.REFUSED)
    disclosed(line, [north.uri, ads.uri], at=EVENING + DAY)
    disclosed(line, ["urn:psap"], at=EVENING + DAY, basis=Basis.EMERGENCY)
    (hidden,) = disclosed(line, [north.uri, road.uri], at=EVENING + 3 * DAY)
    gagged(hidden, until=None, at=EVENING)
    page = get_access_page(line_id=line.pk, zone=zone_of(line.state), before=None, at=AT)
    assert told(page) == [
        ("2026-05-04", [("AdReach", 1, 0), ("urn:psap", 1, 0)]),
        ("2026-05-03", [("AdReach", 0, 4), ("RoadAid", 3, 0)]),
    ]
    assert page.older is None
    assert [one.outside for one in page.days[0].askers] == [0, 1]


def test_every_day_stands_on_one_page() -> None:
    line, north = a_line(), a_party("NorthLink")
    for days in (0, 29, 30, 75, 300):
        disclosed(line, [north.uri], at=EVENING - days * DAY)
    zone, seen, before, pages = zone_of(line.state), [], None, 0
    while pages == 0 or before is not None:
        page = get_access_page(line_id=line.pk, zone=zone, before=before, at=AT)
        seen += [(EVENING.astimezone(zone).date() - day.day).days for day in page.days]
        before, pages = page.older, pages + 1
    assert (seen, pages) == ([0, 29, 30, 75, 300], 4)


def test_a_long_line_s_days_begin_and_end_at_midnight_counted_or_not() -> None:
    line, north, zone = a_line(), a_party("NorthLink"), zone_of("WA")
    # By the line's own clock: sixty days of two pages, each with its first moment and its noon.
    midnights = [datetime(2026, 7, 30, tzinfo=zone) - n * DAY for n in range(61)]
    newest = midnights[1].date()
    for midnight in midnights[1:]:
        for at in (midnight, midnight + DAY / 2):
            disclosed(line, [north.uri], at=at.astimezone(UTC))
    of_the_place = Disclosure.objects.get(occurred_at=midnights[21])

    def read(at: datetime) -> Facts:
        first = get_access_page(line_id=line.pk, zone=zone, before=None, at=at)
        second = get_access_page(line_id=line.pk, zone=zone, before=first.older, at=at)
        assert [(one.told, one.refused) for day in (*first.days, *second.days) for one in day.askers] == [(2, 0)] * 60
        assert [day.day for day in (*first.days, *second.days)] == [newest - n * DAY for n in range(60)]
        assert (len(first.days), first.older, second.older) == (30, newest - 29 * DAY, None)
        months = list_facts_by_month(
            line_id=line.pk, zone=zone, since=newest - 40 * DAY, until=newest - 9 * DAY, at=at
        )  # fmt: skip
        assert {n: sum(one.n for one in months if one.month.month == n) for n in (5, 6, 7)} == {5: 0, 6: 24, 7: 40}
        (facts,) = facts_of(line_id=line.pk, zone=zone, at=at)
        assert (facts.n, facts.recent) == (120, 60)
        for last, is_there in ((uuid.UUID(int=2**128 - 1), True), (of_the_place.id, False)):
            wanted = ReleaseFilter(
                company="", act_of="", judgements=(), claimed_later=False, since=newest - 40 * DAY,
                until=newest - 9 * DAY, before=(of_the_place.occurred_at, last),
            )  # fmt: skip
            found = list_newest(line_id=line.pk, zone=zone, wanted=wanted, rows=99, at=at)
            days = [*([newest - 20 * DAY] if is_there else []), *(newest - n // 2 * DAY for n in range(42, 82))]
            assert [one.occurred_at.astimezone(zone).date() for one in found] == days
            unbounded = replace(wanted, before=None)
            assert len(list_newest(line_id=line.pk, zone=zone, wanted=unbounded, rows=99, at=at)) == 64
        return facts

    # The next midnight and, by a clock that is behind, the moment before it.
    looks = [midnights[0].astimezone(UTC) - n * A_MOMENT for n in (0, 1)]
    plain = [read(at) for at in looks]
    LongLine.objects.create(line_id=line.pk, zone=zone.key)
    roll_up(at=looks[0] + 9 * DAY)
    assert [read(at) for at in looks] == plain
    for days in (0, 9, 29, 30, 40):
        ChangedDay.objects.create(line_id=line.pk, day=newest - days * DAY)
    assert [read(at) for at in looks] == plain


def test_the_page_in_words_empty_and_full() -> None:
    line, north, now = a_line(), a_party("NorthLink"), timezone.now()
    road = a_party("RoadAid", "lbs_provider")
    browser = signed_in(line)
    assert "No company has asked yet" in browser.get("/access-log/companies/").text
    disclosed(line, [north.uri, road.uri], at=now - DAY, n=2, every=timedelta(seconds=1))
    disclosed(line, [north.uri, road.uri], at=now - DAY, basis=Basis.NETWORK, outcome=Outcome.REFUSED)
    page = browser.get("/access-log/companies/").text
    text = " ".join(re.sub(r"<[^>]+>", " ", page).split())
    assert "RoadAid got it 2 times , refused once" in text.replace("got it 2 times,", "got it 2 times ,")
    # What was refused was never given out for a reason that needs no consent.
    assert "need your consent" not in text
    disclosed(line, [north.uri, road.uri], at=now - DAY, basis=Basis.NETWORK)
    assert "need your consent" in browser.get("/access-log/companies/").text
    for before in ("nonsense", "0001-01-01", "9999-12-31"):
        assert "RoadAid" in browser.get(f"/access-log/companies/?before={before}").text
    assert browser.get("/access-log/companies/?before=2020-01-01").text.count("Nothing older.") == 1


def test_for_more_companies_no_more_queries() -> None:
    def queries(companies: int) -> int:
        line = a_line()
        for number in range(companies):
            disclosed(line, [a_party(f"P{line.pk} {number}").uri], at=EVENING)
        with CaptureQueriesContext(connection) as seen:
            get_access_page(line_id=line.pk, zone=zone_of(line.state), before=None, at=AT)
        return len(seen)

    assert queries(1) == queries(3) == 5
