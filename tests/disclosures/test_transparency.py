"""Figures for everyone: exact, nothing small in them or to be worked out from them, nothing that is hidden."""

import csv
import io
import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from itertools import product

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from hypothesis import example, given
from hypothesis import strategies as st
from pytest_django.fixtures import Settings

from accounts.models import Line
from audit.queries import database_clock
from consent.actions import NEVER_AGREED, stop
from disclosures import actions, ingest, publishing
from disclosures.models import (
    Basis,
    Disclosure,
    DisclosureRegister,
    Judgement,
    JudgementChange,
    Outcome,
    PublishedFigure,
)
from disclosures.queries.figures import STATEMENTS, Figure, Statement
from disclosures.queries.figures.bars import bars_of
from disclosures.queries.figures.cells import Count, Row, Why, shown
from partners.models import Dealing, Party, Suspension
from revocations.models import Order, State
from tests.factories import ADS, FRAUD, READ, ROADSIDE, a_campaign, a_contract, a_line, a_party, an_approval
from tests.orders import bring_to
from tests.people import Browser
from tests.properties import stories
from tests.world import HOSTILE, disclosed, gagged

DAY = timedelta(days=1)
RELEASES, FOLLOWED, CHOICES = STATEMENTS[Figure.RELEASES], STATEMENTS[Figure.FOLLOWED], STATEMENTS[Figure.CHOICES]
in_database = pytest.mark.usefixtures("db", "no_broker")

type Numbers = Mapping[str, str | int | float | None]


def released(purpose: str, n: int, not_allowed: int = 0, refused: int = 0) -> Numbers:
    return {"purpose": purpose, "basis": "approval", "released": n, "not_allowed": not_allowed, "refused": refused}


def as_said(cell: object) -> object:
    return (cell.n if cell.n is not None else cell.why.value) if isinstance(cell, Count) else cell


def table(rows: list[Numbers]) -> list[list[object]]:
    """The releases as they are shown, and their sums last."""
    found, total = shown(statement=RELEASES, rows=rows)
    assert total is not None
    return [[as_said(row[column]) for column in RELEASES.counts] for row in [*found, total]]


def test_a_small_count_is_not_what_is_missing_to_the_sum() -> None:
    # The smallest other one goes with it; or the sum, where that one is a large part.
    assert table([released("a", 400, 30), released("b", 5), released("c", 12, 12)]) == [
        [400, 30, 0], ["few", 0, 0], ["held", 12, 0], [417, 42, 0],
    ]  # fmt: skip
    assert [row[0] for row in table([released("a", 400), released("b", 5)])] == [400, "few", "held"]
    # Several that make ten hide each other, unless they can only be shared out in one way.
    assert [row[0] for row in table([released("a", 400), *[released("b", 5)] * 2])] == [400, "few", "few", 410]
    assert [row[0] for row in table([released("a", 400), *[released("b", 9)] * 2])] == [400, "few", "few", "held"]
    # Where all there is is small, so is the sum.
    assert [row[0] for row in table([released("a", 4), released("b", 5)])] == ["few", "few", "few"]
    assert [row[0] for row in table([released("a", 0), released("b", 0)])] == [0, 0, 0]


def test_a_small_rest_hides_the_part_that_gives_it_away() -> None:
    assert table([released("a", 100, 97), released("b", 100, 50)]) == [
        [100, "most", 0], [100, 50, 0], [200, "held", 0],
    ]  # fmt: skip
    row: Numbers = dict.fromkeys(FOLLOWED.columns, 100) | {"company": "x", "acknowledged": 100, "completed": 94}
    (seen,), total = shown(statement=FOLLOWED, rows=[row])
    assert (as_said(seen["acknowledged"]), as_said(seen["completed"]), total) == (100, "most", None)
    asked: Numbers = {"company": "x", "asked": 50, "showed_proof": 30, "had_none": 12, "late": 3}
    (seen,), _ = shown(statement=STATEMENTS[Figure.DISPUTES], rows=[asked])
    assert [as_said(seen[one]) for one in ("asked", "showed_proof", "had_none", "late")] == [50, 30, "held", "few"]


