"""The transparency report: exact, nothing small in them or to be worked out from them, nothing that is hidden."""

import csv
import io
import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from xml.etree import ElementTree

import pytest
from django.db import connection
from django.db.models import F
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from pytest_django.fixtures import Settings

from accounts.models import Line
from audit.queries import database_clock
from consent.actions.choices import pause, stop
from consent.actions.system_stops import Outcome as Suspended
from consent.actions.system_stops import stop_company
from consent.queries.choices import NEVER_AGREED
from disclosures import actions
from disclosures.domain.ingest.rows import NoticeFate, id_of
from disclosures.models import (
    Basis,
    Disclosure,
    DisclosureRegister,
    Judgement,
    JudgementChange,
    Outcome,
    PastFigure,
    PublishedFigure,
)
from disclosures.queries.figures.page import Tint, bars_of, count_changes, picture_of
from disclosures.queries.figures.published import Count, Row, Why
from disclosures.queries.figures.statements import STATEMENTS, Figure
from disclosures.workers import publishing
from partners.models import Dealing, Party, Suspension
from revocations.models import Order, State
from revocations.workers.deadlines import record_late_completions, record_overdue
from tests.disclosures.anomalies import put_judgement
from tests.factories import ADS, FRAUD, READ, ROADSIDE, a_campaign, a_contract, a_line, a_party, an_approval
from tests.orders import bring_to
from tests.people import Browser
from tests.world import HOSTILE, disclosed, gagged

DAY = timedelta(days=1)
RELEASES, FOLLOWED, CHOICES = STATEMENTS[Figure.RELEASES], STATEMENTS[Figure.FOLLOWED], STATEMENTS[Figure.CHOICES]
in_database = pytest.mark.usefixtures("db", "no_broker")

type Numbers = Mapping[str, str | int | float | None]


@pytest.fixture
def to_the_minute(settings: Settings) -> None:
    settings.FIGURES_TO_THE_MINUTE = True


@in_database
@pytest.mark.usefixtures("to_the_minute")
def test_the_page_says_what_there_is() -> None:
    at = database_clock()
    geo, north = a_contract(a_party("GeoBridge"), ref="G"), a_contract(a_party("NorthLink"), ref="N")
    a_campaign(geo, a_party(HOSTILE, "lbs_provider"), ref="CMP-h", purpose=ROADSIDE, ends_at=at + 20 * DAY)
    a_campaign(north, a_party("AdReach", "lbs_provider"), ref="CMP-a", purpose=ADS)
    a_contract(a_party("Draft Inc"), ref="D", is_draft=True)
    Suspension.objects.create(
        of="party", target_id=north.aggregator_id, starts_at=at - DAY, reason="Due", actor="officer:1"
    )
    lines = [a_line() for _ in range(12)]
    for n, line in enumerate(lines):
        Dealing.objects.create(line_id=line.pk, aggregator=geo.aggregator, party=geo.aggregator, last_at=at)
        stop(line_id=line.pk, scope="all", actor="subscriber:0", channel="web", reason=NEVER_AGREED if n == 11 else "")
    orders = Order.objects.filter(party_id=geo.aggregator_id)
    assert orders.count() == 12
    bring_to(State.ACKNOWLEDGED, orders, sent_at=F("queued_at"), acknowledged_at=F("queued_at") + timedelta(minutes=5))
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
        [HARMLESS, "Location service", "Ends within 30 days", "1", "0"],
    ]
    few, alone = "fewer than 10", "can't be compared"
    assert rows_of(page, "releases") == [
        ["Other or none named", "your consent", "0", "0", "11", alone],
        ["To give you a service you asked for", "your consent", "43", "13", "0", alone],
        ["To give you a service you asked for", "an emergency call", few, "0", "0", alone],
        ["All", "", "not shown", "13", "11", ""],
    ]
    short = "less than a second 95% within the same time"
    five = "5 minutes 95% within the same time"
    assert rows_of(page, "followed") == [
        ["GeoBridge", "11", "11", "0", "0", short, five, "too few to show", "11 more"],
        ["NorthLink", *["not shown"] * 3, "0", *["too few to show"] * 3, alone],
    ]
    choices = rows_of(page, "choices")
    assert choices[:2] == [
        ["Stops", "11", "0", short, "11 more"],
        ["Stops with the words “I never agreed”", few, "0", "too few to show", alone],
    ]  # fmt: skip
    assert choices[-1] == ["All", "not shown", "0", "", ""]
    assert rows_of(page, "disputes") == [
        ["GeoBridge", "not shown", "0", "0", "0", alone], ["NorthLink", *["0"] * 4, "the same"],
    ]  # fmt: skip
    # What is not shown has no bar, which would be empty; nor has nought.
    bars = re.findall(r'class="of">(.*?)</span>', page.split('id="companies"')[0], re.DOTALL)
    assert [plain(one) for one in bars] == ["Stops 11", "GeoBridge 11", "To give you a service you asked for 43"]
    assert [" ".join(said.split()) for said in re.findall(r"<figcaption>(.*?)</figcaption>", page, re.DOTALL)] == [
        "Most common choice: Stops (11). That is 11 more than in the period before.",
        "Most stops and pauses sent to: GeoBridge (11). That is 11 more than in the period before.",
        "Most look-ups: To give you a service you asked for (43).",
    ]
    assert re.findall(r'<i class="(\w+)"></i>([^<]+)</li>', page.split('id="releases"')[0]) == [
        ("s0", "Signed as done"), ("s1", "Received"), ("s4", "Not confirmed, or too few to show"),
    ]  # fmt: skip
    assert re.findall(r"Without a bar, because we don't show the number: (.*)\.", page) == [
        "Stops with the words “I never agreed”", "NorthLink",
    ]  # fmt: skip
    assert "In this demonstration, we count again every minute." in page
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
    return [[HARMLESS if "gnp.exe" in cell else plain(cell) for cell in row] for row in rows]


