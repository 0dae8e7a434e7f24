"""Figures for everyone: exact, nothing small in them or to be worked out from them, nothing that is hidden."""

import csv
import io
import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from itertools import product

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from accounts.models import Line
from audit.queries import database_clock
from consent.actions import NEVER_AGREED, stop
from disclosures import actions, ingest, publishing
from disclosures.models import Basis, Disclosure, DisclosureRegister, Judgement, Outcome, PublishedFigure
from disclosures.queries.figures import STATEMENTS, Figure
from disclosures.queries.figures.bars import bars_of
from disclosures.queries.figures.cells import Count, Row, Why, shown
from partners.models import Dealing, Party, Suspension
from revocations.models import Order, State
from tests.factories import ADS, FRAUD, READ, ROADSIDE, a_campaign, a_contract, a_line, a_party
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


@stories(400)
@given(
    st.lists(
        st.tuples(st.integers(0, 40), st.integers(0, 40), st.integers(0, 14)).map(
            lambda three: (max(three[:2]), min(three[:2]), three[2])
        ),
        max_size=4,
    )
)
def test_nobody_works_out_a_small_count(rows: list[tuple[int, int, int]]) -> None:
    """Whoever tries every table that would look the same finds more than one value for each small number."""
    said = table([released(str(n), *row) for n, row in enumerate(rows)])
    for column in (0, 2):
        true = [row[column] for row in rows]
        small = [place for place, n in enumerate(true) if 0 < n < 10]
        tables = [one for one in possible(said, column, sum(true)) if one] if small else []
        for place in small:
            assert len({one[place] for one in tables}) > 1, (said, place, column)
    for (whole, part, _), shown_row in zip(rows, said, strict=False):
        if 0 < whole - part < 10:
            assert not (isinstance(shown_row[0], int) and isinstance(shown_row[1], int))


def possible(said: list[list[object]], column: int, most: int) -> list[tuple[int, ...]]:
    """Every column that is shown like this one."""
    cells = [row[column] for row in said]
    *of_rows, total = [
        [cell] if isinstance(cell, int) else list(range(1, 10)) if cell == Why.FEW else list(range(10, most + 10))
        for cell in cells
    ]
    return [one for one in product(*of_rows) if sum(one) in total]


@in_database
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
    # Neither what is too old nor what is of the day of counting.
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
    browser, at, geo = Browser(), database_clock(), a_party("=GeoBridge")
    assert (
        browser.get("/transparency/releases.csv").text
        == "\ufeffpurpose,basis,released,not_allowed,refused,since,until,made_at\r\n"
    )
    assert "Nothing has been counted yet" in browser.get("/transparency/").text
    a_campaign(a_contract(geo), a_party("RoadAid", "lbs_provider"), ref="CMP-r", purpose=FRAUD)
    disclosed(a_line(), [geo.uri], at=at - 2 * DAY, n=30, purpose=FRAUD)
    disclosed(a_line(), [geo.uri], at=at - 2 * DAY, n=4, purpose=FRAUD, outcome=Outcome.REFUSED)
    now = datetime(at.year, at.month, at.day, 7, 30, tzinfo=UTC)
    publishing.make(at=now)
    days = [f"{now - 30 * DAY:%Y-%m-%d}T00:00:00Z", f"{now:%Y-%m-%d}T00:00:00Z", f"{now:%Y-%m-%d}T07:30:00Z"]
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
def test_what_is_hidden_is_in_no_figure_from_its_order_on() -> None:
    """Hidden before they are counted, and after; shown again, and hidden again before the next time."""
    at, line, geo = timezone.now(), a_line(), a_party()
    a_campaign(a_contract(geo), a_party("RoadAid", "lbs_provider"), ref="CMP-r", purpose=FRAUD)
    rows = reported(line, geo, at=at - 2 * DAY, n=40)
    for row in disclosed(line, ["urn:police"], at=at - 2 * DAY, n=11, basis=Basis.LEGAL_PROCESS):
        gagged(row, until=None, at=at - DAY)
    publishing.make(at=at)
    assert counted() == {(FRAUD, "approval"): (40, 40, 0)}
    for n, row in enumerate(rows[:5]):
        assert actions.record_notice(
            source_id=row.source_id, suppressed_until=None, order_ref="o", at=at + timedelta(minutes=n + 1)
        )
    assert counted() == {(FRAUD, "approval"): (35, 35, 0)}
    # Shown again, which counts the next time; hidden again before that, which it is already.
    first = rows[0].source_id
    assert actions.record_notice(source_id=first, suppressed_until=at + HOUR, order_ref="o", at=at + HOUR)
    assert actions.record_notice(source_id=first, suppressed_until=None, order_ref="p", at=at + HOUR + MINUTE)
    # The same once more is nothing new.
    assert not actions.record_notice(source_id=first, suppressed_until=None, order_ref="p", at=at + HOUR + MINUTE)
    assert counted() == {(FRAUD, "approval"): (35, 35, 0)}
    publishing.make(at=at + 2 * HOUR)
    assert counted() == {(FRAUD, "approval"): (35, 35, 0)}
    assert actions.record_notice(source_id=first, suppressed_until=at + 2 * HOUR, order_ref="q", at=at + 2 * HOUR)
    publishing.make(at=at + 3 * HOUR)
    assert counted() == {(FRAUD, "approval"): (36, 36, 0)}


@in_database
def test_an_order_that_waited_while_the_figures_were_made_is_left_out_all_the_same() -> None:
    at, geo = timezone.now(), a_party()
    a_campaign(a_contract(geo), a_party("RoadAid", "lbs_provider"), ref="CMP-r", purpose=FRAUD)
    (first, *_) = reported(a_line(), geo, at=at - 2 * DAY, n=40, recorded_at=at - HOUR)
    publishing.make(at=at - 2 * HOUR)
    assert counted() == {}
    publishing.make()
    assert PublishedFigure.objects.get(name=Figure.RELEASES).made_at > at
    assert counted() == {(FRAUD, "approval"): (40, 40, 0)}
    assert actions.record_notice(source_id=first.source_id, suppressed_until=None, order_ref="o", at=at)
    assert counted() == {(FRAUD, "approval"): (39, 39, 0)}


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
