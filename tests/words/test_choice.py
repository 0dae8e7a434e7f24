"""The page of a stop: how far each partner is, in all its words, at each moment; and what a script asks for."""

from collections.abc import Iterator, Mapping

import pytest
import time_machine
from pytest_django import DjangoDbBlocker

from consent.workers import archive_comparison
from revocations.models import Order
from tests.clocks import Clock
from tests.people import Browser, signed_in
from tests.words.exact import Pages, as_before
from tests.words.expected import LANGUAGES
from tests.words.pages import Part, assert_reads, main, opened, read
from tests.words.partners import Market
from tests.words.worlds import DAY, MINUTE, NAMES, Cast, a_cast, choice_path, in_a_market, stop_everything

pytestmark = pytest.mark.usefixtures("db", "clock")


@pytest.fixture(scope="module")
def cast(standing: Clock, django_db_blocker: DjangoDbBlocker) -> Iterator[Cast]:
    """A stop of everything by somebody signed in, told to everybody two minutes later."""

    def build(market: Market) -> Cast:
        cast = a_cast(market, standing, lambda cast: vars(cast).update(browser=stop_everything(cast.line)))
        cast.told()
        return cast

    yield from in_a_market(django_db_blocker, build)


STATES = {
    "unsent": "queued", "dead": "queued", "homeless": "queued", "sent": "sent", "parked": "parked",
    "received": "acknowledged", "begun": "acknowledged", "refused": "rejected", "in_part": "partial",
    "broken": "contradicted",
}  # fmt: skip


def assert_beside_the_words(cast: Cast, page: Part, states: Mapping[str, str]) -> None:
    """What programs read of each card, and where its link leads: to a question about this partner's order."""
    orders = dict(Order.objects.filter(line_id=cast.line.pk, version=1).values_list("party_id", "id"))
    cards = {card.one("h3").words: card for card in page.all("article")}
    for role, name in NAMES.items():
        assert cards[name].attributes["data-order-state"] == states.get(role, "completed"), role
        (link,) = (one.attributes["href"] for one in cards[name].all("a", of_class="ask-about"))
        assert link == f"/help/ask/order/{orders[cast[role].party.pk]}/", role


def look(cast: Cast, pages: Pages, title: str) -> Browser:
    browser = signed_in(cast.line)
    pages.look(title, browser, choice_path(cast.choice))
    return browser


def test_minutes_after_a_stop_nobody_is_said_to_have_signed(cast: Cast) -> None:
    with as_before("a_stop_told") as pages, cast.later(5 * MINUTE):
        page = main(look(cast, pages, "five minutes after"), choice_path(cast.choice))
    not_received = {role: state for role, state in STATES.items() if state in {"queued", "sent", "parked"}}
    assert_beside_the_words(cast, page, dict.fromkeys(NAMES, "acknowledged") | not_received | {"begun": "sent"})


def test_days_later_each_has_signed_or_is_late(cast: Cast) -> None:
    cast.answered()
    with as_before("a_stop_answered") as pages:
        with cast.later(3 * DAY):
            browser = look(cast, pages, "three days after")
            assert_beside_the_words(cast, main(browser, choice_path(cast.choice)), STATES)
            # The part that a script asks for says the same.
            for language in LANGUAGES:
                section = main(browser, choice_path(cast.choice), language).one("section", id="progress")
                part = read(opened(browser, f"{choice_path(cast.choice)}progress/", language))
                again = part.one("section", id="progress")
                assert_reads(again, section.lines, language)
                assert again.attributes.get("hx-trigger") == "every 4s"
                if language == "en":
                    assert part.one("p", id="progress-news").words == "Signed by 5 of 15 partners."
        # Late from the very moment on by which it is to be signed; one has longer.
        ends = Order.objects.get(line_id=cast.line.pk, version=1, party_id=cast["begun"].party.pk).complete_by
        assert ends is not None
        with time_machine.travel(ends, tick=False):
            look(cast, pages, "ten days after")


def test_a_closed_gate_is_said_first(cast: Cast) -> None:
    archive_comparison.close_gate(why="restored")
    with as_before("a_stop_while_the_gate_is_closed") as pages, cast.later(5 * MINUTE):
        pages.look("choices", look(cast, pages, "the stop"), "/choices/")