def plain(markup: str) -> str:
    """What it says, without what marks it up."""
    return " ".join(re.sub(r"<[^>]+>", " ", markup).split())


@in_database
def test_the_files_say_the_same_and_may_be_kept() -> None:
    browser, geo, at = Browser(), a_party("=GeoBridge"), datetime(2026, 5, 12, 12, tzinfo=UTC)
    assert (
        browser.get("/transparency/releases.csv").text
        == "\ufeffpurpose,basis,released,not_allowed,refused,since,until,made_at\r\n"
    )
    assert "No figures yet" in browser.get("/transparency/").text
    a_campaign(a_contract(geo), a_party("RoadAid", "lbs_provider"), ref="CMP-r", purpose=FRAUD)
    disclosed(a_line(), [geo.uri], at=at, n=30, purpose=FRAUD)
    disclosed(a_line(), [geo.uri], at=at, n=4, purpose=FRAUD, outcome=Outcome.REFUSED)
    publishing.make(at=datetime(2026, 6, 3, 7, 30, tzinfo=UTC))
    days = ["2026-05-01T00:00:00Z", "2026-06-01T00:00:00Z", "2026-06-03T07:30:00Z"]
    page = browser.get("/transparency/releases.csv")
    assert list(csv.reader(io.StringIO(page.text)))[1:] == [
        [FRAUD, "approval", "30", "0", "<10", *days],
        ["all", "all", "30", "0", "not shown", *days],
    ]
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
    sums = [row for row in everything if row[:2] in (["releases", "all / all"], ["choices", "all"])]
    assert [row[:4] for row in sums] == [
        ["choices", "all", "n", "0"], ["choices", "all", "from_files", "0"],
        ["choices", "all", "to_gate_median_s", ""], ["choices", "all", "to_gate_p95_s", ""],
        ["releases", "all / all", "released", "30"], ["releases", "all / all", "not_allowed", "0"],
        ["releases", "all / all", "refused", "not shown"],
    ]  # fmt: skip
    assert rows_of(browser.get("/transparency/").text, "releases")[-1][:5] == ["All", "", "30", "0", "not shown"]
    assert ["companies", "'=GeoBridge / aggregator / in force", "in_force", "1", *days] in everything
    assert browser.get("/transparency/nothing.csv").status_code == 404
    # What an older release counted in other columns is as if it had not been counted.
    PublishedFigure.objects.filter(name=Figure.RELEASES).update(rows=[{"purpose": FRAUD, "released": 30}])
    assert browser.get("/transparency/releases.csv").text.count("\r\n") == 1
    assert "No figures yet" in browser.get("/transparency/").text
    assert browser.get("/transparency/").headers["Cache-Control"] == "no-store, private"


