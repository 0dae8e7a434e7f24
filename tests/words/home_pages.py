"""Home: the answer in one sentence, every place in which a company can stand, and what no choice stops."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from tests.words.cards import Stands
from tests.words.crowd import NAMES, Crowd
from tests.words.expected import PACIFIC, Words
from tests.words.looks import REFUSED
from tests.words.pages import Part, changes, without
from tests.words.worlds import HOUR, MINUTE

# Who stands out comes first, then who looked most often and last.
LAID_OPEN = ("unknown", "unknown_stopped", "unknown_paused", "itself", "doubtful")
FOLDED = (
    "agreed", "claimed", "one_customer", "allowed", "stopped", "paused", "by_record", "kept_stop", "after_stop",
    "suspended", "family", "lifeline", "file_allowed", "ended",
)  # fmt: skip
# Two were looked up after a stop.
LAID_OPEN_AFTER = ("unknown", "unknown_stopped", "unknown_paused", "itself", "after_stop", "by_record")
FOLDED_AFTER = ("doubtful", *(role for role in FOLDED if role not in LAID_OPEN_AFTER))
EARLIER = ("refused", "not_looked", "not_looked_stopped")


def the_sentence(say: Words, *, lookups: int, no_record: int = 4) -> list[str]:
    return [
        f"{say.counted('your_location_was_shared', 19)} {say.counted('has_no_record_that', no_record)}",
        " ".join((
            say.counted("they_looked_time", lookups), say.counted("for_more_only_the", 1),
            say.counted("it_went_through_a", 1, names="Ash Exchange"),
            say.counted("it_was_passed_on", 3, names="County desk, Vine Bank, Wisteria Shop"),
            say("for_some_look_ups"), say.counted("look_up_is_said", 1), say.counted("besides_it_was_given", 2),
            say("see_for_what"),
        )),
    ]  # fmt: skip


def the_act(say: Words, *, known: bool = True, lifelines: str = "", noticed: bool = False) -> list[str]:
    """Stop, or pause, and what that would do. `known`: there are companies."""
    help_ends = [say.counted("cant_find_you_until", 1, names=lifelines)] if lifelines else []
    return [
        say("stop_all_sharing"), say("pause_until"), say("how_long"), say("for_one_day"), say("for_one_week"),
        say("for_30_days"), say("until_a_day"), say("that_day"), say("pause_all_sharing"),
        " ".join(([say("for_these_companies_and")] if known else []) + [say("before_a_stop"), *help_ends]),
        *([f"{say('if_you_stop_it')} {say('stay_safe')}"] if noticed else []),
    ]  # fmt: skip


@dataclass(frozen=True)
class Fact:
    """What a card says besides how the company stands.

    `below`: for each way that the location took, the companies after it. `often` "": it got nothing in the name of an
    agreement, and `instead_of_use` is read. `more`: what stands above the buttons.
    """

    name: str
    why: str
    often: str
    through: str = "Ash Exchange"
    below: Sequence[Sequence[str]] = ((),)
    nobody: Sequence[str] = ()
    instead_of_use: Sequence[str] = ()
    more: Sequence[str] = ()


def lowered(words: str) -> str:
    """As within a sentence."""
    return words[0].lower() + words[1:]


def facts(crowd: Crowd, say: Words) -> dict[str, Fact]:
    """Of each company: why, how often, through whom and to whom; and what else is said of it."""

    def often(n: int, at: datetime, precision: str = "") -> str:
        return say.counted("often", n, moment=say.moment(at), precision=precision or say("metres", n=500))

    def not_allowed(n: int, name: str) -> str:
        return say.counted("not_allowed", n, words=lowered(say(name)))

    def fact(role: str, days: int, *, why: str = "to_give_you_a", **said: Any) -> Fact:
        return Fact(NAMES.get(role, role), say(why), **{"often": often(1, crowd.noon(days)), **said})

    unnamed, noticed = say("we_do_not_know"), f"{say('if_you_stop_it')} {say('stay_safe')}"
    asking = (
        say("outside_recent", tally=f"{say('emergency_call')}, 1"),
        say("last_was_on", moment=say.moment(crowd.noon(21))), say.counted("look_up_is_said", 1),
        say("a_stop_does_not"),
    )  # fmt: skip
    nothing = [say("how_often"), say("it_got_nothing")]
    found = {
        role: fact(role, days)
        for role, days in {
            "allowed": 3, "stopped": 8, "paused": 9, "by_record": 10, "kept_stop": 11, "after_stop": 12,
            "suspended": 13, "file_allowed": 16,
        }.items()
    }  # fmt: skip
    return found | {
        "unknown": fact(
            "unknown", 3, why="to_check_who_you", through="Birch Exchange", below=[["County desk"], [unnamed]],
            often=often(3, crowd.noon(3) + 10 * MINUTE, say("metres", n=50)),
            nobody=[say("instead_of_nobody", name="Daisy Track")], more=[not_allowed(3, "no_record_that_you")],
        ),
        "unknown_stopped": fact("unknown_stopped", 6, more=[not_allowed(1, "no_record_that_you")]),
        "unknown_paused": fact("unknown_paused", 7, more=[not_allowed(1, "no_record_that_you")]),
        "itself": fact(
            "Birch Exchange", 25, why="to_advertise", through="", below=[[unnamed]],
            nobody=[say("instead_of_nobody", name="Birch Exchange")], more=[not_allowed(1, "no_record_that_you")],
        ),
        "doubtful": fact("doubtful", 21, through="Birch Exchange", often="", more=[" ".join(asking)]),
        "agreed": fact(
            "agreed", 1, often=often(3, crowd.noon(1), say("metres", n=20)),
            more=[say.counted("it_asked_time_and", 1), not_allowed(1, "more_exact_than_you")],
        ),
        "claimed": fact(
            "claimed", 5, why="to_show_you_ads_by",
            often=often(2, crowd.noon(5) + HOUR, say("kilometres", n=1)),
            more=[not_allowed(2, "only_the_company_says_you")],
        ),
        "one_customer": fact(
            "one_customer", 17, often=often(2, crowd.noon(17)), below=[["Vine Bank"], ["Wisteria Shop"]]
        ),
        "family": fact("family", 14, why="to_run_a_service", more=[noticed]),
        "lifeline": fact("lifeline", 15, more=[say("if_you_stop_it_cant", name="Sage Rescue")]),
        "ended": fact("ended", 20, more=[not_allowed(1, "your_agreement_had_ended")]),
        "refused": fact(
            "refused", 19, often="", below=[["Birch Exchange"]], instead_of_use=nothing,
            more=[say.counted("it_asked_time_and", 2)],
        ),
        "not_looked": fact("not_looked", 0, often=say("may_look")),
        "not_looked_stopped": fact("not_looked_stopped", 0, often=say("may_look")),
    }  # fmt: skip


def a_card(say: Words, stands: Stands, fact: Fact) -> list[str]:
    """One company's card from top to bottom."""
    ways = [one for below in fact.below for one in (say("your_carrier"), fact.through, fact.name, *below) if one]
    link = say("what_this_means") if stands.proof == say("no_record_that_you_agreed") else say("see_the_proof")
    use = [say("why"), fact.why, say("how_often"), fact.often, say("proof"), f"{stands.proof} {link}"]
    return [
        fact.name, *stands.tags, *ways, *fact.nobody, *(use if fact.often else fact.instead_of_use),
        say("now"), stands.now, *fact.more, *stands.buttons,
    ]  # fmt: skip


