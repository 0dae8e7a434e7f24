"""The same companies once the person, a file, an officer and one of them have acted, and as time goes by."""

from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from pytest_django import DjangoDbBlocker

from tests.people import Browser
from tests.words import cards
from tests.words.crowd import Crowd, a_crowd, crowd_pages, everybody_acts
from tests.words.expected import LANGUAGES, Words
from tests.words.home_pages import assert_home
from tests.words.looks import days
from tests.words.pages import changes, main
from tests.words.partners import Market
from tests.words.transcripts import assert_as_before, since
from tests.words.worlds import in_a_market

pytestmark = pytest.mark.usefixtures("db")


@dataclass
class Acted:
    """The crowd afterwards, its person, and what the pages said before."""

    crowd: Crowd
    person: Browser


@pytest.fixture(scope="module")
def acted(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[Acted]:
    def build(market: Market) -> Acted:
        crowd = a_crowd(market)
        return Acted(crowd, everybody_acts(crowd))

    yield from in_a_market(django_db_blocker, build)


def test_home_has_every_company_as_it_stands_now(acted: Acted) -> None:
    crowd = acted.crowd
    for language in LANGUAGES:
        say = Words(language)
        stands = cards.before(crowd, say) | cards.after(crowd, say)
        assert_home(crowd, say, main(acted.person, "/home/", language), stands, acted=True)


def test_the_history_tells_what_came_after_a_stop(acted: Acted) -> None:
    for language in LANGUAGES:
        say, page = Words(language), main(acted.person, "/history/", language)
        expected = days(say, acted.crowd.looks)
        first = page.whole.index(expected[0])
        assert changes(expected, page.whole[first : first + len(expected)]) == []


def test_every_page_says_what_it_said_but_for_this(acted: Acted) -> None:
    assert_as_before("crowd_acted", since("crowd", crowd_pages(acted.crowd, acted.person)))