@in_database
def test_a_page_reads_the_figures_alone() -> None:
    publishing.make(at=timezone.now())
    for path, past in (("/transparency/", 2), ("/transparency/all.csv", 0), ("/transparency/followed.csv", 0)):
        with CaptureQueriesContext(connection) as seen:
            Browser().get(path)
        assert [re.findall(r'FROM "?(\w+)', one["sql"]) for one in seen.captured_queries] == [
            ["disclosures_publishedfigure"], *[["disclosures_pastfigure"]] * past,
        ]  # fmt: skip


@in_database
def test_each_month_is_counted_once_it_is_over() -> None:
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
def test_a_month_stays_at_its_address_beside_the_next() -> None:
    """RoadAid finds 14 phones, then 27; ZedCo finds four, then seven."""
    geo, road, zed = a_party(), a_party("RoadAid", "lbs_provider"), a_party("ZedCo", "lbs_provider")
    contract = a_contract(geo)
    for party in (road, zed):
        a_campaign(contract, party, ref=f"CMP-{party.name}", purpose=FRAUD)
    lines = [a_line() for _ in range(27)]

    def find(month: int, party: Party, phones: list[Line], judgement: str = Judgement.PERMITTED) -> list[Disclosure]:
        at = datetime(2026, month, 12, tzinfo=UTC)
        path = [geo.uri, party.uri]
        return [row for line in phones for row in disclosed(line, path, at=at, n=2, purpose=FRAUD, judgement=judgement)]

    find(4, zed, lines[:4])
    (first, *_) = find(4, road, lines[:14])
    find(5, road, lines[:12], Judgement.NO_APPROVAL)
    find(5, road, lines[10:])
    find(5, zed, lines[:7], Judgement.NO_APPROVAL)
    browser, names = Browser(), ("phones.csv", "releases.csv", "all.csv", "phones.svg")
    publishing.make(at=datetime(2026, 5, 3, tzinfo=UTC))
    april = {name: browser.get(f"/transparency/{name}").text for name in names}
    assert rows_of(browser.get("/transparency/").text, "phones") == [["RoadAid", "14", "can't be compared"]]
    gagged(first, until=None, at=datetime(2026, 5, 20, tzinfo=UTC))
    publishing.make(at=datetime(2026, 6, 3, tzinfo=UTC))
    page = browser.get("/transparency/").text
    assert rows_of(page, "phones") == [["RoadAid", "27", "13 more"]]
    assert [row[2:] for row in rows_of(page, "releases")] == [["72", "38", "0", "36 more"], ["72", "38", "0", ""]]
    assert re.findall(r'href="(/transparency/[\d-]+/)"', page) == ["/transparency/2026-05/", "/transparency/2026-04/"]
    # The month is as everybody saw it, at an address that says which one it is; but for the companies, and the address.
    for name in names[:2]:
        assert browser.get(f"/transparency/2026-04/{name}").text == april[name]
    assert browser.get("/transparency/2026-04/all.csv").text == re.sub("(?m)^companies,.*\r\n", "", april["all.csv"])
    picture = browser.get("/transparency/2026-04/phones.svg").text
    assert picture.replace("/transparency/2026-04/#", "/transparency/#") == april["phones.svg"]
    earlier = browser.get("/transparency/2026-04/").text
    assert rows_of(earlier, "phones")[0][:2] == ["RoadAid", "14"]
    assert set(re.findall(r'href="/transparency/(?:([\d-]+)/)?\w+\.(?:csv|svg)', earlier)) == {"2026-04"}
    assert browser.get("/transparency/2026-05/phones.csv").text == browser.get("/transparency/phones.csv").text
    assert "Earlier months</h2>" in page
    assert "From May 1, 2026 to May 31, 2026 , a whole month in UTC." in plain(page)
    assert "\ncompanies," not in browser.get("/transparency/2026-05/all.csv").text
    assert words_of(browser.get("/transparency/disputes.svg").text) == [
        "“I never agreed”", "", "“I never agreed”", "localhost · May 1, 2026 – May 31, 2026", "too few to show",
        "http://localhost:8000/transparency/#disputes",
    ]  # fmt: skip
    assert ">Newest figures</a>" in earlier
    newest = browser.get("/transparency/phones.svg")
    assert words_of(newest.text) == [
        "Phones that each company found", "Most phones found: RoadAid (27). That is 13 more than in the period before.",
        "Phones that each company found", "localhost · May 1, 2026 – May 31, 2026", "Most phones found: RoadAid (27).",
        "That is 13 more than in the period before.", "RoadAid", "27", "http://localhost:8000/transparency/#phones",
    ]  # fmt: skip
    assert (newest.headers["Content-Type"], newest.headers["Cache-Control"]) == (
        "image/svg+xml; charset=utf-8", "public, max-age=3600",
    )  # fmt: skip
    again = browser.get("/transparency/phones.svg", **{"if-none-match": newest.headers["ETag"]})
    assert (again.status_code, "Cookie" in newest.headers.get("Vary", "")) == (304, False)
    assert 'direction="rtl"' in browser.get("/transparency/releases.svg?language=ar").text
    for month, said in (
        (6, "That is 17 fewer than in the period before."),
        (7, "That is the same as in the period before."),
    ):
        find(month, road, lines[:10])
        publishing.make(at=datetime(2026, month + 1, 3, tzinfo=UTC))
        page = browser.get("/transparency/").text
        assert said in page
    # Days that are no calendar month, as those of a demonstration, are not among them.
    for since in (datetime(2026, 3, 2, tzinfo=UTC), datetime(2026, 3, 1, 6, tzinfo=UTC)):
        PastFigure.objects.create(
            name=Figure.CHOICES, since=since, until=since + 30 * DAY, made_at=since + 30 * DAY, rows=[], query=""
        )
    page = browser.get("/transparency/").text
    months = re.findall(r'href="/transparency/(\d{4}-\d\d)/"', page.partition("Earlier months</h2>")[2])
    assert months == ["2026-06", "2026-05", "2026-04"]
    for path in ("2026-03/", "2026-13/", "x/", "2026-03/phones.svg", "2026-04/nothing.csv", "companies.svg", "x.svg"):
        assert browser.get(f"/transparency/{path}").status_code == 404, path


