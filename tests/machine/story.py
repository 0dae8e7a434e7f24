"""What all steps of a story have in common: who is there, what is told, and what is looked at afterwards."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from datetime import datetime, timedelta
from functools import wraps
from typing import ClassVar, Concatenate
from uuid import UUID

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine

import audit.queries
from tests.consent import oracle
from tests.factories import ADS, FRAUD, ROADSIDE
from tests.feeds import as_at_commit
from tests.machine.carrier import CAMPAIGNS, DAY, HOUR, MINUTE, MOMENT, NAME_OF, PARTIES, PURPOSES, Carrier
from tests.machine.checks import Checks
from tests.machine.facts import Tenure

WHO = st.integers(0, 3)
# Some are spoken of more often, so that what is said meets what was said before.
WHICH = st.one_of(st.integers(0, 2), st.integers(0, 8))
SCOPES = st.sampled_from(["all", "party", "purpose", "campaign"])
AGO = st.sampled_from([timedelta(0), MOMENT, MINUTE, HOUR, DAY, 3 * DAY, 40 * DAY])
ENDS = st.sampled_from([MINUTE, HOUR, DAY, 3 * DAY, 30 * DAY])
# From when on: mostly from now.
AHEAD = st.one_of(st.just(timedelta(0)), ENDS)
LASTS = st.one_of(st.none(), ENDS)
A_LITTLE = timedelta(milliseconds=1)
KINDS_OF_USE = {ROADSIDE: "roadside help", ADS: "advertising", FRAUD: "fraud checks", "dpv:Older": "an older purpose"}


def told[S: "Story", **P](step: Callable[Concatenate[S, P], None]) -> Callable[Concatenate[S, P], None]:
    """A step: what it wrote is checked as at its commit, everything is looked at, and a failure tells the story."""

    @wraps(step)
    def wrapper(self: S, /, *args: P.args, **kwargs: P.kwargs) -> None:
        with self.telling():
            self.go_on()
            step(self, *args, **kwargs)
            as_at_commit()
            self.look()

    return wrapper


def ref_of(scope: str, which: int) -> str:
    """One of those that a choice of this scope may name."""
    names: dict[str, Sequence[str]] = {"all": ("",), "party": PARTIES, "purpose": PURPOSES, "campaign": CAMPAIGNS}
    return names[scope][which % len(names[scope])]


def name_of(ref: str) -> str:
    """How the story calls a company, a purpose or a campaign; "" is everything."""
    return NAME_OF.get(ref, KINDS_OF_USE.get(ref, ref)) if ref else "everything"


def when(at: datetime) -> str:
    return f"{at:%-d %b %Y %H:%M:%S.%f}".removesuffix(".000000").removesuffix(":00")


class Story(RuleBasedStateMachine):
    """One story. `choices` and `links`: what a person could look at again. `carrier`: set before the first one."""

    carrier: ClassVar[Carrier]

    def __init__(self) -> None:
        super().__init__()
        self.lines: list[str] = []
        self.choices: list[tuple[Tenure, UUID]] = []
        self.links: list[tuple[Tenure, UUID, str]] = []
        self._looked_at, self._failed = -1, False
        self._stack = ExitStack()
        self._stack.enter_context(self.carrier.beginning())
        self.facts = self.carrier.facts
        self.checks = Checks(self.carrier)

    def teardown(self) -> None:
        """Look at everything once more, and forget the story."""
        with self._stack:
            if not self._failed:
                with self.telling():
                    self.checks.look(closely=True)
                    assert audit.queries.verify_chains(since=None, until=None, signed={}).fault is None

    def look(self) -> None:
        """See that the promises hold, if anything happened since the last look."""
        if self._looked_at < len(self.lines):
            self.checks.look()
            self._looked_at = len(self.lines)

    @contextmanager
    def telling(self) -> Iterator[None]:
        """Whatever fails here is shown with the story up to it."""
        try:
            yield
        except BaseException as error:
            self._failed = True
            error.add_note("\n".join(["", "The story:", *self.lines]))
            raise

    def say(self, sentence: str) -> None:
        """Begin the next step of the story."""
        self.lines.append(f"{len(self.lines) + 1:3}. {sentence}")

    def add(self, sentence: str) -> None:
        """Say what came of this step."""
        self.lines[-1] += f" {sentence}"

    @property
    def now(self) -> datetime:
        return self.carrier.clock.now

    def go_on(self) -> None:
        """Between two things that count from their moment on, time goes on, if only a little."""
        marks = [one.newest_word for one in self.facts.tenures]
        marks += [moment for _, _, *both in self.facts.suspensions for moment in both if moment is not None]
        near = [one for one in marks if self.now <= one < self.now + A_LITTLE]
        if near:
            self.carrier.clock.move_to(max(near) + A_LITTLE)

    def very_moment(self, which: int) -> datetime:
        """At which something began or ended by now: the newest such moment, or one of those before."""
        marks = [one.newest_word for one in self.facts.tenures] + self.facts.moments()
        marks += [moment for _, _, *both in self.facts.suspensions for moment in both if moment is not None]
        past = sorted({one for one in marks if self.facts.tenures[0].since < one <= self.now})
        return past[-1 - which % len(past)] if past else self.now

    def somebody(self, who: int) -> Tenure | None:
        """One of those whose line is active."""
        there = [one for one in self.facts.tenures if one.number_at(self.now)]
        return there[who % len(there)] if there else None

    def is_known(self, scope: str, ref: str) -> bool:
        """Whether a person could name it."""
        seen = {uri for one in self.facts.releases if one.hidden_until is None for uri in one.path} - {"unknown"}
        known = {
            "all": True,
            "party": ref in NAME_OF or ref in seen,
            "purpose": any(one.purpose == ref for one in self.facts.campaigns.values()),
            "campaign": ref in self.facts.campaigns,
        }
        return known[scope]

    def said_at(self, tenure: Tenure) -> datetime:
        """The moment of a choice made now: later than all that the line said before, whatever the clock says."""
        return max(self.now, tenure.newest_record + MOMENT)

    def denied(self, tenure: Tenure, denial: oracle.Denial) -> None:
        """A no counts from now on, and everybody whom it concerns has an order."""
        self.facts.deny(tenure, denial)
        self.checks.whom_it_concerns_is_told(tenure, denial)
