"""The subscriber's pages as a browser without JavaScript gets them."""

import csv
import gzip
import io
import json
import re
import zipfile
from datetime import timedelta
from functools import partial
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from pytest_django import Settings

from accounts.models import Line
from audit.models import AuditEvent
from consent.actions.choices import stop
from disclosures.models import Basis, Judgement, Outcome
from disclosures.queries.history import Filters, history_rows
from disclosures.tasks import make_archives
from partners.models import Party
from portal.gallery import ICONS
from tests.disclosures.anomalies import looked
from tests.factories import a_campaign, a_contract, a_line, a_party, an_approval
from tests.feeds import release_row, take_releases, told
from tests.people import Browser, number_of, signed_in
from tests.words.pages import read
from tests.world import a_world, disclosed, gagged

pytestmark = pytest.mark.usefixtures("db", "no_broker")

DAY = timedelta(days=1)
PACIFIC = ZoneInfo("America/Los_Angeles")


def attributes(text: str, name: str) -> list[str]:
    return re.findall(rf'{name}="([^"]*)"', text)


def queries(browser: Browser, path: str) -> int:
    browser.get(path)
    with CaptureQueriesContext(connection) as seen:
        assert browser.get(path).status_code == 200
    return len(seen)


def with_companies(n: int) -> Line:
    """A line whose location went to so many companies, each agreed to, each through an aggregator of its own."""
    at, line = timezone.now(), a_line()
    for number in range(n):
        contract = a_contract(a_party(f"Agg {line.pk} {number}"))
        provider = a_party(f"Service {line.pk} {number}", "lbs_provider")
        campaign = a_campaign(contract, provider)
        an_approval(line, campaign, at=at - 90 * DAY)
        disclosed(line, [contract.aggregator.uri, provider.uri], at=at - DAY, n=2, campaign=campaign.ref)
    return line


def test_home_says_the_whole_answer() -> None:
    world = a_world(at=timezone.now())
    browser = signed_in(world.line)
    page = browser.get("/home/").text
    assert attributes(page, "data-sharing-state") == ["on"]
    assert re.search(r'<button[^>]*name="stop-all"', page)
    assert "shared with <em>6 companies</em> in the last 30 days." in page
    assert "2 have no record that you agreed." in page
    assert "In those 30 days, this phone was looked up 73 times." in page
    assert "MedAlert, RoadAid</bdi> can't find you until they're allowed again.</strong>" in page
    assert "the person who set it up may notice" in page
    assert set(attributes(page, "data-party")) >= {"https://securetrack.example", "https://roadaid.example"}
    for said in ("What a stop can't stop", "What we can't see", "/safety/", "Pause until…", "Show as a table"):
        assert said in page.replace("&#x27;", "'")
    # Every stop button sits alone in its form.
    forms = re.findall(r"<form\b.*?</form>", page, re.DOTALL)
    stops = [form for form in forms if 'name="stop"' in form]
    assert stops
    assert all(len(re.findall("<button", form)) == 1 for form in stops)
    assert all(attributes(form, "data-party") == re.findall(r'name="ref" value="([^"]*)"', form) for form in stops)
    # Signed-in pages are neither kept nor indexed, and hostile names are text on them.
    hostile = Party.objects.get(uri="https://hostile.example")
    for path in ("/home/", "/history/", "/choices/", f"/companies/{hostile.pk}/"):
        answer = browser.get(path)
        assert "no-store" in answer.headers["Cache-Control"]
        assert '<meta name="robots" content="noindex, noarchive">' in answer.text
        assert ("&lt;script&gt;alert(1)" in answer.text) is (path != "/choices/")
        assert [one for one in ("<script>alert", "javascript:", "\u202e") if one in answer.text] == []


def test_what_was_not_allowed_is_said_in_a_sentence() -> None:
    at, line, geo = timezone.now(), a_line(), a_party()
    once, often = a_party("Once", "lbs_provider"), a_party("Often", "lbs_provider")
    disclosed(line, [geo.uri, once.uri], at=at - DAY, judgement=Judgement.NO_APPROVAL)
    disclosed(line, [geo.uri, often.uri], at=at - DAY, n=1200, every=timedelta(seconds=1), judgement="no_approval")
    disclosed(line, [geo.uri, often.uri], at=at - DAY, n=2, judgement=Judgement.AFTER_STOP)
    text = signed_in(line).get("/home/").text
    said = {sentence.removesuffix("</p>") for sentence in re.findall(r"Not allowed by you, in total: .*?</p>", text)}
    assert said == {
        "Not allowed by you, in total: 1 time (no record that you agreed).",
        "Not allowed by you, in total: 1,200 times (no record that you agreed), 2 times (looked up after your stop).",
    }


