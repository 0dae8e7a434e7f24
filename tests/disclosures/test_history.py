"""The history: every row once, newest first, grouped by day, in pages that count nothing, and to take away."""

import csv
import io
import json
import re
import tracemalloc
from datetime import UTC, date, datetime, timedelta
from html import unescape
from itertools import product
from typing import Any
from urllib.parse import parse_qsl
from zoneinfo import ZoneInfo

import pytest
import time_machine
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.models import Line
from disclosures.models import Basis, Disclosure, Judgement, Outcome
from disclosures.queries.downloads import as_csv, as_json, plain_cell
from disclosures.queries.history import Filters, HistoryPage, history_in_parts, history_page, history_rows
from disclosures.queries.history_counts import count_history, history_facts, times_page
from disclosures.queries.history_days import HistoryTally
from support.queries.exports import csv_lines
from tests.factories import a_line, a_party
from tests.people import signed_in
from tests.words.pages import main
from tests.world import disclosed, gagged

pytestmark = pytest.mark.usefixtures("db")

PACIFIC = ZoneInfo("America/Los_Angeles")
NOON = datetime(2026, 5, 3, 19, tzinfo=UTC)
AT = datetime(2026, 11, 20, tzinfo=UTC)


def moments(page: HistoryPage) -> list[datetime]:
    return [at for day in page.days for group in day.groups for at in group.times]


def all_pages(line_id: int, filters: Filters, rows: int) -> list[HistoryPage]:
    pages = [history_page(line_id=line_id, filters=filters, zone=PACIFIC, at=AT, rows=rows)]
    while pages[-1].older:
        more = Filters(**{**vars(filters), "before": pages[-1].older})
        pages.append(history_page(line_id=line_id, filters=more, zone=PACIFIC, at=AT, rows=rows))
    return pages


def test_repeats_of_one_day_are_drawn_together() -> None:
    line, geo, road = a_line(), a_party(), a_party("RoadAid", "lbs_provider")
    disclosed(line, [geo.uri, road.uri], at=NOON, n=14)
    others: tuple[dict[str, Any], ...] = (
        {"judgement": Judgement.NO_APPROVAL}, {"campaign": "CMP-2"}, {"purpose": "dpv:Marketing"}, {"precision_m": 5},
        {"basis": Basis.EMERGENCY}, {"basis": Basis.EMERGENCY, "outcome": Outcome.REFUSED}, {"doubtful": True},
        {"authority_ref": "24-113"}, {"completed": "both"},
    )  # fmt: skip
    for other in others:
        disclosed(line, [geo.uri, road.uri], at=NOON, **other)
    page = history_page(line_id=line.pk, filters=Filters(), zone=PACIFIC, at=AT)
    (day,) = page.days
    assert (day.day, sorted(group.n for group in day.groups), page.older) == (date(2026, 5, 3), [1] * 9 + [14], "")
    assert day.tally == HistoryTally(looked_up=21, not_allowed=1, refused=1, outside=1)
    many = max(day.groups, key=lambda group: group.n)
    assert (many.first_at, many.last_at) == (NOON, NOON + timedelta(minutes=130))


def test_a_day_is_a_day_of_the_lines_zone() -> None:
    line, other, geo = a_line(), a_line(), a_party()
    # Nobody else's rows are in it.
    disclosed(other, [geo.uri], at=NOON, n=3)
    assert history_page(line_id=line.pk, filters=Filters(), zone=PACIFIC, at=AT).days == ()
    assert (rows_of(line.pk), len(rows_of(other.pk))) == ([], 3)
    disclosed(line, [geo.uri], at=datetime(2026, 5, 4, 6, 59, tzinfo=UTC))
    disclosed(line, [geo.uri], at=datetime(2026, 5, 4, 7, tzinfo=UTC))
    days = history_page(line_id=line.pk, filters=Filters(), zone=PACIFIC, at=AT).days
    assert [day.day for day in days] == [date(2026, 5, 4), date(2026, 5, 3)]


def test_every_row_stands_on_exactly_one_page() -> None:
    line, geo = a_line(), a_party()
    made = [
        row.occurred_at
        for day in range(5)
        for row in disclosed(line, [geo.uri], at=NOON + timedelta(days=day), n=4, every=timedelta(hours=day % 2))
    ]
    for rows in (1, 3, 7, 50):
        pages = all_pages(line.pk, Filters(), rows)
        assert [at for page in pages for at in moments(page)] == sorted(made, reverse=True), rows
        assert all(moments(page) for page in pages)
    # A place that is none starts at the newest.
    for before in ("", "rubbish", "2026-05-03T12:00:00_nonsense", "_", "9999999_1", "\x00"):
        page = history_page(line_id=line.pk, filters=Filters(before=before), zone=PACIFIC, at=AT)
        assert len(moments(page)) == 20, before