def test_no_time_is_shown_of_fewer_than_ten() -> None:
    row: Numbers = {"kind": "stop", "n": 30, "from_files": 20, "to_gate_median_s": 0.5, "to_gate_p95_s": 0.9}
    (seen,), _ = shown(statement=CHOICES, rows=[row])
    assert (seen["to_gate_median_s"], seen["to_gate_p95_s"]) == (0.5, 0.9)
    (seen,), _ = shown(statement=CHOICES, rows=[{**row, "n": 29}])
    assert (seen["to_gate_median_s"], seen["to_gate_p95_s"]) == (None, None)


def test_a_sum_and_a_part_together_tell_no_small_count() -> None:
    """What is held is at least its own part: 17 are left of the sum, and 16 of these not allowed."""
    rows = [released("a", 400, 30), released("b", 1), released("c", 16, 16)]
    assert table(rows) == [[400, 30, 0], ["few", 0, 0], ["held", 16, 0], ["held", 46, 0]]
    choices: list[Numbers] = [
        {"kind": kind, "n": n, "from_files": part, "to_gate_median_s": None, "to_gate_p95_s": None}
        for kind, n, part in (("stop", 400, 30), ("dispute", 1, 0), ("refuse", 16, 16))
    ]
    found, total = shown(statement=CHOICES, rows=choices)
    assert total is not None
    assert [as_said(row["n"]) for row in [*found, total]] == [400, "few", "held", "held"]


@stories(400)
@given(
    st.lists(
        st.tuples(st.integers(0, 40), st.integers(0, 40), st.integers(0, 14)).map(
            lambda three: (max(three[:2]), min(three[:2]), three[2])
        ),
        max_size=4,
    )
)
@example([(40, 30, 0), (1, 0, 0), (16, 16, 0)])
@example([(40, 38, 0), (40, 20, 0), (10, 10, 3)])
def test_nobody_works_out_a_small_count(rows: list[tuple[int, int, int]]) -> None:
    """Whoever tries every whole table that looks the same finds more than one value for each small number.

    Each has no more not allowed than released; the sums are those of its rows. A small number is a count, or what is
    missing of a part to its whole, of a row and of the sums alike.
    """
    said = table([released(str(n), *row) for n, row in enumerate(rows)])
    whole = [*rows, tuple(sum(row[column] for row in rows) for column in range(3))]
    for columns in ((0, 1), (2,)):
        true = [tuple(row[column] for column in columns) for row in whole]
        tables = possible([[row[column] for column in columns] for row in said], true)
        for place, values in enumerate(true):
            for name, number in numbers(values).items():
                if 0 < number < 10:
                    told = {numbers(one)[name] for one in tables[place]}
                    assert len(told) > 1, (said, place, columns, name)


def numbers(values: tuple[int, ...]) -> dict[str, int]:
    counts = {f"count {n}": value for n, value in enumerate(values)}
    return counts | ({"rest": values[0] - values[1]} if len(values) == 2 else {})


def possible(said: list[list[object]], true: list[tuple[int, ...]]) -> list[set[tuple[int, ...]]]:
    """For each row, and the sums last, all that it may be in any table that looks the same."""
    *of_rows, of_sums = [rows_like(cells, values) for cells, values in zip(said, true, strict=True)]
    nothing = (0,) * len(true[0])
    found: list[set[tuple[int, ...]]] = []
    for place, ways in enumerate(of_rows):
        others = {nothing}
        for other, of_other in enumerate(of_rows):
            if other != place:
                others = {plus(one, another) for one in others for another in of_other}
        found.append({one for one in ways if any(plus(one, others_) in of_sums for others_ in others)})
    sums = {nothing}
    for ways in of_rows:
        sums = {plus(one, another) for one in sums for another in ways}
    return [*found, sums & of_sums]


