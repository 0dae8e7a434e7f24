"""Push everything that is due, without Celery."""

from typing import Any

from django.core.management.base import BaseCommand
from django.utils import timezone

from revocations.workers.delivery import delivery_rounds


class Command(BaseCommand):
    help = "One pass of what the worker does: push every order that is due, and print how the pushes ended."

    def handle(self, *args: Any, **options: Any) -> None:
        done = delivery_rounds.sweep(now=timezone.now())
        self.stdout.write(", ".join(f"{name} {count}" for name, count in sorted(done.items())) or "nothing was due")