def words_of(picture: str) -> list[str]:
    """What is read in a picture, line by line. It is XML."""
    names = {"title", "desc", "text"}
    return [
        " ".join("".join(one.itertext()).split())
        for one in ElementTree.fromstring(picture).iter()
        if one.tag.rpartition("}")[2] in names
    ]


@in_database
def test_no_figure_about_people_moves_whatever_follows() -> None:
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
        assert is_put(row, until=None, order_ref="o", at=now + HOUR)
        assert seen_by_everybody() == before
    disclosed(line, [geo.uri], at=at, n=3, purpose=FRAUD)
    JudgementChange.objects.create(
        line_id=line.pk, disclosure_id=rows[9].id, changed_at=now, was=Judgement.NO_APPROVAL,
        becomes=Judgement.PERMITTED, cause="a yes that came late",
    )  # fmt: skip
    put_judgement(rows[9], Judgement.PERMITTED)
    publishing.make(at=now + 6 * HOUR)
    assert seen_by_everybody() == before
    a_contract(a_party("NorthLink"), ref="N")
    publishing.make(at=now + 12 * HOUR)
    assert seen_by_everybody() == before, "companies are counted anew, and have a moment of their own"
    companies = PublishedFigure.objects.get(name=Figure.COMPANIES)
    assert (companies.made_at, len(companies.rows)) == (now + 12 * HOUR, 3)
    assert "The companies on" in Browser().get("/transparency/").text


