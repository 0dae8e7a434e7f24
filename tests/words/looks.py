"""What was asked for about a line, each time with how it must be told: read day by day, by company and as a file."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby

from tests.words.expected import Words

# By the words for it: how a tag that says so looks.
TONES = {
    "you_allowed_it": "good", "refused_nothing_was_given": "good",
    "only_the_company_says_you": "warn", "your_agreement_had_ended": "warn", "more_exact_than_you": "warn",
    "no_record_that_you": "bad", "after_you_said_stop": "bad", "the_company_was_suspended": "bad",
    "not_allowed_in_your": "bad", "the_companys_contract_was": "bad", "this_use_was_not": "bad",
    "emergency_call": "plain", "lawful_order": "plain", "running_the_network": "plain",
}  # fmt: skip
RESTED_ON = {
    "emergency_call": "an_emergency_call", "lawful_order": "a_lawful_order",
    "running_the_network": "the_network_itself",
}  # fmt: skip
REFUSED, ALLOWED = "refused_nothing_was_given", "you_allowed_it"


@dataclass(frozen=True)
class Look:
    """One release, or one request that was refused. `judged` and `why`: names in the table.

    `path`: by name, the first after the carrier first; "" for somebody whom nobody can name. `metres`: how exact.
    """

    at: datetime
    path: tuple[str, ...]
    judged: str
    why: str = "to_give_you_a"
    metres: int = 500
    doubtful: bool = False
    delayed: bool = False
    authority: str = ""

    @property
    def company(self) -> str:
        """Whose act it was: the first known one after the first, else the first."""
        return next((one for one in self.path[1:] if one), self.path[0])

    @property
    def by_agreement(self) -> bool:
        return self.judged not in RESTED_ON

    @property
    def likeness(self) -> tuple[object, ...]:
        """What those have in common that are told as one."""
        return (self.path, self.judged, self.why, self.metres, self.doubtful, self.delayed, self.authority)


def precision(say: Words, metres: int) -> str:
    return say("metres", n=metres) if metres < 1000 else say("kilometres", n=metres // 1000)


def trail(say: Words, path: Sequence[str]) -> list[str]:
    """The way it went, with what each on it does."""
    does = ["sells_access_to_others", "asked_for_it", "received_it_next"]
    stops = [say("your_carrier"), say("knows_where_the_phone")]
    for place, name in enumerate(path):
        lost = say("we_do_not_know") if place > 1 else say("a_company_we_cant")
        role = does[min(place, 2)] if name else "the_record_does_not"
        stops += [name or lost, say(role)]
    if len(path) == 1:
        stops += [say("we_do_not_know"), say("the_record_does_not")]
    return stops


def nobody_to_stop(say: Words, *paths: Sequence[str]) -> list[str]:
    """Where nobody can name who received it: whom to stop instead."""
    before = {path[0] if len(path) == 1 else path[list(path).index("") - 1] for path in paths if is_lost(path)}
    return [say("instead_of_nobody", name=", ".join(sorted(before)))] if before else []


def is_lost(path: Sequence[str]) -> bool:
    """Whether somebody received it whom nobody can name."""
    return len(path) == 1 or "" in path


def days(say: Words, looks: Iterable[Look]) -> list[str]:
    """A history of these, the newest first."""
    read = []
    newest_first = sorted(looks, key=lambda look: look.at, reverse=True)
    for day, of_day in groupby(newest_first, key=lambda look: look.at.astimezone(say.zone).date()):
        alike: dict[tuple[object, ...], list[Look]] = {}
        for look in of_day:
            alike.setdefault(look.likeness, []).append(look)
        read += [say.heading(day), *(line for each in alike.values() for line in group(say, each))]
    return read


def group(say: Words, alike: Sequence[Look]) -> list[str]:
    """What is read of those of one day that are alike, the newest first."""
    look, n = alike[0], len(alike)
    why, exact, judged = say(look.why), precision(say, look.metres), say(look.judged)
    title = judged
    if look.by_agreement:
        title = say.counted("asked_once_and_was" if look.judged == REFUSED else "looked_once", n, name=look.company)
    first = f"{say.time(alike[-1].at)} – " if n > 1 else ""
    rests = say("your_agreement") if look.judged == ALLOWED else say("a_claim_that_you")
    rests = say(RESTED_ON[look.judged]) if look.judged in RESTED_ON else rests
    return [
        f"{title} {first}{say.time(look.at)}", f"({TONES[look.judged]}) {judged}", f"{why} · {exact}",
        *([say("we_could_not_tell")] if look.delayed else []), *([say("it_is_said_to")] if look.doubtful else []),
        say("the_way_it_went"), *trail(say, look.path), *(nobody_to_stop(say, look.path) if look.by_agreement else []),
        say("why"), why, say("how_exact"), exact,
        say("it_rested_on"), f"{rests} ({look.authority})" if look.authority else rests,
        say("was_it_allowed"), judged, *([say("company"), look.company] if look.by_agreement else []),
        say("ask_about_this"), *([say.second(one.at) for one in alike] if n > 1 else []),
    ]  # fmt: skip
