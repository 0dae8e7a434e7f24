"""States as the world brings them about: a line, partners who each do something else, and time that passes.

`a_cast` is the widest of them: one stop, pause or yes told to fifteen partners, each of whom stands somewhere else.
"""

import uuid
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import time_machine
from django.utils import timezone
from pytest_django import DjangoDbBlocker

from accounts.models import Line
from consent.models import Choice
from revocations.models import Attempt, Order
from tests.clocks import Clock
from tests.factories import a_line, an_approval
from tests.people import Browser, newest_text, number_of, signed_in
from tests.shared import shared
from tests.words.exact import NOON
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
    "with_one": "Juniper Link",  # so do the one below it and one that we did not know below it
    "with_two": "Kelp Link",  # so do both below it
    "with_others": "Laurel Link",  # so do both below it, and it says so of one that we did not know
    "by_its_word": "Maple Link",  # it says so of two that we did not know
    "in_part": "Nettle Link",  # of those below it, one signed, one did not, and one has no name
    "broken": "Oak Link",  # it signs, and then asks for the location once more
}


# Within how many days it must have done what it owes, where that is not ten.
DAYS = {"received": 20, "in_part": 5}


@dataclass
class Cast:
    """One choice, told to many. `services`: the company below each partner that asked for the location."""

    market: Market
    line: Line
    clock: Clock
    partners: dict[str, Partner] = field(default_factory=dict)
    services: dict[str, Company] = field(default_factory=dict)
    choice: Choice = field(default_factory=Choice)
    link: str = ""
    browser: Browser = field(default_factory=Browser)
    # When each was tried (by party), and when what each signed came in (by role).
    tried_at: dict[int, datetime] = field(default_factory=dict)
    signed_at: dict[str, datetime] = field(default_factory=dict)

    def __getitem__(self, role: str) -> Partner:
        return self.partners[role]

    @property
    def number(self) -> str:
        return number_of(self.line)

    @property
    def made_at(self) -> datetime:
        return self.choice.made_at

    def told(self) -> None:
        """Two minutes after the choice each partner but one was told once, and each answered in its own way."""
        self["dead"].dies()
        for role in ("sent", "begun"):
            self[role].answers(TAKEN_WITHOUT_A_WORD)
        self["parked"].answers(INVALID)
        # Whoever is to sign and go on must be told by the same clock as releases are.
        self["broken"].is_told()
        for role in self.partners:
            if role not in {"unsent", "broken"}:
                self[role].is_told(after=2 * MINUTE)
        tries = dict(Attempt.objects.filter(line_id=self.line.pk).values_list("order_id", "at"))
        parties = dict(Order.objects.filter(line_id=self.line.pk).values_list("id", "party_id"))
        self.tried_at = {party_id: tries[order_id] for order_id, party_id in parties.items() if order_id in tries}

    def answered(self) -> None:
        """A release a moment after a signature; receipts three hours, a day and two days after the choice."""
        two, three, four, five = (self.market.a_company(name) for name in ("Two", "Three", "Four", "Five"))
        own = self.services
        broken = self["broken"]
        self._signs("broken", timezone.now() - self.made_at, below=[own["broken"]])
        self.clock.move_to(NOON + timedelta(seconds=1))
        self.market.reports(broken.release(self.line, own["broken"], at=timezone.now()))
        self._signs("begun", 3 * HOUR, "in_progress")
        self._signs("refused", 4 * HOUR, "rejected", reason="Not our customer, ask <b>another</b>\u202e", actions=())
        self._signs("alone", DAY)
        self._signs("with_one", DAY + MINUTE, below=[own["with_one"], five])
        self._signs("in_part", DAY + 2 * MINUTE, below=[own["in_part"]])
        self._signs("with_two", 2 * DAY, below=[own["with_two"], two])
        self._signs("with_others", 2 * DAY + MINUTE, below=[own["with_others"], three], by_word=[four])
        self._signs("by_its_word", 2 * DAY + 2 * MINUTE, by_word=[four, five])

    def _signs(
        self,
        role: str,
        after: timedelta,
        status: str = "completed",
        *,
        below: Sequence[Company] = (),
        by_word: Sequence[Company] = (),
        **said: Any,
    ) -> None:
        with time_machine.travel(self.made_at + after, tick=False):
            partner = self[role]
            entries = [partner.signed_below(one) for one in below] + [partner.said_below(one) for one in by_word]
            partner.signs(status, below=entries, **said)
            self.signed_at[role] = timezone.now()

    def later(self, after: timedelta) -> time_machine.travel:
        """As if it were so long after the choice."""
        return time_machine.travel(self.made_at.replace(microsecond=0) + after, tick=False)


