"""Seal everything anew with the newest field key."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from portal import field_keys
from tools import key_rotation


class Command(BaseCommand):
    help = (
        "Seal what is personal, and our own private keys, with the newest of FIELD_ENCRYPTION_KEYS. Run it after a new"
        " key was put in front and everything restarted; then all keys between the newest and the oldest may go."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        if misfit := field_keys.describe_misfit(using="default"):
            raise CommandError(misfit)
        done = key_rotation.reseal(at=timezone.now(), say=self._say)
        self._say(f"{done} in all. Keep the oldest key: the hashes of numbers come from it.")

    def _say(self, text: str) -> None:
        self.stdout.write(text)
        self.stdout.flush()
