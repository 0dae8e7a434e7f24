"""Home as a whole: nobody, one company, an emergency alone, long ago; on, partly, paused, off, and by whose word."""

from collections.abc import Sequence
from datetime import datetime

import pytest
import time_machine
from django.utils import timezone

from disclosures import tasks
from tests.feeds import choice_row, take_choices, told
from tests.people import Browser, number_of, signed_in
from tests.words.expected import LANGUAGES, Words
from tests.words.home_pages import limits, the_act
from tests.words.lives import AID, ASH, Life, assert_changed, assert_reads, in_each, read
from tests.words.pages import changes, main, press
from tests.words.partners import Market
from tests.words.worlds import DAY, newest_choice

pytestmark = pytest.mark.usefixtures("db")


@pytest.fixture
def life(market: Market) -> Life:
    return Life.begin(market)


def card(
    say: Words, life: Life, tag: str, now: str, buttons: Sequence[str], *, often: str = "", proof: str = ""
) -> list[str]:
    """The one company, its location got once three days ago by a yes on record, if nothing else is said."""
    once = say.counted("often", 1, moment=say.moment(life.noon(3)), precision=say("metres", n=500))
    agreed = proof or say("agreed_by_text", day=say.day(life.noon(90)))
    return [
        AID, tag, say("your_carrier"), ASH, AID, say("why"), say("to_give_you_a"), say("how_often"), often or once,
        say("proof"), f"{agreed} {say('see_the_proof')}", say("now"), now, *buttons,
    ]  # fmt: skip


def agreed(say: Words) -> tuple[str, str, list[str]]:
    """The tag, what we say, and what can be pressed while it is allowed."""
    return (
        f"(good) {say('you_agreed')}", say("we_say_yes_when"), [say("stop"), say("keep"), say("i_never_agreed_to")],
    )  # fmt: skip


def once(say: Words) -> list[str]:
    return [say.counted("they_looked_time", 1), say.counted("it_went_through_a", 1, names=ASH)]


def test_nobody_asked_and_everything_that_can_be_said_then(life: Life) -> None:
    person = signed_in(life.line)

    def on(say: Words) -> list[str]:
        return [
            say("sharing_is_on"), say("your_location_was_not"), *the_act(say, known=False), say("we_have_no_record"),
            say("nothing_yet"), say("no_company_has_asked_us"), *limits(say),
        ]  # fmt: skip

    first = read(person)
    assert_reads(first, in_each(on), "on")
    press(person, main(person, "/choices/pause/"), "Pause all sharing", length="7")
    until = pause_ends(life)

    def paused(say: Words) -> list[str]:
        return [
            f"- {say('sharing_is_on')}", f"+ {say('all_sharing_is_paused')}",
            f"+ {say('all_paused_until', moment=say.moment(until))}",
            f"- {say('no_company_has_asked_us')}", f"+ {say('no_company_has_asked')}",
        ]  # fmt: skip

    second = read(person)
    assert_changed(first, second, in_each(paused), "paused")
    press(person, main(person, "/home/"), "Stop all sharing")

    def off(say: Words) -> list[str]:
        gone = [say("all_paused_until", moment=say.moment(until)), *the_act(say, known=False)]
        return [
            f"- {say('all_sharing_is_paused')}", f"+ {say('all_sharing_is_off')}", *(f"- {one}" for one in gone),
            f"+ {say('you_stopped_all_sharing')} {say('we_say_no_to')}", f"+ {say('see_how_far_each')}",
        ]  # fmt: skip

    assert_changed(second, read(person), in_each(off), "off")


