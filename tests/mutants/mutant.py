"""A mutant: one listed way to break the code, and the test that must notice."""

import ast
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
# What a database is made from, beside what the libraries bring.
MAKES_THE_DATABASE = ("/migrations/", "/sql/", "portal/database_roles.py")
NOTICED_BY = re.compile(r"  (?P<promise>\d+) (?P<test>.+?)(?: in (?P<places>\d+) places)?")
CHANGE = re.compile(r"((?:-.*\n)+)((?:\+.*\n)*)")


@dataclass(frozen=True)
class Mutant:
    """In `file`, `was` becomes `becomes`; then `test` must fail. Both paths begin at the project's root.

    `places`: how often `was` stands there: a rule that two statements write out is broken in both.
    """

    promise: int
    file: str
    was: str
    becomes: str
    test: str
    places: int = 1

    @property
    def test_file(self) -> str:
        """The file that `test` is in."""
        return self.test.partition("::")[0]

    @property
    def makes_the_database(self) -> bool:
        """Whether the database itself is broken, so that one is made for this mutant alone."""
        return any(part in self.file for part in MAKES_THE_DATABASE)


def read_mutants(text: str) -> Iterator[Mutant]:
    """Read a list: a file; below it a promise and the test that notices; below that what changes, as in a diff.

    A change without a line after `+` takes its lines out; one with an empty `+` leaves an empty text in its place.
    """
    file, noticed = "", None
    for line in re.findall(r"(?:-.*\n)+(?:\+.*\n)*|.*\n", text):
        if change := CHANGE.fullmatch(line):
            assert noticed is not None, f"{file}: no test before {line}"
            was, becomes = (re.sub("^.", "", lines, flags=re.MULTILINE) for lines in change.groups())
            both = (was.removesuffix("\n"), becomes.removesuffix("\n")) if becomes else (was, becomes)
            yield Mutant(int(noticed["promise"]), file, *both, noticed["test"], int(noticed["places"] or 1))
        elif match := NOTICED_BY.fullmatch(line.rstrip("\n")):
            noticed = match
        elif line.strip() and not line.startswith("#"):
            file, noticed = line.rstrip("\n"), None


def find_problems(mutants: Sequence[Mutant]) -> list[str]:
    """Say of each mutant that cannot be run why: its text or its test is not there, or there is more than one place."""
    return [f"{mutant.file}: {problem}" for mutant in mutants for problem in _problems(mutant)]


def _problems(mutant: Mutant) -> Iterator[str]:
    file, test_file = ROOT / mutant.file, ROOT / mutant.test_file
    name = mutant.test.rpartition("::")[2].partition("[")[0]
    if not test_file.is_file() or f"def {name}(" not in test_file.read_text():
        yield f"there is no test {mutant.test}"
    if not file.is_file():
        yield "there is no such file"
        return
    whole = file.read_text()
    if (places := whole.count(mutant.was)) != mutant.places:
        yield f"{places} places have the text {mutant.was!r}"
    elif mutant.was == mutant.becomes:
        yield f"nothing becomes of {mutant.was!r}"
    elif file.suffix == ".py":
        try:
            ast.parse(whole.replace(mutant.was, mutant.becomes))
        except SyntaxError as error:
            yield f"with {mutant.becomes!r} in place of {mutant.was!r} it is no Python: {error}"