def test_a_page_ends_between_two_days_where_it_can() -> None:
    line, geo = a_line(), a_party()
    for day in range(3):
        disclosed(line, [geo.uri], at=NOON + timedelta(days=day), n=4)
    first, second, third = all_pages(line.pk, Filters(), 6)
    assert [len(moments(page)) for page in (first, second, third)] == [4, 4, 4]
    assert not any(group.of_day for page in (first, second, third) for day in page.days for group in day.groups)


def test_a_day_that_is_cut_says_how_often_in_all() -> None:
    line, geo, road, mart = a_line(), a_party(), a_party("RoadAid", "lbs_provider"), a_party("DataMart", "lbs_provider")
    # The newest first: mart once, road, geo, road, geo, ...; the day before, mart again.
    disclosed(line, [geo.uri, road.uri], at=NOON, n=5, every=timedelta(minutes=10))
    disclosed(line, [geo.uri], at=NOON + timedelta(minutes=1), n=2, every=timedelta(minutes=10))
    disclosed(line, [geo.uri, mart.uri], at=NOON + timedelta(hours=2))
    disclosed(line, [geo.uri, mart.uri], at=NOON - timedelta(days=1), n=2)
    (hidden,) = disclosed(line, [geo.uri, road.uri], at=NOON - timedelta(minutes=5))
    gagged(hidden, until=None, at=AT)

    def drawn(filters: Filters) -> list[list[tuple[str, int, int, bool]]]:
        """Page by page: of whom, how often on it, how often that day, and whether some are elsewhere."""
        return [
            [(one.company.name, one.n, one.in_all, one.elsewhere) for day in page.days for one in day.groups]
            for page in all_pages(line.pk, filters, 3)
        ]

    assert drawn(Filters()) == [
        [("DataMart", 1, 1, False), ("RoadAid", 2, 5, True)],
        [("RoadAid", 2, 5, True), (geo.name, 1, 2, True)],
        [(geo.name, 1, 2, True), ("RoadAid", 1, 5, True)],
        [("DataMart", 2, 2, False)],
    ]
    assert drawn(Filters(company=road.uri)) == [[("RoadAid", 3, 5, True)], [("RoadAid", 2, 5, True)]]
    # What came on other days that are asked for is not of that day.
    for days in (1, -1):
        disclosed(line, [geo.uri, road.uri], at=NOON + timedelta(days=days))
    around = Filters(company=road.uri, since=date(2026, 5, 1), until=date(2026, 5, 9))
    assert drawn(around) == [
        [("RoadAid", 1, 1, False)], [("RoadAid", 3, 5, True)], [("RoadAid", 2, 5, True), ("RoadAid", 1, 1, False)],
    ]  # fmt: skip


def test_a_cut_day_costs_one_look_more() -> None:
    line, geo = a_line(), a_party()
    for day in range(2):
        disclosed(line, [geo.uri], at=NOON + timedelta(days=day), n=4, every=timedelta(minutes=1))

    def cost(rows: int, **filters: Any) -> int:
        with CaptureQueriesContext(connection) as asked:
            history_page(line_id=line.pk, filters=Filters(**filters), zone=PACIFIC, at=AT, rows=rows)
        return len(asked)

    later = all_pages(line.pk, Filters(), 3)[0].older
    between = all_pages(line.pk, Filters(), 4)[0].older
    assert [cost(9), cost(4), cost(3), cost(9, before=later), cost(9, before=between)] == [3, 3, 5, 5, 3]
    company = {"company": geo.uri}
    assert [cost(9, **company), cost(3, **company), cost(9, before=later, **company)] == [2, 4, 4]


