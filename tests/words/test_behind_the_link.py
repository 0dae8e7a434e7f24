"""The page behind the link of a stop: counts that say no more than each partner has said, and no company's name."""

from collections.abc import Iterator

import pytest
from pytest_django import DjangoDbBlocker

from tests.people import Browser
from tests.words.expected import LANGUAGES, Words
from tests.words.pages import Part, main
from tests.words.partners import Market
from tests.words.worlds import DAY, MINUTE, Cast, a_cast, in_a_market, stop_by_phone

pytestmark = pytest.mark.usefixtures("db")


@pytest.fixture(scope="module")
def cast(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[Cast]:
    """A stop by phone, told to everybody two minutes later."""

    def build(market: Market) -> Cast:
        def by_phone(cast: Cast) -> None:
            cast.link = stop_by_phone(cast.line)

        cast = a_cast(market, by_phone)
        cast.told()
        return cast

    yield from in_a_market(django_db_blocker, build)


def counts(page: Part) -> list[tuple[str, str]]:
    """Each label with the number under it; the attribute beside it says the same."""
    found = page.one("section", of_class="card", data_told=page.all("dd")[0].words)
    return found.pairs


def expected(say: Words, **numbers: int) -> list[tuple[str, str]]:
    return [(say("concerns" if name == "told" else f"count_{name}"), str(n)) for name, n in numbers.items()]


def test_the_counts_are_those_of_what_each_partner_did(cast: Cast) -> None:
    with cast.later(5 * MINUTE):
        told = {language: main(Browser(), cast.link, language) for language in LANGUAGES}
    cast.answered()
    with cast.later(3 * DAY):
        answered = {language: main(Browser(), cast.link, language) for language in LANGUAGES}
    for language in LANGUAGES:
        say = Words(language)
        assert counts(told[language]) == expected(say, told=15, waiting=5, received=9, signed=0, looked_into=1)
        assert counts(answered[language]) == expected(
            say, told=15, waiting=4, received=2, signed=5, in_part=1, looked_into=3
        )
