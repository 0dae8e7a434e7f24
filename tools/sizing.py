"""What a carrier's lines, look-ups and stops need: processors, memory, disk and processes of each part.

Computed from what `manage.py bench --json` measured, for a machine like that one; docs/guides/sizing.md says how.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from math import ceil
from typing import Any

DAYS, HOURS, SECONDS = 30, 24, 3600
# In the busiest hour: so many times the mean of look-ups, and this part of a day's stops, as on a day of bad news.
PEAK_LOOKUPS, NEWS_HOUR = 3.0, 0.25
# No processor more than half busy: at that load the gate's and pages' times were measured.
BUSY = 0.5
# `bench stops` plays this many an hour on all of the machine's processors, which take these parts of the time.
STOPS_PLAYED = 100_000 / SECONDS
PAGES, POSTGRESQL, WORKERS = 0.56, 0.32, 0.12
# Of one release with its indexes and its id, where no benchmark has measured it: fifty million took 27 GB.
RELEASE_BYTES = 286.0
# Of one line with number, gate row, choices, orders and what partners signed.
LINE_BYTES = 8_000.0
# What PostgreSQL should find in memory: of each line the gate's row and its keys, and what is written now.
HOT_LINE_BYTES, HOT_MONTHS, HOT_SHARE = 1_000.0, 1.0, 0.1
# Indexes that are being built, bloat, and the log.
ROOM, LOG_GB = 1.3, 20.0
# Resident, of one process that has served a while.
PROCESS_GB, WORKER_GB = 0.25, 0.2
PROCESSES_A_CORE, WORKERS_A_CORE = 1, 2
LEAST_POSTGRESQL_GB = 4.0
GIGABYTE = 1e9


class NotMeasured(Exception):
    """A figure that is needed was not measured: names the benchmark."""


@dataclass(frozen=True)
class Need:
    """What a carrier has. `months`: for which releases are kept. `partners`: how many one stop is sent to."""

    lines: int
    lookups_per_month: int
    stops_per_day: int
    months: int
    partners: int


@dataclass(frozen=True)
class Part:
    """What one part of the installation needs, at least."""

    name: str
    cores: float
    memory_gb: float
    disk_gb: float
    processes: int


@dataclass(frozen=True)
class Figures:
    """Figures of a machine: what all of its processors did in a second."""

    cpus: int
    gate: float
    releases: float
    orders: float
    stops: float
    release_bytes: float

    @classmethod
    def read(cls, report: Mapping[str, Any]) -> "Figures":
        """Take them from the file that `bench --json` writes. Raises NotMeasured."""
        found = _by_name(report)
        missing = [name for name in ("gate", "ingest_growth", "orders", "stops") if name not in found]
        if missing:
            raise NotMeasured(", ".join(missing))
        # Where pages' p95 was over its limit, the machine took fewer than were played.
        held = max(1.0, float(found["stops"]["ratio"]))
        size = found.get("ledger_size")
        return cls(
            cpus=int(found["gate"]["machine"]["cpus"]),
            gate=float(found["gate"]["value"]),
            releases=float(found["ingest_growth"]["value"]),
            orders=float(found["orders"]["value"]),
            stops=STOPS_PLAYED / held,
            release_bytes=float(size["value"]) if size else RELEASE_BYTES,
        )


def compute(*, need: Need, measured: Figures) -> list[Part]:
    """Return what each part needs. Cores are of the machine that was measured."""
    questions = need.lookups_per_month / (DAYS * HOURS * SECONDS) * PEAK_LOOKUPS
    stops = need.stops_per_day * NEWS_HOUR / SECONDS
    # What one takes of all processors, in seconds of one of them.
    gate, stop = measured.cpus / measured.gate, measured.cpus / measured.stops
    release, order = measured.cpus / measured.releases, measured.cpus / measured.orders
    pages = stops * stop * PAGES
    asking = questions * gate / 2
    workers = stops * (stop * WORKERS + need.partners * order) + questions * release / 2
    database = stops * stop * POSTGRESQL + asking + questions * release / 2
    return [
        _of_processes("pages", pages, per_core=PROCESSES_A_CORE, least=4, each_gb=PROCESS_GB),
        _of_processes("gate", asking, per_core=PROCESSES_A_CORE, least=2, each_gb=PROCESS_GB),
        _of_processes("workers and imports", workers, per_core=WORKERS_A_CORE, least=4, each_gb=WORKER_GB),
        Part("beat", 0.1, WORKER_GB, 0.0, 1),
        _postgresql(database, need, measured),
        Part("Valkey", 0.5, 1.0, 0.0, 1),
    ]


def _of_processes(name: str, busy: float, *, per_core: int, least: int, each_gb: float) -> Part:
    cores = max(0.5, busy / BUSY)
    processes = max(least, ceil(cores * per_core))
    return Part(name, cores, processes * each_gb, 0.0, processes)


def _postgresql(busy: float, need: Need, measured: Figures) -> Part:
    releases = need.lookups_per_month * measured.release_bytes
    hot = need.lines * HOT_LINE_BYTES + releases * HOT_MONTHS * HOT_SHARE
    disk = (releases * need.months + need.lines * LINE_BYTES) * ROOM / GIGABYTE + LOG_GB
    return Part("PostgreSQL", max(1.0, busy / BUSY), max(LEAST_POSTGRESQL_GB, hot / GIGABYTE), disk, 1)


def _by_name(report: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    results = report.get("results")
    return {str(one["name"]): one for one in results} if isinstance(results, list) else {}