def is_put(row: Disclosure, *, until: datetime | None, order_ref: str, at: datetime) -> bool:
    done = actions.record_notice(source_id=row.source_id, suppressed_until=until, order_ref=order_ref, at=at)
    return done == NoticeFate(is_new=True, has_arrived=True)


@in_database
def test_the_next_count_has_nothing_that_is_hidden_by_then(settings: Settings) -> None:
    line, geo, at = a_line(), a_party(), datetime(2026, 5, 12, tzinfo=UTC)
    a_campaign(a_contract(geo), a_party("RoadAid", "lbs_provider"), ref="CMP-r", purpose=FRAUD)
    first, *_ = reported(line, geo, at=at, n=40)
    assert is_put(first, until=None, order_ref="o", at=at + DAY)
    publishing.make(at=at + 25 * DAY)
    assert counted() == {(FRAUD, "approval"): (39, 39, 0)}
    # A demonstration, which counts to the minute, counts anew each time.
    settings.FIGURES_TO_THE_MINUTE = True
    assert is_put(first, until=at + 2 * DAY, order_ref="p", at=at + DAY)
    publishing.make(at=at + 3 * DAY)
    assert counted() == {(FRAUD, "approval"): (40, 40, 0)}
    assert is_put(first, until=None, order_ref="q", at=at + 3 * DAY)
    publishing.make(at=at + 3 * DAY + MINUTE)
    assert counted() == {(FRAUD, "approval"): (39, 39, 0)}


@in_database
@pytest.mark.usefixtures("to_the_minute")
def test_a_company_did_what_a_newer_order_shows() -> None:
    """Twelve people stop one service, then everything; the company acknowledges and signs the newest order of each."""
    at, told = database_clock(), told_twice(12)
    said = max(newer.queued_at for _, newer in told)
    for older, _ in told[::2]:
        brought(older, State.ACKNOWLEDGED, sent_at=said, acknowledged_at=said)
    newest = Order.objects.filter(snapshot__state=[])
    assert (Order.objects.count(), newest.count()) == (24, 12)
    done = database_clock()
    assert bring_to(State.COMPLETED, newest, acknowledged_at=done, completed_at=done) == 12
    # Not before it was done; and long after its date what a newer order did is not late.
    for moment, names, counts in (
        (at + DAY, ("received", "acknowledged", "completed"), [24, 24, 24]),
        (done, ("received", "acknowledged", "completed"), [24, 6, 0]),
        (at + 60 * DAY, ("received", "overdue"), [0, 0]),
    ):
        publishing.make(at=moment)
        (row,) = PublishedFigure.objects.get(name=Figure.FOLLOWED).rows
        assert [row[one] for one in names] == counts
        assert moment != at + DAY or 0 <= row["to_completed_p95_s"] < 60


@in_database
@pytest.mark.usefixtures("to_the_minute")
def test_rare_kinds_are_not_what_a_company_missed() -> None:
    """One company, one agreement: it is told of everything. Twelve stops, twelve disputes and three pauses."""
    at, geo = database_clock(), a_contract(a_party("GeoBridge"), ref="G")
    for n in range(27):
        line = a_line()
        Dealing.objects.create(line_id=line.pk, aggregator=geo.aggregator, party=geo.aggregator, last_at=at)
        if n < 3:
            pause(line_id=line.pk, scope="all", until=at + 5 * DAY, actor="subscriber:0", channel="web")
        else:
            said = NEVER_AGREED if n % 2 else ""
            stop(line_id=line.pk, scope="all", actor="subscriber:0", channel="web", reason=said)
    assert Order.objects.filter(party_id=geo.aggregator_id).count() == 27
    publishing.make(at=at + DAY)
    choices = {row["kind"]: row["n"] for row in PublishedFigure.objects.get(name=Figure.CHOICES).rows}
    assert choices == {"stop": 12, "dispute": 12, "refuse": 0, "pause": 3, "allow": 0, "ours": 0}
    (row,) = PublishedFigure.objects.get(name=Figure.FOLLOWED).rows
    assert [row[one] for one in ("received", "said_here")] == [24, 24]
    page = Browser().get("/transparency/").text
    assert "Asked for proof most often: GeoBridge (12)." in page
    assert [row[1] for row in rows_of(page, "choices")] == ["12", "12", "0", "fewer than 10", "0", "0", "not shown"]
    assert [row[1] for row in rows_of(page, "disputes")] == ["12"]