def test_one_company_paused_allowed_stopped_and_allowed_again(life: Life) -> None:
    life.agrees()
    life.looked(3)
    person = signed_in(life.line)

    def whole(say: Words, state: str, of_card: list[str], act: Sequence[str]) -> list[str]:
        return [
            say(state), say.counted("your_location_was_shared", 1), *act, " ".join(once(say)), say("who_had_it_in"),
            *of_card, say("look_ups_each_week"), *limits(say),
        ]  # fmt: skip

    def on(say: Words) -> list[str]:
        return whole(say, "sharing_is_on", card(say, life, *agreed(say)), the_act(say))

    assert_reads(read(person), in_each(on), "on")
    press(person, main(person, "/choices/pause/"), "Pause all sharing", length="7")
    until = pause_ends(life)

    def paused(say: Words) -> list[str]:
        waits = f"{say('say_no_until', moment=say.moment(until))} {say('the_message_to_is', party=ASH)}"
        buttons = [say("allow_again_button"), say("i_never_agreed_to")]
        sentence = f"{say('all_paused_until', moment=say.moment(until))} {say.counted('may_ask_after', 1)}"
        of_card = card(say, life, f"(plain) {say('paused')}", waits, buttons)
        return whole(say, "all_sharing_is_paused", of_card, [sentence, *the_act(say)])

    assert_reads(read(person), in_each(paused), "paused")
    allow(person, life)

    def allowed(say: Words, *act: str) -> list[str]:
        by_you = say("you_allowed_it_here", day=say.day(newest_choice(life.line).made_at))
        return whole(
            say, "sharing_is_partly_off", card(say, life, *agreed(say), proof=by_you), [*act, *the_act(say)]
        )  # fmt: skip

    def but_for(say: Words) -> list[str]:
        return allowed(say, say("paused_but_for", moment=say.moment(until)))

    assert_reads(read(person), in_each(but_for), "allowed within the pause")
    yes = newest_choice(life.line).made_at
    press(person, main(person, "/home/"), "Stop all sharing")
    stop = newest_choice(life.line)

    def stopped(say: Words) -> list[str]:
        since = f"{say('said_no_since', moment=say.moment(stop.made_at))} {say('the_message_to_is', party=ASH)}"
        ended = f"{say('you_allowed_it_here', day=say.day(yes))} {say('that_has_ended')}"
        buttons = [say("allow_again_button"), say("i_never_agreed_to")]
        of_card = card(say, life, f"(plain) {say('you_stopped_it')}", since, buttons, proof=ended)
        act = [f"{say('you_stopped_all_sharing')} {say('we_say_no_to')}", say("see_how_far_each")]
        return whole(say, "all_sharing_is_off", of_card, act)

    assert_reads(read(person), in_each(stopped), "stopped")
    allow(person, life)
    # The pause runs on, but what was said last was a stop, which does not end with it.
    assert_reads(read(person), in_each(allowed), "allowed after the stop")


def pause_ends(life: Life) -> datetime:
    until = newest_choice(life.line).until
    assert until is not None
    return until


def allow(person: Browser, life: Life) -> None:
    page = main(person, f"/choices/allow/?campaign={life.market.partners[ASH].campaign.ref}")
    press(person, page, f"Yes, allow {AID}", days="")


def test_given_out_for_reasons_that_never_ask(market: Market) -> None:
    one, several = Life.begin(market), Life.begin(market)
    one.outside("emergency", 5)
    several.outside("emergency", 5)
    several.outside("legal_process", 6, path=("urn:police",))
    several.outside("network", 50, 51, path=("urn:network",))

    def tally(say: Words, **names: int) -> str:
        return "; ".join(f"{say(name)}, {n}" for name, n in names.items())

    def whole(say: Words, n: int, recent: str, earlier: str = "") -> list[str]:
        return [
            say("sharing_is_on"), say.counted("your_location_was_given", n), *the_act(say),
            f"{recent}. {say('in_that_time_no')} {say('what_a_stop_cant')}",
            *limits(say, recent=recent, earlier=earlier),
        ]  # fmt: skip

    person = signed_in(one.line)
    assert_reads(read(person), in_each(lambda say: whole(say, 1, tally(say, emergency_call=1))), "one")
    person = signed_in(several.line)
    network = {"running_the_network": 2}
    assert_reads(
        read(person),
        in_each(lambda say: whole(say, 2, tally(say, emergency_call=1, lawful_order=1), tally(say, **network))),
        "several",
    )

    def later(say: Words) -> list[str]:
        return [
            say("sharing_is_on"), say("your_location_was_not_shared"), *the_act(say),
            " ".join((say("see_every_record_there"), say.counted("before_that_it_was", 4), say("see_for_what"))),
            *limits(say, earlier=tally(say, emergency_call=1, lawful_order=1, **network)),
        ]  # fmt: skip

    with time_machine.travel(several.now + 37 * DAY):
        assert_reads(read(signed_in(several.line)), in_each(later), "a month later")


