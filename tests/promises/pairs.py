"""Pairs of check and stop, several at a time: questions asked again and again while their line is being stopped."""

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from django.db import connection, connections

from accounts.models import Line
from consent.actions.choices import stop
from consent.gate.shapes import Question
from tools.bench import gateway
from tools.bench.measure import Bench

# What asks several questions at once: the reason of each no, "" of each yes.
type Asks = Callable[[Sequence[Question]], Sequence[str]]
OF_TEN_ARE_ALLOWED = 7


def questions(n: int) -> Sequence[Question]:
    """So many, each about a line of its own that may be found."""
    lines = n * 10 // OF_TEN_ARE_ALLOWED + 200
    campaigns = gateway.lines(bench=Bench(lines=lines, disclosures=1, tell=lambda _: None))
    asked = [gateway.about(campaigns, number, "own", by_line=True) for number in range(1, lines + 1)]
    with connections["owner"].cursor() as cursor:
        # Which speak of orders that the benchmark does without.
        cursor.execute("SET session_replication_role = replica; DELETE FROM revocations_standing")
        cursor.execute("SET session_replication_role = origin")
    return [one.question for one in asked if one.answer == ""][:n]


@dataclass(frozen=True)
class Check:
    """One answer about one line. `started`: when its question was about to be asked."""

    line: str
    started: float
    reason: str


@dataclass
class Pairs:
    """What became of them. `lines`: their ids; `committed`: when the stop of a line was known to be."""

    lines: Mapping[str, int]
    committed: dict[str, float] = field(default_factory=dict)
    checked: list[Check] = field(default_factory=list)
    broken: threading.Event = field(default_factory=threading.Event)

    @property
    def after(self) -> list[Check]:
        """The checks that started after their stop's commit."""
        return [one for one in self.checked if one.started > self.committed.get(one.line, one.started)]

    @property
    def before(self) -> list[Check]:
        """The others: they may be answered either way."""
        return [one for one in self.checked if one.started <= self.committed.get(one.line, one.started)]

    def check(self, own: Sequence[Question], together: threading.Barrier, ask: Asks, most: int) -> None:
        """Ask again and again; the last time when the stop is known to be committed."""
        try:
            for place, question in enumerate(own):
                batch, last = own[max(0, place - most // 2) : place + (most + 1) // 2], False
                together.wait(60)
                while not last and not self.broken.is_set():
                    last = (question.line or "") in self.committed
                    started = time.perf_counter()
                    reasons = zip(batch, ask(batch), strict=True)
                    self.checked += [Check(one.line or "", started, reason) for one, reason in reasons]
                if self.broken.is_set():
                    return
        finally:
            together.abort()
            connection.close()

    def press(self, own: Sequence[Question], together: threading.Barrier) -> None:
        """Stop each line, as soon as somebody asks about it."""
        try:
            for question in own:
                line = question.line or ""
                together.wait(60)
                stop(line_id=self.lines[line], scope="all", actor="subscriber:1", channel="web")
                self.committed[line] = time.perf_counter()
        finally:
            if len(own) > sum((question.line or "") in self.committed for question in own):
                self.broken.set()
            connection.close()


def run(*, asked: Sequence[Question], asks: Sequence[Asks], at_once: Sequence[int]) -> Pairs:
    """As many pairs at a time as there are `asks`, each on a line of its own.

    Each asks at most so many questions at once (`at_once`): the one whose line is being stopped, some before it, whose
    lines were, and some after it, whose lines are not yet.
    """
    pairs = Pairs(dict(Line.objects.values_list("carrier_id", "id")))
    with ThreadPoolExecutor(max_workers=2 * len(asks)) as pool:
        sides = []
        for n, (ask, most) in enumerate(zip(asks, at_once, strict=True)):
            own, together = asked[n :: len(asks)], threading.Barrier(2)
            sides += [pool.submit(pairs.check, own, together, ask, most), pool.submit(pairs.press, own, together)]
        assert [done.result() for done in sides] == [None] * len(sides)
    return pairs