@in_database
@pytest.mark.usefixtures("to_the_minute")
def test_what_few_files_brought_is_not_what_is_missing() -> None:
    at, geo = database_clock(), a_contract(a_party("GeoBridge"), ref="G")
    for _ in range(12):
        line = a_line()
        Dealing.objects.create(line_id=line.pk, aggregator=geo.aggregator, party=geo.aggregator, last_at=at)
        stop(line_id=line.pk, scope="all", actor="subscriber:0", channel="web")
    publishing.make(at=at + DAY)
    figure = PublishedFigure.objects.get(name=Figure.CHOICES)
    said_here = {row["company"]: row["said_here"] for row in csv_of("followed")}
    assert said_here == {"GeoBridge": "12"}
    figure.rows[0]["from_files"] = 3
    figure.save()
    said_here = {row["company"]: row["said_here"] for row in csv_of("followed")}
    assert said_here == {"GeoBridge": "not shown"}


@in_database
@pytest.mark.usefixtures("to_the_minute")
def test_what_we_stopped_is_not_what_people_said() -> None:
    at, geo = database_clock(), a_contract(a_party("GeoBridge"), ref="G")
    campaign = a_campaign(geo, a_party("RoadAid", "lbs_provider"), ref="CMP-r", purpose=ADS)
    for _ in range(12):
        line = a_line()
        an_approval(line, campaign)
        Dealing.objects.create(line_id=line.pk, aggregator=geo.aggregator, party=campaign.lbs_provider, last_at=at)
        done = stop_company(
            line_id=line.pk, party=campaign.lbs_provider.uri, after=at + DAY, actor="system:test", at=at
        )
        assert done == Suspended.SUSPENDED
    publishing.make(at=at + DAY)
    choices = {row["kind"]: row["n"] for row in PublishedFigure.objects.get(name=Figure.CHOICES).rows}
    assert (choices["stop"], choices["ours"]) == (0, 12)
    (row,) = PublishedFigure.objects.get(name=Figure.FOLLOWED).rows
    assert [row[one] for one in ("received", "said_here")] == [12, 0]


@in_database
@pytest.mark.usefixtures("to_the_minute")
def test_what_was_late_at_the_end_stays_late() -> None:
    """Of each two of twelve people's orders, an older and a newer one, the company did the same."""
    told, said = told_twice(12), database_clock()
    end = max(newer.complete_by for _, newer in told if newer.complete_by) + DAY
    for older, _ in told[:6]:
        brought(older, State.ACKNOWLEDGED, acknowledged_at=said)
    assert record_overdue(now=end) == 24
    # The newer one in time, and not in time: with it the older one is over.
    for (older, newer), at in zip(told[2:6], [end - MINUTE, end - MINUTE, end, end + DAY], strict=True):
        brought(newer, State.COMPLETED, acknowledged_at=said, completed_at=at)
        brought(older, State.SUPERSEDED, superseded_by=newer.id)
    # The older one alone.
    for older, _ in told[6:8]:
        brought(older, State.COMPLETED, acknowledged_at=said, completed_at=end - MINUTE)
    # The older one was replaced before the company had it; the newer one it never signed, or too late.
    for older, newer in told[8:]:
        brought(older, State.SUPERSEDED, superseded_by=newer.id)
    for _, newer in told[10:]:
        brought(newer, State.COMPLETED, acknowledged_at=said, completed_at=end + DAY)
    assert record_late_completions() == 14
    publishing.make(at=end)
    (row,) = PublishedFigure.objects.get(name=Figure.FOLLOWED).rows
    assert row["overdue"] == 4 + 0 + 4 + 2 + 2 + 2


