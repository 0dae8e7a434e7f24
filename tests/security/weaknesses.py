"""What became of pip-audit: its exit status, the file that it wrote, and what it said."""

import json
import re
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

# `timeout` ended it: whoever was asked took too long.
TIMED_OUT = 124
# What its requests raise where nobody answers, or a proxy or a firewall does in the place of who was asked.
NOTHING = "NOTHING WAS AUDITED"
AWAY = re.compile(
    r"ConnectionError|ConnectTimeout|ReadTimeout|ProxyError|SSLError|NameResolutionError|NewConnectionError"
    r"|Could not connect to|is not redirecting properly|\b(?:403|429|5\d\d) (?:Client|Server) Error"
)


def told(status: int, found: str, said: str) -> tuple[bool, list[str]]:
    """Whether it may go on, and what to say."""
    parts = _parts(found)
    if parts is None and (status == TIMED_OUT or AWAY.search(said)):
        return True, [f"{NOTHING}: nobody could be asked about known weaknesses."]
    if parts is None or (not parts and status != 0):
        return False, [said.strip()[-2000:], f"AUDIT: the look for weaknesses broke (exit {status})."]
    asked = [part for part in parts if "vulns" in part]
    weak = [(part, one) for part in asked for one in part["vulns"]]
    if weak:
        said_of = [
            f"WEAK: {part['name']} {part['version']}: {one['id']}, mended in"
            f" {', '.join(one['fix_versions']) or 'nothing yet'}"
            for part, one in weak
        ]
        return False, [*said_of, 'AUDIT: see docs/explanation/security.md, "Dependencies", for deadlines.']
    if not parts:
        return False, ["AUDIT: no part was looked at: requirements/app.txt names some."]
    lines = []
    if len(asked) < len(parts):
        lines.append(f"SKIPPED: of {len(parts) - len(asked)} of {len(parts)} parts nobody knew about weaknesses.")
    lines.append(f"AUDIT: {len(asked)} parts have no known weakness." if asked else f"{NOTHING}.")
    return True, lines


def _parts(found: str) -> list[Any] | None:
    """What it looked at; None where it wrote nothing that can be read."""
    try:
        parts = json.loads(found)["dependencies"]
    except (ValueError, KeyError, TypeError):
        return None
    return parts if isinstance(parts, list) else None


def main(arguments: Sequence[str]) -> None:
    """Say it, and fail where it may not go on; with --must where nothing was audited, too."""
    status, found, said, *more = arguments
    well, lines = told(int(status), Path(found).read_text(), Path(said).read_text(errors="replace"))
    sys.stdout.write("\n".join([*lines, ""]))
    sys.exit(0 if well and not (more == ["--must"] and lines[-1].startswith(NOTHING)) else 1)


if __name__ == "__main__":
    main(sys.argv[1:])
