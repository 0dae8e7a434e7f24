"""The benchmarks, on servers of their own that are gone afterwards: see `tools.bench`."""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import Error

from tools.bench import BENCHMARKS, Bench, Result
from tools.bench.charts import charts_of
from tools.bench.measure import BenchmarkFailed, check_disk, machine
from tools.demo.processes import build_tethered_command

INSIDE = "WHEREABOUTS_BENCH"
# What would lead the run to somebody's data: it has its own.
NOT_HANDED_ON = (
    "DATABASE_URL", "DATABASE_OWNER_URL", "REDIS_URL", "CELERY_BROKER_URL", "BASE_URL", "ALLOWED_HOSTS", "DATA_DIR",
    "CHECKPOINT_DIR", "CHECKPOINT_BACKEND", "CHECKPOINT_S3_URL", "STOP_ARCHIVE_DIR", "STOP_ARCHIVE_BACKEND",
    "STOP_ARCHIVE_S3_URL", "SECRET_KEY", "SECRET_KEY_FALLBACKS", "FIELD_ENCRYPTION_KEYS", "KEY_VAULT",
    "WHEREABOUTS_DEMO",
)  # fmt: skip


class Command(BaseCommand):
    """Run the named benchmarks, or all."""

    help = "Measure this product on this machine, beside ceilings taken in the same run. Never touches real data."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("names", nargs="*", metavar="NAME", help=f"{', '.join(BENCHMARKS)}; without names, all")
        parser.add_argument(
            "--json", metavar="FILE", help="write results, machine and sizes to this file; other results in it stay"
        )
        parser.add_argument("--charts", metavar="DIR", help="draw each result there, as an SVG file")
        parser.add_argument("--from", dest="source", metavar="FILE", help="measure nothing, draw what --json wrote")
        parser.add_argument("--lines", type=int, default=100_000, help="lines to measure at (100000)")
        parser.add_argument("--disclosures", type=int, default=2_000_000, help="disclosures to measure at (2000000)")

    def handle(self, *args: Any, names: Sequence[str], lines: int, disclosures: int, **options: Any) -> None:
        _check_arguments(names, lines, disclosures)
        if options["source"]:
            self._draw(_read(Path(options["source"])), options["charts"])
            return
        known = _results_in(options["json"])
        if os.environ.get(INSIDE) != "1":
            self._run_on_own_servers()
            return
        report: dict[str, Any] = {"results": self._run_each(names or BENCHMARKS, lines, disclosures)}
        if options["json"]:
            Path(options["json"]).write_text(json.dumps(_beside(known, report["results"]), indent=1) + "\n")
        if options["charts"]:
            self._draw(report, options["charts"])

    def _run_each(self, names: Collection[str], lines: int, disclosures: int) -> list[dict[str, Any]]:
        sizes, on = {"lines": lines, "disclosures": disclosures}, machine()
        self.stdout.write(f"machine: {_format_facts(on)}\nsizes: {_format_facts(sizes)}")
        self.stdout.flush()
        try:
            check_disk(folder=Path(settings.DATA_DIR), names=names, lines=lines, disclosures=disclosures)
            bench = Bench(lines=lines, disclosures=disclosures, tell=self._tell)
            return [{**self._one(name, bench).as_json(), "sizes": sizes, "machine": on} for name in names]
        except (BenchmarkFailed, Error, OSError) as error:
            raise CommandError(" ".join(f"the benchmark failed: {error}".split())) from error

    def _one(self, name: str, bench: Bench) -> Result:
        result = BENCHMARKS[name](bench)
        self.stdout.write(
            f"{name}: {result.value:.1f} {result.unit}, ceiling {result.ceiling:.1f}, ratio {result.ratio:.3f}"
        )
        self.stdout.flush()
        return result

    def _draw(self, report: dict[str, Any], folder: str | None) -> None:
        if not folder:
            raise CommandError("say where to draw: --charts DIR")
        try:
            charts = charts_of(report=report)
            Path(folder).mkdir(parents=True, exist_ok=True)
            for name, svg in charts.items():
                (Path(folder) / name).write_text(svg)
        except (BenchmarkFailed, OSError) as error:
            raise CommandError(f"nothing was drawn: {error}") from error
        self.stdout.write(f"drawn in {folder}: {', '.join(charts)}")

    def _tell(self, text: str) -> None:
        self.stderr.write(text)
        self.stderr.flush()

    def _run_on_own_servers(self) -> None:
        """Run the same command once more, on servers started for it in a folder that goes with it."""
        with tempfile.TemporaryDirectory(prefix="whereabouts-bench-", ignore_cleanup_errors=True) as folder:
            kept = {name: value for name, value in os.environ.items() if name not in NOT_HANDED_ON}
            own = {INSIDE: "1", "DATA_DIR": folder, "DOOR_OUT_LOOPBACK": "1", "LOG_LEVEL": "error"}
            command = build_tethered_command(sys.executable, str(settings.BASE_DIR / "manage.py"), *sys.argv[1:])
            code = subprocess.run(command, env={**kept, **own}, check=False).returncode
        if code:
            sys.exit(code if code > 0 else 1)


def _read(path: Path) -> dict[str, Any]:
    try:
        report: dict[str, Any] = json.loads(path.read_text())
    except (OSError, ValueError) as error:
        raise CommandError(f"{path} can't be read: {error}") from error
    return report


def _results_in(file: str | None) -> dict[str, dict[str, Any]]:
    """What the file has already, by benchmark. Looked at before anything is measured: nothing measured may be lost."""
    if not file or not Path(file).exists():
        return {}
    report = _read(Path(file))
    try:
        return {str(one["name"]): one for one in report["results"]}
    except (KeyError, TypeError) as error:
        raise CommandError(f"{file} isn't a benchmark report; nothing was measured") from error


def _beside(known: dict[str, dict[str, Any]], results: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """These results and those of other benchmarks, in the order of the benchmarks; of names that are none, last."""
    found = {**known, **{one["name"]: one for one in results}}
    order = [*BENCHMARKS, *(name for name in known if name not in BENCHMARKS)]
    return {"results": [found[name] for name in order if name in found]}


def _format_facts(facts: dict[str, Any]) -> str:
    return ", ".join(f"{name} {value}" for name, value in facts.items())


def _check_arguments(names: Sequence[str], lines: int, disclosures: int) -> None:
    unknown = [name for name in names if name not in BENCHMARKS]
    if unknown:
        raise CommandError(f"there is no benchmark {unknown[0]!r}; there are: {', '.join(BENCHMARKS)}")
    if lines < 1 or disclosures < 1:
        raise CommandError("--lines and --disclosures must be 1 or more")
