"""Promise 11: of a release that may not be told yet, no page and no file of its person differs by a byte."""

import io
import re
import zipfile
from datetime import datetime
from difflib import unified_diff

from tests.faults.programs import until
from tests.feeds import BRIDGE, JAIL, LINK, ROAD, TRACK, Row, ndjson, release_row
from tests.promises.through_the_doors.browser import Browser
from tests.promises.through_the_doors.files import TRACKING, Line, ago, release
from tests.promises.through_the_doors.product import Product
from tests.walks.marks import written
from tests.words.expected import PACIFIC

WITHIN_S = 90
OF_EVERYBODY = ("/transparency/", "/transparency/all.csv")
FOREVER = "2190-01-01T00:00:00Z"
# What is signed anew, or drawn, each time that a page or a file is made; and what clocks show as they go.
MOVING = (
    r'name="csrfmiddlewaretoken" value="[^"]*"|seen=\w+'
    r"|eyJ[\w-]+\.[\w-]+\.[\w-]+|\b\d{1,2}:\d\d:\d\d [AP]M\b|\S+ \S+ UTC"
)
# What is each person's own, whatever was released.
OWN = r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|WB-\w{4}-\w\w|\b(approval|release)-\d+|subscriber:\d+|•••• ••\d\d"


MOMENT = re.compile(r"(20\d\d-\d\d-\d\d)T[\d:.]+(?:[+-]\d\d:\d\d|Z)")


def without_moments(text: str) -> str:
    """A text without the moments of this day, when all of this happens, and of those that are reckoned from it."""
    here = datetime.now(PACIFIC)
    text = MOMENT.sub(lambda found: "-" if found[1] >= f"{here:%Y-%m-%d}" else found[0], text)
    return re.sub(rf"{here:%b} {here.day}, {here.year}, \d{{1,2}}:\d\d(:\d\d)? [AP]M", "-", text)


def hidden_rows(line: Line) -> list[Row]:
    """Releases of each kind, of yesterday, by companies that are on the person's pages and by one that is not."""
    rows: list[Row] = [
        {"basis": "legal_process", "path": [BRIDGE]},
        {"basis": "emergency", "path": [LINK, TRACK], "aggregator": LINK},
        {"path": [BRIDGE, ROAD, "https://sealed.example"]},
        {"path": [LINK, TRACK, JAIL], "aggregator": LINK, "campaign": "CMP-track", "purpose": TRACKING.purpose},
        {"outcome": "refused", "path": [BRIDGE, "https://sealed.example"]},
    ]
    return [
        release_row(**{"msisdn": line.msisdn, "occurred_at": ago(1 + n / 24), "suppressed_until": FOREVER, **row})
        for n, row in enumerate(rows)
    ]


def surfaces(browser: Browser, line: Line) -> dict[str, str]:
    """Every page and download that its person can open, without what moves and what is their own."""
    choices, companies = browser.get("/choices/").links("/choices/"), browser.get("/home/").links("/companies/")
    paths = [
        "/home/", "/history/", "/history/?not_allowed=on", "/history/?company=https://sealed.example", "/choices/",
        "/history/download.csv", "/history/download.json", "/lines/", "/access-log/", "/access-log/companies/",
        "/settings/", "/settings/archive/", "/help/", "/choices/pause/", "/choices/allow/?campaign=CMP-track",
        "/transparency/", "/transparency/all.csv", f"/history/?company={TRACK}", f"/history/?company={ROAD}",
        *(path.partition("#")[0] for path in companies),
        *(f"{choice}{part}" for choice in choices for part in ("", "progress/", "receipt/", "receipt.json")),
    ]  # fmt: skip
    return {nobodys(path, line): nobodys(browser.get(path).text, line) for path in paths}


def archive(browser: Browser, line: Line) -> dict[str, str]:
    """The files in what somebody downloads of everything, in the same way."""
    browser.send(browser.get("/settings/archive/").form("/settings/archive/ask/"))
    until(lambda: browser.get("/settings/archive/whereabouts.zip").status == 200, WITHIN_S)
    whole = zipfile.ZipFile(io.BytesIO(browser.get("/settings/archive/whereabouts.zip").body))
    return {
        nobodys(name, line): nobodys(whole.read(name).decode(errors="replace"), line)
        for name in whole.namelist()
        if not name.endswith(".pdf")
    }


def nobodys(text: str, line: Line) -> str:
    """A text without what moves and what is somebody's own."""
    text = re.sub(f"{MOVING}|{OWN}", "-", without_moments(text))
    for form in (*written(line.msisdn), line.line_id, line.account_id):
        text = text.replace(form, "-")
    return text


def differences(one: dict[str, str], other: dict[str, str]) -> dict[str, list[str]]:
    """By page: the lines that are not in both."""
    return {
        path: list(unified_diff(one.get(path, "").splitlines(), other.get(path, "").splitlines(), n=0))
        for path in one | other
        if one.get(path) != other.get(path)
    }


def stop_and_wait(browser: Browser) -> None:
    """Stop a company, until the one in between has signed what it could."""
    choice = browser.send(browser.get("/home/").form("/choices/stop/", scope="party", ref=TRACK)).url
    until(lambda: "Signed in part" in browser.get(choice).words, WITHIN_S)


def test_a_line_with_hidden_releases_looks_like_any_other(product: Product) -> None:
    plain, gagged = product.next_line(), product.next_line()
    person, other = product.signs_in(gagged), product.signs_in(plain)
    for browser in (person, other):
        stop_and_wait(browser)
    before = [nobodys(person.get(path).text, gagged) for path in OF_EVERYBODY]
    rows = hidden_rows(gagged)
    assert product.takes("import_disclosures", rows[::2])["accepted"] == len(rows[::2])
    told = product.gateway.call(
        "POST", "/api/v1/disclosures", scope="disclosures:write", content_type="application/x-ndjson",
        body=ndjson(rows[1::2]),
    )  # fmt: skip
    assert told.json()["accepted"] == len(rows[1::2]), told
    # An order of court may also come before the release that it is about: whoever imports it says so.
    late = release(gagged, TRACKING, occurred_at=ago(1))
    order = {"disclosure_id": late["id"], "suppressed_until": None, "order_ref": "court-1"}
    assert product.takes("import_notices", [order])["rejected"] == 1
    assert product.takes("import_notices", [order | {"awaited": True}])["accepted"] == 1
    product.takes("import_disclosures", [late])
    # What counts for everybody would differ on both lines' pages alike.
    assert [nobodys(person.get(path).text, gagged) for path in OF_EVERYBODY] == before
    assert differences(surfaces(person, gagged), surfaces(other, plain)) == {}
    assert differences(archive(person, gagged), archive(other, plain)) == {}