def test_no_record_leads_to_what_that_means_beside_a_stop() -> None:
    at, line, geo, once = timezone.now(), a_line(), a_party(), a_party("Once", "lbs_provider")
    disclosed(line, [geo.uri, once.uri], at=at - DAY, judgement=Judgement.NO_APPROVAL)
    browser = signed_in(line)

    def tags() -> list[str]:
        (card,) = re.findall(r"<article.*?</article>", browser.get("/home/").text, re.DOTALL)
        assert '<a href="/help/#no-record">What this means</a>' in card
        return [
            re.sub(r"<[^>]+>", "", tag).strip() for tag in re.findall(r'<span class="tag .*?</span>', card, re.DOTALL)
        ]

    assert tags() == ["No record that you agreed"]
    stop(line_id=line.pk, scope="party", ref=once.uri, actor="subscriber:1", channel="web")
    assert tags() == ["No record that you agreed", "You stopped it"]
    assert '<h2 id="no-record">' in browser.get("/help/").text


def test_a_release_whose_path_names_nobody_is_shown() -> None:
    unnamed, next_unknown = "a company we can't name", "we don't know who received it next"
    for path, lost in (
        ([], [next_unknown]), (["unknown"], [unnamed]), (["unknown", "unknown"], [unnamed, next_unknown]),
    ):  # fmt: skip
        line, geo = a_line(), a_party()
        row = release_row(msisdn=number_of(line), aggregator=geo.uri, path=path, occurred_at=timezone.now().isoformat())
        assert told(take_releases(row)) == [("accepted", "no_approval")]
        browser = signed_in(line)
        assert set(attributes(browser.get("/home/").text, "data-party")) == {geo.uri}
        history = browser.get("/history/").text
        shown = re.findall(r'<li class="lost">\s*<span>(.*?)(?:<span class="role">.*?)?</span>\s*</li>', history)
        assert shown == lost
    # A row from before paths were completed.
    line = a_line()
    disclosed(line, ["unknown"], at=timezone.now() - DAY)
    browser = signed_in(line)
    home = browser.get("/home/").text
    assert ("a company we can&#x27;t name" in home, attributes(home, "data-party")) == (True, [])
    assert "a company we can&#x27;t name" in browser.get("/history/").text


def test_a_first_visit_is_an_answer_too() -> None:
    page = signed_in(a_line()).get("/home/").text
    assert "Your location was not shared with any company." in page
    assert attributes(page, "data-sharing-state") == ["on"]
    assert re.search(r'<button[^>]*name="stop-all"', page)
    assert 'name="stop"' not in page


def test_a_company_that_was_only_refused_is_shown_as_that() -> None:
    at, line, geo, road = timezone.now(), a_line(), a_party(), a_party("RoadAid", "lbs_provider")
    a_campaign(a_contract(geo), road)
    disclosed(line, [geo.uri, road.uri], at=at - DAY, n=4, outcome=Outcome.REFUSED)
    page = signed_in(line).get("/home/").text
    for said in ("It received nothing.", "It asked 4 times and was refused.", "It is blocked.", "GeoBridge"):
        assert said in page
    assert "No record that you agreed" not in page


def test_very_many_companies_are_all_there_in_little() -> None:
    at, line, geo = timezone.now(), a_line(), a_party()
    for number in range(14):
        provider = a_party(f"Asker {line.pk} {number}", "lbs_provider")
        disclosed(line, [geo.uri, provider.uri], at=at - DAY, n=2, outcome=Outcome.REFUSED)
    page = signed_in(line).get("/home/").text
    assert page.count("It asked 2 times and was refused.") == 14
    assert ("0 times" in page, "No record that you agreed" in page) == (False, False)
    line = a_line()
    for number in range(300):
        provider = a_party(f"Service {number}", "lbs_provider")
        disclosed(line, [geo.uri, provider.uri], at=at - DAY, judgement=Judgement.NO_APPROVAL)
    page = signed_in(line).get("/home/").text
    assert "shared with <em>300 companies</em>" in page
    assert len(set(attributes(page, "data-party"))) == 300
    assert page.count("<article") == 24
    assert len(gzip.compress(page.encode())) < 30_000


