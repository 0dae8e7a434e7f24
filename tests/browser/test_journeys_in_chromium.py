"""Whole journeys with the keyboard alone, without a script, on a page at 400 % zoom: 320 px wide.

What a screen reader says on the way is in `tests/words/transcripts/heard/`, written anew as all transcripts are.
"""

import re
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

import pytest
from django.utils import timezone
from playwright.sync_api import Page

from accounts.primitives.zones import zone_of
from consent.domain.consent_requests import token_of
from consent.models import Choice, ConsentRequest
from support.models import Ticket
from tests.browser.conftest import Visit
from tests.browser.looking import heard
from tests.browser.states import a_line_asked_by_the_signal, hold
from tests.consent.claiming import a_partner, text_now
from tests.factories import a_line
from tests.people import PASSWORD, newest_text, number_of, sign_in
from tests.words.transcripts import assert_as_before, masked
from tests.world import a_world

pytestmark = pytest.mark.browser

ZOOMED = 320
# More presses of Tab than this, and nobody gets there.
MOST = 60
SEEN = """() => {
  const here = document.activeElement, box = here.getBoundingClientRect();
  return getComputedStyle(here).outlineStyle !== "none" && box.width > 0 && box.left >= 0 && box.right <= innerWidth;
}"""


def _noon() -> datetime:
    """Noon where the line is, of the day whose look-ups, at nine, were the last to happen.

    None made together falls on two days, and at no hour has one of nine o'clock just left the thirty days: in UTC,
    where each day has 24 hours.
    """
    now = timezone.now().astimezone(zone_of("CA"))
    noon = now.replace(hour=12, minute=0, second=0, microsecond=0)
    return (noon if now.hour >= 9 else noon - timedelta(days=1)).astimezone(UTC)


@dataclass
class Journey:
    """Somebody on their way with the keyboard; what a screen reader says of each page is told at the end."""

    page: Page
    told: list[tuple[str, list[str]]] = field(default_factory=list)

    def go(self, path: str) -> None:
        """Open a page by its address."""
        self.page.goto(path)
        self.listen()

    def listen(self) -> None:
        """Listen to the page as it stands."""
        path = masked(urlsplit(self.page.url).path)
        self.told.append((f"{len(self.told) + 1}. {re.sub(r'[0-9]+', '‹n›', path)}", heard(self.page)))

    def cut(self, after: str) -> None:
        """Tell of the page no more than this, and no month: where one ends within it differs from day to day."""
        title, lines = self.told.pop()
        kept = lines[: lines.index(after) + 1]
        self.told.append((title, [line for line in kept if not line.startswith("heading level 2 “‹n›")]))

    def tab_to(self, selector: str) -> None:
        """Go to one element by Tab alone; it must be on the screen and show that it has the focus."""
        for _ in range(MOST):
            self.page.keyboard.press("Tab")
            if self.page.evaluate("wanted => document.activeElement.matches(wanted)", selector):
                assert self.page.evaluate(SEEN), f"{selector} is not seen to have the focus"
                return
        pytest.fail(f"{selector} is not reached by {MOST} presses of Tab on {self.page.url}")

    def typed(self, selector: str, text: str) -> None:
        """Type into a field and send its form with Enter."""
        self.tab_to(selector)
        self.page.keyboard.type(text)
        self._enter()

    def pressed(self, selector: str) -> None:
        """Go to a button or link and press it; open the menu first where it is in there."""
        if selector.startswith(".nav ") and self.page.locator(".nav details:not([open])").count():
            self.tab_to(".nav summary")
            self.page.keyboard.press("Enter")
        self.tab_to(selector)
        self._enter()

    def told_as(self, name: str) -> None:
        """What was heard is what the transcript says."""
        assert_as_before(f"heard/{name}", self.told)

    def _enter(self) -> None:
        with self.page.expect_navigation():
            self.page.keyboard.press("Enter")
        assert self.page.evaluate("document.documentElement.scrollWidth") <= ZOOMED, self.page.url
        self.listen()


def test_stop_without_an_account(visit: Visit, site: str) -> None:
    line = a_line()
    page = visit(script=False, width=ZOOMED).new_page()
    way = Journey(page)
    way.go("/")
    way.pressed("main a[href='/stop/']")
    way.typed("[name=number]", number_of(line))
    way.typed("[name=code]", newest_text(number_of(line)).code)
    way.pressed("[name=stop-all]")
    assert page.url.startswith(f"{site}/stop/progress/")
    assert Choice.objects.get(line_id=line.pk).scope == "all"
    way.told_as("stop_without_an_account")


