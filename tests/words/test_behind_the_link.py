"""The page behind the link of a stop: counts that say no more than each partner has said, and no company's name."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
import time_machine
from django.utils import timezone
from pytest_django import DjangoDbBlocker

from tests.clocks import Clock
from tests.factories import a_line, an_approval
from tests.people import Browser, signed_in
from tests.words.exact import as_before
from tests.words.pages import main, press
from tests.words.partners import Market
from tests.words.worlds import DAY, MINUTE, Cast, a_cast, in_a_market, newest_choice, stop_by_phone, stop_everything

pytestmark = pytest.mark.usefixtures("db", "clock")


@pytest.fixture(scope="module")
def cast(standing: Clock, django_db_blocker: DjangoDbBlocker) -> Iterator[Cast]:
    """A stop by phone, told to everybody two minutes later."""

    def by_phone(cast: Cast) -> None:
        cast.link = stop_by_phone(cast.line, cast.browser)

    def build(market: Market) -> Cast:
        cast = a_cast(market, standing, by_phone)
        cast.told()
        return cast

    yield from in_a_market(django_db_blocker, build)


def test_the_counts_are_those_of_what_each_partner_did(cast: Cast) -> None:
    with as_before("behind_the_link") as pages:
        with cast.later(5 * MINUTE):
            pages.look("told", Browser(), cast.link)
        # The browser that stopped it reads the number too.
        assert f"(564) 555-{cast.number[-4:]}" in main(cast.browser, cast.link).words
        pages.look("told, in the browser that stopped it", cast.browser, cast.link)
        cast.answered()
        with cast.later(3 * DAY):
            pages.look("answered", Browser(), cast.link)
    for after, status in ((30 * DAY - MINUTE, 200), (30 * DAY + MINUTE, 404)):
        with cast.later(after):
            assert Browser().get(cast.link).status_code == status


def test_of_three_none_one_two_and_all_have_signed(market: Market) -> None:
    alone, line, names = a_line(), a_line(), ("Ash Link", "Beech Link", "Cherry Link")
    partners = [market.a_partner(name) for name in names]
    for partner in partners:
        an_approval(line, partner.campaign, at=timezone.now() - 90 * DAY)
    with as_before("behind_the_link_of_three") as pages:
        pages.look("nobody to tell", Browser(), stop_by_phone(alone, Browser()))
        link = stop_by_phone(line, Browser())
        with time_machine.travel(newest_choice(line).made_at + DAY, tick=False):
            pages.look("none received", Browser(), link)
            for partner in partners:
                partner.is_told()
                pages.look(f"{partner.name} received", Browser(), link)
            for partner in partners:
                partner.signs()
                pages.look(f"{partner.name} signed", Browser(), link)


def test_a_newer_message_counts_for_what_it_carries_on(market: Market) -> None:
    line, partner = a_line(), market.a_partner("Ash Link")
    an_approval(line, partner.campaign, at=timezone.now() - 90 * DAY)
    link = stop_by_phone(line, Browser())
    choice, browser = newest_choice(line), signed_in(line)
    press(browser, main(browser, f"/choices/allow/?campaign={partner.campaign.ref}"), "Allow RoadAid")
    stop_everything(line)
    partner.is_told(after=timedelta(seconds=5))
    assert len(partner.orders) == 1
    with as_before("behind_the_link_carried_on") as pages, time_machine.travel(choice.made_at + DAY, tick=False):
        pages.look("received", Browser(), link)
        partner.signs()
        pages.look("signed", Browser(), link)