def test_pages_cost_the_same_for_one_company_and_for_three() -> None:
    costs = set()
    for n in (1, 3):
        line = with_companies(n)
        browser = signed_in(line)
        party = Party.objects.get(name=f"Service {line.pk} 0")
        before_a_stop = queries(browser, "/home/"), queries(browser, "/history/")
        stop(line_id=line.pk, scope="all", actor="subscriber:1", channel="web")
        costs.add((*before_a_stop, queries(browser, f"/companies/{party.pk}/")))
    assert costs == {(13, 10, 21)}


def cards(page: str) -> tuple[list[str], list[str]]:
    """The cards of home by name: those that are laid open, and those that are folded away."""
    page = re.sub(r'<details class="if-narrow".*?</details>', "", page, flags=re.DOTALL)
    folds = re.findall(r'<details class="fold".*?</summary>(.*?)</details>', page, re.DOTALL)
    name = r'<article.*?<bdi class="name">(.*?)</bdi>'
    folded = [found for fold in folds for found in re.findall(name, fold, re.DOTALL)]
    return [one for one in re.findall(name, page, re.DOTALL) if one not in folded], folded


def summaries(page: str) -> list[str]:
    """What is said of what is folded away."""
    found = re.findall(r'<details class="fold".*?<summary>(.*?)</summary>', page, re.DOTALL)
    return [" ".join(re.sub(r"<[^>]*>", "", one).split()) for one in found]


def test_beyond_the_first_companies_are_folded_away_under_their_number() -> None:
    for n in (2, 3, 4):
        line = with_companies(n)
        page = signed_in(line).get("/home/").text
        # Alike but for the address.
        listed = sorted((f"Service {line.pk} {number}" for number in range(n)), key=uris_by_name().__getitem__)
        assert cards(page) == (listed[:2], listed[2:])
        more = {2: [], 3: [f"1 more company {listed[-1]}"], 4: [f"2 more companies {', '.join(listed[2:])}"]}[n]
        assert summaries(page) == more
        assert len(set(attributes(page, "data-party"))) == n


def uris_by_name() -> dict[str, str]:
    return dict(Party.objects.values_list("name", "uri"))


def test_who_got_it_lately_comes_before_the_others() -> None:
    at, browser, former = timezone.now(), signed_in(line := a_line()), [f"Former {number}" for number in range(7)]
    for number, name in enumerate(former):
        provider = a_party(name, "lbs_provider")
        disclosed(line, [a_party().uri, provider.uri], at=at - (60 + number) * DAY)
    # Where nobody got it lately the others are laid open.
    assert cards(browser.get("/home/").text) == (former[:2], former[2:])
    newest, wrong = a_party("Newest", "lbs_provider"), a_party("Wrong", "lbs_provider")
    disclosed(line, [a_party().uri, newest.uri], at=at - DAY)
    disclosed(line, [a_party().uri, wrong.uri], at=at - 60 * DAY, judgement=Judgement.NO_APPROVAL)
    page = browser.get("/home/").text
    assert cards(page) == (["Newest"], [former[0], "Wrong", *former[1:]])
    assert summaries(page) == [f"8 companies {former[0]}, Wrong, {', '.join(former[1:4])}…"]
    assert 'class="fold">' in page


def test_who_got_what_nobody_allowed_is_laid_open() -> None:
    for wrong, laid_open in ((1, 2), (5, 5), (8, 6)):
        line, at = with_companies(3), timezone.now()
        for number in range(wrong):
            provider = a_party(f"Wrong {number}", "lbs_provider")
            disclosed(line, [a_party().uri, provider.uri], at=at - DAY, n=9 - number, judgement=Judgement.NO_APPROVAL)
        first, folded = cards(signed_in(line).get("/home/").text)
        assert (len(first), len(folded)) == (laid_open, wrong + 3 - laid_open)
        assert first[:wrong] == [f"Wrong {number}" for number in range(min(wrong, 6))]


def test_a_day_that_is_none_is_said_beside_its_field() -> None:
    page = signed_in(a_line()).get("/history/?since=tomorrow").text
    opened = page.partition('<details class="more" open>')[2].partition("</details>")[0]
    assert ('value="tomorrow"' in opened, 'id="id_since_error"' in opened) == (True, True)


