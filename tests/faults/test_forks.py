"""A forked program is what one is that was started in the usual way: itself, killed for real, and gone with us."""

import json
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from tests import forks
from tests.fork_server import LENGTH
from tests.portal.processes import clean_environment

ABOUT = """
import json, os, sys
own = [name for name in sys.modules if name.partition(".")[0] in {"portal", "consent", "audit", "tests"}]
alone = os.getsid(0) == os.getpid()
print(json.dumps([os.getcwd(), sys.argv, sorted(os.environ), alone, own, "celery" in sys.modules]))
"""
WITH_A_CHILD = "import os, time; os.fork(); os.write(1, b'here\\n'); time.sleep(600)"


def test_it_has_its_own_folder_arguments_environment_and_session_and_nothing_of_the_project(tmp_path: Path) -> None:
    command = [sys.executable, "-c", ABOUT, "one", "two"]
    done = forks.run(command, cwd=tmp_path, env={"MINE": "1"}, start_new_session=True)
    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads(done.stdout) == [str(tmp_path), ["-c", "one", "two"], ["MINE"], True, [], True]


def test_how_it_ended_is_known(tmp_path: Path) -> None:
    for code, status, said in (
        ("raise SystemExit(7)", 7, ""),
        ("raise SystemExit('not today')", 1, "not today\n"),
        ("import os; os.kill(os.getpid(), 9)", -signal.SIGKILL, ""),
        ("import sys; print(sys.stdin.read(), end='', file=sys.stderr)", 0, ""),
    ):
        done = forks.run([sys.executable, "-c", code], cwd=tmp_path)
        assert (done.returncode, done.stdout, done.stderr) == (status, "", said)


def test_its_group_is_killed_with_it(tmp_path: Path) -> None:
    with forks.Forked(
        [sys.executable, "-c", WITH_A_CHILD], cwd=tmp_path, stdout=subprocess.PIPE, start_new_session=True
    ) as program:
        assert program.stdout is not None
        here = [program.stdout.readline() for _ in range(2)]
        going = program.poll()
        os.killpg(program.pid, signal.SIGKILL)
        assert (here, going) == (["here\n", "here\n"], None)
        assert program.wait(20) == -signal.SIGKILL
        # The other one held this end too.
        assert program.stdout.read() == ""


def test_whoever_dies_takes_along_what_they_had_forked(tmp_path: Path) -> None:
    asks = (
        "import sys; from pathlib import Path; from tests import forks\n"
        f"one = forks.Forked([sys.executable, '-c', {WITH_A_CHILD!r}], cwd=Path('.'), start_new_session=True)\n"
        "one.wait()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", asks], cwd=forks.PROJECT, env=clean_environment(), stdout=subprocess.PIPE, text=True
    ) as asker:
        assert asker.stdout is not None
        here = [asker.stdout.readline() for _ in range(2)]
        asker.kill()
        assert here == ["here\n", "here\n"]
        assert asker.stdout.read() == ""


@pytest.mark.parametrize("said", [b"", b"ab", LENGTH.pack(9) + b"{"])
def test_who_dies_while_they_ask_takes_nobody_along(said: bytes, tmp_path: Path) -> None:
    server = forks.Loaded("json", {})
    try:
        with socket.socket(socket.AF_UNIX) as asker:
            asker.connect(server.address)
            asker.sendall(said)
        with forks.Forked([sys.executable, "-c", "raise SystemExit(7)"], server=server.address, cwd=tmp_path) as one:
            assert one.wait(20) == 7
    finally:
        server.end()
