"""What the units of systemd say."""

import re
import shlex
import sys
from pathlib import Path

from tests.running.proxies import RUNNING

SYSTEMD = RUNNING / "systemd"


def read_unit(name: str) -> str:
    """Its text, each line whole."""
    return (SYSTEMD / name).read_text().replace("\\\n", "")


def get_command(name: str) -> list[str]:
    """What it runs, by the name of the program."""
    (said,) = re.findall(r"^ExecStart=(.*)$", read_unit(name), re.MULTILINE)
    program, *options = shlex.split(said)
    return [Path(program).name, *options]


def get_own_command(name: str, *, port: int = 0) -> list[str]:
    """The same by this Python, on this port."""
    program, *options = get_command(name)
    if "--port" in options:
        options[options.index("--port") + 1] = str(port)
    return [sys.executable, "-m", program, *options]
