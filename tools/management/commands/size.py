"""`manage.py size`: what a carrier's lines, look-ups and stops need, from what `bench` measured on a machine."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from accounts.primitives.json_reader import read_json
from tools import sizing

MEASURED = Path("docs") / "charts" / "results.json"


class Command(BaseCommand):
    help = (
        "Say which processors, memory, disk and processes each part needs, from figures that `manage.py bench --json"
        " FILE` measured (docs/guides/sizing.md). Without --json: from those of docs/charts/results.json."
    )
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--lines", type=int, required=True, help="subscribers' lines")
        parser.add_argument("--lookups-per-month", type=int, required=True, help="questions at the gate, and releases")
        parser.add_argument("--stops-per-day", type=int, required=True, help="on the worst day, not the usual one")
        parser.add_argument("--months", type=int, default=settings.RETENTION_MONTHS, help="how long releases are kept")
        parser.add_argument("--partners", type=int, default=2, help="how many partners one stop is sent to (2)")
        parser.add_argument(
            "--json", type=Path, metavar="FILE", help="what `bench --json` wrote on a machine like yours"
        )

    def handle(self, *_args: object, **options: Any) -> None:
        asked = ("lines", "lookups_per_month", "stops_per_day", "months", "partners")
        if any(options[name] < 1 for name in asked):
            raise CommandError("Give 1 or more of each.")
        path = options["json"] or settings.BASE_DIR / MEASURED
        try:
            measured = sizing.Figures.read(read_json(path.read_bytes()))
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise CommandError(f"{path} can't be read: {error}") from error
        except sizing.NotMeasured as error:
            names = str(error).replace(",", "")
            raise CommandError(f"{path} lacks {error}. Run: manage.py bench {names} --json {path}") from error
        parts = sizing.compute(need=sizing.Need(**{name: options[name] for name in asked}), measured=measured)
        self.stdout.write(f"{'part':<20}{'cores':>8}{'memory GB':>11}{'disk GB':>10}{'processes':>11}")
        for one in [*parts, _sum(parts)]:
            self.stdout.write(
                f"{one.name:<20}{one.cores:>8.1f}{one.memory_gb:>11.1f}{one.disk_gb:>10,.0f}{one.processes:>11}"
            )
        self.stdout.write(
            f"In cores of the machine that was measured, with {measured.release_bytes:.0f} bytes a release."
        )


def _sum(parts: list[sizing.Part]) -> sizing.Part:
    return sizing.Part(
        "Total", sum(one.cores for one in parts), sum(one.memory_gb for one in parts),
        sum(one.disk_gb for one in parts), sum(one.processes for one in parts),
    )  # fmt: skip
