"""Print `docs/reference/permissions.md`."""

from typing import Any

from django.core.management.base import BaseCommand

from tools.permission_docs import document


class Command(BaseCommand):
    """Print who may do what, as `docs/reference/permissions.md` holds it."""

    help = "Print who may do what, as docs/reference/permissions.md holds it."
    requires_system_checks = []

    def handle(self, *args: Any, **options: Any) -> None:
        self.stdout.write(document(), ending="")
