"""Promise 6. The page never says more than is known: that a partner has our order is not that it signed, on any page.

What is read in each state, page by page, whole and in two languages, stands in `tests/words/`.
"""

import pytest
import time_machine

from accounts.models import Line
from consent.models import Choice
from tests.people import Browser, signed_in
from tests.words.expected import LANGUAGES, Words
from tests.words.pages import main
from tests.words.partners import TAKEN, TAKEN_WITHOUT_A_WORD, Company, Market
from tests.words.worlds import MINUTE, a_line_dealing_with, choice_path, newest_choice, stop_by_phone

pytestmark = pytest.mark.usefixtures("db")


def where_it_signed(line: Line, service: Company, link: str, language: str) -> dict[str, bool]:
    """Whether each page says of Ash Link that it signed that your data is deleted."""
    say, browser, choice = Words(language), signed_in(line), newest_choice(line)
    signed = say("deletion_signed", party="Ash Link")
    claims = {
        choice_path(choice): signed, f"{choice_path(choice)}receipt/": say("signed_as_done"),
        "/choices/": say.counted("have_signed", 1, k=1), "/home/": signed, f"/companies/{service.party.pk}/": signed,
    }  # fmt: skip
    pages = {path: claim in main(browser, path, language).words for path, claim in claims.items()}
    counted = f"{say('count_signed')} 1"
    return {**pages, link: counted in main(Browser(), link, language).words}


def test_pages_say_signed_from_the_receipt_on(market: Market) -> None:
    line, (ash,) = a_line_dealing_with(market, "Ash Link")
    service, link = market.a_company("Ash Maps"), stop_by_phone(line, Browser())
    choice: Choice = newest_choice(line)

    def read(*, signed: bool) -> None:
        with time_machine.travel(choice.made_at + 20 * MINUTE, tick=False):
            for language in LANGUAGES:
                assert set(where_it_signed(line, service, link, language).values()) == {signed}, language

    read(signed=False)
    ash.answers(TAKEN_WITHOUT_A_WORD)
    ash.is_told()
    read(signed=False)
    ash.answers(TAKEN)
    ash.is_told(after=MINUTE)
    read(signed=False)
    ash.signs("in_progress")
    read(signed=False)
    ash.signs(below=[ash.signed_below(service)])
    read(signed=True)