def rows_like(cells: Sequence[object], true: Sequence[int]) -> set[tuple[int, ...]]:
    """Every row that is shown like this one: of large counts those next to the true one are enough to find another."""
    ways = product(*(values_like(cell, n) for cell, n in zip(cells, true, strict=True)))
    return {
        one
        for one in ways
        if len(one) == 1 or (one[1] <= one[0] and (cells[1] != Why.MOST or 0 < one[0] - one[1] < 10))
    }


def values_like(cell: object, n: int) -> Iterable[int]:
    if isinstance(cell, int):
        return [cell]
    if cell == Why.FEW:
        return range(1, 10)
    return range(max(10 if cell == Why.HELD else 1, n - 9), n + 10)


def plus(one: tuple[int, ...], another: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(map(sum, zip(one, another, strict=True)))


@stories(200)
@given(st.lists(st.integers(0, 24), min_size=4, max_size=4), st.sampled_from([Figure.FOLLOWED, Figure.DISPUTES]))
def test_nobody_works_out_a_small_part(drawn: list[int], name: Figure) -> None:
    """The same of companies, whose counts have no sums, and of what is left of a whole with several parts."""
    statement = STATEMENTS[name]
    whole, *others = sorted(drawn, reverse=True)
    if name == Figure.FOLLOWED:
        counts = dict(zip(("received", "acknowledged", "completed", "said_here"), (whole, *others), strict=True))
        counts["overdue"] = 0
    else:
        counts = dict(zip(("asked", "showed_proof", "had_none", "late"), (sum(drawn[1:]) + 3, *drawn[1:]), strict=True))
    row: Numbers = {**dict.fromkeys(statement.columns, 0), "company": "x", **counts}
    (seen,), _ = shown(statement=statement, rows=[row])
    columns = [*counts]
    tables = [
        one
        for values in product(*(values_like(as_said(seen[column]), counts[column]) for column in columns))
        if looks_like(statement, seen, one := dict(zip(columns, values, strict=True)))
    ]
    forms = {column: {column: 1} for column in columns} | {
        f"{of} less {parts}": {of: 1, **dict.fromkeys(parts, -1)} for of, parts in statement.parts
    }
    for name_of, weights in forms.items():
        if 0 < weighed(counts, weights) < 10:
            assert len({weighed(one, weights) for one in tables}) > 1, (counts, seen, name_of)


def looks_like(statement: Statement, seen: Row, counts: Mapping[str, int]) -> bool:
    """Whether its parts fit into their wholes, and what is all but a few is that of one of its wholes at least."""
    if any(sum(counts[part] for part in parts) > counts[whole] for whole, parts in statement.parts):
        return False
    most = [column for column in counts if as_said(seen[column]) == Why.MOST]
    return all(
        any(0 < counts[whole] - counts[column] < 10 for whole, parts in statement.parts if column in parts)
        for column in most
    )


def weighed(counts: Mapping[str, int], weights: Mapping[str, int]) -> int:
    return sum(counts[column] * by for column, by in weights.items())


@pytest.fixture
def to_the_minute(settings: Settings) -> None:
    settings.FIGURES_TO_THE_MINUTE = True


@in_database
@pytest.mark.usefixtures("to_the_minute")
def test_the_page_says_what_there_is() -> None:
    at = database_clock()
    geo, north = a_contract(a_party("GeoBridge"), ref="G"), a_contract(a_party("NorthLink"), ref="N")
    a_campaign(geo, a_party(HOSTILE, "lbs_provider"), ref="CMP-h", purpose=ROADSIDE)
    a_campaign(north, a_party("AdReach", "lbs_provider"), ref="CMP-a", purpose=ADS)
    a_contract(a_party("Draft Inc"), ref="D", is_draft=True)
    Suspension.objects.create(
        of="party", target_id=north.aggregator_id, starts_at=at - DAY, reason="x", actor="officer:1"
    )
    lines = [a_line() for _ in range(12)]
    for n, line in enumerate(lines):
        Dealing.objects.create(line_id=line.pk, aggregator=geo.aggregator, party=geo.aggregator, last_at=at)
        stop(line_id=line.pk, scope="all", actor="subscriber:0", channel="web", reason=NEVER_AGREED if n == 11 else "")
    orders = Order.objects.filter(party_id=geo.aggregator_id)
    assert orders.count() == 12
    said = orders.order_by("queued_at")[0].queued_at
    bring_to(State.ACKNOWLEDGED, orders, sent_at=said, acknowledged_at=said + timedelta(minutes=5))
    disclosed(lines[0], [geo.aggregator.uri], at=at - 2 * DAY, n=30, purpose=ROADSIDE)
    disclosed(lines[0], [geo.aggregator.uri], at=at - 2 * DAY, n=13, purpose=ROADSIDE, judgement=Judgement.NO_APPROVAL)
    disclosed(lines[0], [geo.aggregator.uri], at=at - 2 * DAY, n=11, purpose="anything", outcome=Outcome.REFUSED)
    disclosed(lines[0], ["urn:psap"], at=at - 2 * DAY, n=3, purpose=ROADSIDE, basis=Basis.EMERGENCY)
    # Not what is too old.
    disclosed(lines[0], [geo.aggregator.uri], at=at - 40 * DAY, n=50, purpose=ADS)
    publishing.make(at=at + DAY)
    page = Browser().get("/transparency/").text
    assert rows_of(page, "companies") == [
        ["GeoBridge", "Passes locations on for us", "In force", "1", "0"],
        ["NorthLink", "Passes locations on for us", "Suspended by us", "0", "1"],
        ["AdReach", "Location service", "Suspended by us", "0", "1"],
        [HARMLESS, "Location service", "In force", "1", "0"],
    ]
    few = "fewer than 10"
    assert rows_of(page, "releases") == [
        ["Another, or none named", "your agreement", "0", "0", "11"],
        ["To give you a service you asked for", "your agreement", "43", "13", "0"],
        ["To give you a service you asked for", "an emergency call", few, "0", "0"],
        ["All", "", "not shown", "13", "11"],
    ]
    short = "less than a second95 of 100 too"
    five = "5 minutes95 of 100 too"
    assert rows_of(page, "followed") == [
        ["GeoBridge", "12", "12", "0", "0", short, five, "too few to say"],
        ["NorthLink", "0", "0", "0", "0", *["too few to say"] * 3],
    ]
    assert rows_of(page, "choices")[:2] == [
        ["Stops", "11", "0", short], ["Stops with the words “I never agreed”", few, "0", "too few to say"],
    ]  # fmt: skip
    assert "<script>alert" not in page
    assert "Draft Inc" not in page
    for one in PublishedFigure.objects.all():
        with connection.cursor() as cursor:
            cursor.execute(one.query)
            assert len(cursor.fetchall()) == len(one.rows)
        assert one.query.split("\n")[-1] in page.replace("&gt;", ">").replace("&lt;", "<").replace("&#x27;", "'")


HARMLESS = "gnp.exe &lt;script&gt;alert(1)&lt;/script&gt; Z"


def rows_of(page: str, part: str) -> list[list[str]]:
    """The cells of the first table after this heading, without what marks them up."""
    table = page.split(f'<h2 id="{part}">')[1].split("<tbody>")[1].split("</tbody>", maxsplit=1)[0]
    rows = [re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row, re.DOTALL) for row in table.split("<tr>")[1:]]
    return [[HARMLESS if "gnp.exe" in cell else re.sub(r"<[^>]+>", "", cell).strip() for cell in row] for row in rows]


