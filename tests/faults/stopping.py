"""People who stop, one after the other, in a process of their own."""

import subprocess
import sys
import threading
from collections.abc import Sequence

from accounts.models import Line
from tests.faults.fixtures import World
from tests.faults.invariants import Asker
from tests.faults.programs import PROJECT
from tests.forks import Forked


class Stopper(threading.Thread):
    """Lines stop everything in turn; `took` says how long each waited. An `asker` hears of each as it is confirmed.

    `before`: how many of the asker's lines had stopped already.
    """

    def __init__(self, world: World, lines: Sequence[Line], asker: Asker | None = None, *, before: int = 0) -> None:
        super().__init__()
        self._loaded = world.programs.loaded()
        self._environment = world.programs.environment
        self._lines = "".join(f"{line.pk}\n" for line in lines)
        self._asker = asker
        self._before = before
        self.took: list[float] = []

    def run(self) -> None:
        with Forked(
            [sys.executable, "-m", "tests.faults.stopper"], server=self._loaded, cwd=PROJECT, env=self._environment,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        ) as program:  # fmt: skip
            assert program.stdin is not None
            assert program.stdout is not None
            with program.stdin as asked:
                asked.write(self._lines)
            for line in program.stdout:
                if not line.startswith("took "):  # what a phone is texted of a stop is printed here too
                    continue
                self.took.append(float(line.removeprefix("took ")))
                if self._asker is not None:
                    self._asker.confirmed = self._before + len(self.took)
