"""Leave quickly: after it, Back shows nothing, as often as it is pressed, with a script and without.

And whoever must wait at a door reads until when, by the clock of their own phone.
"""

import re
from datetime import datetime, timedelta

import pytest
from django.utils import timezone
from playwright.sync_api import Page

from tests.browser.conftest import Visit
from tests.world import World, a_world

pytestmark = pytest.mark.browser

WAY_IN = ("/", "/help/", "/safety/", "/home/", "/history/")
TELLING = ("location", "sharing", "Whereabouts", "RoadAid", "SecureTrack", "Sign in")


@pytest.fixture
def world(site: str) -> World:
    return a_world(at=timezone.now())


def shown(page: Page) -> str:
    """All that can be read of a page."""
    return f"{page.title()} {page.inner_text('body')}"


def told(page: Page) -> list[str]:
    text = shown(page).lower()
    return [word for word in TELLING if word.lower() in text]


def walk_in(page: Page) -> None:
    for path in WAY_IN:
        page.goto(path)
    page.click(".nav summary")
    page.click('nav a[href^="/choices/"]')
    page.wait_for_url("**/choices/")
    assert "Whereabouts" in told(page)


@pytest.mark.parametrize(
    "script", [pytest.param(True, marks=pytest.mark.nightly), False], ids=["with a script", "without"]
)
def test_back_shows_nothing_of_what_was_there(visit: Visit, world: World, script: bool) -> None:
    page = visit(line=world.line, script=script).new_page()
    walk_in(page)
    page.click("form.leave button")
    page.wait_for_url("**/away/")
    assert told(page) == []
    assert shown(page) == "Blank page Blank page\nContinue"
    for _ in range(len(WAY_IN) + 1):
        page.go_back(wait_until="load")
        assert (page.url.endswith("/away/") or page.url == "about:blank", told(page)) == (True, [])
    page.go_forward(wait_until="load")
    assert told(page) == []


def test_with_a_script_the_page_itself_is_no_longer_in_the_history(visit: Visit, world: World) -> None:
    page = visit(line=world.line).new_page()
    walk_in(page)
    before = page.evaluate("history.length")
    page.click("form.leave button")
    page.wait_for_url("**/away/")
    assert page.evaluate("history.length") == before


@pytest.mark.parametrize(
    "path", [pytest.param("/", marks=pytest.mark.nightly), "/stop/", pytest.param("/help/", marks=pytest.mark.nightly)]
)
def test_somebody_who_is_not_signed_in_leaves_as_well(visit: Visit, site: str, path: str) -> None:
    context = visit(script=False)
    page = context.new_page()
    page.goto(path)
    page.click("form.leave button")
    page.wait_for_url("**/away/")
    page.go_back(wait_until="load")
    assert (page.url, told(page)) == (f"{site}/away/", [])
    assert [(cookie["name"], cookie["value"]) for cookie in context.cookies()] == [("sessionid", "left")]


def test_the_person_can_go_on_and_the_session_is_over(visit: Visit, site: str, world: World) -> None:
    page = visit(line=world.line, script=False).new_page()
    page.goto("/home/")
    page.click("form.leave button")
    page.wait_for_url("**/away/")
    page.goto("/home/")
    assert page.url == f"{site}/away/"
    page.click("button")
    page.wait_for_url(f"{site}/")
    assert "location" in told(page)
    page.goto("/home/")
    assert page.url == f"{site}/accounts/login/?next=/home/"


def test_whoever_must_wait_reads_until_when_by_their_own_clock(visit: Visit, site: str) -> None:
    page = visit(script=True).new_page()
    page.goto("/accounts/login/ended/")
    for _ in range(6):
        page.fill("main input[name=number]", "206 555 0199")
        page.fill("main input[name=password]", "guessed")
        page.click("main button.main")
    wait = page.locator("main [role=alert] time")
    until = datetime.fromisoformat(str(wait.get_attribute("datetime"))).astimezone()
    assert timedelta(0) < until - timezone.now() <= timedelta(minutes=1)
    assert re.sub(r"\s", " ", wait.inner_text()) == f"1 minute ({until:%-I:%M %p})"


def test_the_wait_beside_a_field_reads_as_one_sentence(visit: Visit, world: World) -> None:
    page = visit(line=world.line).new_page()
    page.goto("/accounts/password/change/")
    for _ in range(6):
        page.fill("main input[name=oldpassword]", "guessed")
        page.fill("main input[name=password1]", "a new one for me")
        page.fill("main input[name=password2]", "a new one for me")
        page.click("main button.main")
    said = page.inner_text("main .error")
    assert re.sub(r"[^\S\n]", " ", said).startswith("Too many tries. Try again in 1 minute (")