def test_filters_narrow_and_say_so() -> None:
    line, geo, road, mart = a_line(), a_party(), a_party("RoadAid", "lbs_provider"), a_party("DataMart", "lbs_provider")
    disclosed(line, [geo.uri, road.uri], at=NOON, n=2)
    disclosed(line, [geo.uri, mart.uri], at=NOON + timedelta(days=1), judgement=Judgement.NO_APPROVAL)
    disclosed(line, [geo.uri, mart.uri], at=NOON + timedelta(days=2), outcome=Outcome.REFUSED)
    disclosed(line, ["urn:psap"], at=NOON, basis=Basis.EMERGENCY)

    def count(filters: Filters) -> int:
        found = len(moments(history_page(line_id=line.pk, filters=filters, zone=PACIFIC, at=AT)))
        facts = history_facts(line_id=line.pk, filters=filters, zone=PACIFIC, at=AT).facts
        said = count_history(facts=facts, filters=filters).total
        assert said.looked_up + said.refused + said.outside == found
        return found

    assert (count(Filters()), Filters().any) == (5, False)
    assert (count(Filters(company=mart.uri)), count(Filters(company="https://nobody.example"))) == (2, 0)
    assert (count(Filters(not_allowed=True)), Filters(not_allowed=True).any) == (1, True)
    assert (count(Filters(since=date(2026, 5, 4))), count(Filters(until=date(2026, 5, 3)))) == (2, 3)
    assert count(Filters(since=date(2026, 5, 4), until=date(2026, 5, 4))) == 1
    facts = history_facts(line_id=line.pk, filters=Filters(since=date(2026, 5, 4)), zone=PACIFIC, at=AT)
    assert [one.name for one in facts.companies] == ["DataMart", "GeoBridge", "RoadAid", "urn:psap"]


def test_a_lifted_row_says_that_it_was_kept_back() -> None:
    line, geo = a_line(), a_party()
    kept, lifted = disclosed(line, [geo.uri], at=NOON, n=2, basis=Basis.LEGAL_PROCESS, authority_ref="24-113")
    gagged(kept, until=AT + timedelta(days=1), at=NOON)
    gagged(lifted, until=AT - timedelta(days=1), at=NOON)
    (day,) = history_page(line_id=line.pk, filters=Filters(), zone=PACIFIC, at=AT).days
    (group,) = day.groups
    assert (group.n, group.delayed, group.authority, group.is_approval_based) == (1, True, "24-113", False)


def test_a_way_says_which_hops_are_missing() -> None:
    line, geo, road = a_line(), a_party(), a_party("RoadAid", "lbs_provider")
    disclosed(line, [geo.uri, "unknown", road.uri, "unknown"], at=NOON)
    disclosed(line, [geo.uri], at=NOON + timedelta(days=1))
    second, first = history_page(line_id=line.pk, filters=Filters(), zone=PACIFIC, at=AT).days
    assert [(stop.name, stop.lost) for stop in first.groups[0].trail] == [
        ("", False), ("GeoBridge", False), ("", True), ("RoadAid", False), ("", True),
    ]  # fmt: skip
    assert first.groups[0].company.name == "RoadAid"
    assert [stop.lost for stop in second.groups[0].trail] == [False, False, True]


def rows_of(line_id: int) -> list[Disclosure]:
    return list(history_rows(line_id=line_id, filters=Filters(), zone=PACIFIC, at=AT))


def test_the_csv_is_whole_and_no_cell_is_a_formula() -> None:
    line, geo, evil = a_line(), a_party(), a_party('=HYPERLINK("x")', "lbs_provider")
    disclosed(line, [geo.uri, evil.uri], at=NOON, n=3, campaign="@SUM(A1)")
    found = list(csv.DictReader(io.StringIO("".join(as_csv(rows=rows_of(line.pk))).lstrip("\ufeff"))))
    assert [row["occurred_at"] for row in found] == [f"2026-05-03T19:{minute}:00Z" for minute in (20, 10, "00")]
    assert (found[0]["campaign"], found[0]["path_names"]) == ("'@SUM(A1)", 'GeoBridge > =HYPERLINK("x")')
    assert (found[0]["judgement"], found[0]["judgement_in_words"]) == ("permitted", "You allowed it")
    assert not [value for row in found for value in row.values() if value.startswith(("=", "+", "-", "@"))]


@pytest.mark.parametrize("start", ["\n", "\t", "\r", "\uff1d", "\uff0b", "\uff0d", "\uff20"])
def test_no_cell_begins_with_what_some_spreadsheets_run(start: str) -> None:
    cell = f"{start}1+1"
    assert plain_cell(value=cell) == f"'{cell}"
    (_, row) = csv_lines(columns=["name"], rows=[(cell,)])
    assert list(csv.reader(io.StringIO(row, newline=""))) == [[f"'{cell}"]]