@in_database
def test_the_files_say_the_same_and_may_be_kept_until_they_change() -> None:
    browser, geo, at = Browser(), a_party("=GeoBridge"), datetime(2026, 5, 12, 12, tzinfo=UTC)
    assert (
        browser.get("/transparency/releases.csv").text
        == "\ufeffpurpose,basis,released,not_allowed,refused,since,until,made_at\r\n"
    )
    assert "Nothing has been counted yet" in browser.get("/transparency/").text
    a_campaign(a_contract(geo), a_party("RoadAid", "lbs_provider"), ref="CMP-r", purpose=FRAUD)
    disclosed(a_line(), [geo.uri], at=at, n=30, purpose=FRAUD)
    disclosed(a_line(), [geo.uri], at=at, n=4, purpose=FRAUD, outcome=Outcome.REFUSED)
    publishing.make(at=datetime(2026, 6, 3, 7, 30, tzinfo=UTC))
    days = ["2026-05-01T00:00:00Z", "2026-06-01T00:00:00Z", "2026-06-03T07:30:00Z"]
    page = browser.get("/transparency/releases.csv")
    assert list(csv.reader(io.StringIO(page.text)))[1:] == [[FRAUD, "approval", "30", "0", "<10", *days]]
    assert (page.headers["Cache-Control"], page.headers["Content-Type"]) == (
        "public, no-cache",
        "text/csv; charset=utf-8",
    )
    assert "Cookie" not in page.headers.get("Vary", "")
    again = browser.get("/transparency/releases.csv", **{"if-none-match": page.headers["ETag"]})
    assert (again.status_code, again.text) == (304, "")
    everything = list(csv.reader(io.StringIO(browser.get("/transparency/all.csv").text.removeprefix("\ufeff"))))
    assert everything[0] == ["figure", "of", "measure", "value", "since", "until", "made_at"]
    assert ["releases", f"{FRAUD} / approval", "refused", "<10", *days] in everything
    assert ["companies", "'=GeoBridge / aggregator / in force", "in_force", "1", *days] in everything
    assert browser.get("/transparency/nothing.csv").status_code == 404
    assert browser.get("/transparency/").headers["Cache-Control"] == "no-store, private"