def test_what_was_long_ago_is_said_to_be(market: Market) -> None:
    former, doubtful = Life.begin(market), Life.begin(market)
    former.agrees()
    former.looked(60)
    sellers = [market.partners[ASH].party.uri, market.companies[AID].party.uri]
    doubtful.outside("emergency", 40, path=sellers)
    doubtful.outside("network", 41, path=sellers)

    def long_ago(say: Words) -> list[str]:
        often = say.counted(
            "often_before", 1, moment=say.moment(former.noon(60)), precision=say("metres", n=500)
        )  # fmt: skip
        return [
            say("sharing_is_on"), say("your_location_was_not_shared"), *the_act(say), say("below_is_what_happened"),
            say("earlier_or_allowed_to"), *card(say, former, *agreed(say), often=often), say("look_ups_each_week"),
            *limits(say),
        ]  # fmt: skip

    assert_reads(read(signed_in(former.line)), in_each(long_ago), "by a yes")

    def in_doubt(say: Words) -> list[str]:
        tally, asking = (
            f"{say('emergency_call')}, 1; {say('running_the_network')}, 1",
            say.counted("look_up_is_said", 2),
        )
        outside = [
            say("outside_earlier", tally=tally), say("last_was_on", moment=say.moment(doubtful.noon(40))), asking,
            say("a_stop_does_not"),
        ]  # fmt: skip
        return [
            say("sharing_is_on"), say("your_location_was_not_shared"), *the_act(say),
            " ".join((
                say("below_is_what_happened"), say.counted("before_that_it_was", 2), asking, say("see_for_what"),
            )),
            say("earlier_or_allowed_to"), AID, f"(warn) {say('we_are_asking_why')}", say("your_carrier"), ASH, AID,
            say("now"), say("no_and_may_hold"), " ".join(outside), say("stop"), say("i_never_agreed"),
            *limits(say, earlier=tally, doubtful=2),
        ]  # fmt: skip

    assert_reads(read(signed_in(doubtful.line)), in_each(in_doubt), "in doubt")


def test_a_stop_from_a_file_is_nobodys_here(life: Life) -> None:
    life.agrees()
    life.looked(3)
    row = choice_row(msisdn=number_of(life.line), made_at=life.noon(2).isoformat())
    assert told(take_choices(row)) == [("accepted",)]
    person, began = signed_in(life.line), newest_choice(life.line).recorded_at

    def off(say: Words) -> list[str]:
        no = f"{say('said_no_since', moment=say.moment(began))} {say('a_record_taken_over_from')}"
        of_card = card(
            say, life, f"(plain) {say('stopped_by_an_earlier')}", f"{no} {say('the_message_to_is', party=ASH)}",
            [say("stop"), say("allow_again_button"), say("i_never_agreed_to")],
            proof=f"{say('agreed_by_text', day=say.day(life.noon(90)))} {say('that_has_ended')}",
        )  # fmt: skip
        return [
            say("all_sharing_is_off"), say.counted("your_location_was_shared", 1),
            say("a_file_stopped_all", moment=say.moment(began)), *the_act(say), " ".join(once(say)),
            say("who_had_it_in"), *of_card, say("look_ups_each_week"), *limits(say),
        ]  # fmt: skip

    assert_reads(read(person), in_each(off))


