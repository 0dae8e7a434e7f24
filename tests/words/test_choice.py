"""The page of a stop: how far each partner is, in all its words, at each moment; and what a script asks for."""

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime

import pytest
from django.utils import timezone
from pytest_django import DjangoDbBlocker

from consent.workers.archiving import comparison
from revocations.models import Order
from tests.people import signed_in
from tests.words.choice_pages import card, whole_page
from tests.words.expected import LANGUAGES, Words
from tests.words.pages import Part, assert_reads, main, opened, read
from tests.words.partners import Market
from tests.words.worlds import DAY, MINUTE, NAMES, Cast, a_cast, choice_path, in_a_market, stop_everything

pytestmark = pytest.mark.usefixtures("db")
# What is seen of it at a glance: the tone of its tag, and how each of the four steps is marked.
type Look = tuple[str, list[str]]


@pytest.fixture(scope="module")
def cast(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[Cast]:
    """A stop of everything by somebody signed in, told to everybody two minutes later."""

    def build(market: Market) -> Cast:
        cast = a_cast(market, lambda cast: vars(cast).update(browser=stop_everything(cast.line)))
        cast.told()
        return cast

    yield from in_a_market(django_db_blocker, build)


class Cards:
    """What each partner's card should say at a moment."""

    def __init__(self, cast: Cast, language: str) -> None:
        self.cast, self.say, self.now = cast, Words(language), timezone.now()
        self.not_told, self.not_received = self.say("not_told"), self.say("not_received")
        self.tried = f"{self.not_told} {self.say.counted('tried', 1)}"
        self.held_back = f"{self.say('not_told_held_back')} {self.say.counted('tried', 1)}"

    def at(self, moment: datetime) -> str:
        return self.say.near(moment, now=self.now)

    def told(self, role: str) -> str:
        return self.say("told_at", at=self.at(self.cast.tried_at[self.cast[role].party.pk]))

    def received(self, role: str) -> str:
        return self.say("received_at", at=self.at(self.cast.tried_at[self.cast[role].party.pk]))

    def received_by_receipt(self, role: str) -> str:
        return self.say("received_at", at=self.at(self.cast.signed_at[role]))

    def due(self, days: int = 10, *, passed: bool = False) -> str:
        return self.say("was_due" if passed else "due_by", day=self.say.day(self.cast.made_at + days * DAY))

    def unsigned(self, days: int = 10, *, passed: bool = False) -> str:
        return f"{self.say('deletion_unsigned')} {self.due(days, passed=passed)}"

    def refused(self, *, passed: bool = False) -> str:
        return f"{self.say('refused')} Not our customer, ask <b>another</b> {self.due(passed=passed)}"

    def signed(self, role: str, *more: str, below: str = "") -> str:
        said = self.say("deletion_signed", party=NAMES[role]) + below
        return " ".join([said, *more, self.at(self.cast.signed_at[role])])

    def so_did(self, *names: str) -> str:
        return self.say.counted("so_did", len(names), names=", ".join(names))

    def in_order(self, cards: dict[str, list[str]]) -> list[list[str]]:
        """All cards, in the order of the partners' names, each with its name and what we did ourselves."""
        blocked = self.say("blocked", at=self.at(self.cast.made_at))
        return [card(self.say, name, cards[role][0], blocked, *cards[role][1:]) for role, name in NAMES.items()]


def when_told(cards: Cards) -> dict[str, list[str]]:
    """Five minutes after the stop: whoever said 202 has received it, and nobody has signed."""
    say, unsigned = cards.say, cards.unsigned()
    on_its_way = [say("tag_on_its_way"), cards.tried, cards.not_received, unsigned]
    said_nothing = {
        role: [say("tag_told"), cards.told(role), cards.not_received, unsigned] for role in ("sent", "begun")
    }
    said_202 = {
        role: [say("tag_received_deletion"), cards.told(role), cards.received(role), unsigned]
        for role in ("refused", "alone", "with_one", "with_two", "with_others", "by_its_word", "broken")
    }
    return {
        "unsent": [say("tag_on_its_way"), cards.not_told, cards.not_received, unsigned],
        "dead": on_its_way,
        "homeless": on_its_way,
        "parked": [say("tag_held_back"), cards.held_back, cards.not_received, unsigned],
        **said_nothing,
        **said_202,
        "received": [
            say("tag_received_deletion"), cards.told("received"), cards.received("received"), cards.unsigned(20),
        ],
        "in_part": [
            say("tag_received_deletion"), cards.told("in_part"), cards.received("in_part"), cards.unsigned(5),
        ],
    }  # fmt: skip


def when_answered(cards: Cards) -> dict[str, list[str]]:
    """Three days after: what each has signed, and for whom."""
    say, unsigned, unconfirmed = cards.say, cards.unsigned(), cards.say("unconfirmed")
    silent = say("tag_unconfirmed")
    so_did = {
        "alone": "", "by_its_word": "", "with_one": cards.so_did("Five", "Juniper Maps"),
        "with_two": cards.so_did("Kelp Maps", "Two"), "with_others": cards.so_did("Laurel Maps", "Three"),
    }  # fmt: skip
    by_word = {
        "with_others": [say.counted("by_word", 1, party="Laurel Link", names="Four")],
        "by_its_word": [say.counted("by_word", 2, party="Maple Link", names="Five, Four")],
    }
    signed = {
        role: [
            say("tag_deleted"), cards.told(role), cards.received(role),
            cards.signed(role, *by_word.get(role, ()), below=below),
        ]
        for role, below in so_did.items()
    }  # fmt: skip
    missing = f"{say.counted('missing', 1, names='Missing')} {say('one_unnamed')}"
    return {
        "unsent": [silent, cards.not_told, unconfirmed, unsigned],
        "dead": [silent, cards.tried, unconfirmed, unsigned],
        "homeless": [silent, cards.tried, unconfirmed, unsigned],
        "sent": [silent, cards.told("sent"), unconfirmed, unsigned],
        "parked": [silent, cards.held_back, unconfirmed, unsigned],
        "received": when_told(cards)["received"],
        "begun": [say("tag_received_deletion"), cards.told("begun"), cards.received_by_receipt("begun"), unsigned],
        "refused": [say("tag_refused"), cards.told("refused"), cards.received("refused"), cards.refused()],
        **signed,
        "in_part": [
            say("tag_in_part"), cards.told("in_part"), cards.received("in_part"),
            cards.signed("in_part", missing, cards.due(5), below=cards.so_did("Nettle Maps")),
        ],
        "broken": [
            say("tag_went_on"), cards.told("broken"), cards.received("broken"),
            cards.signed("broken", say("went_on"), cards.due(), below=cards.so_did("Oak Maps")),
        ],
    }  # fmt: skip


def when_late(cards: Cards) -> dict[str, list[str]]:
    """Eleven days after: what is not signed for is late where its ten, five or twenty days are over."""
    say, unconfirmed, late = cards.say, cards.say("unconfirmed"), cards.say("tag_late")
    unsigned = cards.unsigned(passed=True)
    missing = f"{say.counted('missing', 1, names='Missing')} {say('one_unnamed')}"
    return {
        **when_answered(cards),
        "unsent": [late, cards.not_told, unconfirmed, unsigned],
        "dead": [late, cards.tried, unconfirmed, unsigned],
        "homeless": [late, cards.tried, unconfirmed, unsigned],
        "sent": [late, cards.told("sent"), unconfirmed, unsigned],
        "parked": [late, cards.held_back, unconfirmed, unsigned],
        "begun": [late, cards.told("begun"), cards.received_by_receipt("begun"), unsigned],
        "refused": [late, cards.told("refused"), cards.received("refused"), cards.refused(passed=True)],
        "in_part": [
            late, cards.told("in_part"), cards.received("in_part"),
            cards.signed("in_part", missing, cards.due(5, passed=True), below=cards.so_did("Nettle Maps")),
        ],
        "broken": [
            late, cards.told("broken"), cards.received("broken"),
            cards.signed("broken", say("went_on"), cards.due(passed=True), below=cards.so_did("Oak Maps")),
        ],
    }  # fmt: skip


def looks(page: Part) -> dict[str, Look]:
    """By the partner's name."""
    return {
        card.one("h3").words: (
            card.one("span", of_class="tag").attributes["class"].removeprefix("tag "),
            [step.attributes["class"] for step in card.one("ol", of_class="steps").all("li")],
        )
        for card in page.all("article")
    }


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


def assert_whole_page(cast: Cast, expected: Callable[[Cards], dict[str, list[str]]]) -> Part:
    """The page now, in both languages. Returns the English one."""
    browser, now = signed_in(cast.line), timezone.now()
    pages = {language: main(browser, choice_path(cast.choice), language) for language in LANGUAGES}
    for language, page in pages.items():
        cards = Cards(cast, language)
        say, inside = cards.say, cards.in_order(expected(cards))
        head, notice = (
            [say("all_is_off", exact=say.exact(cast.made_at)), say("done_and_now")],
            [Words("en")("before_a_stop")],
        )
        assert_reads(page, whole_page(say, cast.choice, now=now, head=head, cards=inside, notice=notice), language)
    return pages["en"]


def test_five_minutes_after_a_stop_nobody_is_said_to_have_signed(cast: Cast) -> None:
    with cast.later(5 * MINUTE):
        page = assert_whole_page(cast, when_told)
    seen = looks(page)
    received = ("warn", ["done", "done", "done", "now"])
    on_its_way, told = ("plain", ["done", "now", "todo", "todo"]), ("plain", ["done", "done", "now", "todo"])
    not_received = {role: state for role, state in STATES.items() if state in {"queued", "sent", "parked"}}
    assert_beside_the_words(cast, page, dict.fromkeys(NAMES, "acknowledged") | not_received | {"begun": "sent"})
    assert seen == {
        NAMES[role]: {
            "unsent": on_its_way, "dead": on_its_way, "homeless": on_its_way, "sent": told, "begun": told,
            "parked": ("warn", ["done", "now", "todo", "todo"]),
        }.get(role, received)
        for role in NAMES
    }  # fmt: skip


def test_three_days_after_a_stop_each_has_signed_what_it_signed(cast: Cast) -> None:
    cast.answered()
    with cast.later(3 * DAY):
        page = assert_whole_page(cast, when_answered)
    assert_beside_the_words(cast, page, STATES)
    on_its_way = ("warn", ["done", "now", "todo", "todo"])
    assert looks(page) == {
        NAMES[role]: {
            "unsent": on_its_way, "dead": on_its_way, "homeless": on_its_way, "parked": on_its_way,
            "sent": ("warn", ["done", "done", "now", "todo"]),
            "received": ("warn", ["done", "done", "done", "now"]),
            "begun": ("warn", ["done", "done", "done", "now"]),
            "in_part": ("warn", ["done", "done", "done", "now"]),
            "refused": ("bad", ["done", "done", "done", "bad"]),
            "broken": ("bad", ["done", "done", "done", "bad"]),
        }.get(role, ("good", ["done", "done", "done", "done"]))
        for role in NAMES
    }  # fmt: skip


def test_eleven_days_after_a_stop_what_is_owed_is_late(cast: Cast) -> None:
    cast.answered()
    with cast.later(11 * DAY):
        page = assert_whole_page(cast, when_late)
    tones = {name: tone for name, (tone, _steps) in looks(page).items()}
    done = ("alone", "with_one", "with_two", "with_others", "by_its_word")
    assert tones == {
        name: "good" if role in done else "warn" if role == "received" else "bad" for role, name in NAMES.items()
    }


def test_the_part_that_a_script_asks_for_says_the_same(cast: Cast) -> None:
    cast.answered()
    with cast.later(3 * DAY):
        browser = signed_in(cast.line)
        for language in LANGUAGES:
            page = main(browser, choice_path(cast.choice), language).one("section", id="progress")
            part = read(opened(browser, f"{choice_path(cast.choice)}progress/", language))
            assert_reads(part, page.lines, language)
            asks = [one.one("section", id="progress").attributes.get("hx-trigger") for one in (part,)]
            assert asks == ["every 4s"]


def test_while_the_gate_is_closed_each_page_says_first_that_nobody_gets_anything(cast: Cast) -> None:
    comparison.close(why="restored")
    with cast.later(5 * MINUTE):
        browser = signed_in(cast.line)
        for language in LANGUAGES:
            say = Words(language)
            closed = [say("closed_now"), say("closed_stays")]
            crumb = say("crumb", moment=say.moment(cast.made_at))
            assert main(browser, choice_path(cast.choice), language).lines[:3] == [*closed, crumb]
            assert main(browser, "/choices/", language).lines[:3] == [*closed, say("every_choice")]