def test_sign_in_stop_one_and_allow_it_again(visit: Visit, site: str) -> None:
    world = a_world(at=_noon())
    sign_in(world.line)
    page = visit(script=False, width=ZOOMED).new_page()
    way = Journey(page)
    way.go("/")
    way.pressed("main a[href='/home/']")
    way.typed("[name=number]", number_of(world.line))
    way.typed("[name=code]", newest_text(number_of(world.line)).code)
    way.typed("[name=password]", PASSWORD)
    assert page.url == f"{site}/home/"
    company = f"#company-{world.roadaid.lbs_provider_id}"
    way.go(f"/companies/{world.roadaid.lbs_provider_id}/")
    way.pressed("main [name=stop]")
    assert page.url.startswith(f"{site}/choices/")
    way.pressed("main a[href='/choices/']")
    way.go(f"/home/{company}")
    way.pressed(f"{company} form[action='/choices/allow/'] button")
    way.pressed("main [name=allow]")
    said = Choice.objects.filter(line_id=world.line.pk, origin="person").order_by("made_at")
    assert [one.kind for one in said] == ["stop", "allow"]
    way.told_as("stop_one_and_allow_it_again")


def test_ask_about_a_look_up_and_take_everything_along(visit: Visit) -> None:
    world = a_world(at=_noon())
    page = visit(line=world.line, script=False, width=ZOOMED).new_page()
    way = Journey(page)
    way.go("/home/")
    way.pressed(".nav a[href='/history/']")
    way.cut("DisclosureTriangle “Path”")
    way.tab_to(".log summary")
    page.keyboard.press("Enter")
    way.pressed(".log details[open] a.ask-about")
    way.tab_to("[name=message]")
    page.keyboard.type("I was at home.")
    way.pressed("main button.main")
    assert page.inner_text(".receipt-number") == Ticket.objects.get(key__startswith="asked:").code
    way.pressed(".nav a[href='/settings/']")
    way.pressed("main a[href='/settings/archive/']")
    way.pressed("main form[action='/settings/archive/ask/'] button")
    assert page.get_attribute("#archive", "data-archive") == "waiting"
    way.told_as("ask_and_take_along")


def test_stop_this_too_from_a_privacy_signal_s_question_that_lay_open_when_a_new_sim_held_the_line(
    visit: Visit, site: str
) -> None:
    line = a_line_asked_by_the_signal()
    page = visit(line=line, script=False, width=ZOOMED).new_page()
    way = Journey(page)
    way.go("/choices/signal/")
    hold(line)
    way.pressed("main [formaction]")
    assert page.inner_text("main .messages") == "Done. Every company is blocked from now on."
    assert (page.locator("[data-held-until]").count(), page.locator("main [formaction]").count()) == (1, 0)
    made = Choice.objects.get(line_id=line.pk, kind="stop")
    assert (made.scope, made.channel, page.url) == ("all", "gpc", f"{site}/choices/{made.id}/")
    way.told_as("answer_a_signal")


def test_answer_a_companys_question(visit: Visit) -> None:
    partner, line = a_partner(), a_line()
    partner.one(partner.claim(msisdn=number_of(line)))
    assert text_now() == 1
    page = visit(script=False, width=ZOOMED).new_page()
    way = Journey(page)
    way.go(f"/ask/{token_of(ask_id=ConsentRequest.objects.get(line_id=line.pk).id)}/")
    way.pressed("main form[action$='/text/'] button")
    way.typed("[name=code]", newest_text(number_of(line)).code)
    way.pressed("main form[action$='/yes/'] button")
    way.pressed("main form[action$='/yes/'] button")
    assert Choice.objects.get(line_id=line.pk).kind == "allow"
    way.told_as("answer_a_question")


def test_pause_everything_and_read_its_receipt(visit: Visit) -> None:
    world = a_world(at=_noon())
    page = visit(line=world.line, script=False, width=ZOOMED).new_page()
    way = Journey(page)
    way.go("/home/")
    way.cut("DisclosureTriangle “Pause until…”")
    way.tab_to(".act summary")
    page.keyboard.press("Enter")
    way.pressed(".act form[action='/choices/pause/'] button")
    made = Choice.objects.get(line_id=world.line.pk, kind="pause")
    assert urlsplit(page.url).path == f"/choices/{made.id}/"
    way.pressed("main a[href$='/receipt/']")
    way.told_as("pause_and_read_the_receipt")