def test_a_long_history_is_read_in_pages() -> None:
    line, geo = a_line(), a_party()
    # Two hours that lie within one day where the line is.
    at = timezone.now().astimezone(PACIFIC).replace(hour=12)
    for day in range(4):
        disclosed(
            line, [geo.uri], at=at - (day + 1) * DAY, n=120, every=timedelta(minutes=1), judgement=Judgement.NO_APPROVAL
        )
    browser = signed_in(line)
    seen, path, pages = 0, "/history/", 0
    while path:
        page = browser.get(path).text
        seen += len(re.findall(r"<li><time", page)) and sum(map(int, re.findall(r": (\d+) look-ups", page)))
        pages += 1
        older = re.search(r'rel="next" href="([^"]*)"', page)
        path = older[1].replace("&amp;", "&") if older else ""
    assert (pages, seen) == (4, 480)


def test_a_day_too_long_says_where_the_rest_is() -> None:
    line, geo, road = a_line(account="A-day"), a_party(), a_party("RoadAid", "lbs_provider")
    child = a_line(account="A-day", role="minor")
    noon = (timezone.now() - 2 * DAY).astimezone(PACIFIC).replace(hour=12, minute=0)
    for one in (line, child):
        disclosed(one, [geo.uri, road.uri], at=noon, n=205, every=timedelta(minutes=1))
    disclosed(line, [geo.uri], at=noon + timedelta(hours=5))
    browser, other = signed_in(line), "The others are on the previous or the next page."
    first = browser.get("/history/").text
    older = re.findall(r'rel="next" href="([^"]*)"', first)[0].replace("&amp;", "&")
    for page in (first, browser.get(older).text):
        assert (page.count(": 205 look-ups"), page.count(other)) == (1, 1)
    titles = [one.words for one in read(first).all("span", of_class="title")]
    assert [one.partition(": ")[2] for one in titles].count("1 look-up") == 1
    page = browser.get(f"/companies/{road.pk}/").text
    assert (page.count(": 205 look-ups"), "previous or the next" in page, "next page" in page) == (1, False, False)
    whole, day = "Only some of them are shown here. See the whole day.", f"since={noon:%F}&until={noon:%F}"
    for query, of_line in (("", ""), (f"?line={child.public_id}", f"&line={child.public_id}")):
        page = browser.get(f"/companies/{road.pk}/{query}").text
        (rest,) = (one.attributes["href"] for one in read(page).all("a") if one.words == whole)
        assert browser.get(rest).text.count(": 205 look-ups") == 1
        assert rest.endswith(f"&{day}{of_line}")


def test_what_was_refused_is_told_as_refused() -> None:
    line, at = a_line(), timezone.now()
    asked = partial(looked, line, outcome=Outcome.REFUSED, recorded_at=at)
    asked(at - 2 * DAY, path=("urn:police",), basis=Basis.LEGAL_PROCESS)
    asked(at - DAY, path=(a_party().uri, a_party("RoadAid", "lbs_provider").uri))
    browser, refused = signed_in(line), "Refused: nothing was shared"
    history = browser.get("/history/").text
    facts = [dict(one.pairs) for one in read(history).all("dl", of_class="facts")]
    assert [(one["Based on"], one["Allowed or not"]) for one in facts] == [
        ("a claim that you agreed", refused), ("a lawful order", refused),
    ]  # fmt: skip
    assert "Lawful order" not in history
    response: Any = browser.client.get("/history/download.csv")
    rows = list(csv.DictReader(io.StringIO(b"".join(response.streaming_content).decode("utf-8-sig"))))
    assert [(row["judgement"], row["judgement_in_words"]) for row in rows] == [
        ("refused", refused),
        ("legal_process", refused),
    ]
    browser.post("/settings/archive/ask/")
    make_archives()
    packed = zipfile.ZipFile(io.BytesIO(browser.client.get("/settings/archive/whereabouts.zip").getvalue()))
    months = "".join(packed.read(name).decode() for name in packed.namelist() if name.startswith("history-"))
    assert (months.count(refused), "Lawful order" in months) == (2, False)


