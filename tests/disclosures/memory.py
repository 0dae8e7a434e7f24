"""How much memory an import takes at its peak: `python -m tests.disclosures.memory import_disclosures FILE…`."""

import resource
import sys
from importlib import import_module
from typing import Any

import django
from django.core.management import call_command

CHUNK = 500


def main() -> None:
    """Chunks are small, and of no file more is read ahead than of a large one. Kilobytes are printed last."""
    django.setup()
    inside: Any = import_module("disclosures.feeds.importing")
    inside.DisclosuresFeed.chunk, inside.SMALL = CHUNK, 1
    call_command(*sys.argv[1:])
    sys.stdout.write(f"{resource.getrusage(resource.RUSAGE_SELF).ru_maxrss}\n")


if __name__ == "__main__":
    main()