def told_twice(people: int) -> list[tuple[Order, Order]]:
    """One company's two orders about each: they stop one service, then everything."""
    geo = a_contract(a_party("GeoBridge"), ref="G")
    road, track = (
        a_campaign(geo, a_party(name, "lbs_provider"), ref=f"CMP-{name}", purpose=ROADSIDE)
        for name in ("RoadAid", "SecureTrack")
    )
    told = []
    for _ in range(people):
        line = a_line()
        for campaign in (road, track):
            an_approval(line, campaign)
        stop(line_id=line.pk, scope="party", ref=track.lbs_provider.uri, actor="subscriber:0", channel="web")
        stop(line_id=line.pk, scope="all", actor="subscriber:0", channel="web")
        older, newer = Order.objects.filter(line_id=line.pk).order_by("version")
        told.append((older, newer))
    return told


def brought(order: Order, state: State, **fields: object) -> None:
    bring_to(state, Order.objects.filter(pk=order.pk), **fields)


def csv_of(name: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(Browser().get(f"/transparency/{name}.csv").text.removeprefix("\ufeff"))))


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
            line_id=line.pk, occurred_at=at, id=id_of(f"r-{one}"), source_id=f"r-{one}",
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


@pytest.mark.parametrize(
    ("whole", "received", "drawn"),
    [
        (130, Count(26), [("s1", 200), ("s0", 800)]),
        (130, Count(0), [("s0", 1000)]),
        (1000, Count(1), [("s1", 4), ("s0", 996)]),
        (13, Count(None, Why.MOST), [("s4", 1000)]),
        (100, Count(None, Why.MOST), [("s1", 1000)]),
        (99, Count(None, Why.FEW), [("s4", 1000)]),
        (13, Count(None, Why.FEW), [("s4", 1000)]),
        (130, Count(None, Why.FEW), [("s0", 1000)]),
        (130, Count(None, Why.HELD), [("s4", 1000)]),
    ],
)
def test_what_is_too_few_is_not_drawn_as_rest(whole: int, received: Count, drawn: list[tuple[str, int]]) -> None:
    row: Row = {"label": "Meridian", "all": Count(whole), "received": received}
    (bar,) = bars_of(rows=[row], label="label", whole="all", parts=[("received", "s1")], rest="s0", untold="s4")
    assert [(one.tint, one.width) for one in bar.segments] == drawn


def test_the_parts_of_a_bar_lie_side_by_side_and_turn_with_the_writing() -> None:
    row: Row = {"label": "Meridian", "all": Count(100), "received": Count(70), "signed": Count(40)}
    parts: list[tuple[str, Tint]] = [("signed", "s1"), ("received", "s2")]
    (bar,) = bars_of(rows=[row], label="label", whole="all", parts=parts, rest="s0", untold="s4")
    lie = [(one.x, one.width) for one in bar.segments]
    whole = sum(width for _, width in lie)
    assert [(10 * x // whole, 10 * width // whole) for x, width in lie] == [(0, 4), (4, 3), (7, 3)]
    one_way, other_way = (picture_of(bars=[bar], legend=[], right_to_left=way) for way in (False, True))
    turned = [one_way.width - one.x - one.width for one in one_way.lines[0].rects]
    assert [one.x for one in other_way.lines[0].rects] == turned
    assert (other_way.starts, other_way.ends) == (one_way.ends, one_way.starts)
    # However little is left of it is seen.
    row = {**row, "received": Count(999), "all": Count(1000)}
    (bar,) = bars_of(rows=[row], label="label", whole="all", parts=parts[1:], rest="s0", untold="s4")
    assert [one.width for one in picture_of(bars=[bar], legend=[], right_to_left=False).lines[0].rects] == [671, 1]


def test_a_change_is_told_between_two_counts_that_are_shown() -> None:
    """Nor is it where nobody can tell which of two of one name is which."""
    few: Row = {"company": "Meridian", "phones": Count(None, Why.FEW)}
    shown: Row = {"company": "Meridian", "phones": Count(12)}
    for now, before, change in (
        (shown, [shown], 0), (shown, [few], None), (few, [shown], None), (shown, [shown] * 2, None),
    ):  # fmt: skip
        assert count_changes(now=[now], before=before, name=Figure.PHONES) == [change]
