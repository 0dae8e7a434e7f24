"""What is declared of a setting (`portal.setting_list`)."""

from dataclasses import dataclass

SHORTEST_SECRET, LARGEST_NUMBER = 32, 1_000_000_000
FIRST_VERSION = "0.1.0"
LEAST_MONTHS, MOST_MONTHS = 12, 1200
# What happens when a value is wrong, by the kind of setting. "No start": the process says so and exits.
WRONG = {
    "text": "not checked",
    "list": "not checked",
    "folder": "not checked at the start",
    "class": "its first use fails",
    "switch": "no start unless 1 or 0",
    "number": f"no start unless a whole number from 1 to {LARGEST_NUMBER:,}",
    "secrets": f"no start if one has fewer than {SHORTEST_SECRET} characters",
    "url": "not checked at the start",
    "choice": "no start unless one of them",
}


@dataclass(frozen=True)
class Setting:
    """One setting. `needed`: when production requires it, "" for never. `secret`: masked, and may come from a file.

    `example` is a value that production accepts; it stands in for one that is missing while the rest is checked.
    `wrong`: what a wrong value does, where it isn't what `WRONG` says of its kind.
    """

    name: str
    kind: str
    text: str
    default: str = ""
    example: str = ""
    needed: str = ""
    wrong: str = ""
    since: str = FIRST_VERSION
    secret: bool = False