def test_only_companies_of_the_line_have_pages_with_real_links() -> None:
    at, line, geo, stranger = timezone.now(), a_line(), a_party(), a_party("Elsewhere", "lbs_provider")
    fine = a_party("Fine", "lbs_provider", website="https://fine.example/a")
    evil = a_party("Evil", "lbs_provider", website="javascript:alert(1)")
    for party in (fine, evil):
        disclosed(line, [geo.uri, party.uri], at=at - DAY, judgement=Judgement.NO_APPROVAL)
    browser = signed_in(line)
    assert '<a href="https://fine.example/a" rel="noreferrer noopener">' in browser.get(f"/companies/{fine.pk}/").text
    assert "javascript" not in browser.get(f"/companies/{evil.pk}/").text
    assert [browser.get(f"/companies/{pk}/").status_code for pk in (stranger.pk, 99999999)] == [404, 404]


def normal(text: str, line: Line) -> str:
    """A page without what names the line, the session or this very moment."""
    text = re.sub(r'name="csrfmiddlewaretoken" value="[^"]*"', "", text)
    text = re.sub(r'"(id|source)": "[^"]*"|"(line|made_at)": "[^"]*"|src-[0-9a-f-]{36}', "", text)
    text = text.replace(str(line.public_id), "LINE")
    # Each row has an id by which to ask about it, and by which that link is named.
    text = re.sub(r"(/help/ask/look_up/|(ask|of)-look_up-)[0-9a-f-]{36}", "ASK", text)
    return re.sub(r"\(\d{3}\) 555-\d{4}", "NUMBER", text)


@pytest.mark.parametrize("until", [None, timedelta(days=9)])
def test_two_lines_alike_but_for_hidden_rows_look_alike(until: timedelta | None) -> None:
    at = timezone.now()
    geo, road, sealed = a_party(), a_party("RoadAid", "lbs_provider"), a_party("Sealed", "end_customer")
    campaign = a_campaign(a_contract(geo), road)
    plain, gag = a_line(), a_line()
    for line in (plain, gag):
        an_approval(line, campaign, at=at - 90 * DAY)
        disclosed(line, [geo.uri, road.uri], at=at - DAY, n=3, campaign=campaign.ref)
    hidden = [
        *disclosed(gag, ["urn:police"], at=at - 2 * DAY, basis=Basis.LEGAL_PROCESS),
        *disclosed(gag, [geo.uri, sealed.uri], at=at - DAY, basis=Basis.EMERGENCY, doubtful=True),
    ]
    for row in hidden:
        gagged(row, until=at + until if until else None, at=at)
    one, other = signed_in(plain), signed_in(gag)
    downloads = ("/history/download.json", "/history/download.csv")
    for path in ("/home/", "/history/", f"/companies/{road.pk}/", "/choices/", *downloads):
        first, second = body(one, path), body(other, path)
        assert normal(first, plain) == normal(second, gag), path
        assert "Sealed" not in second
    assert other.get(f"/companies/{sealed.pk}/").status_code == 404


def body(browser: Browser, path: str) -> str:
    response: Any = browser.client.get(path)
    parts = response.streaming_content if response.streaming else [response.content]
    return b"".join(parts).decode()


def test_downloads_stream_and_are_written_into_the_persons_log() -> None:
    world = a_world(at=timezone.now())
    browser = signed_in(world.line)
    response: Any = browser.client.get("/history/download.json?not_allowed=on")
    assert (response.streaming, response["Content-Type"]) == (True, "application/json")
    assert response["Content-Disposition"] == 'attachment; filename="history.json"'
    found = json.loads(b"".join(response.streaming_content))
    assert {row["judgement"] for row in found["disclosures"]} == {"no_approval", "approval_unverified"}
    assert body(browser, "/history/download.csv").startswith("\ufeffid,occurred_at,")
    logged = AuditEvent.objects.filter(line_id=world.line.pk, action="line.exported").values_list("reason", flat=True)
    assert sorted(logged) == ["history.csv", "history.json"]


def test_each_number_of_a_table_names_its_column_on_a_phone() -> None:
    line, geo = a_line(), a_party("GeoBridge & Sons")
    disclosed(line, [geo.uri], at=timezone.now() - DAY)
    browser = signed_in(line)
    for path in ("/home/", "/history/times/"):
        table = browser.get(path).text.rpartition(" stacked" if "times" in path else '<table class="stacked')[2]
        body = table.partition("</table>")[0]
        heads = re.findall(r'<th scope="col" class="n">(.*?)</th>', body)
        names = [re.sub(r"<[^>]+>", "", one) for one in heads]
        assert attributes(body, "data-label") == names * body.count('<th scope="row">')
        assert names


