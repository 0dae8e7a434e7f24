"""After a restore: bring back what was lost since the backup, then open the gate."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from portal import field_keys, restoring


class Command(BaseCommand):
    help = (
        "Compare a restored database with the archive of stops (STOP_ARCHIVE_DIR), replay what was lost as far as it is"
        " a no, raise every contract's epoch, tell all partners anew, check the audit trail, and open the gate. Run it"
        " as often as you like: it goes on where it was cut off. Needs DATABASE_OWNER_URL."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--despite", metavar="REASON", default="", help="open despite a fault; recorded in the audit trail"
        )
        parser.add_argument(
            "--confirm-lost-events", metavar="REASON", default="",
            help="how you restored what the lost audit events had recorded; recorded in the audit trail",
        )  # fmt: skip
        parser.add_argument(
            "--switched-over", action="store_true", help="a synchronous replica took over, so nothing can be lost"
        )

    def handle(self, *args: Any, despite: str, confirm_lost_events: str, switched_over: bool, **options: Any) -> None:
        if misfit := field_keys.describe_misfit(using="default"):
            raise CommandError(misfit)
        at = timezone.now()
        try:
            done = restoring.after_restore(
                at=at, despite=despite, switched_over=switched_over, say=self._say, confirmed=confirm_lost_events
            )
        except restoring.Busy as error:
            raise CommandError("Another process is writing to the archive. Run this again.") from error
        except OSError as error:
            raise CommandError(f"External storage can't be reached: {error}. Mount it, then run this again.") from error
        for what, count in sorted(done.done.items()):
            self._say(f"{what}: {count}")
        for problem in done.problems:
            self._say(f"WRONG: {problem}")
        if not done.is_open:
            raise CommandError(
                "The gate stays closed. Mend what is wrong and run this again, or open it with --despite and a reason."
            )
        self._say("The gate is open.")

    def _say(self, text: str) -> None:
        self.stdout.write(text)
        self.stdout.flush()
