"""`make_staff --email E --role R`: somebody new of staff, and the link by which they choose a password."""

from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from accounts.actions.staff import NoStaff, StaffExists, invite_again, make_staff
from accounts.domain import auth_factors
from accounts.models import User

ROLES = tuple(role.value for role in User.Role if role != User.Role.SUBSCRIBER)


class Command(BaseCommand):
    """Make somebody of staff. A second factor is asked for at every sign-in of theirs."""

    help = "Make somebody of staff, and print the link by which they choose a password (good once, for 3 days)."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--email", required=True, help="their work e-mail")
        wanted = parser.add_mutually_exclusive_group(required=True)
        wanted.add_argument("--role", choices=ROLES)
        wanted.add_argument(
            "--again", action="store_true", help="for someone who is already staff: end their password and sign-ins"
        )

    def handle(self, *_args: object, **options: Any) -> None:
        email, actor, now = options["email"], "command:make_staff", timezone.now()
        try:
            if options["again"]:
                user = invite_again(email=email, actor=actor, at=now)
            else:
                user = make_staff(email=email, role=User.Role(options["role"]), actor=actor, at=now)
        except StaffExists as error:
            raise CommandError("This e-mail is already in use. For a new link: --again") from error
        except NoStaff as error:
            raise CommandError("No staff member has this e-mail.") from error
        except ValidationError as error:
            raise CommandError("That isn't an e-mail address.") from error
        self.stdout.write(f"{settings.BASE_URL}{auth_factors.invitation_path(user=user)}")
