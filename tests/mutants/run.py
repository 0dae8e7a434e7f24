"""Break the code in one listed way at a time, in a copy of the tree, and check that the named test fails.

    python -m tests.mutants.run                      those that the change touches, and a sample of the others
    python -m tests.mutants.run --base main --seed 7 the same from a given commit, and with the same sample
    python -m tests.mutants.run --all --lane 2/4     every fourth of all: a lane for the night, resumed by itself
    python -m tests.mutants.run gate/rules           those whose file or test has the word in its path

A mutant whose text or test is not in the code fails the run before anything is broken. Then the named tests are run on
the code as it is, and must pass; `--unbroken-elsewhere` leaves that out, for a run after or before which all tests are
run anyway. Then the mutants run side by side.
"""

import argparse
import os
import queue
import sys
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests import servers
from tests.mutants.choosing import choose, draw_seed, find_base, list_changed_files, read_lane, take_lane
from tests.mutants.listed import MUTANTS
from tests.mutants.mutant import Mutant, find_problems
from tests.mutants.workspaces import DATABASE, Workspace, make_workspaces

# A mutant waits about as long for programs to start and for the database as it computes.
AT_ONCE = (os.cpu_count() or 1) + 1
MOST = 8


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def _pass_unbroken(mutants: Sequence[Mutant], workspaces: Sequence[Workspace]) -> None:
    tests = sorted({mutant.test for mutant in mutants})
    outcome = workspaces[0].run("-n", str(len(workspaces)), *tests, database=DATABASE)
    if outcome.failed or outcome.errors or outcome.passed < len(tests):
        sys.exit(f"The tests do not pass on the code as it is:\n{outcome.said}")
    _say(f"{outcome.passed} tests of {len(tests)} names pass on the code as it is")


def _count_survivors(mutants: Sequence[Mutant], workspaces: Sequence[Workspace]) -> int:
    free: queue.SimpleQueue[Workspace] = queue.SimpleQueue()
    for workspace in workspaces:
        free.put(workspace)

    def survives(mutant: Mutant) -> bool:
        workspace, start = free.get(), time.monotonic()
        try:
            survived = workspace.survives(mutant)
        finally:
            free.put(workspace)
        verdict, seconds = "SURVIVED" if survived else "killed", time.monotonic() - start
        _say(f"{verdict:8} {seconds:4.0f} s  promise {mutant.promise:2}  {mutant.file}  by {mutant.test}")
        return survived

    # Those that make a database take longest: at the end, the others fill the places left.
    slow_first = sorted(mutants, key=lambda mutant: not mutant.makes_the_database)
    with ThreadPoolExecutor(len(workspaces)) as pool:
        return sum(pool.map(survives, slow_first))


def _choose(asked: argparse.Namespace) -> Sequence[Mutant]:
    if asked.word:
        return [mutant for mutant in MUTANTS if asked.word in mutant.test or asked.word in mutant.file]
    if asked.all:
        return take_lane(MUTANTS, asked.lane)
    base = asked.base or find_base()
    choice = choose(MUTANTS, changed=list_changed_files(base), most=asked.most, seed=asked.seed)
    others = len(choice.mutants) - choice.touched
    _say(f"{choice.touched} mutants of what changed since {base[:12] or 'the last commit'}, {others} of {len(MUTANTS)}")
    _say(f"drawn from the others: --base {base or 'HEAD'} --seed {asked.seed} --most {asked.most} runs the same again")
    return choice.mutants


def _read_command_line() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Break the code in listed ways; the named tests must fail.")
    parser.add_argument("word", nargs="?", default="", help="run those with this word in the path of file or test")
    parser.add_argument("--all", action="store_true", help="run every mutant, not a choice")
    parser.add_argument("--lane", type=read_lane, default="1/1", help="of all, the Kth of N parts: K/N")
    parser.add_argument("--base", default="", help="the commit that the change began at, if not where a branch left")
    parser.add_argument("--seed", type=int, default=draw_seed(), help="draws the sample; from the commit if not given")
    parser.add_argument("--most", type=int, default=MOST, help=f"run no more than this many, {MOST} if not given")
    parser.add_argument("--unbroken-elsewhere", action="store_true", help="do not run the tests on the code as it is")
    return parser.parse_args()


def main() -> None:
    """Run the mutants asked for. Exits with 1 where one survives."""
    asked = _read_command_line()
    if problems := find_problems(MUTANTS):
        sys.exit("\n".join(["Mend the list of mutants:", *problems]))
    chosen = _choose(asked)
    servers.start()
    start = time.monotonic()
    number = max(1, min(AT_ONCE, len(chosen)))
    with tempfile.TemporaryDirectory() as folder, make_workspaces(Path(folder), number=number) as workspaces:
        if not asked.unbroken_elsewhere:
            _pass_unbroken(chosen, workspaces)
        alive = _count_survivors(chosen, workspaces)
    _say(f"{len(chosen) - alive} of {len(chosen)} mutants killed in {time.monotonic() - start:.0f} s")
    sys.exit(alive > 0)


if __name__ == "__main__":
    main()
