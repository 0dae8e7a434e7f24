"""`end_staff --email E`: somebody of staff has left."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from accounts.actions.staff import NoStaff, end_staff


class Command(BaseCommand):
    """End every sign-in of somebody who was staff. What they did stays in the trail under their name there."""

    help = "End every sign-in of somebody who was staff."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--email", required=True, help="their work e-mail")

    def handle(self, *_args: object, **options: Any) -> None:
        try:
            end_staff(email=options["email"], actor="command:end_staff", at=timezone.now())
        except NoStaff as error:
            raise CommandError("No staff member has this e-mail.") from error
        self.stdout.write("Ended.")
