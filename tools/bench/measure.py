"""What a benchmark is given and what it gives back; the machine it ran on."""

import os
import platform
import shutil
import sys
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

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
    """What it runs on."""
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
    """The value below which this part (0 to 1) of them lies."""
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
