"""The case that "I never agreed" opens, from the question to the answer; and what a browser's signal did."""

from datetime import UTC, datetime

import pytest
import time_machine

from accounts.models import Line
from tests.clocks import Clock
from tests.factories import FRAUD, a_line
from tests.people import Browser, newest_text, number_of, sign_in, signed_in
from tests.words.exact import as_before
from tests.words.expected import LANGUAGES
from tests.words.pages import main, press
from tests.words.partners import Market
from tests.words.transcripts import packed
from tests.words.worlds import DAY, MINUTE, a_line_dealing_with, allow, newest_choice, stop_company, stop_everything

pytestmark = pytest.mark.usefixtures("db", "clock")
GPC = {"Sec-GPC": "1"}
AGREED = datetime(2025, 5, 3, 17, 20, tzinfo=UTC)
HOSTILE = "I agree \u202e<b>to all</b>"


def dispute(line: Line, scope: str, ref: str) -> Browser:
    browser = signed_in(line)
    browser.post("/choices/dispute/", {"line": str(line.public_id), "scope": scope, "ref": ref})
    return browser


def test_a_case_says_what_each_was_asked_and_answered(market: Market) -> None:
    market.a_partner("Beech Link", service="Beech Maps", purpose=FRAUD)
    line, (ash, beech, cherry) = a_line_dealing_with(market, "Ash Link", "Beech Link", "Cherry Link")
    dispute(line, "all", "")
    made = newest_choice(line)
    for partner in (ash, beech, cherry):
        partner.is_told(after=MINUTE)
    with time_machine.travel(made.made_at + DAY, tick=False):
        said = {"method": "paper", "captured_at": AGREED.isoformat(), "wording": HOSTILE, "evidence_ref": "c/4711"}
        ash.proves("evidence", **said)
    with as_before("a_case") as pages:

        def look(title: str) -> None:
            browser, path = signed_in(line), f"/help/{made.id}/"
            pages.look(title, browser, path, but=("article",))
            # All were asked in the same moment: which of them comes first is chance.
            for language in LANGUAGES:
                asked = sorted("\n".join(packed(one)) for one in main(browser, path, language).all("article"))
                pages.say(f"{title}: whom we asked ({language})", "\n".join(asked))

        # At the very moment by which all were to answer nobody is late yet.
        with time_machine.travel(made.made_at + 7 * DAY, tick=False):
            look("two wait")
        with time_machine.travel(made.made_at + 8 * DAY, tick=False):
            beech.proves("none")
        with time_machine.travel(made.made_at + 9 * DAY, tick=False):
            look("one was late, one is silent")


def test_a_case_with_nobody_to_ask_says_so(market: Market) -> None:
    line, service = a_line(), market.a_company("Ash Maps")
    browser = dispute(line, "party", service.party.uri)
    with as_before("a_case_of_nobody") as pages:
        made = newest_choice(line)
        path = f"/help/{made.id}/"
        pages.look("nobody to ask", browser, path)
        with time_machine.travel(made.made_at + DAY, tick=False):
            browser = signed_in(line)
            press(browser, main(browser, path), "Withdraw “I never agreed”")
            pages.look("withdrawn a day later", browser, path)


def test_the_signal_s_page_says_what_it_stopped(market: Market, clock: Clock) -> None:
    market.a_partner("Beech Link", service="Beech Maps", purpose=FRAUD)
    line, (ash, _beech) = a_line_dealing_with(market, "Ash Link", "Beech Link")
    quiet = signed_in(line)
    with as_before("the_signal") as pages:
        pages.look("none came", quiet, "/choices/signal/")
        stop_company(line, "Ash Maps")
        allow(line, ash)
        _comes_in_with_signal(line)
        pages.look("it asks", signed_in(line), "/choices/signal/")
        press(quiet, main(quiet, "/choices/signal/"), "Keep what I allowed")
        pages.look("answered", signed_in(line), "/choices/signal/")
        clock.move_to(clock.now + DAY)
        _comes_in_with_signal(line)
        pages.look("it came again", signed_in(line), "/choices/signal/")


def test_no_choice_is_asked_for_once_nothing_is_allowed(market: Market) -> None:
    line, (ash,) = a_line_dealing_with(market, "Ash Link")
    stop_company(line, "Ash Maps")
    allow(line, ash)
    browser, question = Browser(), "Your browser asks us to stop, but you allowed some uses."
    browser.client.defaults["HTTP_SEC_GPC"] = "1"
    sign_in(line, browser)
    assert question in browser.get("/home/").text
    stop_everything(line)
    assert question not in browser.get("/home/").text


def _comes_in_with_signal(line: Line) -> None:
    """Prove the number in a browser that sends Global Privacy Control."""
    browser, number = Browser(), number_of(line)
    browser.client.post("/accounts/login/", {"number": number}, headers=GPC)
    browser.client.post("/accounts/login/code/", {"code": newest_text(number).code}, headers=GPC)
