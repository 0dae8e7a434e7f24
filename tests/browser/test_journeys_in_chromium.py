"""Whole journeys with the keyboard alone, without a script, on a page at 400 % zoom: 320 px wide."""

import pytest
from django.utils import timezone
from playwright.sync_api import Page

from consent.models import Choice
from support.models import Ticket
from tests.browser.conftest import Visit
from tests.browser.states import a_line_asked_by_the_signal, hold
from tests.factories import a_line
from tests.people import PASSWORD, newest_text, number_of, sign_in
from tests.world import a_world

pytestmark = pytest.mark.browser

ZOOMED = 320
# More presses of Tab than this, and nobody gets there.
MOST = 60
SEEN = """() => {
  const here = document.activeElement, box = here.getBoundingClientRect();
  return getComputedStyle(here).outlineStyle !== "none" && box.width > 0 && box.left >= 0 && box.right <= innerWidth;
}"""


def tab_to(page: Page, selector: str) -> None:
    """Go to one element by Tab alone; it must be on the screen and show that it has the focus."""
    for _ in range(MOST):
        page.keyboard.press("Tab")
        if page.evaluate("wanted => document.activeElement.matches(wanted)", selector):
            assert page.evaluate(SEEN), f"{selector} is not seen to have the focus"
            return
    pytest.fail(f"{selector} is not reached by {MOST} presses of Tab on {page.url}")


def typed(page: Page, selector: str, text: str) -> None:
    """Type into a field and send its form with Enter."""
    tab_to(page, selector)
    page.keyboard.type(text)
    with page.expect_navigation():
        page.keyboard.press("Enter")
    assert page.evaluate("document.documentElement.scrollWidth") <= ZOOMED, page.url


def pressed(page: Page, selector: str) -> None:
    """Go to a button or link and press it."""
    tab_to(page, selector)
    with page.expect_navigation():
        page.keyboard.press("Enter")
    assert page.evaluate("document.documentElement.scrollWidth") <= ZOOMED, page.url


def test_stop_without_an_account(visit: Visit, site: str) -> None:
    line = a_line()
    page = visit(script=False, width=ZOOMED).new_page()
    page.goto("/")
    pressed(page, "main a[href='/stop/']")
    typed(page, "[name=number]", number_of(line))
    typed(page, "[name=code]", newest_text(number_of(line)).code)
    pressed(page, "[name=stop-all]")
    assert page.url.startswith(f"{site}/stop/progress/")
    assert Choice.objects.get(line_id=line.pk).scope == "all"


def test_sign_in_stop_one_and_allow_it_again(visit: Visit, site: str) -> None:
    world = a_world(at=timezone.now())
    sign_in(world.line)
    page = visit(script=False, width=ZOOMED).new_page()
    page.goto("/")
    pressed(page, "main a[href='/home/']")
    typed(page, "[name=number]", number_of(world.line))
    typed(page, "[name=code]", newest_text(number_of(world.line)).code)
    typed(page, "[name=password]", PASSWORD)
    assert page.url == f"{site}/home/"
    company = f"#company-{world.roadaid.lbs_provider_id}"
    page.goto(f"/companies/{world.roadaid.lbs_provider_id}/")
    pressed(page, "main [name=stop]")
    assert page.url.startswith(f"{site}/choices/")
    pressed(page, "main a[href='/choices/']")
    page.goto(f"/home/{company}")
    pressed(page, f"{company} form[action='/choices/allow/'] button")
    pressed(page, "main [name=allow]")
    said = Choice.objects.filter(line_id=world.line.pk, origin="person").order_by("made_at")
    assert [one.kind for one in said] == ["stop", "allow"]


def test_ask_about_a_look_up_and_take_everything_along(visit: Visit) -> None:
    world = a_world(at=timezone.now())
    page = visit(line=world.line, script=False, width=ZOOMED).new_page()
    page.goto("/home/")
    pressed(page, ".nav a[href='/history/']")
    tab_to(page, ".log summary")
    page.keyboard.press("Enter")
    pressed(page, ".log details[open] a.ask-about")
    tab_to(page, "[name=message]")
    page.keyboard.type("I was at home.")
    pressed(page, "main button.main")
    assert page.inner_text(".receipt-number") == Ticket.objects.get(key__startswith="asked:").code
    pressed(page, ".nav a[href='/settings/']")
    pressed(page, "main a[href='/settings/archive/']")
    pressed(page, "main form[action='/settings/archive/ask/'] button")
    assert page.get_attribute("#archive", "data-archive") == "waiting"


def test_stop_this_too_from_a_privacy_signal_s_question_that_lay_open_when_a_new_sim_held_the_line(
    visit: Visit, site: str
) -> None:
    line = a_line_asked_by_the_signal()
    page = visit(line=line, script=False, width=ZOOMED).new_page()
    page.goto("/choices/signal/")
    hold(line)
    pressed(page, "main [formaction]")
    assert page.inner_text("main .messages") == "Done. Every company is blocked from now on."
    assert (page.locator("[data-held-until]").count(), page.locator("main [formaction]").count()) == (1, 0)
    made = Choice.objects.get(line_id=line.pk, kind="stop")
    assert (made.scope, made.channel, page.url) == ("all", "gpc", f"{site}/choices/{made.id}/")
