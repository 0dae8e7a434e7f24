"""Print the settings in force, secrets masked."""

import os
import re
from argparse import ArgumentParser
from collections.abc import Iterator
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand

from portal.setting_list import FIRST_VERSION, SECTIONS, SETTINGS, WRONG, Setting

INTRODUCTION = f"""# Settings

All settings come from the environment. Production won't start while a required setting is missing or invalid, and lists
every problem at once. `manage.py check --deploy` rejects what only a demo or developer may have. `manage.py settings`
prints what is in force, secrets masked.

Secrets can come from files: `SECRET_KEY_FILE=/run/secrets/SECRET_KEY`, likewise for every setting marked *secret*.
Setting both forms stops the start. Lists are separated by commas; a class is named by its dotted path.

Each line says, in brackets, when production requires the setting; then its kind, default, an example, what a wrong
value does, and since which version. If a line doesn't say: no default; since {FIRST_VERSION}; and a wrong value does,
by kind:

{{kinds}}
Formats of [texts, mail, calls and files](messages.md). This page is written by `manage.py settings --reference`.
"""

# What Django calls otherwise.
NAMED = {"EMAIL_FROM": "DEFAULT_FROM_EMAIL"}
CREDENTIALS = re.compile(r"(?<=://)[^/?#]*@")


class Command(BaseCommand):
    """Print each setting as `NAME=value`, and after it whether it is the default. Never prints a secret."""

    help = "Print the settings in force, secrets masked; with --reference docs/reference/settings.md."
    requires_system_checks = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Add what may be asked for instead."""
        parser.add_argument("--reference", action="store_true", help="print docs/reference/settings.md")

    def handle(self, *args: Any, **options: Any) -> None:
        """Print one or the other."""
        if options["reference"]:
            self.stdout.write(write_reference(), ending="")
            return
        for one in SETTINGS.values():
            self.stdout.write(f"{one.name}={_get_value(one)}{'' if os.environ.get(one.name) else '  # default'}")


def _get_value(one: Setting) -> str:
    """Return the value in force in the form in which a setting is given; of a secret only that it is set."""
    value = _find_value(one)
    if one.secret:
        return "(set)" if value else ""
    if isinstance(value, bool):
        return "1" if value else "0"
    given = ",".join(map(str, value)) if isinstance(value, list) else str(value)
    return CREDENTIALS.sub("(set)@", given) if one.kind == "url" else given


def _find_value(one: Setting) -> Any:
    name = NAMED.get(one.name, one.name)
    if hasattr(settings, name):
        return getattr(settings, name)
    if (given := os.environ.get(one.name)) or one.secret:
        return given
    default = one.default.strip("`")
    return default if default != "off" else False if one.kind == "switch" else ""


def write_reference() -> str:
    """Return docs/reference/settings.md."""
    kinds = "".join(f"- {kind}: {effect}\n" for kind, effect in WRONG.items())
    parts = [INTRODUCTION.format(kinds=kinds)]
    for title, section in SECTIONS.items():
        parts += [f"## {title}\n", "\n".join(map(_describe, section)) + "\n"]
    return "\n".join(parts)


def _describe(one: Setting) -> str:
    needed = f" ({one.needed})" if one.needed else ""
    return f"- `{one.name}`{needed}: {one.text}. *{'; '.join(_list_facts(one))}*"


def _list_facts(one: Setting) -> Iterator[str]:
    yield f"{one.kind}, secret" if one.secret else one.kind
    if one.default:
        yield f"default {one.default}"
    if not one.secret and one.example != one.default.strip("`"):
        yield f"`{one.example}`"
    if one.wrong:
        yield f"wrong: {one.wrong}"
    if one.since != FIRST_VERSION:
        yield f"since {one.since}"
