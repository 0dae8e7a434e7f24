"""systemd takes the units of docs/running, and finds little that they may do."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.running.conftest import the_program
from tests.running.proxies import RUNNING

UNITS = sorted((RUNNING / "systemd").glob("*.service"), key=str)
# Of 10, in tenths as systemd has it; what speaks to the network and to others on it has 2.9.
MOST_EXPOSED = 30


@pytest.mark.parametrize("unit", UNITS, ids=[unit.name for unit in UNITS])
def test_systemd_takes_a_unit_and_finds_it_shut_in(unit: Path, tmp_path: Path) -> None:
    analyze = the_program("systemd-analyze", "systemd")
    text, commands = re.subn(
        r"^ExecStart=/opt/whereabouts/\.venv/bin/\w+",
        f"ExecStart={sys.executable}",
        unit.read_text(),
        flags=re.MULTILINE,
    )
    assert commands == 1
    (tmp_path / unit.name).write_text(text)
    for looked in (("verify", "--man=no"), ("security", "--offline=true", f"--threshold={MOST_EXPOSED}", "--no-pager")):
        done = subprocess.run(
            [analyze, *looked, tmp_path / unit.name], capture_output=True, text=True, check=False, timeout=60
        )
        assert (done.returncode, done.stderr) == (0, ""), done.stdout[-300:]
