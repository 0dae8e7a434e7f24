"""systemd takes the units of docs/running and finds little that they may do; what they start answers."""

import http.client
import re
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from tests.faults.programs import Program, Programs, free_port
from tests.running.conftest import the_program
from tests.running.proxies import RUNNING
from tests.running.units import get_own_command
from tests.selection import drawn

UNITS = sorted((RUNNING / "systemd").glob("*.service"), key=str)
# Of 10, in tenths as systemd has it; what speaks to the network and to others on it has 2.9.
MOST_EXPOSED = 30


@pytest.mark.parametrize("unit", UNITS, ids=[unit.name for unit in UNITS])
def test_systemd_takes_a_unit_and_finds_it_shut_in(unit: Path, tmp_path: Path) -> None:
    analyze = the_program("systemd-analyze", "systemd")
    text, commands = re.subn(
        r"^ExecStart=/opt/whereabouts/\.venv/bin/\w+",
        f'ExecStart="{sys.executable}"',
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


@pytest.mark.parametrize("service", ["whereabouts-gate.service", "postgresql@.service"])
def test_the_gate_and_its_database_may_go_before_all_others(service: str, tmp_path: Path) -> None:
    """The drop-in is read with a unit, and RestrictRealtime does not contradict it: systemd itself sets the order."""
    analyze = the_program("systemd-analyze", "systemd")
    systemd, quoted = RUNNING / "systemd", f'"{sys.executable}"'
    unit = tmp_path / "whereabouts-gate.service"
    unit.write_text(re.sub(r"/opt/whereabouts/\.venv/bin/\w+", quoted, (systemd / unit.name).read_text()))
    (tmp_path / f"{unit.name}.d").mkdir()
    drop_in = (systemd / f"{service}.d" / "first.conf").read_text()
    for said, taken in ((drop_in, True), (drop_in.replace("Policy=rr", "Policy=first"), False)):
        (tmp_path / f"{unit.name}.d" / "first.conf").write_text(said)
        done = subprocess.run(
            [analyze, "verify", "--man=no", unit], capture_output=True, text=True, check=False, timeout=60
        )
        assert (done.stderr == "") is taken, done.stderr


@pytest.mark.usefixtures("committed_db")
@pytest.mark.parametrize(
    "name", [*drawn(["whereabouts-gate.service", "whereabouts-web.service", "whereabouts-web@.service"], of=3)]
)
def test_what_a_unit_starts_answers(name: str, tmp_path: Path) -> None:
    port = free_port()
    program = Program(
        name, get_own_command(name, port=port), Programs(tmp_path, port, free_port()).environment,
        tmp_path / "program.log", port,
    )  # fmt: skip
    program.start()
    try:
        program.wait()
        for method, path, status in (("GET", "/healthz", 200), ("POST", "/access/v1/evaluation", 401)):
            with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=30)) as connection:
                connection.request(method, path, b"{}", {"Content-Type": "application/json"})
                assert connection.getresponse().status == status
    finally:
        program.end()
