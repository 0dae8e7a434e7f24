"""Run Celery's own command line with the settings of this machine's services: `manage.py celery inspect active`."""

from celery.bin.celery import celery
from django.core.management.base import BaseCommand


class Command(BaseCommand):
    """Pass on every word after `celery`: options are Celery's."""

    help = "Celery's own commands, with the settings of this machine's services: manage.py celery inspect active"

    def run_from_argv(self, argv: list[str]) -> None:
        """Do so, and end as it ends."""
        celery.main(args=["--app", "portal", *argv[2:]], prog_name="manage.py celery")
