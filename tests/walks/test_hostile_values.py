"""A hostile value in every parameter of every page that a subscriber can reach: an answer, never a failure."""

from collections.abc import Iterator, Mapping, Sequence
from urllib.parse import urlencode

import pytest
from django.http import HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoDbBlocker

from tests.people import signed_in
from tests.selection import NIGHTLY, drawn
from tests.shared import as_they_were, shared
from tests.world import World, a_world

NO_ID = "00000000-0000-0000-0000-000000000000"
VALUES = (
    "",
    "\x00",
    "a\x00b",
    "\ufffd",
    "\u202e\u2028'\"<script>{{ x }}%s%(x)s",
    "😀" * 300,
    "x" * 6000,
    "-1",
    "0",
    "NaN",
    "1e400",
    "9" * 40,
    "9" * 5000,
    "all",
    "day",
    "0001-01-01",
    "9999-12-31",
    "9999-12-30",
    "99999-01-01",
    "2026-02-30",
    "2026-W01-1",
    NO_ID,
    f"0001-01-01T00:00:00+23:59_{NO_ID}",
    f"0001-01-01T00:00:00_{NO_ID}",
    f"9999-12-31T23:59:59-23:59_{NO_ID}",
    f"9999-12-31T23:59:59.999999_{NO_ID}",
    f"2026-01-01T00:00:00_{NO_ID}\x00",
    "_",
)
ASKED: Mapping[str, tuple[str, ...]] = {
    "/home/": ("line", "keep"),
    "/history/": ("line", "company", "since", "until", "itself", "not_allowed", "only", "before", "month"),
    "/history/times/": ("line", "company", "since", "until", "itself", "not_allowed", "only", "month"),
    "/history/download.csv": ("line", "company", "since", "until", "itself", "not_allowed", "only", "before"),
    "/history/download.json": ("line", "company", "since", "until", "itself", "not_allowed", "only", "before"),
    "/choices/": ("line", "before"),
    "/choices/pause/": ("line", "ref", "scope"),
    "/choices/allow/": ("line", "campaign"),
    "/lines/": ("line",),
    "/access-log/": ("line", "page"),
    "/settings/": ("line", "next"),
}
SENT: Mapping[str, Mapping[str, str]] = {
    "/choices/stop/": {"line": "", "scope": "party", "ref": ""},
    "/choices/dispute/": {"line": "", "scope": "campaign", "ref": ""},
    "/choices/pause/": {"line": "", "scope": "all", "ref": "", "length": "day", "day": "2094-01-01"},
    "/choices/allow/": {"line": "", "campaign": "", "days": ""},
    "/stop/": {"number": ""},
    "/stop/code/": {"code": ""},
    "/accounts/login/": {"number": ""},
    "/settings/": {"language": ""},
}
PLACES = ("/companies/{}/", "/choices/{}/", "/choices/{}/progress/", "/choices/{}/receipt/", "/stop/progress/{}/")


type Lived = tuple[World, Client]


def build() -> Lived:
    """Look-ups of each kind, but few: pages are made a thousand times here, and fail by the kind, not by the number."""
    world = a_world(at=timezone.now(), weeks=1)
    client = signed_in(world.line).client
    # Told of failures as a person would be.
    client.raise_request_exception = False
    return world, client


@pytest.fixture(scope="module")
def lived(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[Lived]:
    yield from shared(django_db_blocker, build)


@pytest.fixture
def browser(lived: Lived, db: None) -> Iterator[Client]:
    with as_they_were([lived[1]]):
        yield lived[1]


def whole(answer: HttpResponseBase) -> bytes:
    """All that the answer says, made to its end: a download fails while it is written."""
    if isinstance(answer, StreamingHttpResponse):
        return b"".join(answer)
    assert isinstance(answer, HttpResponse)
    return answer.content


def read(answer: HttpResponseBase) -> int:
    """The status, once all of the answer was made."""
    whole(answer)
    return answer.status_code


def combine_values(names: Sequence[str]) -> list[dict[str, str]]:
    """Every name with every value once: one name alone by night, all names in one request by day.

    A bad line is refused before anything else is read, so it always comes alone. Of both a part is drawn.
    """
    others = [name for name in names if name != "line"]
    alone = [{"line": value} for value in VALUES if "line" in names]
    if NIGHTLY:
        return alone + [{name: value} for name in others for value in VALUES]
    together = [
        {name: VALUES[(first + n) % len(VALUES)] for n, name in enumerate(others)} for first in range(len(VALUES))
    ]
    return [*drawn(alone, of=3), *drawn(together if others else [], of=2)]


def shorten(sent: Mapping[str, str]) -> dict[str, str]:
    return {name: value[:60] for name, value in sent.items()}


@pytest.mark.parametrize("path", ASKED)
def test_a_page_takes_any_question(browser: Client, path: str) -> None:
    failed = [
        shorten(sent) for sent in combine_values(ASKED[path]) if read(browser.get(f"{path}?{urlencode(sent)}")) >= 500
    ]
    assert failed == []


@pytest.mark.parametrize("path", SENT)
def test_a_form_takes_anything(browser: Client, path: str) -> None:
    failed = [
        shorten(sent)
        for sent in combine_values(tuple(SENT[path]))
        if read(browser.post(path, {**SENT[path], **sent})) >= 500
    ]
    assert failed == []


@pytest.mark.parametrize("place", PLACES)
def test_an_address_takes_any_id(browser: Client, place: str) -> None:
    ids = ("0", "-1", "9" * 40, "%00", "%ff", "x" * 3000, NO_ID, "%F0%9F%98%80")
    assert [one[:60] for one in ids if read(browser.get(place.format(one))) >= 500] == []


def test_a_question_that_is_no_text_is_still_answered(browser: Client) -> None:
    paths = (
        "/history/?company=%FF%FE",
        "/choices/allow/?campaign=%ED%A0%80",
        "/choices/?before=%FF_%FF",
        "/home/?line=%00",
        *(f"/choices/pause/?scope={scope}&ref=%00" for scope in ("all", "party", "purpose", "campaign", "%00")),
    )
    assert [browser.get(path).status_code for path in paths] == [200, 404, 200, 404, 200, *[404] * 4]


def test_the_last_day_of_the_calendar_leaves_nothing_out(browser: Client) -> None:
    asked = ("", "?until=9999-12-31")
    rows = [whole(browser.get(f"/history/download.json{one}")).count(b'"occurred_at"') for one in asked]
    assert rows[0] == rows[1] > 0


def test_what_cannot_be_a_campaign_is_not_there_to_allow(browser: Client) -> None:
    assert browser.get("/choices/allow/?campaign=%00").status_code == 404
    assert browser.post("/choices/allow/", {"campaign": "\x00", "days": ""}).status_code == 404


@pytest.mark.parametrize("day", ["9999-12-31", "2200-01-01"])
def test_a_pause_ends_within_a_hundred_years(browser: Client, day: str) -> None:
    answer = browser.post("/choices/pause/", {"scope": "all", "length": "day", "day": day})
    assert answer.status_code == 200
    assert "Choose a day within the next 100 years. To block it for good, stop it instead." in answer.content.decode()