@in_database
def test_a_page_reads_the_figures_alone() -> None:
    publishing.make(at=timezone.now())
    for path, n in (("/transparency/", 1), ("/transparency/all.csv", 1), ("/transparency/followed.csv", 1)):
        with CaptureQueriesContext(connection) as seen:
            Browser().get(path)
        assert [re.findall(r'FROM "?(\w+)', one["sql"]) for one in seen.captured_queries] == [
            ["disclosures_publishedfigure"]
        ] * n


@in_database
def test_each_month_is_counted_by_itself_and_only_when_it_is_over() -> None:
    """Whoever looks on any two days sees one month twice, or two months that have no day in common."""
    line, geo = a_line(), a_party()
    a_campaign(a_contract(geo), a_party("RoadAid", "lbs_provider"), ref="CMP-r", purpose=FRAUD)
    for moment, n in (((3, 31, 23, 59), 11), ((4, 1, 0, 0), 20), ((4, 30, 23, 59), 30), ((5, 1, 0, 0), 40)):
        at = datetime(2026, *moment, tzinfo=UTC)
        disclosed(line, [geo.uri], at=at, n=n, purpose=FRAUD, every=timedelta(seconds=1))
    seen = {}
    for day in (datetime(2026, 4, 20, tzinfo=UTC) + n * DAY for n in range(50)):
        publishing.make(at=day)
        figure = PublishedFigure.objects.get(name=Figure.RELEASES)
        seen[day.date().isoformat()] = (f"{figure.since:%m-%d}", counted().get((FRAUD, "approval"), (0, 0, 0))[0])
    march, april, may = ("03-01", 11), ("04-01", 50), ("05-01", 40)
    assert [*seen.values()] == [march] * 13 + [april] * 31 + [may] * 6
    assert (seen["2026-05-02"], seen["2026-05-03"], seen["2026-06-03"]) == (march, april, may)


