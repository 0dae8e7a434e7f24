"""The app of the whole: settings, addresses, checks."""

from importlib import import_module

from django.apps import AppConfig
from django.conf import settings

from portal import deploy_checks, instants


class PortalConfig(AppConfig):
    """`checks` are registered when this module is read."""

    name = "portal"
    checks = (deploy_checks.only_for_the_demo,)

    def ready(self) -> None:
        """Tell of errors and times whoever was named for it. What does so is not loaded where nobody is."""
        instants.write_in_utc()
        if settings.SENTRY_DSN:
            import_module("portal.errors").report(dsn=settings.SENTRY_DSN)
        if settings.TRACES:
            import_module("portal.tracing").start_tracing()
