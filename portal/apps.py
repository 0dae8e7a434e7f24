"""The app of the whole: settings, addresses, checks."""

from datetime import UTC, datetime
from importlib import import_module

import psycopg
from django.apps import AppConfig
from django.conf import settings
from psycopg.abc import Buffer
from psycopg.types.datetime import DatetimeDumper

from portal import deploy_checks


class UtcDumper(DatetimeDumper):
    """Writes a moment to the database in UTC, whichever offset it came with.

    RFC 3339 allows offsets of up to 23:59 hours; PostgreSQL knows none beyond 15:59.
    """

    def dump(self, obj: datetime) -> Buffer | None:
        """Write a moment; one within hours of the calendar's first or last is written without its offset."""
        try:
            return super().dump(obj.astimezone(UTC))
        except OverflowError:
            return super().dump(obj.replace(tzinfo=UTC))


def write_in_utc() -> None:
    """Have every connection from now on write moments in UTC."""
    psycopg.adapters.register_dumper(datetime, UtcDumper)


class PortalConfig(AppConfig):
    """`checks` are registered when this module is read."""

    name = "portal"
    checks = (deploy_checks.only_for_the_demo,)

    def ready(self) -> None:
        """Tell of errors and times whoever was named for it. What does so is not loaded where nobody is."""
        write_in_utc()
        if settings.SENTRY_DSN:
            import_module("portal.errors").report(dsn=settings.SENTRY_DSN)
        if settings.TRACES:
            import_module("portal.tracing").start_tracing()
