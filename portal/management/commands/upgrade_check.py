"""`manage.py upgrade_check`: what would stop or slow the upgrade to this code. Changes nothing."""

from collections import Counter
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from portal import upgrading
from portal.upgrading import Effect


class Command(BaseCommand):
    help = (
        "Look for what would stop or slow an upgrade to this code: versions, settings, pending migrations and what"
        " they hold, long transactions, disk. Changes nothing. Exits with 1 if something would stop it."
    )
    requires_system_checks: list[str] = []

    def handle(self, *_args: object, **_options: Any) -> None:
        using = "owner" if "owner" in settings.DATABASES else "default"
        effects = Counter[Effect]()
        for finding in upgrading.look(using=using):
            effects[finding.effect] += 1
            self.stdout.write(f"{finding.effect:<5}  {finding.text}")
        if effects[Effect.STOPS]:
            raise CommandError(f"Don't upgrade yet: {effects[Effect.STOPS]} of these would stop it.")
        self.stdout.write("Nothing stops the upgrade: docs/guides/upgrade.md.")
