"""Django's `migrate`, run as the owner of the tables; then the application's rights, and our own signing keys."""

from typing import Any

from django.conf import settings
from django.core.management.base import CommandParser
from django.core.management.commands.migrate import Command as DjangoMigrate
from django.db import connection, connections
from django.utils import timezone

import partners.actions
from portal import privileges


class Command(DjangoMigrate):
    """Migrate as the owner (DATABASE_OWNER_URL where set), then grant the application's role its rights.

    Signing keys are made where there are none yet, so that the first stop finds one for its receipt.
    """

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.set_defaults(database="owner" if "owner" in settings.DATABASES else "default")

    def handle(self, *args: Any, **options: Any) -> None:
        super().handle(*args, **options)
        using = options["database"]
        privileges.grant(using=using)
        if _is_the_applications(using) and _has_keys_table():
            partners.actions.ensure_signing_keys(at=timezone.now())


def _is_the_applications(using: str) -> bool:
    """Whether what was migrated is the database the application reads; while a test database is made, it is not."""
    return bool(connections[using].settings_dict["NAME"] == connection.settings_dict["NAME"])


def _has_keys_table() -> bool:
    """Whether the migrations went that far: `migrate APP zero` takes tables away."""
    return "partners_signingkey" in connection.introspection.table_names()
