"""Our signing keys: what is due, or a replacement now."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from accounts.primitives.reasons import NoReason, check_reason
from partners.models import SigningKey
from partners.workers import rotation
from partners.workers.rotation import RotationResult

ACTOR = "system:rotate_keys"
USES = {use.name.lower(): use for use in SigningKey.Use}


class Command(BaseCommand):
    help = (
        "Without options, do what is due, as beat does every hour: publish the next key 24 hours before it is used, "
        "retire the last one 7 days after. --now puts new keys to use at once and leaves the old ones their 7 days. "
        "--emergency does the same for keys that others may have seen: the old ones are taken from the set at once, "
        "and nobody is let in by them. --reseal seals private keys with the newest of FIELD_ENCRYPTION_KEYS."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        how = parser.add_mutually_exclusive_group()
        how.add_argument("--now", action="store_true", help="replace now; the old keys stay published for 7 days")
        how.add_argument("--emergency", action="store_true", help="replace now; the old keys are withdrawn")
        how.add_argument("--reseal", action="store_true", help="encrypt private keys again")
        parser.add_argument("--use", action="append", choices=sorted(USES), help="only these keys; all if not given")
        parser.add_argument("--reason", default="", help="for the audit log; required with --now and --emergency")

    def handle(self, *args: Any, now: bool, emergency: bool, reseal: bool, reason: str, **options: Any) -> None:
        if reseal:
            found = rotation.reseal(actor=ACTOR, now=timezone.now())
            left = f", {found.unopened} that no key opens" if found.unopened else ""
            self.stdout.write(f"{found.done} keys encrypted again{left}.")
            return
        if not now and not emergency:
            self._tell(rotation.rotate(now=timezone.now()))
            return
        try:
            why = check_reason(reason)
        except NoReason as error:
            raise CommandError(str(error)) from error
        uses = [USES[name] for name in options["use"] or USES]
        self._tell(rotation.replace(uses=uses, emergency=emergency, actor=ACTOR, reason=why, now=timezone.now()))

    def _tell(self, done: RotationResult) -> None:
        for what, kids in (("published", done.made), ("retired", done.retired)):
            for kid in kids:
                self.stdout.write(f"{what} {kid}")
        if not done.made and not done.retired:
            self.stdout.write("Nothing is due.")
