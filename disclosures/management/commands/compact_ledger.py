"""`compact_ledger`."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError

from disclosures.workers import compaction


class Command(BaseCommand):
    """Rewrite the releases of version 1.0 so that each needs half the space."""

    help = (
        "Rewrite the releases of version 1.0 so that each needs half the space. A month gives its space back only to"
        " VACUUM FULL. Can be interrupted and run again."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            done = compaction.compact(tell=self._say)
        except DatabaseError as error:
            raise CommandError(f"Not finished: {error}. What was rewritten stays. Run the command again.") from error
        self._say(f"Releases rewritten: {done}. No release of version 1.0 is left.")

    def _say(self, text: str) -> None:
        self.stdout.write(text)
        self.stdout.flush()
