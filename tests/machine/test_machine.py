"""Whatever happens at a carrier, in whatever order, the promises hold after every step."""

import os
import time

from hypothesis import settings
from hypothesis.stateful import run_state_machine_as_test
from pytest_django import DjangoDbBlocker

from tests.machine.carrier import a_world
from tests.machine.everybody import Machine
from tests.machine.known import KNOWN, tell
from tests.properties import stories
from tests.selection import EVERY_CELL

# By night: for so long, stories that nobody has seen. On every change a few, always the same;
# twice as many where a mutant is tried.
SECONDS = float(os.environ.get("STATE_MACHINE_SECONDS", "0"))
STORIES, STEPS = 40 if EVERY_CELL else 20, 20
BY_NIGHT = settings(stories(100), stateful_step_count=50, derandomize=False)


def test_whatever_happens_the_promises_hold(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> None:
    until = time.monotonic() + SECONDS
    how = BY_NIGHT if SECONDS else settings(stories(STORIES), stateful_step_count=STEPS)
    while True:
        # What many stories leave to be swept up slows down the next: they begin anew now and then.
        with django_db_blocker.unblock(), a_world() as carrier:
            Machine.carrier = carrier
            for known in KNOWN:
                tell(known)
            run_state_machine_as_test(Machine, settings=settings(how, report_multiple_bugs=False))
        if time.monotonic() >= until:
            break
