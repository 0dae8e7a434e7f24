"""`manage.py setup`: from an empty machine to one whose services can be started. Safe to repeat."""

import os
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured, ValidationError
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError
from django.core.validators import validate_email
from django.db import ProgrammingError
from django.utils import timezone

from accounts.actions.staff import StaffExists, make_staff
from accounts.domain import auth_factors
from accounts.models import User
from portal import database_roles, deploy_checks, installing

ACTOR = "command:setup"
NEEDED = 2
TWO = (
    "Name two officers: --officer E-MAIL --officer E-MAIL. What lets partners locate people takes two of them, so"
    " nobody can set that up alone."
)
UNITS = "whereabouts-web@8000 whereabouts-web@8002 whereabouts-gate whereabouts-worker whereabouts-beat"


class Command(BaseCommand):
    help = (
        "Set up production: write secret files that don't exist yet, make folders, database roles and the database,"
        " migrate, and invite the first two officers. Names everything that is missing. Run it as often as you like."
    )
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        installing.add_options(parser)
        parser.add_argument("--files", action="store_true", help="write and check files only, and stop there")
        parser.add_argument("--officer", action="append", default=[], metavar="E-MAIL", help="give it twice")
        parser.add_argument(
            "--admin", metavar="URL", default="", help="a superuser of PostgreSQL (as root: its system user's socket)"
        )

    def handle(self, *_args: object, **options: Any) -> None:
        wrong = [f"- {one.msg} {one.hint}" for one in deploy_checks.only_for_the_demo(None)]
        if wrong:
            raise CommandError("\n".join(["Complete these, then run setup again:", *wrong]))
        officers = _read_officers(options["officer"])
        self._folders(options)
        self.stdout.write("Settings and secrets are complete.")
        if options["files"]:
            return
        self._database(options, lacking=TWO if len(officers) < NEEDED else "")
        if not options["containers"]:
            call_command("collectstatic", interactive=False, verbosity=0)
        _become(options)
        if (known := _count_officers()) < NEEDED and known + len(officers) < NEEDED:
            raise CommandError(TWO)
        call_command("migrate", interactive=False, verbosity=0)
        self.stdout.write("The database is migrated.")
        self._officers(officers)
        self._next(containers=options["containers"])

    def _folders(self, options: dict[str, Any]) -> None:
        whose = installing.account(user=options["user"], containers=options["containers"])
        for name in installing.STORED:
            if not options["files"] and os.environ.get(name):
                folder = Path(os.environ[name])
                try:
                    installing.make_folder(folder, mode=0o750)
                except ImproperlyConfigured as error:
                    raise CommandError(str(error)) from error
                if whose is not None:
                    os.chown(folder, whose.uid, whose.gid)

    def _database(self, options: dict[str, Any], *, lacking: str) -> None:
        admin = options["admin"] or _admin_of_containers(options)
        try:
            made = database_roles.provide(
                admin=admin, app=settings.DATABASES["default"], owner=settings.DATABASES["owner"], lacking=lacking
            )
        except database_roles.ProvisioningRefused as error:
            raise CommandError(str(error)) from error
        self.stdout.write(f"Made in PostgreSQL: {', '.join(made) or 'nothing, all was there'}.")

    def _officers(self, emails: list[str]) -> None:
        for email in emails:
            try:
                user = make_staff(email=email, role=User.Role.OFFICER, actor=ACTOR, at=timezone.now())
            except StaffExists:
                self.stdout.write(f"{email} is already there. New link: manage.py make_staff --email {email} --again")
            else:
                link = f"{settings.BASE_URL}{auth_factors.invitation_path(user=user)}"
                self.stdout.write(f"Officer {email} chooses a password within 3 days, once, at:\n  {link}")

    def _next(self, *, containers: bool) -> None:
        start = "podman compose up --detach (or docker)" if containers else f"systemctl enable --now {UNITS}"
        self.stdout.write(
            f"Next:\n1. Start: {start}\n2. Look: {settings.BASE_URL}/readyz\n"
            "3. Copy the secrets to a safe place elsewhere: without FIELD_ENCRYPTION_KEYS no backup can be read.\n"
            "4. Both officers open their links, then follow docs/guides/officers.md."
        )


def _read_officers(emails: list[str]) -> list[str]:
    wanted = list(dict.fromkeys(email.lower() for email in emails))
    for email in wanted:
        try:
            validate_email(email)
        except ValidationError as error:
            raise CommandError(f"{email} isn't an e-mail address.") from error
    return wanted


def _count_officers() -> int:
    try:
        return User.objects.filter(role=User.Role.OFFICER, is_active=True).count()
    except ProgrammingError:  # nothing was migrated yet
        return 0


def _admin_of_containers(options: dict[str, Any]) -> str:
    if not options["containers"]:
        return ""
    password = (options["folder"] / "secrets" / "POSTGRES_PASSWORD").read_text().strip()
    return f"postgresql://postgres:{password}@postgres:5432/postgres"


def _become(options: dict[str, Any]) -> None:
    """Go on as the user of the processes: what is written from here on must be theirs to change.

    In their own home: libpq looks for certificates there, and fails where it may not look.
    """
    whose = installing.account(user=options["user"], containers=options["containers"])
    if whose is not None:
        os.setgroups([])
        os.setgid(whose.gid)
        os.setuid(whose.uid)
        os.environ["HOME"] = whose.home