@in_database
def test_no_figure_about_people_moves_whatever_becomes_of_what_it_counted() -> None:
    """An order that hides, one that lifts, what comes late and what is judged again: nobody who looks twice sees it."""
    line, geo, at = a_line(), a_party(), datetime(2026, 5, 12, tzinfo=UTC)
    a_campaign(a_contract(geo), a_party("RoadAid", "lbs_provider"), ref="CMP-r", purpose=FRAUD)
    rows = reported(line, geo, at=at, n=40)
    for row in disclosed(line, ["urn:police"], at=at, n=11, basis=Basis.LEGAL_PROCESS):
        gagged(row, until=None, at=at + DAY)
    now = datetime(2026, 6, 3, tzinfo=UTC)
    publishing.make(at=now)
    assert counted() == {(FRAUD, "approval"): (40, 40, 0)}
    before = seen_by_everybody()
    for row in rows[:5]:
        assert actions.record_notice(source_id=row.source_id, suppressed_until=None, order_ref="o", at=now + HOUR)
        assert seen_by_everybody() == before
    disclosed(line, [geo.uri], at=at, n=3, purpose=FRAUD)
    JudgementChange.objects.create(
        line_id=line.pk, disclosure_id=rows[9].id, changed_at=now, was=Judgement.NO_APPROVAL,
        becomes=Judgement.PERMITTED, cause="a yes that came late",
    )  # fmt: skip
    Disclosure.objects.filter(id=rows[9].id).update(judgement=Judgement.PERMITTED)
    publishing.make(at=now + 6 * HOUR)
    assert seen_by_everybody() == before
    a_contract(a_party("NorthLink"), ref="N")
    publishing.make(at=now + 12 * HOUR)
    assert seen_by_everybody() == before, "companies are counted anew, and have a moment of their own"
    companies = PublishedFigure.objects.get(name=Figure.COMPANIES)
    assert (companies.made_at, len(companies.rows)) == (now + 12 * HOUR, 3)
    assert "The companies as they stood on" in Browser().get("/transparency/").text


@in_database
def test_the_next_count_has_nothing_that_is_hidden_by_then(settings: Settings) -> None:
    line, geo, at = a_line(), a_party(), datetime(2026, 5, 12, tzinfo=UTC)
    a_campaign(a_contract(geo), a_party("RoadAid", "lbs_provider"), ref="CMP-r", purpose=FRAUD)
    first, *_ = reported(line, geo, at=at, n=40)
    assert actions.record_notice(source_id=first.source_id, suppressed_until=None, order_ref="o", at=at + DAY)
    publishing.make(at=at + 25 * DAY)
    assert counted() == {(FRAUD, "approval"): (39, 39, 0)}
    # A demonstration, which counts to the minute, counts anew each time.
    settings.FIGURES_TO_THE_MINUTE = True
    assert actions.record_notice(source_id=first.source_id, suppressed_until=at + 2 * DAY, order_ref="p", at=at + DAY)
    publishing.make(at=at + 3 * DAY)
    assert counted() == {(FRAUD, "approval"): (40, 40, 0)}
    assert actions.record_notice(source_id=first.source_id, suppressed_until=None, order_ref="q", at=at + 3 * DAY)
    publishing.make(at=at + 3 * DAY + MINUTE)
    assert counted() == {(FRAUD, "approval"): (39, 39, 0)}