def test_what_does_not_look_right_and_what_we_do_about_it(life: Life) -> None:
    life.looked(2, 3, 4)
    tasks.find_anomalies()
    person, found = signed_in(life.line), timezone.now()
    paths = ("/home/", "/history/", life.path())
    before = {path: read(person, path) for path in paths}

    def none(say: Words) -> list[str]:
        often = say.counted("often", 3, moment=say.moment(life.noon(2)), precision=say("metres", n=500))
        return [
            AID, f"(bad) {say('no_record_that_you')}", say("your_carrier"), ASH, AID, say("why"), say("to_give_you_a"),
            say("how_often"), often, say("proof"), f"{say('no_record_that_you_agreed')} {say('what_this_means')}",
            say("now"), say("no_and_may_hold"),
            say.counted("not_allowed", 3, words=say("no_record_that_you")[0].lower() + say("no_record_that_you")[1:]),
            say("stop"), say("i_never_agreed"),
        ]  # fmt: skip

    def told_so(say: Words, name: str) -> str:
        return " ".join((
            *([f"{name}:"] if name else []), say.counted("looked_up_time_with", 3), say("we_say_no"),
            say("suspend_on", day=say.day(found + 3 * DAY)),
        ))  # fmt: skip

    def home(say: Words) -> list[str]:
        return [
            say("sharing_is_on"),
            f"{say.counted('your_location_was_shared', 1)} {say.counted('has_no_record_that', 1)}",
            *the_act(say), f"{say.counted('they_looked_time', 3)} {say.counted('it_went_through_a', 1, names=ASH)}",
            say("what_does_not_look"), "(warn)", told_so(say, AID), say("see_these_look_ups"),
            say("who_had_it_in"), *none(say), say("look_ups_each_week"), *limits(say),
        ]  # fmt: skip

    assert_reads(before["/home/"], in_each(home))
    for language in LANGUAGES:
        say = Words(language)
        assert before["/history/"][language][2:6] == [
            say("what_does_not_look"), "(warn)", f"{AID}: {say.counted('looked_up_time_with', 3)}",
            say("see_these_look_ups"),
        ]  # fmt: skip
        assert told_so(say, "") in before[life.path()][language]
    with time_machine.travel(life.now + 15 * DAY):
        tasks.act_on_anomalies()
        began, person = newest_choice(life.line).made_at, signed_in(life.line)
        after = {path: read(person, path) for path in paths}

    def ours(say: Words, *, name: str) -> list[str]:
        ours = " ".join((
            say("said_no_since", moment=say.moment(began)), say("we_did_that_ourselves"),
            say("has_not_yet_confirmed", party=ASH),
        ))  # fmt: skip
        now = say("no_and_may_hold")
        suspended = " ".join((
            *([f"{name}:"] if name else []), say.counted("looked_up_time_with", 3), say("we_have_suspended_this"),
        ))  # fmt: skip
        noticed = [f"- {told_so(say, name)}", f"+ {suspended}"]
        stands = [f"- {now}", f"+ {ours}", f"- {say('i_never_agreed')}"]
        if name:
            return [
                f"- {say('sharing_is_on')}", f"+ {say('sharing_is_partly_off')}", *noticed, *stands,
                f"+ {say('i_never_agreed_to')}",
            ]  # fmt: skip
        narrower = [
            say("stop_a_part_or"), say("to_give_you_a"), say("stop_only_this_use"), say("stop_this_kind_of"),
            say("pause_until_2", name=AID),
        ]  # fmt: skip
        return [*stands, *(f"- {one}" for one in narrower), f"+ {say('i_never_agreed_to')}", *noticed]

    assert_changed(before["/home/"], after["/home/"], in_each(lambda say: ours(say, name=AID)))
    assert_changed(before["/history/"], after["/history/"], in_each(lambda _: []))
    for language in LANGUAGES:
        differ = changes(before[life.path()][language], after[life.path()][language])
        expected = ours(Words(language), name="")
        assert differ[: len(expected)] == expected
