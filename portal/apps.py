"""The app of the whole: settings, addresses, checks."""

from django.apps import AppConfig

from portal import deployment


class PortalConfig(AppConfig):
    """`checks` are registered when this module is read."""

    name = "portal"
    checks = (deployment.only_for_the_demo,)