def test_public_pages_are_for_everyone_and_may_be_found(settings: Settings) -> None:
    for path in ("/", "/help/", "/safety/", "/transparency/", "/stop/"):
        page = Browser().get(path)
        assert (page.status_code, "noindex" in page.text) == (200, False), path
        assert page.text.startswith("<!DOCTYPE html>")
        assert "http://" not in re.sub(r"http://www\.w3\.org/2000/svg", "", page.text)
    said = "Your browser sent the Global Privacy Control signal."
    assert [said in Browser().get("/", **sent).text for sent in ({"Sec-GPC": "1"}, {}, {"Sec-GPC": "0"})] == [
        True, False, False,
    ]  # fmt: skip
    # The gallery is for developers.
    assert Browser().get("/gallery/").status_code == 404
    settings.DEBUG = True
    assert Browser().get("/gallery/").status_code == 200


def test_each_icon_is_another_drawing_and_no_bar_is_cut_off(settings: Settings) -> None:
    settings.DEBUG = True
    gallery = read(Browser().get("/gallery/"))
    icons = [one for one in gallery.all("span") if one.all("svg", of_class="icon") and one.words in ICONS.split()]
    assert len({str(one.all("svg")) for one in icons}) == len(icons) == len(ICONS.split())
    # What has none is a dot.
    assert all(one.all("path") for one in icons)
    (chart,) = (one for figure in gallery.all("figure", of_class="chart") for one in figure.all("svg"))
    width, height = (float(end) for end in chart.attributes["viewbox"].split()[2:])
    bars = [{name: float(one.attributes[name]) for name in ("x", "y", "width", "height")} for one in chart.all("rect")]
    assert bars
    assert all(bar["x"] + bar["width"] <= width and bar["y"] + bar["height"] <= height for bar in bars)


def test_the_language_can_be_switched_by_a_plain_form() -> None:
    for path in ("/", "/stop/", "/help/", "/nothing-here/"):
        browser = Browser()
        assert '<html lang="en" dir="ltr">' in browser.get(path).text
        assert browser.post("/i18n/setlang/", {"language": "es", "next": path}).url == path
        assert '<html lang="es" dir="ltr">' in browser.get(path).text


def test_what_a_company_says_of_itself_is_not_read_aloud_as_the_pages_language() -> None:
    line, provider = a_line(), a_party("RoadAid", "lbs_provider", about="Tows your car")
    campaign = a_campaign(a_contract(), provider, description="Finds your car")
    an_approval(line, campaign, at=timezone.now() - DAY)
    browser = signed_in(line)
    assert '<bdi lang="">Tows your car</bdi>' in browser.get("/home/").text
    assert '<bdi lang="">Tows your car</bdi>' in browser.get(f"/companies/{provider.pk}/").text
    stop(line_id=line.pk, scope="party", ref=provider.uri, actor="subscriber:1", channel="web")
    asked = browser.get(f"/choices/allow/?line={line.public_id}&campaign={campaign.ref}")
    assert '“<bdi lang="">Finds your car</bdi>”' in asked.text


@pytest.mark.one_server
def test_a_lines_rows_are_found_by_one_index_range() -> None:
    """With sequential scans out of favour, none is left: every partition is read by the line in its primary key."""
    line = with_companies(2)
    rows = history_rows(line_id=line.pk, filters=Filters(), zone=PACIFIC, at=timezone.now())
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
        cursor.execute("SET LOCAL enable_bitmapscan = off")
    plan = rows[:200].explain()
    scans = [scan for scan in plan.splitlines() if " on disclosures_disclosure_" in scan]
    assert scans
    assert [scan for scan in scans if "Index Scan Backward" not in scan] == []
    assert plan.count(f"Index Cond: (line_id = {line.pk})") >= len(scans)


def test_the_holder_reads_whose_location_a_child_s_pages_mean() -> None:
    holder, child = a_line(account="A-1"), a_line(account="A-1", role="minor")
    campaign = a_campaign(provider=a_party("RoadAid", "lbs_provider"))
    for line in (holder, child):
        an_approval(line, campaign)
    browser = signed_in(holder)
    words = "A child uses this line. On this page, “your location” means that phone&#x27;s location."
    for path in ("/home/?", f"/companies/{campaign.lbs_provider_id}/?", f"/choices/allow/?campaign={campaign.ref}&"):
        pages = [browser.get(f"{path}line={line.public_id}").text for line in (child, holder)]
        assert [words in page.replace("'", "&#x27;") for page in pages] == [True, False], path
