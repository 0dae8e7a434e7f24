"""States as the world brings them about: a line, partners who each do something else, and time that passes.

`a_cast` is the widest of them: one stop, pause or yes told to fifteen partners, each of whom stands somewhere else.
"""

import uuid
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import time_machine
from django.utils import timezone
from pytest_django import DjangoDbBlocker

from accounts.models import Line
from consent.models import Choice
from tests.factories import a_line, an_approval
from tests.people import Browser, newest_text, number_of, sign_in
from tests.shared import shared
from tests.words.pages import main, press
from tests.words.partners import INVALID, TAKEN_WITHOUT_A_WORD, Company, Market, Partner, a_market

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)

# Who the partners of a cast are, by what each of them does with what it is told.
NAMES = {
    "unsent": "Arrow Link",  # it is not its turn yet
    "dead": "Birch Link",  # nobody listens at its address
    "homeless": "Cedar Link",  # no address of it is known
    "sent": "Delta Link",  # it takes every byte and does not say that it has stored them
    "parked": "Elm Link",  # it calls our message invalid
    "received": "Fern Link",  # it says 202, and no more
    "begun": "Grove Link",  # it loses its 202, and signs later that it has begun
    "refused": "Hazel Link",  # it signs that it will not do it
    "alone": "Iris Link",  # it signs; nobody is known below it
    "with_one": "Juniper Link",  # so does the one below it
    "with_two": "Kelp Link",  # so do both below it
    "with_others": "Laurel Link",  # so do both below it, and it says so of one that we did not know
    "by_its_word": "Maple Link",  # it says so of two that we did not know
    "in_part": "Nettle Link",  # of those below it, one signed, one did not, and one has no name
    "broken": "Oak Link",  # it signs, and then asks for the location once more
}


@dataclass
class Cast:
    """One choice, told to many. `services`: the company below each partner that asked for the location."""

    market: Market
    line: Line
    partners: dict[str, Partner] = field(default_factory=dict)
    services: dict[str, Company] = field(default_factory=dict)
    choice: Choice = field(default_factory=Choice)
    link: str = ""

    def __getitem__(self, role: str) -> Partner:
        return self.partners[role]

    @property
    def made_at(self) -> datetime:
        return self.choice.made_at

    def told(self) -> None:
        """Two minutes after the choice each partner but one was told once, and each answered in its own way."""
        self["dead"].dies()
        for role in ("sent", "begun"):
            self[role].answers(TAKEN_WITHOUT_A_WORD)
        self["parked"].answers(INVALID)
        self["broken"].is_told()
        for role in self.partners:
            if role not in {"unsent", "broken"}:
                self[role].is_told(after=2 * MINUTE)

    def answered(self) -> None:
        """A release a moment after a signature; receipts three hours and a day after the choice."""
        self["broken"].signs(below=self._signed("broken", self.services["broken"]))
        release = self["broken"].release(self.line, self.services["broken"], at=timezone.now())
        self.market.reports(release)
        with self.later(3 * HOUR):
            self["begun"].signs("in_progress")
            self["refused"].signs("rejected", reason="Not our customer, ask <b>another</b>\u202e", actions=())
        two, three, four, five = (self.market.a_company(name) for name in ("Two", "Three", "Four", "Five"))
        with self.later(DAY):
            self["alone"].signs()
            self["with_one"].signs(below=self._signed("with_one", self.services["with_one"]))
            self["in_part"].signs(below=self._signed("in_part", self.services["in_part"]))
        with self.later(2 * DAY):
            self["with_two"].signs(below=self._signed("with_two", self.services["with_two"], two))
            others = self._signed("with_others", self.services["with_others"], three)
            self["with_others"].signs(below=[*others, self["with_others"].said_below(four)])
            word = self["by_its_word"]
            word.signs(below=[word.said_below(four), word.said_below(five)])

    def later(self, after: timedelta) -> time_machine.travel:
        """As if it were so long after the choice."""
        return time_machine.travel(self.made_at.replace(microsecond=0) + after, tick=False)

    def _signed(self, role: str, *companies: Company) -> Sequence[dict[str, str]]:
        return [self[role].signed_below(one) for one in companies]


def a_cast(market: Market, make: Callable[["Cast"], None]) -> Cast:
    """A line that agreed to a use at each of them, whose location went to most; then `make` makes the choice."""
    line, at = a_line(), timezone.now()
    cast = Cast(market, line)
    for role, name in NAMES.items():
        service = f"{name.split()[0]} Maps"
        partner = market.a_partner(name, service=service, reachable=role != "homeless")
        cast.partners[role] = partner
        cast.services[role] = market.a_company(service)
        an_approval(line, partner.campaign, at=at - 90 * DAY)
    two, three, missing = (market.a_company(name) for name in ("Two", "Three", "Missing"))
    below: dict[str, list[Company | str]] = {"with_two": [two], "with_others": [three], "in_part": [missing, "unknown"]}
    bare = {"alone", "by_its_word"}
    market.reports(
        *(
            partner.release(line, cast.services[role], *below.get(role, ()), at=at - DAY)
            for role, partner in cast.partners.items()
            if role not in bare
        )
    )
    make(cast)
    cast.choice = newest_choice(line)
    return cast


def in_a_market[T](blocker: DjangoDbBlocker, build: Callable[[Market], T]) -> Iterator[T]:
    """For a fixture of a module: what `build` made in a market of its own, undone afterwards. See `shared`."""
    with a_market() as market:
        yield from shared(blocker, lambda: build(market))


def stop_by_phone(line: Line) -> str:
    """Stop everything without an account: a number, a texted code, the button. The path of the progress page."""
    browser, number = Browser(), number_of(line)
    press(browser, main(browser, "/stop/"), "Text me a code", number=number)
    press(browser, main(browser, "/stop/code/"), "Go on", code=newest_text(number).code)
    return press(browser, main(browser, "/stop/all/"), "Stop all sharing for this number").url


def stop_everything(line: Line) -> Browser:
    """Sign in and press the one button."""
    browser = sign_in(line)
    press(browser, main(browser, "/home/"), "Stop all sharing")
    return browser


def pause_everything(line: Line, *, length: str = "7") -> Browser:
    """Sign in and pause all sharing for so many days."""
    browser = sign_in(line)
    press(browser, main(browser, "/choices/pause/"), "Pause all sharing", length=length)
    return browser


def newest_choice(line: Line) -> Choice:
    """What was said last on a line."""
    found = Choice.objects.filter(line_id=line.pk).order_by("-made_at").first()
    assert found is not None
    return found


def choice_path(choice: Choice | uuid.UUID) -> str:
    """Where the page about a choice is."""
    return f"/choices/{choice.id if isinstance(choice, Choice) else choice}/"
