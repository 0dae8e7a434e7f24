"""The case that "I never agreed" opens, from the question to the answer; and what a browser's signal did."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.utils import timezone

from accounts.models import Line
from consent.models import Choice, PrivacySignal
from tests.factories import FRAUD, a_line
from tests.people import Browser, newest_text, number_of, signed_in
from tests.words.expected import LANGUAGES, Words
from tests.words.pages import assert_reads, main, press
from tests.words.partners import Market
from tests.words.worlds import DAY, MINUTE, a_line_dealing_with, allow, newest_choice, stop_company

pytestmark = pytest.mark.usefixtures("db")
GPC = {"Sec-GPC": "1"}
AGREED = datetime(2025, 5, 3, 17, 20, tzinfo=UTC)
HOSTILE = "I agree \u202e<b>to all</b>"


def dispute(line: Line, scope: str, ref: str) -> Browser:
    browser = signed_in(line)
    browser.post("/choices/dispute/", {"line": str(line.public_id), "scope": scope, "ref": ref})
    return browser


def test_a_case_says_what_each_was_asked_and_what_it_answered(market: Market) -> None:
    market.a_partner("Beech Link", service="Beech Maps", purpose=FRAUD)
    names = ("Ash Link", "Beech Link", "Cherry Link")
    line, (ash, beech, cherry) = a_line_dealing_with(market, *names)
    dispute(line, "all", "")
    made = newest_choice(line)
    for partner in (ash, beech, cherry):
        partner.is_told(after=MINUTE)
    with time_machine.travel(made.made_at + DAY, tick=False):
        said = {"method": "paper", "captured_at": AGREED.isoformat(), "wording": HOSTILE, "evidence_ref": "c/4711"}
        ash.proves("evidence", **said)
        ash_at = timezone.now()

    def look(after: timedelta, beech_said: Callable[[Words], str], cherry_said: str) -> None:
        with time_machine.travel(made.made_at + after, tick=False):
            browser = signed_in(line)
            for language in LANGUAGES:
                say = Words(language)
                asked = say("case_asked", exact=say.exact(made.made_at))
                due = say("case_due", moment=say.moment(made.made_at + 7 * DAY))
                # In the order of time: it answered before it had to.
                ash_said = [
                    say("case_proof", exact=say.exact(ash_at)), due, say("case_agreed_on"), say.moment(AGREED),
                    say("case_how"), say("case_by_paper"), say("case_words"), "“I agree <b>to all</b>”",
                    say("case_reference"), "c/4711", say("case_its_word"),
                ]  # fmt: skip
                page = main(browser, f"/help/{made.id}/", language)
                cards = {card.one("h2").words: card for card in page.all("article")}
                read = [line for name in names for line in cards[name].lines]
                expected = [
                    "Ash Link", say("roadside"), asked, *ash_said,
                    "Beech Link", say("fraud"), asked, due, beech_said(say),
                    "Cherry Link", say("roadside"), asked, due, say(cherry_said),
                ]  # fmt: skip
                assert read == expected, (language, after)
                whole = page.lines
                crumb = say("case_crumb", moment=say.moment(made.made_at))
                assert whole[:3] == [crumb, say("you_disputed_all"), say("case_lead")]
                assert whole[3 + len(expected) :] == [say("case_write"), say("zone", zone=say("pacific"))]

    look(2 * DAY, lambda say: say("case_waits"), "case_waits")
    with time_machine.travel(made.made_at + 8 * DAY, tick=False):
        beech.proves("none")
        at = timezone.now()
    look(9 * DAY, lambda say: f"{say('case_no_proof', exact=say.exact(at))} {say('case_was_late')}", "case_silent")


def test_a_case_with_nobody_to_ask_says_so(market: Market) -> None:
    line, service = a_line(), market.a_company("Ash Maps")
    browser = dispute(line, "party", service.party.uri)
    made = newest_choice(line)
    for language in LANGUAGES:
        say = Words(language)
        expected = [
            say("case_crumb", moment=say.moment(made.made_at)), say("you_disputed", name="Ash Maps"), say("case_lead"),
            say("case_nobody"), say("case_write"), say("zone", zone=say("pacific")),
        ]  # fmt: skip
        assert_reads(main(browser, f"/help/{made.id}/", language), expected, language)


def test_the_signal_s_page_says_what_it_stopped_and_asks_about_an_own_yes(market: Market) -> None:
    market.a_partner("Beech Link", service="Beech Maps", purpose=FRAUD)
    line, (ash, _beech) = a_line_dealing_with(market, "Ash Link", "Beech Link")
    quiet = signed_in(line)
    for language in LANGUAGES:
        say = Words(language)
        top = [say("signal_crumb"), say("signal_title"), say("signal_lead")]
        zone = say("zone", zone=say("pacific"))
        assert_reads(main(quiet, "/choices/signal/", language), [*top, say("signal_none"), zone], language)
    stop_company(line, "Ash Maps")
    allow(line, ash)
    _comes_in_with_signal(line)
    stopped = newest_choice(line)
    assert_signal_page(line, stopped, asks=True)
    press(quiet, main(quiet, "/choices/signal/"), "Keep what I allowed")
    assert_signal_page(line, stopped, asks=False)


def assert_signal_page(line: Line, stopped: Choice, *, asks: bool) -> None:
    """When it came, what was answered when, and what it stopped."""
    browser, signal = signed_in(line), PrivacySignal.objects.get(pk=line.pk)
    for language in LANGUAGES:
        say = Words(language)
        answer = f"{say('signal_keep')}, {say.moment(signal.answered_at)}" if signal.answered_at else ""
        question = [
            say("signal_question"), say("signal_asks"), say("signal_use", name="Ash Maps", why=say("roadside")),
            say("signal_keep"), say("signal_stop"), say("signal_once"),
        ]  # fmt: skip
        expected = [
            say("signal_crumb"), say("signal_title"), say("signal_lead"),
            say("signal_first"), say.moment(signal.first_at),
            say("signal_last"), say.moment(signal.newest_at),
            *(question if asks else [say("signal_you_said"), answer]),
            say("signal_stopped"),
            say("signal_one", moment=say.moment(stopped.made_at), name="Beech Maps", why=say("fraud")),
            say("zone", zone=say("pacific")),
        ]  # fmt: skip
        assert_reads(main(browser, "/choices/signal/", language), expected, (language, asks))


def _comes_in_with_signal(line: Line) -> None:
    """Prove the number in a browser that sends Global Privacy Control."""
    browser, number = Browser(), number_of(line)
    browser.client.post("/accounts/login/", {"number": number}, headers=GPC)
    browser.client.post("/accounts/login/code/", {"code": newest_text(number).code}, headers=GPC)
