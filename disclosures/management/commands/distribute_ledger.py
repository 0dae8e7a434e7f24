"""`distribute_ledger`."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError

from disclosures.workers import distribution


class Command(BaseCommand):
    """Spread the ledger over the servers of a Citus cluster."""

    help = (
        "Spread the ledger over the servers of a Citus cluster, whose coordinator is this database. Can be interrupted"
        " and run again."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            done = distribution.distribute(tell=self._say)
        except distribution.NotPossible as error:
            raise CommandError(str(error)) from error
        except DatabaseError as error:
            raise CommandError(f"Not finished: {error}. What was spread stays. Run the command again.") from error
        self._say(f"Tables spread: {done}.")

    def _say(self, text: str) -> None:
        self.stdout.write(text)
        self.stdout.flush()
