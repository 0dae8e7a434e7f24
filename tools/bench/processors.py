"""Processor time that programs of a run took, by what they are: the kernel's own count, whatever else runs there."""

import os
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from django.conf import settings

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
    """What was spent between the two, for each of so many."""
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
