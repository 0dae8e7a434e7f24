"""Which tests run, and in which order: what is long by nature by night, slow programs first, beside what computes.

Of cells that are much alike, day by day a part is drawn (`drawn`): by the commit, so that each has another part and a
failure comes again; all of them by night, and where a mutant is tried.
"""

import os
import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from importlib import import_module
from itertools import chain, islice
from math import ceil
from pathlib import Path
from zlib import crc32

import pytest

from tests.mutants.choosing import draw_seed

NIGHTLY = os.environ.get("NIGHTLY") == "1"
EVERY_CELL = NIGHTLY or os.environ.get("EVERY_CELL") == "1"
# Kept for the workers too: what is no clone of a repository has no commit to draw by.
SEED = int(os.environ.setdefault("DRAWN", str(draw_seed())))
# They start programs and wait for them: begun first, they are done by the time that all others are.
SLOW = (
    "tests/promises/through_the_doors/", "tests/portal/test_demo.py", "tests/faults/", "tests/browser/",
    "tests/running/", "tests/sandbox/",
)  # fmt: skip
# Tests of one running product: one worker has them all, or each would start a product of its own.
TOGETHER = ("tests/promises/through_the_doors/",)

# What can differ from one version of PostgreSQL, Redis or broker to another: the promises that the database keeps,
# migrations, plans and locks; and every test that a statement is refused (`refused`), whichever file it stands in.
SERVERS = (
    "tests/promises/test_01", "tests/promises/test_02", "tests/promises/test_03", "tests/promises/test_04",
    "tests/promises/test_05", "tests/promises/test_09", "tests/promises/test_10", "tests/portal/test_migrate.py",
    "tests/portal/test_hung_broker.py", "tests/consent/test_gate_plan.py", "tests/disclosures/test_plans.py",
    "tests/audit/test_chain.py", "tests/audit/test_generic_plans.py", "tests/audit/test_counters.py",
)  # fmt: skip
LOCKS = "_at_once"
# By plan and by migration versions differ most: on another server they run each time, the other modules in turn.
EACH_TIME = (
    "tests/portal/test_migrate.py", "tests/portal/test_hung_broker.py", "tests/consent/test_gate_plan.py",
    "tests/disclosures/test_plans.py", "tests/audit/test_chain.py", "tests/audit/test_generic_plans.py",
)  # fmt: skip
TURNS = 4
REFUSES = re.compile(r"\brefused: Refusal\b")


def drawn[T](cells: Iterable[T], *, of: int, row: int = 0) -> Iterator[T]:
    """Take every so manyth of these cells by day, and all of them by night.

    `row`: which row of a table they are, whose part then begins one further on: no column is left out of all rows.
    """
    return iter(cells) if EVERY_CELL else islice(cells, (SEED + row) % of, None, of)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say how to run the same part again."""
    if not EVERY_CELL:
        terminalreporter.write_line(f"Of tests that are much alike, only some ran: DRAWN={SEED} runs the same ones.")


def pytest_configure(config: pytest.Config) -> None:
    """Refuse what is not there, of which workers would only say that no tests ran, and name the markers."""
    if missing := [named for named in config.args if not Path(named.partition("::")[0]).exists()]:
        raise pytest.UsageError(f"there is no {', '.join(missing)}")
    config.addinivalue_line("markers", "nightly: long by nature; runs in .ci/nightly, or with NIGHTLY=1")
    config.addinivalue_line("markers", "properties: looks for a story that breaks a rule")
    config.addinivalue_line(
        "markers",
        "one_server: of one server's plans, of rows that only one session sees, or of writing through the view;"
        " not where the ledger is spread",
    )
    config.addinivalue_line("markers", "servers: runs once more on the machine's own servers in CI")


def pytest_xdist_auto_num_workers() -> int:
    """Return one worker more than there are cores: tests wait for servers about as long as they compute."""
    return (os.cpu_count() or 1) + 1


@pytest.hookimpl(tryfirst=True)
def pytest_collection(session: pytest.Session) -> None:
    """Import a part of all tests first, each worker another: what one has compiled, the others read.

    Where they began with the same, each of them would compile all of it for itself.
    """
    config = session.config
    worker = os.environ.get("PYTEST_XDIST_WORKER", "").removeprefix("gw")
    if not worker.isdecimal() or config.args_source is not config.ArgsSource.TESTPATHS or config.option.markexpr:
        return
    workers = int(os.environ["PYTEST_XDIST_WORKER_COUNT"])
    for path in islice(sorted(config.rootpath.glob("tests/*/**/test_*.py")), int(worker), None, workers):
        # What is wrong with one is said where it is collected.
        with suppress(Exception):
            import_module(".".join(path.relative_to(config.rootpath).with_suffix("").parts))


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Read no file without such a test where only those for other servers are asked for: to import all takes longer."""
    if collection_path.suffix != ".py" or not str(config.option.markexpr).startswith("servers"):
        return None
    module = collection_path.relative_to(config.rootpath).as_posix()
    for_servers = _is_for_servers(module) or REFUSES.search(collection_path.read_text())
    return None if for_servers and _has_its_turn(module) else True


def _has_its_turn(module: str) -> bool:
    """Whether other servers are asked today: all of these tests run by day on the servers that tests bring along."""
    return EVERY_CELL or module.startswith(EACH_TIME) or (SEED + crc32(module.encode())) % TURNS == 0


def _is_for_servers(module: str) -> bool:
    return module.startswith(SERVERS) or LOCKS in module


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> Iterator[None]:
    """Leave out what is for the night, and begin each worker's share with its part of the slow ones.

    Marked before `-m` is asked, dealt once all others have ordered them: pytest-django puts what commits at the end.
    """
    for item in items:
        mark(item)
    yield
    if not NIGHTLY:
        late = [item for item in items if item.get_closest_marker("nightly")]
        config.hook.pytest_deselected(items=late)
        items[:] = [item for item in items if not item.get_closest_marker("nightly")]
    items[:] = deal(items, int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1")))


def mark(item: pytest.Item) -> None:
    """Mark a test by what it is."""
    module = item.nodeid.partition("::")[0]
    if getattr(getattr(item, "obj", None), "is_hypothesis_test", False):
        item.add_marker("properties")
    if _is_for_servers(module) or "refused" in getattr(item, "fixturenames", ()):
        item.add_marker("servers")


def deal(items: Sequence[pytest.Item], workers: int) -> list[pytest.Item]:
    """Order tests so that each of so many equal shares begins with slow modules, dealt out in turn.

    Those of a folder in TOGETHER are dealt like one module, and first: there are many of them.
    """
    slow, quick = dict[str, list[pytest.Item]](), list[pytest.Item]()
    for item in items:
        module = item.nodeid.partition("::")[0]
        if module.startswith(SLOW):
            unit = next((folder for folder in TOGETHER if module.startswith(folder)), module)
            slow.setdefault(unit, []).append(item)
        else:
            quick.append(item)
    modules = [slow[unit] for unit in sorted(slow, key=lambda unit: unit not in TOGETHER)]
    rest, room = iter(quick), ceil(len(items) / workers)
    dealt = list[pytest.Item]()
    for n in range(workers):
        first = list(chain.from_iterable(modules[n::workers]))
        dealt += [*first, *islice(rest, max(room - len(first), 0))]
    return [*dealt, *rest]
