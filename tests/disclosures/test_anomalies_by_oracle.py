"""Whatever came in whatever order, was hidden, shown or judged again: what stands is what the oracle says."""

import random
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit.models import Incident
from audit.queries import database_clock
from disclosures.models import AnomalyRule, Basis, Disclosure, Judgement
from disclosures.workers.anomalies.detection import find
from tests.disclosures.anomalies import (
    AFTER_STOP,
    BRIDGE,
    DAY,
    JAIL,
    NO_APPROVAL,
    ROAD,
    TRACK,
    Look,
    Oracle,
    Rule,
    judge_again,
    looked,
    set_rule,
    standing,
    told,
)
from tests.factories import a_line
from tests.properties import stories, undone
from tests.selection import drawn
from tests.world import gagged

# Small enough that a few look-ups make something of every kind.
RULES = {
    "after_stop": Rule(2, 20), "no_approval": Rule(2, 3), "burst": Rule(3, 60), "night": Rule(2, 3),
    "many_lines": Rule(2, 2), "dormant": Rule(2, 31), "suspended": Rule(2, 10),
}  # fmt: skip
PATHS = ((BRIDGE, ROAD), (BRIDGE, TRACK, JAIL), (BRIDGE, "unknown", JAIL), (BRIDGE,), (BRIDGE, TRACK, "unknown"))
# Both sides of the ends of windows, of a month, of nights, of days, of a quiet time, and of the clocks' change.
START = datetime(2026, 2, 26, 12, tzinfo=UTC)
QUIET = timedelta(days=31)
UNVERIFIED = Judgement.APPROVAL_UNVERIFIED
STEPS = tuple(
    timedelta(days=days, hours=hours, minutes=minutes)
    for days in (0, 1, 3, 9, 10, 20, 33, 40, 64)
    for hours, minutes in ((0, 0), (1, 0), (1, 1), (12, 0), (17, 59), (18, 0), (20, 0))
)


@dataclass(frozen=True)
class Event:
    """One thing that happens: a look-up comes, or one that came is hidden, shown or judged again."""

    does: str
    line: int
    step: int
    path: int
    judgement: str


events = st.builds(
    Event, does=st.sampled_from(("look", "look", "look", "look", "look", "hide", "show", "judge", "find")),
    line=st.integers(0, 2), step=st.integers(0, len(STEPS) - 1), path=st.integers(0, len(PATHS) - 1),
    judgement=st.sampled_from(("permitted", AFTER_STOP.value, NO_APPROVAL.value, UNVERIFIED.value)),
)  # fmt: skip


class Story:
    """Three lines, what came of them, and what the oracle may see of it."""

    def __init__(self, *, reach: timedelta = QUIET) -> None:
        self.now = database_clock()
        for kind, rule in RULES.items():
            set_rule(kind, at=self.now, threshold=rule.threshold, window=rule.window)
        self.lines = [
            a_line(state="WA", activated_at=START - 200 * DAY),
            a_line(state="NY", activated_at=START - 10 * DAY),
            a_line(state="HI", activated_at=START - 31 * DAY),
        ]
        # Up to where the ledger reaches.
        self.kept_from = START - reach
        looked(self.lines[0], self.kept_from, basis=Basis.NETWORK, recorded_at=self.now)
        self.rows: list[Disclosure] = []
        self.hidden: set[int] = set()
        self.had_none: set[int] = set()
        self.notices: dict[int, int] = {}

    def take(self, event: Event) -> None:
        place = event.step % len(self.rows) if self.rows else None
        if event.does == "look":
            self.rows += looked(
                self.lines[event.line], START + STEPS[event.step], path=PATHS[event.path], judgement=event.judgement,
                recorded_at=database_clock(),
            )  # fmt: skip
        elif event.does == "find":
            find(at=database_clock())
        elif place is not None:
            getattr(self, f"_{event.does}")(place, event.judgement)

    def _hide(self, place: int, _: str) -> None:
        self._notice(place, None)
        self.hidden.add(place)

    def _show(self, place: int, _: str) -> None:
        self._notice(place, self.now)
        self.hidden.discard(place)

    def _notice(self, place: int, until: datetime | None) -> None:
        self.notices[place] = self.notices.get(place, 0) + 1
        gagged(self.rows[place], until=until, at=database_clock(), number=self.notices[place])

    def _judge(self, place: int, becomes: str) -> None:
        row = self.rows[place]
        if row.judgement != becomes:
            if row.judgement == NO_APPROVAL:
                self.had_none.add(place)
            judge_again([row], becomes)
            row.judgement = becomes

    def oracle(self) -> Oracle:
        zones = {"WA": "America/Los_Angeles", "NY": "America/New_York", "HI": "Pacific/Honolulu"}
        return Oracle(
            [
                Look(row.line_id, row.occurred_at, tuple(row.path), row.judgement, place in self.had_none)
                for place, row in enumerate(self.rows)
                if place not in self.hidden
            ],
            rules=RULES,
            kept_from=self.kept_from,
            active_from={line.pk: line.activated_at for line in self.lines},
            zones={line.pk: ZoneInfo(zones[line.state]) for line in self.lines},
        )


@pytest.mark.django_db
@stories(40)
@given(
    story=st.lists(events, min_size=4, max_size=40),
    reach=st.sampled_from((QUIET, QUIET - timedelta(microseconds=1), QUIET - timedelta(days=10), timedelta(days=1))),
)
def test_what_stands_is_what_the_oracle_says(story: list[Event], reach: timedelta) -> None:
    with undone():
        tale = Story(reach=reach)
        for event in story:
            tale.take(event)
        find(at=database_clock())
        assert told(standing()) == tale.oracle().all()
        check_incidents()


def check_incidents() -> None:
    """Of each kind, company and year one, open as often as anomalies stand."""
    wanted: dict[tuple[str, str], int] = {}
    for one in standing():
        key = (one.kind, f"{one.period:%Y} {one.party}")
        wanted[key] = wanted.get(key, 0) + 1
    open_ones = Incident.objects.filter(closed_at=None)
    assert {(one.kind, one.key): one.count for one in open_ones} == wanted


def a_crowded_story(seed: int) -> list[Event]:
    dice = random.Random(seed)
    return [
        Event(
            "look", dice.randrange(3), dice.randrange(len(STEPS)), dice.randrange(len(PATHS)),
            dice.choice(("permitted", AFTER_STOP.value, NO_APPROVAL.value, Judgement.PARTNER_SUSPENDED.value)),
        )
        for _ in range(150)
    ]  # fmt: skip


@pytest.mark.django_db
@pytest.mark.parametrize("seed", list(drawn(range(3), of=3)))
def test_any_order_in_any_pieces_gives_the_same(seed: int) -> None:
    story = a_crowded_story(seed)
    results, kinds = [], set[str]()
    for order in range(3):
        shuffled = list(story)
        random.Random(f"{seed}.{order}").shuffle(shuffled)
        with undone():
            tale = Story()
            names = {line.pk: n for n, line in enumerate(tale.lines)}
            for place, event in enumerate(shuffled):
                tale.take(event)
                if order and place % (order * 40) == 0:
                    find(at=database_clock())
            find(at=database_clock())
            assert told(standing()) == tale.oracle().all()
            results.append(sorted((one[0], names.get(one[1] or 0, -1), *one[2:]) for one in told(standing())))
            kinds |= {one.kind for one in standing()}
    assert kinds == set(RULES)
    assert results[0] == results[1] == results[2]
    assert AnomalyRule.objects.count() == 8
