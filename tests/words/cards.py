"""How each company of a crowd stands, as home and the company's own page say it, before and after everybody acted."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from tests.words.crowd import NAMES, Crowd
from tests.words.expected import Words
from tests.words.worlds import DAY

# Of a record: that it counts, that it is only claimed, that it has ended.
COUNTS = (("good", "counts_now"), ("warn", "a_claim_not_checked"), ("plain", "ended"))
CLAIMS = {"unknown", "unknown_stopped", "unknown_paused"}


@dataclass(frozen=True)
class Stands:
    """What is read of one company: its tags, what speaks for a yes, what we say now, and what can be pressed."""

    tags: Sequence[str]
    proof: str
    now: str
    buttons: Sequence[str]


def before(crowd: Crowd, say: Words) -> dict[str, Stands]:
    """By place: before anybody has said anything on these pages."""
    stop, never = say("stop"), say("i_never_agreed")
    yes = [stop, say("keep"), say("i_never_agreed_to")]
    denied = say("no_and_may_hold")
    agreed = Stands(
        [f"(good) {say('you_agreed')}"], say("agreed_by_text", day=say.day(crowd.noon(90))), say("we_say_yes_when"), yes
    )
    unknown = Stands([f"(bad) {say('no_record_that_you')}"], say("no_record_that_you_agreed"), denied, [stop, never])
    ended = f"{say('agreed_on_paper', day=say.day(crowd.noon(90)))} {say('that_has_ended')}"
    claimed = say("claimed_on_web", day=say.day(crowd.noon(40)))
    return {
        **dict.fromkeys(NAMES, agreed),
        **dict.fromkeys(CLAIMS, unknown),
        "claimed": Stands([f"(warn) {say('only_the_company_says')}"], claimed, denied, [stop, never]),
        "ended": Stands([f"(warn) {say('your_agreement_has_ended')}"], ended, denied, [stop, never]),
        "refused": Stands([f"(good) {say('refused')}"], "", say("we_say_no"), [stop, never]),
        "doubtful": Stands([f"(warn) {say('we_are_asking_why')}"], "", denied, [stop, never]),
        "file_allowed": replace(agreed, proof=say("file_says_allowed", day=say.day(crowd.noon(80)))),
    }


def after(crowd: Crowd, say: Words) -> dict[str, Stands]:
    """By place: after the person, a file, an officer and a company acted. Of the others it is as before."""
    was, said = before(crowd, say), crowd.said
    waits = say("the_message_to_is", party="Ash Exchange")
    agreed = was["agreed"].proof

    def said_no(role: str, **changes: Any) -> Stands:
        now = f"{say('said_no_since', moment=say.moment(said[role]))} {waits}"
        stands = Stands(
            [f"(plain) {say('you_stopped_it')}"], f"{agreed} {say('that_has_ended')}", now,
            [say("allow_again_button"), say("i_never_agreed_to")],
        )  # fmt: skip
        return replace(stands, **changes)

    def paused(role: str, **changes: Any) -> Stands:
        until = say("say_no_until", moment=say.moment(said[role] + 30 * DAY))
        return said_no(role, tags=[f"(plain) {say('paused')}"], proof=agreed, now=f"{until} {waits}", **changes)

    no_record, never = was["unknown"].tags[0], [say("i_never_agreed_to")]
    by_file = f"{say('said_no_since', moment=say.moment(said['by_record']))} {say('a_record_taken_over_from')} {waits}"
    until = say.day(said["allowed"] + 365 * DAY)
    return {
        "allowed": replace(
            was["agreed"],
            proof=f"{say('you_allowed_it_here', day=say.day(said['allowed']))} {say('it_ends_on', day=until)}",
        ),
        "unknown_stopped": said_no(
            "unknown_stopped", tags=[no_record, f"(plain) {say('you_stopped_it')}"], proof=was["unknown"].proof,
            buttons=never,
        ),
        "unknown_paused": replace(
            paused("unknown_paused"), tags=[no_record, f"(plain) {say('paused')}"], proof=was["unknown"].proof,
            buttons=never,
        ),
        "stopped": said_no("stopped"),
        "paused": paused("paused"),
        "by_record": said_no(
            "by_record", tags=[f"(bad) {say('after_you_said_stop')}"], now=by_file,
            buttons=[say("stop"), say("allow_again_button"), say("i_never_agreed_to")],
        ),
        "kept_stop": said_no("kept_stop", proof=say("kept_your_stop", day=say.day(said["newer record"]))),
        "after_stop": said_no("after_stop", tags=[f"(bad) {say('after_you_said_stop')}"]),
        "not_looked_stopped": said_no("not_looked_stopped"),
        "suspended": replace(
            was["agreed"], tags=[*was["agreed"].tags, f"(warn) {say('we_suspended_this_partner')}"],
            now=f"{say('no_and_may_hold')} {say('we_have_suspended_it')}", buttons=[say("stop"), say("i_never_agreed")],
        ),
        "one_customer": replace(
            was["agreed"], now=f"{say('we_say_yes_when')} {say('when_it_asks_for', names='Vine Bank')}"
        ),
    }  # fmt: skip
