"""Break the code in one listed way at a time, in a copy of the tree, and check that the named test fails.

First every named test is run on the code as it is, and must pass; `--unbroken-elsewhere` leaves that out, for a run
after or before which all tests are run anyway. Then the mutants run side by side, each lane with a
tree and a database of its own; a mutant of what makes the database gets a new one.
"""

import os
import queue
import shutil
import sys
import tempfile
import xml.etree.ElementTree as ET
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from importlib.util import cache_from_source
from pathlib import Path
from urllib.parse import urlsplit

import psycopg

from tests import forks, servers
from tests.mutants.mutants import MUTANTS, Mutant

ROOT = Path(__file__).resolve().parents[2]
LEFT_OUT = shutil.ignore_patterns(".git", ".venv", ".data", "__pycache__", ".*_cache", ".hypothesis", "node_modules")
# A mutant waits about as long for programs to start and for the database as it computes.
LANES = (os.cpu_count() or 1) + 1
# A library that was imported before pytest keeps the words that its own assertions have.
OPTIONS = ("-p", "no:cacheprovider", "-W", "ignore::pytest.PytestAssertRewriteWarning")
ELSEWHERE = "--unbroken-elsewhere"
MAKES_THE_DATABASE = ("/migrations/", "portal/privileges.py")
# pytest-xdist names its databases so: the lanes go on with those that the first run made.
DATABASE = f"mutants_{os.getpid()}"


@dataclass(frozen=True)
class Outcome:
    """What pytest says of a run: tests that failed, and those that could not be run at all."""

    passed: int
    failed: int
    errors: int
    said: str


@dataclass(frozen=True)
class Lane:
    """A place to run one mutant at a time: a copy of the tree, and the name of a database."""

    tree: Path
    database: str

    def survives(self, mutant: Mutant) -> bool:
        """Whether the test still passes with the code broken. Exits where the mutant or its test can't be run."""
        file = self.tree / mutant.file
        whole = file.read_text()
        if whole.count(mutant.was) != 1:
            sys.exit(f"{mutant.file} has {whole.count(mutant.was)} places like {mutant.was!r}: mend mutants.py")
        file.write_text(whole.replace(mutant.was, mutant.becomes))
        try:
            if any(part in mutant.file for part in MAKES_THE_DATABASE):
                outcome = self.run("--create-db", mutant.test, database=f"{self.database}_new")
            else:
                outcome = self.run("--reuse-db", mutant.test, database=self.database)
        finally:
            file.write_text(whole)
            # What was compiled of the broken one looks like the whole one's where both are of one second and size.
            Path(cache_from_source(str(file))).unlink(missing_ok=True)
        # A test that fails may leave things open, an error of its own; without a failure it never came so far.
        if not outcome.failed and (outcome.errors or not outcome.passed):
            sys.exit(f"{mutant.test} could not be run with {mutant.file} broken:\n{outcome.said}")
        return not outcome.failed

    def run(self, *arguments: str, database: str) -> Outcome:
        """Run pytest in the tree."""
        report = self.tree / "report.xml"
        report.unlink(missing_ok=True)
        # Forked with its libraries, before any code of ours was imported: what it imports is the tree's.
        done = forks.run(
            [sys.executable, "-m", "pytest", "-q", "-x", *OPTIONS, f"--junitxml={report}", *arguments],
            cwd=self.tree,
            env={**os.environ, **_addresses(database), "PYTHONPATH": str(self.tree)},
        )
        said = done.stdout[-4000:] + done.stderr[-2000:]
        if not report.exists():
            return Outcome(0, 0, 1, said)
        counted = ET.parse(report).getroot()[0].attrib
        total, failed, errors, skipped = (int(counted[word]) for word in ("tests", "failures", "errors", "skipped"))
        return Outcome(total - failed - errors - skipped, failed, errors, said)


def _copy(tree: Path) -> None:
    """Copy the project, and what was compiled of it: a copy is as old as what it was copied from."""
    shutil.copytree(ROOT, tree, ignore=LEFT_OUT)
    if sys.pycache_prefix:
        compiled, of_copy = (Path(sys.pycache_prefix) / place.relative_to("/") for place in (ROOT, tree))
        shutil.copytree(compiled, of_copy, ignore=LEFT_OUT)


def _addresses(database: str) -> dict[str, str]:
    """The servers' addresses, with another database's name; pytest puts `test_` before it."""
    return {
        name: urlsplit(os.environ[name])._replace(path=f"/{database}").geturl()
        for name in ("DATABASE_URL", "DATABASE_OWNER_URL")
    }


def _drop_databases() -> None:
    with psycopg.connect(_addresses("postgres")["DATABASE_OWNER_URL"], autocommit=True) as connection:
        made = connection.execute("SELECT datname FROM pg_database WHERE datname LIKE %s", [f"test_{DATABASE}%"])
        for (name,) in made.fetchall():
            connection.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


def _pass_unbroken(mutants: Sequence[Mutant], lane: Lane) -> None:
    tests = sorted({mutant.test for mutant in mutants})
    outcome = lane.run("--reuse-db", "-n", str(LANES), *tests, database=DATABASE)
    if outcome.failed or outcome.errors or outcome.passed < len(tests):
        sys.exit(f"The tests do not pass on the code as it is:\n{outcome.said}")
    sys.stdout.write(f"{outcome.passed} tests of {len(tests)} names pass on the code as it is\n")
    sys.stdout.flush()


def _survivors(mutants: Sequence[Mutant], lanes: Sequence[Lane]) -> int:
    free: queue.SimpleQueue[Lane] = queue.SimpleQueue()
    for lane in lanes:
        free.put(lane)

    def alive(mutant: Mutant) -> bool:
        lane = free.get()
        try:
            return lane.survives(mutant)
        finally:
            free.put(lane)

    alive_ones = 0
    with ThreadPoolExecutor(len(lanes)) as pool:
        for mutant, survived in zip(mutants, pool.map(alive, mutants), strict=True):
            alive_ones += survived
            verdict = "SURVIVED" if survived else "killed"
            sys.stdout.write(f"{verdict:8}  promise {mutant.promise:2}  {mutant.file}  by {mutant.test}\n")
            sys.stdout.flush()
    return alive_ones


def main() -> None:
    """Run every mutant, or those whose file or test path contains the word given."""
    words = [one for one in sys.argv[1:] if one != ELSEWHERE]
    word = words[0] if words else ""
    chosen = [mutant for mutant in MUTANTS if word in mutant.test or word in mutant.file]
    servers.start()
    with tempfile.TemporaryDirectory() as folder:
        lanes = [Lane(Path(folder) / f"gw{n}", f"{DATABASE}_gw{n}") for n in range(LANES)]
        for lane in lanes:
            _copy(lane.tree)
        try:
            if ELSEWHERE not in sys.argv:
                _pass_unbroken(chosen, lanes[0])
            alive = _survivors(chosen, lanes)
        finally:
            _drop_databases()
    sys.stdout.write(f"{len(chosen) - alive} of {len(chosen)} mutants killed\n")
    sys.exit(alive > 0)


if __name__ == "__main__":
    main()
