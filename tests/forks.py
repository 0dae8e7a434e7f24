"""Programs as processes of their own, forked from one that has imported their libraries: to start costs a third.

`Forked` is used like `subprocess.Popen`, `run` like `subprocess.run`, for commands that begin with `sys.executable`.
What they start has its own environment, settings, code and files, and dies by a signal like any other. What must be
shown to start by itself, and whose command line is looked for, is started in the usual way.
"""

import atexit
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from subprocess import PIPE
from threading import Lock
from typing import Any

from tests.fork_server import LENGTH, NUMBER

SERVER = "TESTS_FORK_SERVER"
SCRIPT = Path(__file__).with_name("fork_server.py")
PROJECT = SCRIPT.parents[1]


def start() -> None:
    """Let there be one server for this process and those that it starts. It imports nothing until it is asked."""
    if SERVER in os.environ:
        return
    folder = tempfile.mkdtemp(prefix="forks-")
    os.environ[SERVER] = f"{folder}/socket"
    # In a group of its own: Ctrl-C is for the tests, which end it.
    server = subprocess.Popen(
        [sys.executable, str(SCRIPT), os.environ[SERVER]], process_group=0, text=True, stdin=PIPE, stdout=PIPE
    )
    _wait_for(server)
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    atexit.register(_end, server)


def everybodys() -> str:
    """The address of the server that has the libraries, and nothing of the project."""
    return os.environ[SERVER]


def _wait_for(server: subprocess.Popen[str]) -> None:
    assert server.stdout is not None
    assert server.stdout.readline() == "listening\n"


def _end(server: subprocess.Popen[str]) -> None:
    assert server.stdin is not None
    assert server.stdout is not None
    server.stdin.close()
    server.wait()
    server.stdout.close()


class Forked(subprocess.Popen[str]):
    """A Python program, forked. `server`: the address of the one that forks it, if not everybody's.

    What `Popen` does itself at two places is done here by asking: to start the process, and to hear how it ended.
    """

    # Of `Popen`, which says nothing of them.
    _waitpid_lock: Lock
    _handle_exitstatus: Callable[[int], None]
    _close_pipe_fds: Callable[..., None]

    def __init__(self, command: Sequence[str], *, server: str = "", **how: Any) -> None:
        self._server = server or everybodys()
        self._asking = socket.socket(socket.AF_UNIX)
        super().__init__(command, text=True, **how)

    def _execute_child(self, *given: Any) -> None:
        """Called by `Popen` with all that it was told; it goes on once this knows the process."""
        (args, _, _, _, _, cwd, env, _, _, _), pipes, new_session = given[:10], given[10:16], given[21]
        assert args[0] == sys.executable
        told = json.dumps(
            {
                "arguments": [str(part) for part in args[1:]],
                "environment": dict(os.environ if env is None else env),
                "folder": str(Path(cwd or ".").resolve()),
                "new_session": new_session,
            }
        ).encode()
        files = [mine if mine != -1 else number for number, mine in enumerate((pipes[0], pipes[3], pipes[5]))]
        try:
            self._asking.connect(self._server)
            socket.send_fds(self._asking, [LENGTH.pack(len(told))], files)
            self._asking.sendall(told)
            self.pid = self._hear(wait=True)
        finally:
            self._close_pipe_fds(*pipes)
        self._child_created = True

    def _try_wait(self, wait_flags: int) -> tuple[int, int]:
        """Called by `wait`: as `os.waitpid`, which knows only children."""
        try:
            status = self._hear(wait=not wait_flags & os.WNOHANG)
        except BlockingIOError:
            return 0, 0
        self._asking.close()
        return self.pid, status

    def _internal_poll(self, _deadstate: int | None = None) -> int | None:
        """Called by `poll`, and at the very end."""
        if self.returncode is None and self._waitpid_lock.acquire(blocking=False):
            try:
                pid, status = self._try_wait(os.WNOHANG)
                if pid:
                    self._handle_exitstatus(status)
            except OSError:
                self.returncode = _deadstate
            finally:
                self._waitpid_lock.release()
        return self.returncode

    def _hear(self, *, wait: bool) -> int:
        said = self._asking.recv(NUMBER.size, socket.MSG_WAITALL if wait else socket.MSG_DONTWAIT)
        if len(said) < NUMBER.size:
            raise ChildProcessError("the server that forks programs is gone")
        number: int = NUMBER.unpack(said)[0]
        return number


class Loaded:
    """A server that has loaded a module and all that it imports, for programs of one environment.

    `held`: by how many at the moment, for those who keep it for others.
    """

    def __init__(self, module: str, environment: Mapping[str, str]) -> None:
        self.environment, self.held = dict(environment), 0
        self._folder = tempfile.mkdtemp(prefix="forks-")
        self.address = f"{self._folder}/socket"
        self._server = Forked(
            [sys.executable, str(SCRIPT), self.address, module], cwd=PROJECT, env=environment, stdin=PIPE, stdout=PIPE
        )
        _wait_for(self._server)

    def end(self) -> None:
        """End it, and all that it forked."""
        _end(self._server)
        shutil.rmtree(self._folder)


def run(
    command: Sequence[str],
    *,
    cwd: Path,
    env: Mapping[str, str] | None = None,
    timeout: float | None = None,
    start_new_session: bool = False,
    server: str = "",
) -> subprocess.CompletedProcess[str]:
    """Run a program to its end. What it said and how it ended. `server`: as for `Forked`."""
    with Forked(
        command, server=server, cwd=cwd, env=env, start_new_session=start_new_session, stdin=subprocess.DEVNULL,
        stdout=PIPE, stderr=PIPE,
    ) as program:  # fmt: skip
        try:
            out, err = program.communicate(timeout=timeout)
        except BaseException:
            program.kill()
            raise
    return subprocess.CompletedProcess(command, program.returncode, out, err)
