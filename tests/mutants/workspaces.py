"""Places to break the code in: each a copy of the tree, with databases of its own.

Every run of a test clones its database from the template of its migrations (`tests.databases`): a mutant of what makes
the database has another template, and so makes it anew; all others share one.
"""

import os
import shutil
import sys
import xml.etree.ElementTree as ET
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import cache_from_source
from pathlib import Path
from urllib.parse import urlsplit

import psycopg

from tests import forks
from tests.mutants.mutant import ROOT, Mutant

LEFT_OUT = shutil.ignore_patterns(".git", ".venv", ".data", "__pycache__", ".*_cache", ".hypothesis", "node_modules")
# A library that was imported before pytest keeps the words that its own assertions have.
OPTIONS = ("-p", "no:cacheprovider", "-W", "ignore::pytest.PytestAssertRewriteWarning")
# pytest-xdist names its databases so: what it runs beside each other finds those of the workspaces.
DATABASE = f"mutants_{os.getpid()}"


@dataclass(frozen=True)
class Outcome:
    """What pytest says of a run: tests that failed, and those that could not be run at all."""

    passed: int
    failed: int
    errors: int
    said: str


@dataclass(frozen=True)
class Workspace:
    """A place to run one mutant at a time: a copy of the tree, and the name of a database."""

    tree: Path
    database: str

    def survives(self, mutant: Mutant) -> bool:
        """Whether the test still passes with the code broken. Exits where the test can't be run."""
        file = self.tree / mutant.file
        whole = file.read_text()
        file.write_text(whole.replace(mutant.was, mutant.becomes))
        try:
            outcome = self.run(mutant.test, database=self.database)
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
            env={
                **os.environ,
                **_addresses(database),
                "PYTHONPATH": str(self.tree),
                "PROPERTIES_UNSHORTENED": "1",
                "PROPERTIES_PART": "4",
                "EVERY_CELL": "1",
            },
        )
        said = done.stdout[-4000:] + done.stderr[-2000:]
        if not report.exists():
            return Outcome(0, 0, 1, said)
        counted = ET.parse(report).getroot()[0].attrib
        total, failed, errors, skipped = (int(counted[word]) for word in ("tests", "failures", "errors", "skipped"))
        return Outcome(total - failed - errors - skipped, failed, errors, said)


@contextmanager
def make_workspaces(folder: Path, *, number: int) -> Iterator[Sequence[Workspace]]:
    """Copy the tree that many times; drop what databases are left at the end."""
    workspaces = [Workspace(folder / f"gw{n}", f"{DATABASE}_gw{n}") for n in range(number)]
    for workspace in workspaces:
        _copy(workspace.tree)
    try:
        yield workspaces
    finally:
        with psycopg.connect(_addresses("postgres")["DATABASE_OWNER_URL"], autocommit=True) as server:
            server.execute(
                "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity"
                " WHERE datname LIKE %s AND backend_type = 'client backend'",
                [f"test_{DATABASE}%"],
            )
            names = server.execute("SELECT datname FROM pg_database WHERE datname LIKE %s", [f"test_{DATABASE}%"])
            for (name,) in names.fetchall():
                server.execute(f'DROP DATABASE "{name}"')


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
