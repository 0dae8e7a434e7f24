"""Try whether a partner's own end keeps to the guide."""

import json
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from tools.conformance.report import NoTarget, for_seconds, target
from tools.conformance.run import Limits, Trial

AGAIN_S = 65.0


class Command(BaseCommand):
    help = (
        "Send a partner's end orders about nobody, good ones and such as it must refuse, look at its answers and the "
        "receipts it hands in, and print a report. Real subscribers, the ledger and other partners are not touched."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("name", help="the partner: its URI, its name, or one of its contracts")
        parser.add_argument("--json", action="store_true", help="print the report as one JSON object")
        parser.add_argument(
            "--wait", metavar="SECONDS", type=float, default=120.0, help="the longest wait for receipts"
        )
        parser.add_argument("--basic", action="store_true", help="don't wait for receipts")

    def handle(self, *args: Any, name: str, wait: float, basic: bool, **options: Any) -> None:
        try:
            found = target(name=name, at=timezone.now())
        except NoTarget as error:
            raise CommandError(str(error)) from error
        limits = Limits(wait=for_seconds(0 if basic else wait), again=for_seconds(AGAIN_S), receipts=not basic)
        report = Trial(target=found, limits=limits, clock=timezone.now, say=self._say).run()
        self.stdout.write(json.dumps(report.as_json()) if options["json"] else report.as_text())
        if not report.has_passed:
            raise CommandError(f"{found.party.name} doesn't follow the guide yet")

    def _say(self, line: str) -> None:
        """Progress, away from the report."""
        self.stderr.write(line, self.style.NOTICE)
