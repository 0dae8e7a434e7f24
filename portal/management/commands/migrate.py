"""Django's `migrate`, run as the owner of the tables; then the application's rights, and our own signing keys."""

from contextlib import suppress
from typing import Any

from django.conf import settings
from django.core.management.base import CommandError, CommandParser
from django.core.management.commands.migrate import Command as DjangoMigrate
from django.db import DatabaseError, OperationalError, connection, connections
from django.db.migrations import Migration
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.recorder import MigrationRecorder
from django.utils import timezone
from psycopg import errors

from partners.workers import rotation
from portal import database_roles, field_keys

# What waits for a table alone has everybody wait behind it who comes after, each stop and each question of the gate.
NOT_FOR_LONG = "SET lock_timeout = '2s'"
# What is made concurrently waits for those who are there, and nobody waits behind it.
AS_LONG_AS_IT_TAKES = "SET lock_timeout = 0"
# Migrations that were put into one are known to a database by their old names.
BETWEEN = (
    "{app} stands before the end of 0.1.0, whose migrations are one today ({new}): {missing} was never run. Install"
    " 0.1.0, run its migrate to the end, then install this release and run migrate again. Nothing was changed."
)
IN_THE_WAY = (
    "{migration} waited two seconds for a table that others were using, and gave up so that no stop waits behind it. "
    "Nothing of it was kept; what was done before it was. Run migrate again. If that comes to the same, "
    "pg_stat_activity shows who has held a transaction open since when (docs/guides/upgrade.md)."
)


class Command(DjangoMigrate):
    """Migrate as the owner (DATABASE_OWNER_URL where set), then grant the application's role its rights.

    Signing keys are made where there are none yet, so that the first stop finds one for its receipt.
    """

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.set_defaults(database="owner" if "owner" in settings.DATABASES else "default")

    def handle(self, *args: Any, **options: Any) -> None:
        using = options["database"]
        self._using, self._now = using, "migrate"
        _refuse_between(using)
        if misfit := field_keys.describe_misfit(using=using):
            raise CommandError(misfit)
        try:
            super().handle(*args, **options)
            database_roles.grant_privileges(using=using)
        except OperationalError as error:
            if not isinstance(error.__cause__, errors.LockNotAvailable):
                raise
            database_roles.grant_privileges(using=using)  # on what was migrated before
            raise CommandError(IN_THE_WAY.format(migration=self._now)) from error
        finally:
            with suppress(DatabaseError), connections[using].cursor() as cursor:
                cursor.execute("RESET lock_timeout")
        if _is_the_applications(using) and _has_keys_table():
            rotation.ensure(now=timezone.now())

    def migration_progress_callback(
        self, action: str, migration: Migration | None = None, *fake: bool, **more: Any
    ) -> None:
        """Before each migration, forwards or backwards: how long it may wait for a table."""
        super().migration_progress_callback(action, migration, *fake, **more)
        if migration is not None and action in {"apply_start", "unapply_start"}:
            self._now = f"{migration.app_label}.{migration.name}"
            with connections[self._using].cursor() as cursor:
                cursor.execute(NOT_FOR_LONG if migration.atomic else AS_LONG_AS_IT_TAKES)


def _refuse_between(using: str) -> None:
    """Refuse a database that ran some of the migrations that one of today stands for: the rest would be left out."""
    on_disk = MigrationLoader(connections[using], ignore_no_migrations=True).disk_migrations
    ran = set(MigrationRecorder(connections[using]).applied_migrations())
    for (app, new), migration in sorted(on_disk.items()):
        missing = sorted(set(migration.replaces) - on_disk.keys() - ran)
        if missing and (app, new) not in ran and ran & set(migration.replaces):
            raise CommandError(BETWEEN.format(app=app, new=new, missing=missing[0][1]))


def _is_the_applications(using: str) -> bool:
    """Whether what was migrated is the database the application reads; while a test database is made, it is not."""
    return bool(connections[using].settings_dict["NAME"] == connection.settings_dict["NAME"])


def _has_keys_table() -> bool:
    """Return whether the migrations went that far: `migrate APP zero` takes tables away."""
    return "partners_signingkey" in connection.introspection.table_names()