def folded(say: Words, roles: Sequence[str], fact: Mapping[str, Fact], *, more: str = "") -> str:
    """What is read of companies that are folded away: how many, and the first of them by name."""
    return f"{say.counted('more_company', len(roles))} {', '.join(fact[role].name for role in roles[:5])}{more}"


def limits(say: Words, *, recent: str = "", earlier: str = "", doubtful: int = 0) -> list[str]:
    """What no choice stops, at the foot of the page: what there was of it lately and before, in words."""
    tallies = ([say("in_30_days", tally=recent)] if recent else []) + (
        [say("earlier", tally=earlier)] if earlier else []
    )
    asking = [f"(warn) {say.counted('one_of_these_went', doubtful)} {say('ask_about_this')}"] if doubtful else []
    return [
        say("what_a_stop_cant"), say("outside_your_choices"), say("calls_to_911_orders"), say("some_court_orders_also"),
        *([" ".join([*tallies, say("see_each_one")])] if tallies else []), *asking,
        say("what_we_cant_see"), say("apps_that_may_use"), say("if_someone_may_be"), say("zone", zone=say("pacific")),
    ]  # fmt: skip


def chart(crowd: Crowd, say: Words) -> list[list[str]]:
    """Twelve weeks, the last one this one, and how often each company looked in each."""
    named = ("Alder Aid", "Daisy Track", "Clover Ads", "Gorse Aid")
    looks = [look for look in crowd.looks if look.by_agreement and look.judged != REFUSED]
    series = [[look for look in looks if look.company == name] for name in named]
    series.append([look for look in looks if look.company not in named])
    today = crowd.now.astimezone(PACIFIC).date()
    rows = [[say("week"), *named, say("others"), say("all")]]
    for weeks in range(11, -1, -1):
        monday = today - timedelta(days=today.weekday(), weeks=weeks)
        days = {monday + timedelta(days=n) for n in range(7)}
        counts = [sum(look.at.astimezone(PACIFIC).date() in days for look in each) for each in series]
        rows.append([say.short(monday), *map(str, counts), str(sum(counts))])
    return rows


