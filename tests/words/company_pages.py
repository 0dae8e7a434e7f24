"""The page of one company, as it should read: where it stands, what it got and how, on what proof, and its history."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from tests.words.cards import Stands
from tests.words.crowd import Crowd
from tests.words.expected import Words
from tests.words.looks import REFUSED, Look, days, nobody_to_stop, trail
from tests.words.worlds import DAY

# In which order reasons are listed that came equally often: by the names that the feeds give them.
REASONS = (
    "after_you_said_stop", "your_agreement_had_ended", "only_the_company_says_you", "no_record_that_you",
    "more_exact_than_you",
)  # fmt: skip
WAYS = {
    "itself": ("what_it_asked_for", "it_got_this_phones", "it_asked_time_and"),
    "through": ("what_others_asked_for", "others_got_this_phones", "others_asked_through_it"),
    "to": ("what_others_passed_on", "others_got_this_phones_location", "others_asked_for_this"),
}


@dataclass(frozen=True)
class Record:
    """What speaks for a yes. `how` "": a record of the carrier's, with the words that were shown and who took it."""

    why: str
    tag: str
    proof: str
    at: datetime
    role: str = ""
    by: str = ""
    checked_by: str = "your_carrier_2"
    how: str = ""
    ends_at: datetime | None = None

    def read(self, say: Words) -> list[str]:
        told = [say("how"), say(self.how)] if self.how else self._as_taken_down(say)
        ends = [say("ends"), say.moment(self.ends_at)] if self.ends_at else []
        return [say(self.why), self.tag, self.proof, say("when"), say.moment(self.at), *told, *ends]

    def _as_taken_down(self, say: Words) -> list[str]:
        return [
            say("words_shown"), f"“Find me, {self.by}. Reply YES.”", say("language"), say("english"),
            say("taken_down_by"), f"{self.by} ({say('the_company_itself')})", say("checked_by"), say(self.checked_by),
            say("reference"), f"ev-{self.role}",
        ]  # fmt: skip


@dataclass(frozen=True)
class Page:
    """What is particular to one company. `uses`: why, and by whom where it is another; None: nothing to narrow.

    `flow`: the boxes of the picture; `ways`: the paths under it. `orders`: how far a stop or pause is.
    """

    name: str
    stands: Stands
    kind: str = "offers_a_service_that"
    notices: Sequence[str] = ()
    warnings: Sequence[str] = ()
    uses: Sequence[str] | None = ()
    flow: Sequence[tuple[str, int]] = ()
    ways: Sequence[Sequence[str]] = ()
    records: Sequence[Record] = ()
    orders: Sequence[str] = ()

    def read(self, say: Words, crowd: Crowd) -> list[str]:
        looks = [look for look in crowd.looks if self.name in look.path]
        paths = {look.path for look in looks if look.by_agreement and look.judged != REFUSED}
        instead, narrower = list[str](), list[str]()
        if self.uses is not None:
            instead = nobody_to_stop(say, *paths)
            narrower = [say("stop_a_part_or"), *self.uses, say("pause_until_2", name=self.name)]
        picture = [
            say("through_whom"), *(f"{name} · {n}" for name, n in self.flow),
            say("the_same_in_words"), *(line for way in self.ways for line in trail(say, way)),
        ]  # fmt: skip
        nothing = f"{say('no_record_that_you_agreed')} {say('a_company_may_get')}"
        proof = [line for record in self.records for line in record.read(say)] or [nothing]
        return [
            f"{say('home')} / {say('company')}", self.name, *self.stands.tags, say(self.kind), *self.notices,
            self.stands.now, *self.warnings, *self.stands.buttons, *narrower,
            say("what_it_got"), *got(say, self.name, looks, crowd.now), *instead,
            *(picture if self.flow else []), say("on_what_proof"), *proof, *self.orders,
            say("its_history"), *(days(say, looks) or [say("nothing_yet_stop")]),
            say("ask_about_this"), say("zone", zone=say("pacific")),
        ]  # fmt: skip


def got(say: Words, name: str, looks: Sequence[Look], now: datetime) -> list[str]:
    """How often, for each way in which anything came to a company."""
    by_way = {
        "itself": [look for look in looks if look.company == name],
        "through": [look for look in looks if look.company != name and look.path[0] == name],
        "to": [look for look in looks if name not in {look.company, look.path[0]}],
    }
    there = {way: of_way for way, of_way in by_way.items() if of_way}
    headed = len(there) > 1 or "itself" not in there
    read = [
        line
        for way, of_way in there.items()
        for line in ([say(WAYS[way][0])] if headed else []) + _got_in(say, way, of_way, now)
    ]
    return read or [say("nothing_yet_stop")]


def _got_in(say: Words, way: str, looks: Sequence[Look], now: datetime) -> list[str]:
    _, times, refusals = WAYS[way]
    asked = [look for look in looks if look.by_agreement]
    released = [look for look in asked if look.judged != REFUSED]
    outside = [look for look in looks if not look.by_agreement]
    if released:
        recent = sum(look.at >= now - 30 * DAY for look in released)
        last = max(look.at for look in released)
        sentence = [
            say.counted(times, len(released)), say.counted("of_them_in_the", recent),
            say("last_was_on", moment=say.moment(last)),
        ]  # fmt: skip
    else:
        sentence = [say("nothing_in_the_name") if outside else say("nothing_yet_stop")]
    refused = len(asked) - len(released)
    sentence += [say.counted(refusals, refused)] if refused else []
    reasons = Counter(look.judged for look in released if look.judged in REASONS)
    listed = sorted(reasons.items(), key=lambda one: (-one[1], REASONS.index(one[0])))
    return [" ".join(sentence), *(f"{n} {say(reason)}" for reason, n in listed), *_outside(say, outside)]


def _outside(say: Words, looks: Iterable[Look]) -> list[str]:
    """Of the one that a company of the crowd got for an emergency."""
    return [
        " ".join((
            say("outside_recent", tally=f"{say(look.judged)}, 1"), say("last_was_on", moment=say.moment(look.at)),
            say.counted("look_up_is_said", 1), say("a_stop_does_not"),
        ))
        for look in looks
    ]  # fmt: skip