def test_the_json_is_one_object_with_every_row() -> None:
    line, geo = a_line(), a_party()
    (row,) = disclosed(line, [geo.uri], at=NOON)
    found = json.loads("".join(as_json(rows=rows_of(line.pk), line="the-line", at=AT)))
    assert (found["line"], found["made_at"], len(found["disclosures"])) == ("the-line", "2026-11-20T00:00:00Z", 1)
    one = found["disclosures"][0]
    assert (one["id"], one["path"], one["told_later"], one["precision_m"]) == (row.source_id, [geo.uri], False, 500)
    assert json.loads("".join(as_json(rows=[], line="x", at=AT)))["disclosures"] == []


def test_a_page_holds_as_many_groups_as_can_be_read() -> None:
    line, geo = a_line(), a_party()
    for day in range(10):
        for number in range(12):
            disclosed(line, [geo.uri], at=NOON + timedelta(days=day), campaign=f"CMP-{number}")
    pages = all_pages(line.pk, Filters(), 200)
    assert [sum(len(day.groups) for day in page.days) for page in pages] == [60, 60]
    often = a_line()
    disclosed(often, [geo.uri], at=NOON, n=17, every=timedelta(days=1))
    assert [len(page.days) for page in all_pages(often.pk, Filters(), 200)] == [16, 1]
    for number in range(70):
        disclosed(line, [geo.uri], at=NOON + timedelta(days=20), purpose=f"dpv:{number}")
    assert len(all_pages(line.pk, Filters(), 200)[0].days[0].groups) == 70


def test_the_pages_keep_the_filters_and_count_what_is_shown() -> None:
    line, geo, road, mart = a_line(), a_party(), a_party("RoadAid", "lbs_provider"), a_party("DataMart", "lbs_provider")
    for day in range(18):
        disclosed(line, [geo.uri, road.uri], at=NOON - timedelta(days=day), judgement=Judgement.NO_APPROVAL)
        disclosed(line, [geo.uri, mart.uri], at=NOON - timedelta(days=day), judgement=Judgement.NO_APPROVAL)
    for number in range(8):
        disclosed(line, [geo.uri, road.uri], at=NOON, campaign=f"CMP-{number}")
    for number in range(5):
        disclosed(line, [geo.uri, road.uri], at=NOON - timedelta(days=1), campaign=f"CMP-{number}")
    for row in disclosed(line, [geo.uri, road.uri], at=NOON, n=2, judgement=Judgement.NO_APPROVAL):
        gagged(row, until=None, at=NOON)
    person = signed_in(line)
    asked = "not_allowed=on&company=https%3A%2F%2Froadaid.example"
    with time_machine.travel(AT, tick=False):
        first = person.get("/history/?since=&company=roadAID&not_allowed=on")
        (older,) = re.findall(r'rel="next" href="([^"]+)"', first.text)
        months = re.findall(r'href="([^"]+)month=([^"]+)"', first.text)
        second = main(person, unescape(older)).lines
        whole = main(person, "/history/").lines
    # What was typed of a name stands there as the name.
    assert re.findall(r'id="id_company"[^>]* value="([^"]*)"', first.text) == ["RoadAid"]
    assert sorted(parse_qsl(unescape(older).partition("?")[2]))[1:] == sorted(parse_qsl(asked))
    assert [(sorted(parse_qsl(unescape(href).partition("?")[2])), month) for href, month in months] == [
        (sorted(parse_qsl(asked)), "2026-05"), (sorted(parse_qsl(asked)), "2026-04"),
    ]  # fmt: skip
    said = [one for one in second if "look-up" in one]
    assert said[:1] == ["18 look-ups, 18 you did not allow"]
    assert [one for one in said if one.startswith("RoadAid")] == ["RoadAid: 1 look-up 12:00 PM"] * 2
    assert not [one for one in second if "DataMart" in one]
    assert whole[2:4] == ["49 look-ups, 36 you did not allow", "Only what I did not allow"]
    assert "4 more entries on this day" in whole
    assert "1 more entry on this day" in whole


def where_it_starts(line: Line) -> list[str]:
    with time_machine.travel(AT, tick=False):
        lines = main(signed_in(line), "/history/").lines
    return [said for said in lines if said.startswith("Your history starts")]


def test_a_history_ends_with_the_day_it_starts() -> None:
    geo = a_party()
    young, old, long = a_line(activated_at=datetime(2026, 5, 3, 6, tzinfo=UTC)), a_line(), a_line()
    disclosed(young, [geo.uri], at=NOON)
    for day in range(5):
        for number in range(15):
            disclosed(long, [geo.uri], at=NOON + timedelta(days=day), campaign=f"CMP-{number}")
    assert where_it_starts(young) == ["Your history starts on May 2, 2026."]
    assert where_it_starts(old) == ["Your history starts on Nov 1, 2024."]
    assert where_it_starts(long) == [], "older pages follow"