def a_cast(market: Market, clock: Clock, make: Callable[["Cast"], None]) -> Cast:
    """A line that agreed to a use at each of them, whose location went to most; then `make` makes the choice."""
    line, at = a_line(), timezone.now()
    cast = Cast(market, line, clock)
    for role, name in NAMES.items():
        service = service_of(name)
        partner = market.a_partner(
            name, service=service, reachable=role != "homeless", complete_within_days=DAYS.get(role, 10)
        )
        cast.partners[role] = partner
        cast.services[role] = market.a_company(service)
        an_approval(line, partner.campaign, at=at - 90 * DAY)
    two, three, _four, _five, missing = (market.a_company(name) for name in ("Two", "Three", "Four", "Five", "Missing"))
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


def a_line_dealing_with(
    market: Market, *names: str, released: bool = True, state: str = "WA"
) -> tuple[Line, list[Partner]]:
    """A line that agreed to a use at each of these partners, by "Ash Maps" at "Ash Link"; and went there yesterday."""
    line, at = a_line(state=state), timezone.now()
    partners = [market.partners.get(name) or market.a_partner(name, service=service_of(name)) for name in names]
    for partner in partners:
        an_approval(line, partner.campaign, at=at - 90 * DAY)
    if released:
        market.reports(*(one.release(line, market.a_company(service_of(one.name)), at=at - DAY) for one in partners))
    return line, partners


def service_of(name: str) -> str:
    """Of "Ash Link" it is "Ash Maps"."""
    return f"{name.split(maxsplit=1)[0]} Maps"


def in_a_market[T](blocker: DjangoDbBlocker, build: Callable[[Market], T]) -> Iterator[T]:
    """For a fixture of a module: what `build` made in a market of its own, undone afterwards. See `shared`."""
    with a_market() as market:
        yield from shared(blocker, lambda: build(market))


def stop_by_phone(line: Line, browser: Browser) -> str:
    """Stop everything without an account: a number, a texted code, the button. The path of the progress page."""
    number = number_of(line)
    press(browser, main(browser, "/stop/"), "Text me a code", number=number)
    press(browser, main(browser, "/stop/code/"), "Continue", code=newest_text(number).code)
    return press(browser, main(browser, "/stop/all/"), "Stop all sharing for this number").url


def stop_everything(line: Line) -> Browser:
    """Sign in and press the one button."""
    browser = signed_in(line)
    press(browser, main(browser, "/home/"), "Stop all sharing")
    return browser


def pause_everything(line: Line, *, length: str = "7") -> Browser:
    """Sign in and pause all sharing for so many days."""
    browser = signed_in(line)
    press(browser, main(browser, "/choices/pause/"), "Pause all sharing", length=length)
    return browser


def stop_company(line: Line, name: str) -> Browser:
    """Sign in and stop one company, on its card."""
    browser = signed_in(line)
    cards = main(browser, "/home/").all("article")
    (card,) = (one for one in cards if [head.words for head in one.all("h3")] == [name])
    press(browser, card, "Stop")
    return browser


def allow(line: Line, partner: Partner, *, days: str = "") -> Browser:
    """Sign in and say yes to a partner's campaign, having read what that means. `days`: for how many."""
    browser, service = signed_in(line), partner.campaign.lbs_provider.name
    page = main(browser, f"/choices/allow/?campaign={partner.campaign.ref}")
    answer = press(browser, page, f"Allow {service}", days=days)
    assert answer.status_code == 302
    return browser


def newest_choice(line: Line) -> Choice:
    """What was said last on a line."""
    found = Choice.objects.filter(line_id=line.pk).order_by("-made_at").first()
    assert found is not None
    return found


def choice_path(choice: Choice | uuid.UUID) -> str:
    """Where the page about a choice is."""
    return f"/choices/{choice.id if isinstance(choice, Choice) else choice}/"
