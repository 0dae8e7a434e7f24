"""`compact_ledger`."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import OperationalError

from disclosures.workers import compaction


class Command(BaseCommand):
    """Rewrite the releases of version 1.0 so that each takes half the space. Can be interrupted and run again."""

    help = "Rewrite the releases of version 1.0 so that each takes half the space. Can be interrupted and run again."

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            done = compaction.compact(tell=self._say)
        except OperationalError as error:
            raise CommandError(f"Not finished: {error}. What was rewritten stays. Run the command again.") from error
        self._say(f"Rewrote {done} releases. No release of version 1.0 is left.")

    def _say(self, text: str) -> None:
        self.stdout.write(text)
        self.stdout.flush()