MANY = """
INSERT INTO disclosures_disclosure (line_id, occurred_at, id, source_id, aggregator, path, campaign, purpose, scope,
    precision_m, basis, outcome, decision_id, authority_ref, basis_doubtful, judgement, recorded_at)
SELECT %s, %s::timestamptz + n * interval '1 minute', gen_random_uuid(), 'src-' || n, 'https://geobridge.example',
    ARRAY['https://geobridge.example'], '', 'dpv:Marketing', 'read', 500, 'approval', 'released', '', '', false,
    'permitted', %s FROM generate_series(1, %s) AS n
"""


@pytest.mark.usefixtures("both_ways_of_sessions")
@pytest.mark.parametrize("written", ["csv", "json"])
def test_a_download_of_any_size_takes_the_same_memory(written: str) -> None:
    def peak(n: int) -> int:
        line = a_line()
        with connection.cursor() as cursor:
            cursor.execute(MANY, [line.pk, NOON, NOON, n])
        rows = history_in_parts(line_id=line.pk, filters=Filters(), zone=PACIFIC, at=AT, rows=500)
        parts = as_csv(rows=rows) if written == "csv" else as_json(rows=rows, line="x", at=AT)
        tracemalloc.start()
        lines = sum(part.count("src-") for part in parts)
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert lines == n
        return most

    peak(500)
    assert peak(5_000) < 1.5 * peak(1_500)


@pytest.mark.usefixtures("both_ways_of_sessions")
def test_what_is_read_in_parts_is_the_same() -> None:
    """Also where several are of one moment, and a part ends between them."""
    line, geo, road = a_line(), a_party(), a_party("RoadAid", "lbs_provider")
    disclosed(line, [geo.uri, road.uri], at=NOON, n=5, every=timedelta())
    disclosed(line, [geo.uri], at=NOON - timedelta(days=1), n=2, judgement=Judgement.NO_APPROVAL)
    kept, _ = disclosed(line, [geo.uri], at=NOON, n=2, outcome=Outcome.REFUSED)
    gagged(kept, until=None, at=NOON)
    narrowed = ((Filters(), 8), (Filters(company=road.uri), 5), (Filters(not_allowed=True), 2))
    for (filters, n), rows in product(narrowed, (1, 2, 3, 7, 8)):
        whole = list(history_rows(line_id=line.pk, filters=filters, zone=PACIFIC, at=AT))
        found = list(history_in_parts(line_id=line.pk, filters=filters, zone=PACIFIC, at=AT, rows=rows))
        assert ([row.id for row in found], len(found)) == ([row.id for row in whole], n)
        assert [vars(row)["delayed"] for row in found] == [vars(row)["delayed"] for row in whole]


@pytest.mark.usefixtures("both_ways_of_sessions")
def test_what_comes_or_is_hidden_while_read_is_left_out() -> None:
    line, geo = a_line(), a_party()
    began = NOON + timedelta(hours=1)
    made = disclosed(line, [geo.uri], at=NOON, n=6, recorded_at=began)
    reading = history_in_parts(line_id=line.pk, filters=Filters(), zone=PACIFIC, at=began, rows=2)
    read = [next(reading)]
    later = began + timedelta(microseconds=1)
    for at in (NOON - timedelta(days=1), NOON + timedelta(minutes=25), NOON + timedelta(days=1)):
        disclosed(line, [geo.uri], at=at, recorded_at=later)
    gagged(made[1], until=None, at=later)
    read += reading
    assert [row.id for row in read] == [made[n].id for n in (5, 4, 3, 2, 0)]


def test_times_are_of_the_days_asked_for_and_of_none_to_come() -> None:
    line, today = a_line(), datetime.now(UTC).astimezone(PACIFIC).date()
    assert [Filters(until=today).any, Filters(since=today).any, Filters().any] == [True, True, False]

    def days(since: date | None, until: date | None) -> tuple[int, int]:
        page = times_page(
            line_id=line.pk, filters=Filters(since=since, until=until), zone=PACIFIC, at=datetime.now(UTC)
        )
        return (today - page.since).days, (today - page.until).days

    def ago(n: int) -> date:
        return today - timedelta(days=n)

    assert days(None, None) == days(None, ago(-9)) == (29, 0)
    assert days(ago(5), None) == (5, 0)
    assert days(None, ago(7)) == (36, 7)
    assert days(ago(300), ago(7)) == (98, 7)
