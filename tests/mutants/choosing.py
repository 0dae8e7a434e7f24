"""Which mutants a run takes: those that a change touches, and a sample of the others."""

import random
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass

from tests.mutants.mutant import ROOT, Mutant

# Where nothing is ahead of the default branch, the change is what its last commits brought.
RECENT = 10
DEFAULT_BRANCHES = ("origin/HEAD", "origin/main", "main")


@dataclass(frozen=True)
class Choice:
    """The mutants to run, touched ones first, and how many of them are touched."""

    mutants: Sequence[Mutant]
    touched: int


def choose(mutants: Sequence[Mutant], *, changed: set[str], most: int, seed: int) -> Choice:
    """Take those whose file or test file is in `changed`, then others drawn by `seed`, `most` in all."""
    drawn = random.Random(seed).sample(mutants, len(mutants))
    touched = [mutant for mutant in drawn if {mutant.file, mutant.test_file} & changed]
    others = [mutant for mutant in drawn if mutant not in touched]
    return Choice([*touched, *others][:most], min(len(touched), most))


def read_lane(text: str) -> tuple[int, int]:
    """Read "K/N", the Kth of N lanes. Raises: ValueError where there is none like that."""
    number, _, of = text.partition("/")
    if not (number.isdecimal() and of.isdecimal() and 1 <= int(number) <= int(of)):
        raise ValueError(f"{text} is no lane such as 2/4")
    return int(number), int(of)


def take_lane(mutants: Sequence[Mutant], lane: tuple[int, int]) -> Sequence[Mutant]:
    """Take every Nth mutant from the Kth on: all lanes together are all mutants."""
    number, of = lane
    return mutants[number - 1 :: of]


def find_base() -> str:
    """Find the commit that the change began at. Empty where the history does not go back that far."""
    head = _git("rev-parse", "HEAD")
    forks = [commit for name in DEFAULT_BRANCHES if (commit := _git("merge-base", "HEAD", name))]
    if forks and forks[0] != head:
        return forks[0]
    return _git("rev-parse", "--verify", "--quiet", f"HEAD~{RECENT}")


def draw_seed() -> int:
    """Draw the seed from the commit: a run of the same commit takes the same sample, and each commit has its own."""
    head = _git("rev-parse", "HEAD")
    return int(head[:6], 16) if head else random.randrange(10**6)


def list_changed_files(base: str) -> set[str]:
    """List what differs from the commit `base`, uncommitted files included. Without a base: the uncommitted ones."""
    told = (_git("diff", "--name-only", base or "HEAD"), _git("ls-files", "--others", "--exclude-standard"))
    return {line for lines in told for line in lines.splitlines()}


def _git(*arguments: str) -> str:
    """What git says; nothing where it fails, as it does without a repository."""
    done = subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True, check=False)
    return done.stdout.strip() if done.returncode == 0 else ""
