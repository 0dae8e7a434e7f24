"""Run one sandbox partner. The program itself is `tools.sandbox`, which needs neither Django nor a database."""

import sys
from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand

from tools.sandbox import cli


class Command(BaseCommand):
    help = cli.__doc__ or ""
    requires_system_checks = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        cli.add_arguments(parser)
        parser.set_defaults(transmitter=settings.BASE_URL, data_dir=settings.DATA_DIR)

    def handle(self, *args: Any, **options: Any) -> None:
        sys.exit(cli.run(cli.options(options)))
