"""Pauses, yeses and narrower stops; what is carried on by a newer message; what was told or owed before."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest
import time_machine
from django.utils import timezone

from accounts.models import Line
from consent.models import Choice
from tests.clocks import Clock
from tests.factories import FRAUD, a_campaign, an_approval
from tests.people import Browser, signed_in
from tests.words.exact import NOON, Pages, as_before
from tests.words.pages import opened, read
from tests.words.partners import INVALID, TAKEN, TAKEN_WITHOUT_A_WORD, Market
from tests.words.worlds import (
    DAY,
    MINUTE,
    a_line_dealing_with,
    allow,
    choice_path,
    newest_choice,
    pause_everything,
    stop_by_phone,
    stop_company,
    stop_everything,
)

pytestmark = pytest.mark.usefixtures("db", "clock")
SECOND, MICROSECOND = timedelta(seconds=1), timedelta(microseconds=1)


def look(pages: Pages, title: str, choice: Choice, now: datetime, *, is_open: bool = True) -> None:
    """The page of a choice at a moment. `is_open`: it asks again, by a script, as long as something may still come."""
    with time_machine.travel(now, tick=False):
        browser = signed_in(Line.objects.get(pk=choice.line_id))
        pages.look(title, browser, choice_path(choice))
        page = opened(browser, choice_path(choice))
        again = read(page).one("section", id="progress").attributes.get("hx-trigger")
        assert (title, again, "htmx-2" in page.text) == (title, *(("every 4s", True) if is_open else (None, False)))


def test_a_pause_tells_no_deletion_of_an_earlier_stop(market: Market, clock: Clock) -> None:
    line, (ash,) = a_line_dealing_with(market, "Ash Link")
    stop_everything(line)
    clock.move_to(clock.now + MINUTE)
    pause_everything(line)
    pause = newest_choice(line)
    ash.is_told()
    with as_before("a_pause_after_a_stop") as pages:
        look(pages, "unsigned", pause, pause.made_at + 5 * MINUTE)
        ash.signs(below=[ash.signed_below(market.a_company("Ash Maps"))])
        look(pages, "signed", pause, timezone.now(), is_open=False)


def test_a_pause_asks_for_no_deletion(market: Market, clock: Clock) -> None:
    names = ("Ash Link", "Beech Link", "Cherry Link", "Damson Link", "Elder Link", "Fig Link")
    line, (_ash, beech, cherry, damson, elder, fig) = a_line_dealing_with(market, *names)
    second = market.a_company("Second")
    market.reports(damson.release(line, market.a_company("Damson Maps"), second, at=timezone.now() - DAY))
    pause_everything(line)
    pause = newest_choice(line)
    cherry.answers(INVALID)
    for partner in (beech, cherry, damson, elder, fig):
        partner.is_told()
    with as_before("a_pause") as pages:
        look(pages, "told", pause, pause.made_at + 5 * MINUTE)
        beech.signs(below=[beech.signed_below(market.a_company("Beech Maps"))])
        elder.signs(below=[elder.signed_below(market.a_company("Elder Maps"))])
        damson.signs()
        clock.move_to(NOON + SECOND)
        market.reports(elder.release(line, market.a_company("Elder Maps"), at=timezone.now()))
        look(pages, "answered", pause, pause.made_at + DAY)
        assert pause.until is not None
        look(pages, "over", pause, pause.until)


def test_a_yes_is_said_to_be_received_no_more(market: Market, clock: Clock) -> None:
    line, (ash,) = a_line_dealing_with(market, "Ash Link")
    stop_everything(line)
    ash.is_told()
    clock.move_to(clock.now + MINUTE)
    allow(line, ash, days="30")
    yes = newest_choice(line)
    with as_before("a_yes") as pages:
        # What was confirmed before is confirmed: what is said later has its own quarter of an hour.
        look(pages, "not told", yes, yes.made_at + 15 * MINUTE - MICROSECOND)
        look(pages, "not confirmed", yes, yes.made_at + 15 * MINUTE)
        ash.answers(TAKEN_WITHOUT_A_WORD)
        ash.is_told(after=30 * SECOND)
        look(pages, "told", yes, yes.made_at + 5 * MINUTE)
        ash.answers(TAKEN)
        ash.is_told(after=3 * MINUTE)
        look(pages, "received", yes, yes.made_at + 20 * MINUTE, is_open=False)
        ash.signs()
        look(pages, "signed", yes, yes.made_at + 20 * MINUTE, is_open=False)


def test_one_company_s_stop_asks_for_what_it_had(market: Market) -> None:
    line, (ash,) = a_line_dealing_with(market, "Ash Link")
    other = a_campaign(ash.contract, market.a_company("Other").party, purpose=FRAUD)
    an_approval(line, other, at=timezone.now() - 90 * DAY)
    stop_company(line, "Ash Maps")
    stop = newest_choice(line)
    with as_before("a_stop_of_one_company") as pages:
        look(pages, "unsent", stop, stop.made_at + MINUTE)
        ash.is_told()
        look(pages, "received", stop, stop.made_at + MINUTE)
        ash.signs(below=[ash.signed_below(market.a_company("Ash Maps"))])
        look(pages, "signed", stop, stop.made_at + MINUTE, is_open=False)


def test_what_was_told_before_is_not_told_as_new(market: Market, clock: Clock) -> None:
    line, (ash,) = a_line_dealing_with(market, "Ash Link")
    stop_everything(line)
    first = newest_choice(line)
    ash.is_told()
    ash.signs(below=[ash.signed_below(market.a_company("Ash Maps"))])
    clock.move_to(clock.now + MINUTE)
    stop_by_phone(line, Browser())
    with as_before("a_stop_said_again") as pages:
        look(pages, "told already", newest_choice(line), first.made_at + DAY, is_open=False)


def test_what_is_asked_after_a_signature_is_not_called_signed(market: Market, clock: Clock) -> None:
    line, (ash,) = a_line_dealing_with(market, "Ash Link")
    pause_everything(line)
    pause = newest_choice(line)
    ash.is_told()
    ash.signs(below=[ash.signed_below(market.a_company("Ash Maps"))])
    clock.move_to(clock.now + MINUTE)
    stop_everything(line)
    stop = newest_choice(line)
    with as_before("a_stop_after_a_signed_pause") as pages:
        look(pages, "the pause", pause, stop.made_at + MINUTE, is_open=False)
        look(pages, "the stop", stop, stop.made_at + MINUTE)


def test_an_unsigned_stop_is_still_owed_in_a_pause(market: Market, clock: Clock) -> None:
    line, (ash,) = a_line_dealing_with(market, "Ash Link")
    other = a_campaign(ash.contract, market.a_company("Other").party, purpose=FRAUD)
    an_approval(line, other, at=timezone.now() - 90 * DAY)
    stop_company(line, "Ash Maps")
    stop = newest_choice(line)
    clock.move_to(clock.now + MINUTE)
    pause_everything(line)
    pause = newest_choice(line)
    ash.is_told()
    with as_before("a_pause_after_an_unsigned_stop") as pages:
        look(pages, "the pause", pause, pause.made_at + MINUTE)
        look(pages, "the stop", stop, pause.made_at + MINUTE)


def test_a_newer_message_is_shown_in_its_place(market: Market, clock: Clock) -> None:
    line, (ash,) = a_line_dealing_with(market, "Ash Link")
    stop_everything(line)
    stop = newest_choice(line)
    clock.move_to(clock.now + MINUTE)
    allow(line, ash, days="30")
    yes = newest_choice(line)
    clock.move_to(clock.now + MINUTE)
    other = a_campaign(ash.contract, market.a_company("Other").party, purpose=FRAUD)
    allow(line, replace(ash, campaign=other))
    newest = newest_choice(line)
    ash.is_told()
    with as_before("choices_with_a_newer_message") as pages:
        look(pages, "the stop", stop, newest.made_at + MINUTE)
        look(pages, "the yes", yes, newest.made_at + MINUTE, is_open=False)
        look(pages, "the yes when it is over", yes, newest.made_at + 31 * DAY, is_open=False)


def test_a_replaced_yes_shows_no_steps_of_the_stop(market: Market, clock: Clock) -> None:
    line, (ash,) = a_line_dealing_with(market, "Ash Link")
    stop_everything(line)
    clock.move_to(clock.now + MINUTE)
    allow(line, ash)
    yes = newest_choice(line)
    clock.move_to(clock.now + MINUTE)
    stop_everything(line)
    ash.is_told()
    with as_before("a_yes_that_a_stop_replaced") as pages:
        look(pages, "the yes", yes, yes.made_at + MINUTE, is_open=False)


def test_a_broken_word_given_again_is_the_newer_one(market: Market, clock: Clock) -> None:
    line, (ash,) = a_line_dealing_with(market, "Ash Link")
    service = market.a_company("Ash Maps")
    stop_everything(line)
    stop = newest_choice(line)
    ash.is_told()
    ash.signs(below=[ash.signed_below(service)])
    clock.move_to(NOON + SECOND)
    market.reports(ash.release(line, service, at=timezone.now()))
    ash.is_told(after=SECOND)
    with as_before("a_word_that_was_broken") as pages:
        look(pages, "broken", stop, stop.made_at + MINUTE)
        with time_machine.travel(stop.made_at + 2 * MINUTE, tick=False):
            ash.signs(below=[ash.signed_below(service)])
        look(pages, "given again", stop, stop.made_at + 3 * MINUTE, is_open=False)


def test_an_unreached_partner_has_no_new_quarter_hour(market: Market, clock: Clock) -> None:
    line, (ash,) = a_line_dealing_with(market, "Ash Link")
    stop_everything(line)
    limit = newest_choice(line).made_at + 15 * MINUTE
    clock.move_to(clock.now + MINUTE)
    allow(line, ash)
    yes = newest_choice(line)
    with as_before("a_yes_to_who_was_not_reached") as pages:
        look(pages, "within", yes, limit - MICROSECOND)
        look(pages, "after", yes, limit)


def test_how_often_it_was_tried_is_counted(market: Market) -> None:
    line, (ash,) = a_line_dealing_with(market, "Ash Link")
    stop_everything(line)
    stop = newest_choice(line)
    ash.dies()
    for n in range(1, 4):
        ash.is_told(after=2 * n * n * MINUTE)
    with as_before("a_stop_tried_three_times") as pages:
        look(pages, "tried", stop, stop.made_at + 20 * MINUTE)


def test_tries_of_an_older_message_are_not_those_of_the_newer(market: Market) -> None:
    line, (ash,) = a_line_dealing_with(market, "Ash Link")
    stop_company(line, "Ash Maps")
    stop = newest_choice(line)
    ash.dies()
    for n in range(1, 3):
        ash.is_told(after=2 * n * n * MINUTE)
    assert "We tried 2 times and keep trying." in signed_in(line).get(choice_path(stop)).text
    stop_everything(line)
    ash.is_told(after=20 * MINUTE)
    page = signed_in(line).get(choice_path(stop)).text
    assert "The status below is for the newer message." in page
    assert "We tried once and keep trying." in page


def test_who_is_found_below_later_has_not_signed(market: Market) -> None:
    line, (ash,) = a_line_dealing_with(market, "Ash Link")
    service, late, before = market.a_company("Ash Maps"), market.a_company("Late"), timezone.now()
    stop_everything(line)
    stop = newest_choice(line)
    ash.is_told()
    ash.signs(below=[ash.signed_below(service)])
    market.reports(ash.release(line, late, at=before - DAY))
    with as_before("a_stop_with_somebody_found_below") as pages:
        look(pages, "found", stop, stop.made_at + MINUTE)
