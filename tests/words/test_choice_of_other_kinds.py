"""Pauses, yeses and narrower stops; what is carried on by a newer message; what was told or owed before."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
import time_machine
from django.utils import timezone

from accounts.models import Line
from consent.models import Choice
from revocations.models import Attempt, Order, Receipt
from tests.factories import FAR_OFF, FRAUD, a_campaign, an_approval
from tests.people import Browser, signed_in
from tests.words.choice_pages import card, whole_page
from tests.words.expected import LANGUAGES, Words
from tests.words.pages import assert_reads, opened, read
from tests.words.partners import INVALID, TAKEN, TAKEN_WITHOUT_A_WORD, Market, Partner
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

pytestmark = pytest.mark.usefixtures("db")
SECOND, MICROSECOND = timedelta(seconds=1), timedelta(microseconds=1)
# What a page should say, given its words.
type Notice = Callable[[Words], list[str]]
type Looks = tuple[list[str], list[list[str]]]
type Page = Callable[["Seen"], Looks]


class Seen:
    """One choice looked at in one language at one moment, and the words for that."""

    def __init__(self, language: str, choice: Choice, now: datetime) -> None:
        self.say, self.choice, self.now = Words(language), choice, now

    def at(self, name: str, moment: datetime) -> str:
        return self.say(name, at=self.say.near(moment, now=self.now))

    def made(self, name: str = "blocked") -> str:
        return self.at(name, self.choice.made_at)

    def due(self, *, since: datetime | None = None) -> str:
        return self.say("due_by", day=self.say.day((since or self.choice.made_at) + 10 * DAY))

    def unsigned(self, name: str, /, **filled: object) -> str:
        return f"{self.say(name, **filled)} {self.due()}"

    def signed(self, name: str, partner: Partner, *more: str, below: Sequence[str] = (), **filled: object) -> str:
        so_did = self.say.counted("so_did", len(below), names=", ".join(below)) if below else ""
        said = self.say(name, party=partner.name, **filled) + so_did
        return " ".join([said, *more, self.say.near(signed_at(partner), now=self.now)])

    def tried(self, name: str, n: int = 1) -> str:
        return f"{self.say(name)} {self.say.counted('tried', n)}"

    def received(self, partner: Partner, tag: str, *more: str) -> list[str]:
        """A card of one that said 202 at once."""
        told, received = (self.at(name, tried_at(partner)) for name in ("told_at", "received_at"))
        return card(self.say, partner.name, tag, self.made(), told, received, *more)


def tried_at(partner: Partner, n: int = 0) -> datetime:
    """When it was tried for the nth time."""
    tries = Attempt.objects.filter(order_id__in=Order.objects.filter(party_id=partner.party.pk).values("id"))
    return list(tries.order_by("at").values_list("at", flat=True))[n]


def signed_at(partner: Partner) -> datetime:
    """When its newest receipt came in."""
    return Receipt.objects.filter(party_id=partner.party.pk).latest("received_at").received_at


def all_off(seen: Seen, since: Choice | None = None) -> list[str]:
    """The head of a stop of everything that stands. `since`: the earlier no with which it began."""
    return [seen.say("all_is_off", exact=seen.say.exact((since or seen.choice).made_at)), seen.say("done_and_now")]


def of_a_stop(_say: Words) -> list[str]:
    """As it was read, in English: it is kept word for word."""
    return [Words("en")("before_a_stop")]


def of_a_yes(say: Words) -> list[str]:
    """The same of a yes, with the companies that it was about."""
    read = Words("en")
    why, names = read("roadside"), read("and_last", some="Ash Maps", last="Ash Link")
    notice = read("notice_of_yes", names=names, why=why, day=read.day(FAR_OFF))
    return [notice, say("companies_about", names="Ash Maps, Ash Link")]


def nothing(say: Words) -> list[str]:
    return []


def assert_page(choice: Choice, now: datetime, page: Page, *, notice: Notice = nothing, is_open: bool = True) -> None:
    """The whole page of a choice, in both languages: `page` gives its head and its cards, `notice` what was read."""
    with time_machine.travel(now, tick=False):
        browser = signed_in(Line.objects.get(pk=choice.line_id))
        for language in LANGUAGES:
            seen = Seen(language, choice, now)
            head, cards = page(seen)
            expected = whole_page(
                seen.say, choice, now=now, head=head, cards=cards, notice=notice(seen.say), is_open=is_open
            )
            opened_page = opened(browser, choice_path(choice), language)
            assert_reads(read(opened_page).one("main"), expected, (language, choice.kind))
            # It asks again, by a script, only while something may still come.
            again = read(opened_page).one("section", id="progress").attributes.get("hx-trigger")
            assert (again, "htmx-2" in opened_page.text) == (("every 4s", True) if is_open else (None, False))


def test_of_a_pause_no_deletion_is_told_that_an_earlier_stop_asked_for(market: Market) -> None:
    line, (ash,) = a_line_dealing_with(market, "Ash Link")
    stop_everything(line)
    pause_everything(line)
    pause = newest_choice(line)
    ash.is_told()

    def page(*steps: Callable[[Seen], tuple[str, str]]) -> Page:
        def as_read(seen: Seen) -> Looks:
            until = {"exact": seen.say.exact(pause.made_at), "moment": seen.say.moment(pause.made_at + 7 * DAY)}
            cards = [seen.received(ash, *step(seen)) for step in steps]
            return [seen.say("you_paused_all"), seen.say("paused_until", **until)], cards

        return as_read

    unsigned = page(lambda seen: (seen.say("tag_received_owing"), seen.unsigned("use_unsigned")))
    assert_page(pause, pause.made_at + 5 * MINUTE, unsigned)
    ash.signs(below=[ash.signed_below(market.a_company("Ash Maps"))])
    signed = page(lambda seen: (seen.say("tag_signed"), seen.signed("use_signed", ash, below=["Ash Maps"])))
    assert_page(pause, timezone.now(), signed, is_open=False)


def test_a_pause_asks_for_an_end_of_use_and_for_no_deletion(market: Market) -> None:
    names = ("Ash Link", "Beech Link", "Cherry Link", "Damson Link", "Elder Link", "Fig Link")
    line, (_ash, beech, cherry, damson, elder, fig) = a_line_dealing_with(market, *names)
    second = market.a_company("Second")
    market.reports(damson.release(line, market.a_company("Damson Maps"), second, at=timezone.now() - DAY))
    pause_everything(line)
    pause = newest_choice(line)
    cherry.answers(INVALID)
    for partner in (beech, cherry, damson, elder, fig):
        partner.is_told()

    def head(seen: Seen) -> list[str]:
        until = {"exact": seen.say.exact(pause.made_at), "moment": seen.say.moment(pause.made_at + 7 * DAY)}
        over = seen.now > pause.made_at + 7 * DAY
        return [seen.say("you_paused_all"), seen.say("pause_over" if over else "paused_until", **until)]

    def when_told(seen: Seen) -> Looks:
        say, unsigned, blocked = seen.say, seen.unsigned("use_unsigned"), seen.made()
        return head(seen), [
            card(say, "Ash Link", say("tag_on_its_way"), blocked, say("not_told"), say("not_received"), unsigned),
            *(seen.received(one, say("tag_received_owing"), unsigned) for one in (beech,)),
            card(
                say, "Cherry Link", say("tag_held_back"), blocked, seen.tried("not_told_held_back"),
                say("not_received"), unsigned,
            ),
            *(seen.received(one, say("tag_received_owing"), unsigned) for one in (damson, elder, fig)),
        ]  # fmt: skip

    assert_page(pause, pause.made_at + 5 * MINUTE, when_told)
    beech.signs(below=[beech.signed_below(market.a_company("Beech Maps"))])
    elder.signs(below=[elder.signed_below(market.a_company("Elder Maps"))])
    damson.signs()
    market.reports(elder.release(line, market.a_company("Elder Maps"), at=timezone.now()))

    def when_answered(seen: Seen) -> Looks:
        say, unsigned, blocked, silent = seen.say, seen.unsigned("use_unsigned"), seen.made(), seen.say("unconfirmed")
        missing = say.counted("missing", 2, names="Damson Maps, Second")
        return head(seen), [
            card(say, "Ash Link", say("tag_unconfirmed"), blocked, say("not_told"), silent, unsigned),
            seen.received(beech, say("tag_signed"), seen.signed("use_signed", beech, below=["Beech Maps"])),
            card(
                say, "Cherry Link", say("tag_unconfirmed"), blocked, seen.tried("not_told_held_back"), silent, unsigned
            ),
            seen.received(damson, say("tag_in_part"), seen.signed("use_signed", damson, missing, seen.due())),
            seen.received(
                elder, say("tag_went_on"),
                seen.signed("use_signed", elder, say("went_on"), seen.due(), below=["Elder Maps"]),
            ),
            seen.received(fig, say("tag_received_owing"), unsigned),
        ]  # fmt: skip

    assert_page(pause, pause.made_at + DAY, when_answered)
    assert_page(pause, pause.made_at + 8 * DAY, when_answered)


def test_of_a_yes_no_more_is_ever_said_than_that_it_was_received(market: Market) -> None:
    line, (ash,) = a_line_dealing_with(market, "Ash Link")
    stop_everything(line)
    ash.is_told()
    allow(line, ash, days="30")
    yes = newest_choice(line)

    def look(after: timedelta, tag: str, told: Callable[[Seen], str], received: Callable[[Seen], str]) -> None:
        def page(seen: Seen) -> Looks:
            say = seen.say
            until = {"exact": say.exact(yes.made_at), "moment": say.moment(yes.made_at + 30 * DAY)}
            title = say("you_allowed", name="Ash Maps", why=say("roadside"))
            one = card(say, "Ash Link", say(tag), seen.made("allowed_here"), told(seen), received(seen))
            return [title, say("yes_until", **until)], [one]

        assert_page(yes, yes.made_at + after, page, notice=of_a_yes, is_open=tag != "tag_received")

    def not_told(seen: Seen) -> str:
        return seen.say("not_told")

    def told(seen: Seen) -> str:
        return seen.at("told_at", tried_at(ash, 1))

    # What was confirmed before is confirmed: what is said later has its own quarter of an hour.
    look(15 * MINUTE - MICROSECOND, "tag_on_its_way", not_told, lambda seen: seen.say("not_received"))
    look(15 * MINUTE, "tag_unconfirmed", not_told, lambda seen: seen.say("unconfirmed"))
    ash.answers(TAKEN_WITHOUT_A_WORD)
    ash.is_told(after=30 * SECOND)
    look(5 * MINUTE, "tag_told", told, lambda seen: seen.say("not_received"))
    ash.answers(TAKEN)
    ash.is_told(after=3 * MINUTE)
    look(20 * MINUTE, "tag_received", told, lambda seen: seen.at("received_at", tried_at(ash, 2)))
    ash.signs()
    look(20 * MINUTE, "tag_received", told, lambda seen: seen.at("received_at", tried_at(ash, 2)))


def test_a_stop_of_one_company_asks_for_what_that_one_had(market: Market) -> None:
    line, (ash,) = a_line_dealing_with(market, "Ash Link")
    other = a_campaign(ash.contract, market.a_company("Other").party, purpose=FRAUD)
    an_approval(line, other, at=timezone.now() - 90 * DAY)
    stop_company(line, "Ash Maps")
    stop = newest_choice(line)

    def head(seen: Seen) -> list[str]:
        say = seen.say
        return [say("you_stopped", name="Ash Maps"), say("no_since", exact=say.exact(stop.made_at))]

    def unsent(seen: Seen) -> Looks:
        say, unsigned = seen.say, seen.unsigned("deletion_unsigned_of", names="Ash Maps")
        steps = (seen.made(), say("not_told"), say("not_received"), unsigned)
        return head(seen), [card(say, "Ash Link", say("tag_on_its_way"), *steps)]

    assert_page(stop, stop.made_at + MINUTE, unsent)
    ash.is_told()

    def received(seen: Seen) -> Looks:
        unsigned = seen.unsigned("deletion_unsigned_of", names="Ash Maps")
        return head(seen), [seen.received(ash, seen.say("tag_received_deletion"), unsigned)]

    assert_page(stop, stop.made_at + MINUTE, received)
    ash.signs(below=[ash.signed_below(market.a_company("Ash Maps"))])

    def signed(seen: Seen) -> Looks:
        said = seen.signed("deletion_signed_of", ash, below=["Ash Maps"], names="Ash Maps")
        return head(seen), [seen.received(ash, seen.say("tag_deleted"), said)]

    assert_page(stop, stop.made_at + MINUTE, signed, is_open=False)


def test_what_was_told_before_is_not_told_as_if_it_were_new(market: Market) -> None:
    line, (ash,) = a_line_dealing_with(market, "Ash Link")
    stop_everything(line)
    first = newest_choice(line)
    ash.is_told()
    ash.signs(below=[ash.signed_below(market.a_company("Ash Maps"))])
    stop_by_phone(line, Browser())
    second = newest_choice(line)

    def again(seen: Seen) -> Looks:
        told, received = (seen.at(name, tried_at(ash)) for name in ("already_told", "received_at"))
        said = seen.signed("deletion_signed", ash, below=["Ash Maps"])
        return all_off(seen, first), [
            card(seen.say, "Ash Link", seen.say("tag_deleted"), seen.made(), told, received, said)
        ]

    assert second.made_at > tried_at(ash)
    assert_page(second, first.made_at + DAY, again, notice=of_a_stop, is_open=False)


def test_what_is_asked_after_a_signature_is_not_called_signed(market: Market) -> None:
    line, (ash,) = a_line_dealing_with(market, "Ash Link")
    pause_everything(line)
    pause = newest_choice(line)
    ash.is_told()
    ash.signs(below=[ash.signed_below(market.a_company("Ash Maps"))])
    stop_everything(line)
    stop = newest_choice(line)

    def paused(seen: Seen) -> Looks:
        until = {"exact": seen.say.exact(pause.made_at), "moment": seen.say.moment(pause.made_at + 7 * DAY)}
        head = [seen.say("you_paused_all"), seen.say("paused_until", **until)]
        return head, [seen.received(ash, seen.say("tag_signed"), seen.signed("use_signed", ash, below=["Ash Maps"]))]

    def unsent(seen: Seen) -> Looks:
        say, unsigned = seen.say, seen.unsigned("deletion_unsigned")
        steps = (seen.made(), say("not_told"), say("not_received"), unsigned)
        return all_off(seen, pause), [card(say, "Ash Link", say("tag_on_its_way"), *steps)]

    assert_page(pause, stop.made_at + MINUTE, paused, is_open=False)
    assert_page(stop, stop.made_at + MINUTE, unsent, notice=of_a_stop)


def test_what_a_stop_asked_and_nobody_signed_is_still_owed_in_a_pause(market: Market) -> None:
    line, (ash,) = a_line_dealing_with(market, "Ash Link")
    other = a_campaign(ash.contract, market.a_company("Other").party, purpose=FRAUD)
    an_approval(line, other, at=timezone.now() - 90 * DAY)
    stop_company(line, "Ash Maps")
    stop = newest_choice(line)
    pause_everything(line)
    pause = newest_choice(line)
    ash.is_told()

    def paused(seen: Seen) -> Looks:
        until = {"exact": seen.say.exact(pause.made_at), "moment": seen.say.moment(pause.made_at + 7 * DAY)}
        head = [seen.say("you_paused_all"), seen.say("paused_until", **until)]
        unsigned = f"{seen.say('use_unsigned')} {seen.due(since=stop.made_at)}"
        return head, [seen.received(ash, seen.say("tag_received_owing"), unsigned)]

    def carried_on(seen: Seen) -> Looks:
        say = seen.say
        head = [say("you_stopped", name="Ash Maps"), say("no_since", exact=say.exact(stop.made_at))]
        unsigned = seen.unsigned("deletion_unsigned_of", names="Ash Maps")
        name, tag, *steps = seen.received(ash, say("tag_received_deletion"), unsigned)
        return head, [[name, tag, say("newer_carries_on"), *steps]]

    assert_page(pause, pause.made_at + MINUTE, paused)
    assert_page(stop, pause.made_at + MINUTE, carried_on)


def test_where_a_newer_message_took_its_place_it_is_shown_how_far_that_one_is(market: Market) -> None:
    line, (ash,) = a_line_dealing_with(market, "Ash Link")
    stop_everything(line)
    stop = newest_choice(line)
    allow(line, ash, days="30")
    yes = newest_choice(line)
    other = a_campaign(ash.contract, market.a_company("Other").party, purpose=FRAUD)
    allow(line, replace(ash, campaign=other))
    newest = newest_choice(line)
    ash.is_told()

    def title(seen: Seen) -> str:
        return seen.say("you_allowed", name="Ash Maps", why=seen.say("roadside"))

    def of_the_stop(seen: Seen) -> Looks:
        say = seen.say
        changed = say("no_changed", exact=say.exact(stop.made_at), changed=say.exact(yes.made_at))
        head = [say("you_stopped_all"), changed, say.counted("again", 2)]
        name, tag, *steps = seen.received(ash, say("tag_received_deletion"), seen.unsigned("deletion_unsigned"))
        return head, [[name, tag, say("newer_carries_on"), *steps]]

    def of_the_yes(seen: Seen) -> Looks:
        say = seen.say
        until = {"exact": say.exact(yes.made_at), "moment": say.moment(yes.made_at + 30 * DAY)}
        told, received = (seen.at(name, tried_at(ash)) for name in ("told_at", "received_at"))
        steps = (say("newer_shown"), seen.made("allowed_here"), told, received)
        return [title(seen), say("yes_until", **until)], [card(say, "Ash Link", say("tag_received"), *steps)]

    def of_the_yes_when_over(seen: Seen) -> Looks:
        say = seen.say
        return [title(seen), say("yes_gone")], [card(say, "Ash Link", say("tag_replaced"), say("newer_message"))]

    assert_page(stop, newest.made_at + MINUTE, of_the_stop, notice=of_a_stop)
    assert_page(yes, newest.made_at + MINUTE, of_the_yes, notice=of_a_yes, is_open=False)
    assert_page(yes, newest.made_at + 31 * DAY, of_the_yes_when_over, notice=of_a_yes, is_open=False)


def test_a_yes_that_a_later_stop_replaced_shows_no_steps_of_that_stop(market: Market) -> None:
    line, (ash,) = a_line_dealing_with(market, "Ash Link")
    stop_everything(line)
    allow(line, ash)
    yes = newest_choice(line)
    stop_everything(line)
    ash.is_told()

    def gone(seen: Seen) -> Looks:
        say = seen.say
        title = say("you_allowed", name="Ash Maps", why=say("roadside"))
        return [title, say("yes_gone")], [card(say, "Ash Link", say("tag_replaced"), say("later_choice"))]

    assert_page(yes, yes.made_at + MINUTE, gone, notice=of_a_yes, is_open=False)


def test_a_word_that_was_broken_and_given_again_is_the_newer_one(market: Market) -> None:
    line, (ash,) = a_line_dealing_with(market, "Ash Link")
    service = market.a_company("Ash Maps")
    stop_everything(line)
    stop = newest_choice(line)
    ash.is_told()
    ash.signs(below=[ash.signed_below(service)])
    market.reports(ash.release(line, service, at=timezone.now()))
    ash.is_told(after=SECOND)

    def broken(seen: Seen) -> Looks:
        said = seen.signed("deletion_signed", ash, seen.say("went_on"), seen.due(), below=["Ash Maps"])
        return all_off(seen), [seen.received(ash, seen.say("tag_went_on"), said)]

    assert_page(stop, stop.made_at + MINUTE, broken, notice=of_a_stop)
    with time_machine.travel(stop.made_at + 2 * MINUTE, tick=False):
        ash.signs(below=[ash.signed_below(service)])

    def kept(seen: Seen) -> Looks:
        say = seen.say
        told, received = (seen.at(name, tried_at(ash, 1)) for name in ("told_at", "received_at"))
        said = seen.signed("deletion_signed_of", ash, below=["Ash Maps"], names="Ash Maps")
        steps = (say("newer_carries_on"), seen.made(), told, received, said)
        return all_off(seen), [card(say, "Ash Link", say("tag_deleted"), *steps)]

    assert_page(stop, stop.made_at + 3 * MINUTE, kept, notice=of_a_stop, is_open=False)


def test_who_was_not_reached_before_has_no_new_quarter_of_an_hour(market: Market) -> None:
    line, (ash,) = a_line_dealing_with(market, "Ash Link")
    stop_everything(line)
    first = newest_choice(line)
    allow(line, ash)
    yes = newest_choice(line)
    limit = first.made_at + 15 * MINUTE

    def look(now: datetime, tag: str, received: str) -> None:
        def page(seen: Seen) -> Looks:
            say = seen.say
            head = [say("you_allowed", name="Ash Maps", why=say("roadside")), say("yes", exact=say.exact(yes.made_at))]
            steps = (seen.made("allowed_here"), say("not_told"), say(received))
            return head, [card(say, "Ash Link", say(tag), *steps)]

        assert_page(yes, now, page, notice=of_a_yes)

    assert yes.made_at > first.made_at
    look(limit - MICROSECOND, "tag_on_its_way", "not_received")
    look(limit, "tag_unconfirmed", "unconfirmed")


def test_how_often_it_was_tried_is_counted(market: Market) -> None:
    line, (ash,) = a_line_dealing_with(market, "Ash Link")
    stop_everything(line)
    stop = newest_choice(line)
    ash.dies()
    for n in range(1, 4):
        ash.is_told(after=2 * n * n * MINUTE)

    def tried(seen: Seen) -> Looks:
        say = seen.say
        steps = (seen.made(), seen.tried("not_told", 3), say("unconfirmed"), seen.unsigned("deletion_unsigned"))
        return all_off(seen), [card(say, "Ash Link", say("tag_unconfirmed"), *steps)]

    assert_page(stop, stop.made_at + 20 * MINUTE, tried, notice=of_a_stop)


def test_who_is_found_below_after_the_signature_is_named_as_not_having_signed(market: Market) -> None:
    line, (ash,) = a_line_dealing_with(market, "Ash Link")
    service, late, before = market.a_company("Ash Maps"), market.a_company("Late"), timezone.now()
    stop_everything(line)
    stop = newest_choice(line)
    ash.is_told()
    ash.signs(below=[ash.signed_below(service)])
    market.reports(ash.release(line, late, at=before - DAY))

    def found(seen: Seen) -> Looks:
        missing = seen.say.counted("missing", 1, names="Late")
        said = seen.signed("deletion_signed", ash, missing, seen.due(), below=["Ash Maps"])
        return all_off(seen), [seen.received(ash, seen.say("tag_in_part"), said)]

    assert_page(stop, stop.made_at + MINUTE, found, notice=of_a_stop)
