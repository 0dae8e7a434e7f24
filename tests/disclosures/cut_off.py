"""An import that is killed with all its processes: `python -m tests.disclosures.cut_off POINT OFFSET COMMAND…`.

POINT: `within` (the rows of the chunk that begins at that byte are written and not committed), `after` (they are
committed), `never`. Chunks are of so many lines as CHUNK says; any file is large enough for several processes. Last is
printed how many kilobytes of memory it took at its peak.
"""

import os
import resource
import signal
import sys
from collections.abc import Callable
from importlib import import_module
from typing import Any

import django
from django.core.management import call_command

CHUNK = int(os.environ.get("CHUNK", "10"))


def main() -> None:
    django.setup()
    inside: Any = import_module("disclosures.feeds.importing")
    inside.DisclosuresFeed.chunk, inside.SMALL = CHUNK, 1
    point, offset = sys.argv[1], int(sys.argv[2])
    if point == "within":
        chunks: Any = import_module("disclosures.domain.ingest.chunks")
        chunks.record_chunk = then_killed(chunks.record_chunk, lambda told: told["starts_at"] == offset)
    elif point == "after":
        inside._take = then_killed(inside._take, lambda told: told["part"].block.starts_at == offset)
    call_command(*sys.argv[3:])
    sys.stdout.write(f"{resource.getrusage(resource.RUSAGE_SELF).ru_maxrss}\n")


def then_killed(function: Callable[..., Any], condition: Callable[[dict[str, Any]], bool]) -> Callable[..., Any]:
    def wrapped(*args: Any, **told: Any) -> Any:
        result = function(*args, **told)
        if condition(told | ({"part": args[0]} if args else {})):
            os.killpg(0, signal.SIGKILL)
        return result

    return wrapped


if __name__ == "__main__":
    main()