@in_database
@pytest.mark.usefixtures("to_the_minute")
def test_a_company_did_what_it_signed_for_by_a_newer_order() -> None:
    """Twelve people stop one service, then everything; the company acknowledges and signs the newest order of each."""
    at, geo = database_clock(), a_contract(a_party("GeoBridge"), ref="G")
    road, track = (
        a_campaign(geo, a_party(name, "lbs_provider"), ref=f"CMP-{name}", purpose=ROADSIDE)
        for name in ("RoadAid", "SecureTrack")
    )
    for n in range(12):
        line = a_line()
        for campaign in (road, track):
            an_approval(line, campaign)
        stop(line_id=line.pk, scope="party", ref=track.lbs_provider.uri, actor="subscriber:0", channel="web")
        if n % 2:
            said = database_clock()
            bring_to(State.ACKNOWLEDGED, Order.objects.filter(line_id=line.pk), sent_at=said, acknowledged_at=said)
        stop(line_id=line.pk, scope="all", actor="subscriber:0", channel="web")
    newest = Order.objects.filter(snapshot__state=[])
    assert (Order.objects.count(), newest.count()) == (24, 12)
    done = database_clock()
    assert bring_to(State.COMPLETED, newest, acknowledged_at=done, completed_at=done) == 12
    publishing.make(at=at + DAY)
    (row,) = PublishedFigure.objects.get(name=Figure.FOLLOWED).rows
    assert [row[one] for one in ("received", "acknowledged", "completed")] == [24, 24, 24]
    assert 0 <= row["to_completed_p95_s"] < 60
    # Not before it was done; and long after its date what a newer order did is not late.
    publishing.make(at=done)
    (row,) = PublishedFigure.objects.get(name=Figure.FOLLOWED).rows
    assert [row[one] for one in ("received", "acknowledged", "completed")] == [24, 6, 0]
    publishing.make(at=at + 60 * DAY)
    (row,) = PublishedFigure.objects.get(name=Figure.FOLLOWED).rows
    assert [row[one] for one in ("received", "overdue")] == [0, 0]


def seen_by_everybody() -> list[tuple[str, str]]:
    """The files about people, with what tells caches whether they changed."""
    answers = [Browser().get(f"/transparency/{name}.csv") for name in ("choices", "followed", "releases", "disputes")]
    return [(answer.text, answer.headers["ETag"]) for answer in answers]


HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)


def reported(
    line: Line, aggregator: Party, *, at: datetime, n: int, recorded_at: datetime | None = None
) -> list[Disclosure]:
    """As the carrier reports them: by ids of its own, which its orders name. Nobody had agreed."""
    rows = [
        Disclosure(
            line_id=line.pk, occurred_at=at, id=ingest.id_of(f"r-{one}"), source_id=f"r-{one}",
            recorded_at=recorded_at or at, aggregator=aggregator.uri, path=[aggregator.uri], campaign="", purpose=FRAUD,
            scope=READ, precision_m=500, basis=Basis.APPROVAL, outcome=Outcome.RELEASED,
            judgement=Judgement.NO_APPROVAL,
        )
        for one in range(n)
    ]  # fmt: skip
    DisclosureRegister.objects.bulk_create(
        DisclosureRegister(id=row.id, line_id=row.line_id, occurred_at=row.occurred_at, content_hash=b"")
        for row in rows
    )
    return Disclosure.objects.bulk_create(rows)


def counted() -> dict[tuple[str, str], tuple[int, int, int]]:
    figure = PublishedFigure.objects.get(name=Figure.RELEASES)
    return {
        (row["purpose"], row["basis"]): (row["released"], row["not_allowed"], row["refused"]) for row in figure.rows
    }


@pytest.mark.parametrize(("whole", "drawn"), [(13, [("s0", 1000)]), (130, [("s1", 1000)])])
def test_all_but_a_few_is_drawn_as_all_of_many_alone(whole: int, drawn: list[tuple[str, int]]) -> None:
    row: Row = {"label": "Meridian", "all": Count(whole), "received": Count(None, Why.MOST)}
    (bar,) = bars_of(rows=[row], label="label", whole="all", parts=[("received", "s1")], rest="s0")
    assert [(one.tint, one.width) for one in bar.segments] == drawn
