"""`export_line LINE_ID`."""

import os
import sys
from argparse import ArgumentParser
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

import audit.queries
from accounts.models import Line
from accounts.primitives.reasons import NoReason
from disclosures import actions
from disclosures.queries.downloads import export_of


class Command(BaseCommand):
    """Print the JSON that this line's subscriber would download, and only that. The export is itself logged."""

    help = "Print the JSON that this line's subscriber would download, and only that. The export is itself logged."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("line_id", help="the carrier's id of the line")
        parser.add_argument("--out", metavar="FILE", help="write to this file instead of standard output")
        parser.add_argument("--reason", default="", help="why; kept in the line's own access log")

    def handle(self, *args: Any, **options: Any) -> None:
        line = Line.objects.filter(carrier_id=options["line_id"]).first()
        if line is None:
            raise CommandError("no line has this id")
        at = audit.queries.database_clock()
        try:
            actions.record_export(line_id=line.pk, actor="command:export_line", reason=options["reason"], at=at)
        except NoReason as error:
            raise CommandError(str(error)) from error
        person = line.line_users.filter(until__isnull=True).first()
        pieces = export_of(line=line, reader=person.user_id if person else None, at=at)
        if not options["out"]:
            self._print(pieces)
            return
        try:
            with Path(options["out"]).open("w", encoding="utf-8") as file:
                file.writelines(pieces)
        except OSError as error:
            raise CommandError(f"{options['out']}: {error.strerror}") from error

    def _print(self, pieces: Iterable[str]) -> None:
        try:
            for piece in pieces:
                self.stdout.write(piece, ending="")
            self.stdout.flush()
        except BrokenPipeError:
            # Whoever reads has read enough (`| head`); the interpreter must not try to write the rest at its end.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