def assert_home(crowd: Crowd, say: Words, page: Part, stands: dict[str, Stands], *, acted: bool = False) -> None:
    """All of home: the sentence, every card, the limits, and the chart's table."""
    fact = facts(crowd, say)
    stands = {**stands, "itself": stands["unknown"]}
    if acted:
        fact |= facts_afterwards(crowd, say, fact)
    laid_open, folded_away = (LAID_OPEN_AFTER, FOLDED_AFTER) if acted else (LAID_OPEN, FOLDED)
    sentence, besides = the_sentence(say, lookups=25 if acted else 24)
    act = the_act(say, lifelines="Sage Rescue", noticed=True)
    recent = f"{say('emergency_call')}, 2; {say('lawful_order')}, 1"
    foot = limits(say, recent=recent, earlier=f"{say('running_the_network')}, 1", doubtful=1)
    read = {role: a_card(say, stands[role], fact[role]) for role in fact}
    expected = [
        say("sharing_is_partly_off" if acted else "sharing_is_on"), sentence, *act, besides,
        say("who_had_it_in"), *(line for role in laid_open for line in read[role]),
        folded(say, folded_away, fact, more="…"), *(line for role in folded_away for line in read[role]),
        say("before_that_or_allowed"), folded(say, EARLIER, fact),
        *(line for role in EARLIER for line in read[role]), say("look_ups_each_week"), *foot,
    ]  # fmt: skip
    found = changes(expected, without(page, page.one("figure", of_class="chart")).whole)
    assert found == [], "\n".join(found)
    assert page.one("table").rows == chart(crowd, say)


def facts_afterwards(crowd: Crowd, say: Words, fact: Mapping[str, Fact]) -> dict[str, Fact]:
    """Of those of whom something else is said once everybody has acted."""
    after_stop = [say.counted("not_allowed", 1, words=lowered(say("after_you_said_stop")))]
    asked_again = say.moment(crowd.said["asked again"])
    twice = say.counted("often", 2, moment=asked_again, precision=say("metres", n=500))
    return {
        "by_record": replace(fact["by_record"], more=after_stop),
        "after_stop": replace(fact["after_stop"], more=after_stop, often=twice),
        "not_looked_stopped": replace(fact["not_looked_stopped"], often=say("not_looked")),
    }
