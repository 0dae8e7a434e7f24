"""The page behind the link of a stop: counts that say no more than each partner has said, and no company's name."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
import time_machine
from django.utils import timezone
from pytest_django import DjangoDbBlocker

from consent.models import Choice, ChoiceReceipt
from tests.factories import a_line, an_approval
from tests.people import Browser, signed_in
from tests.words.expected import LANGUAGES, Words
from tests.words.pages import Part, assert_reads, main, press
from tests.words.partners import Market
from tests.words.worlds import (
    DAY,
    MINUTE,
    Cast,
    a_cast,
    in_a_market,
    newest_choice,
    stop_by_phone,
    stop_everything,
)

pytestmark = pytest.mark.usefixtures("db")


@pytest.fixture(scope="module")
def cast(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[Cast]:
    """A stop by phone, told to everybody two minutes later."""

    def by_phone(cast: Cast) -> None:
        cast.link = stop_by_phone(cast.line, cast.browser)

    def build(market: Market) -> Cast:
        cast = a_cast(market, by_phone)
        cast.told()
        return cast

    yield from in_a_market(django_db_blocker, build)


def assert_says(
    page: Part, language: str, choice: Choice, *, number: str = "", below: tuple[int, int] = (0, 0), **counts: int
) -> None:
    """The whole page: `counts` by the names of their labels, in their order; none where nobody was told.

    `below`: how many companies below them have signed, and how many have not.
    """
    say = Words(language)
    receipt = ChoiceReceipt.objects.get(choice_id=choice.id)
    if counts:
        far = [words for name, n in counts.items() for words in (say(name), str(n))]
        signed, missing = say.counted("below_signed", below[0]), say.counted("below_missing", below[1])
        far += [f"{signed} {missing}"] if any(below) else []
        far.append(say("what_received_means"))
        far += [] if counts["count_signed"] == counts["concerns"] else [say("load_again")]
    else:
        far = [say("nobody_to_tell")]
    expected = [
        say("you_stopped_all_for", number=number) if number else say("you_stopped_all"),
        say("began_to_say_no", exact=say.exact(choice.made_at), zone=say("pacific")),
        say("how_far"),
        *far,
        say("your_receipt"),
        say("receipt_number_is", number=receipt.number),
        say("view_it"),
        receipt.token,
        f"{say('both_hold')} {say('by_mail_sign_in')}",
        "PDF JSON",
        say("keep_the_address"),
        say("by_name_sign_in"),
    ]
    assert_reads(page, expected, (language, counts))
    assert page.all("section", data_told=str(counts.get("concerns", 0))), counts


def test_the_counts_are_those_of_what_each_partner_did(cast: Cast) -> None:
    with cast.later(5 * MINUTE):
        told = {language: main(Browser(), cast.link, language) for language in LANGUAGES}
    cast.answered()
    with cast.later(3 * DAY):
        answered = {language: main(Browser(), cast.link, language) for language in LANGUAGES}
    for language in LANGUAGES:
        assert_says(
            told[language], language, cast.choice,
            concerns=15, count_waiting=5, count_received=9, count_signed=0, count_looked_into=1,
        )  # fmt: skip
        assert_says(
            answered[language], language, cast.choice,
            concerns=15, count_waiting=4, count_received=2, count_signed=5, count_in_part=1, count_looked_into=3,
            below=(8, 2),
        )  # fmt: skip


def test_the_browser_that_stopped_it_reads_the_number_too(cast: Cast) -> None:
    number = "(564) 555-" + cast.number[-4:]
    for language in LANGUAGES:
        assert_says(
            main(cast.browser, cast.link, language), language, cast.choice, number=number,
            concerns=15, count_waiting=5, count_received=9, count_signed=0, count_looked_into=1,
        )  # fmt: skip


def test_where_there_was_nobody_to_tell_it_says_so(market: Market) -> None:
    line = a_line()
    link = stop_by_phone(line, Browser())
    for language in LANGUAGES:
        assert_says(main(Browser(), link, language), language, newest_choice(line))


def test_of_three_none_one_two_and_all_have_signed(market: Market) -> None:
    line, names = a_line(), ("Ash Link", "Beech Link", "Cherry Link")
    partners = [market.a_partner(name) for name in names]
    for partner in partners:
        an_approval(line, partner.campaign, at=timezone.now() - 90 * DAY)
    link = stop_by_phone(line, Browser())
    choice = newest_choice(line)
    with time_machine.travel(choice.made_at + DAY, tick=False):
        for received in range(4):
            if received:
                partners[received - 1].is_told()
            assert_says(
                main(Browser(), link), "en", choice,
                concerns=3, count_waiting=3 - received, count_received=received, count_signed=0,
            )  # fmt: skip
        for signed, partner in enumerate(partners, start=1):
            partner.signs()
            assert_says(
                main(Browser(), link), "en", choice,
                concerns=3, count_waiting=0, count_received=3 - signed, count_signed=signed,
            )  # fmt: skip


def test_a_newer_message_is_counted_for_the_one_that_it_carries_on(market: Market) -> None:
    line, partner = a_line(), market.a_partner("Ash Link")
    an_approval(line, partner.campaign, at=timezone.now() - 90 * DAY)
    link = stop_by_phone(line, Browser())
    choice, browser = newest_choice(line), signed_in(line)
    press(browser, main(browser, f"/choices/allow/?campaign={partner.campaign.ref}"), "Yes, allow RoadAid")
    stop_everything(line)
    partner.is_told(after=timedelta(seconds=5))
    assert len(partner.orders) == 1
    with time_machine.travel(choice.made_at + DAY, tick=False):
        page = main(Browser(), link)
        assert_says(page, "en", choice, concerns=1, count_waiting=0, count_received=1, count_signed=0)
        partner.signs()
        page = main(Browser(), link)
        assert_says(page, "en", choice, concerns=1, count_waiting=0, count_received=0, count_signed=1)


def test_after_thirty_days_the_link_opens_no_more(cast: Cast) -> None:
    for after, status in ((30 * DAY - MINUTE, 200), (30 * DAY + MINUTE, 404)):
        with cast.later(after):
            assert Browser().get(cast.link).status_code == status
