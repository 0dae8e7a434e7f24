"""What happens by itself: jobs run, now one and now all of them, and time goes on, to the very moment of an end too."""

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta

from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from consent.feeds.approvals import apply_pending_rows
from consent.workers import expiry
from consent.workers.cohorts import build_manifests, end_terms, settle_orders
from disclosures.domain.ingest import projections, rejudging
from disclosures.workers import reassignment
from support.workers import term_change_propagation
from tests.machine.carrier import DAY, HOUR, MINUTE, MOMENT
from tests.machine.story import Story, told, when

FARTHEST = 100 * DAY
ACTOR = "system:jobs"
EVERY_JOB = "Every job runs."


def bring_in(now: datetime) -> None:
    apply_pending_rows(at=now)
    reassignment.attribute(at=now, actor=ACTOR)


def judge_again(now: datetime) -> None:
    del now
    rejudging.rejudge(cause="consent")


JOBS: Mapping[str, Callable[[datetime], object]] = {
    "ends terms": lambda now: end_terms(now=now), "lists the lines of what ended": lambda now: build_manifests(now=now),
    "ends pauses": lambda now: expiry.end_pauses(now=now),
    "shows what was hidden": lambda now: projections.reveal(at=now), "takes in what was held": bring_in,
    "settles officers' acts": lambda now: term_change_propagation.settle(now=now), "judges again": judge_again,
    "settles orders": lambda now: settle_orders(now=now),
}  # fmt: skip


class Days(Story):
    """Steps of jobs and of time."""

    @rule(job=st.sampled_from(sorted(JOBS)))
    @told
    def a_job_runs(self, job: str) -> None:
        self.say(f"The job that {job} runs.")
        self._run(job)

    @precondition(lambda self: self.lines and not self.lines[-1].endswith(EVERY_JOB))
    @rule()
    @told
    def all_jobs_run(self) -> None:
        self.say(EVERY_JOB)
        for job in JOBS:
            self._run(job)
        self.look()
        self.checks.everybody_was_told()
        self.checks.releases_are_judged()

    def _run(self, job: str) -> None:
        JOBS[job](self.now)
        if job == "shows what was hidden":
            self.facts.reveal(self.now)
        if job == "settles officers' acts":
            self.facts.links_told = list(self.facts.links)

    @rule(by=st.sampled_from([MINUTE, 16 * MINUTE, HOUR, DAY, 11 * DAY]))
    @told
    def time_passes(self, by: timedelta) -> None:
        self._move_to(self.now + by)

    @rule(which=st.integers(0, 3), off=st.sampled_from([-MOMENT, timedelta(0), timedelta(0), MOMENT]))
    @told
    def an_end_comes(self, which: int, off: timedelta) -> None:
        """Something ends, or begins, at this very moment, or did so or will do so within a microsecond."""
        ahead = [one + off for one in self.facts.moments() if self.now < one + off < self.now + FARTHEST]
        if ahead:
            self._move_to(ahead[min(which, len(ahead) - 1)])

    def _move_to(self, at: datetime) -> None:
        self.carrier.clock.move_to(at)
        self.say(f"It is {when(at)}.")
