"""Which tests run, and in which order: what is long by nature by night, slow programs first, beside what computes."""

import os
from collections.abc import Sequence
from itertools import chain, islice
from math import ceil

import pytest

NIGHTLY = os.environ.get("NIGHTLY") == "1"
# They start programs and wait for them: begun first, they are done by the time that all others are.
SLOW = ("tests/portal/test_demo.py", "tests/faults/", "tests/browser/", "tests/running/", "tests/sandbox/")


def pytest_configure(config: pytest.Config) -> None:
    """Name the marker."""
    config.addinivalue_line("markers", "nightly: long by nature; runs in .ci/nightly, or with NIGHTLY=1")


def pytest_xdist_auto_num_workers() -> int:
    """Return one worker more than there are cores: tests wait for servers about as long as they compute."""
    return (os.cpu_count() or 1) + 1


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what is for the night, and begin each worker's share with its part of the slow ones."""
    if not NIGHTLY:
        late = [item for item in items if item.get_closest_marker("nightly")]
        config.hook.pytest_deselected(items=late)
        items[:] = [item for item in items if not item.get_closest_marker("nightly")]
    items[:] = deal(items, int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1")))


def deal(items: Sequence[pytest.Item], workers: int) -> list[pytest.Item]:
    """Order tests so that each of so many equal shares begins with slow modules, dealt out in turn."""
    slow, quick = dict[str, list[pytest.Item]](), list[pytest.Item]()
    for item in items:
        module = item.nodeid.partition("::")[0]
        if module.startswith(SLOW):
            slow.setdefault(module, []).append(item)
        else:
            quick.append(item)
    modules = list(slow.values())
    shares = [list(chain.from_iterable(modules[n::workers])) for n in range(workers)]
    room, rest = ceil(len(items) / workers), iter(quick)
    for share in shares:
        share += islice(rest, max(room - len(share), 0))
    return [*chain.from_iterable(shares), *rest]
