"""What a benchmark is given and gives back, the machine it ran on, and the processor time that its programs took."""

import os
import platform
import shutil
import sys
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from django.conf import settings
from django.db import connection

# Of one line with its orders and tries, and of one disclosure with its indexes, generously.
BYTES_A_LINE = 8_000
BYTES_A_DISCLOSURE = 1_000
# Of one line with a yes and its gate row, for benchmarks that need nothing else.
BYTES_A_BARE_LINE = 2_500
LINES_ALONE = frozenset({"suspend_growth"})


class BenchmarkFailed(Exception):
    """A benchmark could not be run to its end; the message is one line."""


@dataclass(frozen=True)
class Bench:
    """The sizes to measure at, and where to say how far it is."""

    lines: int
    disclosures: int
    tell: Callable[[str], None]


@dataclass(frozen=True)
class Result:
    """One figure beside its ceiling, both of one run and one unit."""

    name: str
    value: float
    unit: str
    ceiling: float

    @property
    def ratio(self) -> float:
        return self.value / self.ceiling if self.ceiling else 0.0

    def as_json(self) -> dict[str, object]:
        return {
            "name": self.name,
            "value": round(self.value, 3),
            "unit": self.unit,
            "ceiling": round(self.ceiling, 3),
            "ratio": round(self.ratio, 4),
        }


type Benchmark = Callable[[Bench], Result]


def machine() -> dict[str, object]:
    """Return what it runs on."""
    with connection.cursor() as cursor:
        cursor.execute("SHOW server_version")
        (postgres,) = cursor.fetchone() or ("",)
    return {
        "cpus": os.cpu_count() or 0,
        "cpu": _cpu(),
        "memory_gb": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9, 1),
        "load": [round(one, 2) for one in os.getloadavg()],
        "system": f"{platform.system()} {platform.release()}",
        "python": sys.version.split()[0],
        "postgresql": str(postgres).split()[0],
    }


def check_disk(*, folder: Path, names: Collection[str], lines: int, disclosures: int) -> None:
    """Raises BenchmarkFailed where the data of these benchmarks would not fit."""
    if set(names) <= LINES_ALONE:
        needed = lines * BYTES_A_BARE_LINE
    else:
        needed = lines * BYTES_A_LINE + disclosures * BYTES_A_DISCLOSURE
    free = shutil.disk_usage(folder).free
    if needed > free:
        raise BenchmarkFailed(f"this size needs about {needed / 1e9:.1f} GB of disk and there are {free / 1e9:.1f} GB")


def percentile(values: Sequence[float], part: float) -> float:
    """Return the value below which this part (0 to 1) of them lies."""
    if not values:
        raise BenchmarkFailed("nothing was measured")
    ranked = sorted(values)
    return ranked[min(int(part * len(ranked)), len(ranked) - 1)]


def _cpu() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "")


MS_A_TICK = 1000 / os.sysconf("SC_CLK_TCK")
# Of the fields after the name in /proc/PID/stat: whose child it is, its time outside and inside the kernel, and that of
# its children which have ended.
PARENT, OWN, OF_THE_ENDED = 1, slice(11, 13), slice(13, 15)
# By a word of the command line.
WHOSE = (
    ("celery", "workers"), ("spawn_main", "pages"), ("uvicorn", "gate"), ("receiver.py", "partners"),
    ("pgbouncer", "pooler"),
)  # fmt: skip


def spent() -> Counter[str]:
    """Milliseconds up to now of our own programs, by what they are; people are this one."""
    found: Counter[str] = Counter()
    all_, server = _all(), _postmasters()
    parents = {pid: int(fields[PARENT]) for pid, fields in all_.items()}
    database, ours = _children(parents, server) | server, _descendants(parents)
    # A session that was opened for one question is gone by now; it counts as much as those that stay.
    found["database"] = sum(_ms(all_[pid][OF_THE_ENDED]) for pid in all_.keys() & server)
    for pid, fields in all_.items():
        ms = _ms(fields[OWN])
        if pid in database:
            found["database"] += ms
        elif pid == os.getpid():
            found["people"] += ms
        elif pid in ours:
            found[_whose(pid)] += ms
    return found


@contextmanager
def database_first() -> Iterator[None]:
    """PostgreSQL and its sessions, those to come included, go before all others at once, as docs/running has it."""
    _put_database(os.SCHED_RR, 1)
    try:
        yield
    finally:
        _put_database(os.SCHED_OTHER, 0)


def format_processor_time(before: Counter[str], after: Counter[str], *, count: int) -> str:
    """Return what was spent between the two, for each of so many."""
    return ", ".join(f"{whose} {(after[whose] - before[whose]) / count:.1f}" for whose in sorted(after))


def _put_database(policy: int, priority: int) -> None:
    server = _postmasters()
    for pid, fields in _all().items():
        if pid in server or int(fields[PARENT]) in server:
            with suppress(OSError):  # a session may have ended just now
                os.sched_setscheduler(pid, policy, os.sched_param(priority))


def _all() -> dict[int, list[str]]:
    """By process: what the kernel says of it."""
    found = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            found[int(path.parent.name)] = path.read_text().rpartition(")")[2].split()
        except OSError:
            continue
    return found


def _ms(ticks: Sequence[str]) -> int:
    return int(sum(map(int, ticks)) * MS_A_TICK)


def _postmasters() -> set[int]:
    path = Path(settings.DATA_DIR, "postgres", "postmaster.pid")
    return {int(path.read_text().split()[0])} if path.exists() else set()


def _children(parents: Mapping[int, int], of: Collection[int]) -> set[int]:
    return {pid for pid, parent in parents.items() if parent in of}


def _descendants(parents: dict[int, int]) -> set[int]:
    found = {os.getpid()}
    while more := {pid for pid, parent in parents.items() if parent in found} - found:
        found |= more
    return found


def _whose(pid: int) -> str:
    try:
        command = Path(f"/proc/{pid}/cmdline").read_text().replace("\0", " ")
    except OSError:
        return "others"
    return next((whose for word, whose in WHOSE if word in command), "others")
