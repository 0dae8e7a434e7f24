"""Holds PostgreSQL and Valkey while anybody uses them, and stops them when nobody does.

Started by `portal.embedded` as a script of its own: it reads what to run from standard input, prints `ready`, and
imports only the standard library, so that it starts in milliseconds and never depends on the project's state.

Whoever uses the servers holds a shared lock on `in-use`. The kernel drops that lock when a process ends in whatever
way, so there is no list of process ids to prune: when this process gets the lock for itself, nobody is left.
"""

import fcntl
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from threading import Event
from typing import TypedDict

LOOK_EVERY_S = 0.5
STOP_WITHIN_S = 20.0
ENVIRONMENT = {"PATH": os.defpath, "LC_ALL": "C", "TZ": "UTC"}
START_WITHIN_S = 60.0
TETHER = Path(__file__).with_name("tether.py")


class Spec(TypedDict):
    """What to run and where; written by `portal.embedded`."""

    data_dir: str
    postgres: str
    valkey: str
    postgres_port: int
    valkey_port: int
    valkey_password: str
    uid: int | None
    gid: int | None
    settings: dict[str, str]


class ServerStartFailed(Exception):
    """A server did not come up; the reason is in its log."""


class Server:
    """One child process that is started again when it ends without being asked to."""

    def __init__(
        self, *, start: Callable[[], subprocess.Popen[bytes]], up: Callable[[], bool], stop: signal.Signals
    ) -> None:
        self._start, self._up, self._stop = start, up, stop
        self._process = start()
        self._next_try = 0.0

    def wait_until_up(self) -> None:
        """Return when the server answers; raise if it ended or takes too long."""
        until = time.monotonic() + START_WITHIN_S
        while not self._up():
            if self._process.poll() is not None or time.monotonic() > until:
                raise ServerStartFailed
            time.sleep(0.01)

    def watch(self) -> None:
        """Start the server again if it ended, at most once in two seconds."""
        if self._process.poll() is not None and time.monotonic() > self._next_try:
            self._next_try = time.monotonic() + 2
            self._process = self._start()

    def stop(self) -> None:
        """Ask it to end, then make it."""
        if self._process.poll() is not None:
            return
        self._process.send_signal(self._stop)
        try:
            self._process.wait(STOP_WITHIN_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


def _postgres(spec: Spec) -> Server:
    data = Path(spec["data_dir"], "postgres")
    pid_file = data / "postmaster.pid"
    _end_leftover(pid_file)
    account = "-" if spec["uid"] is None else f"{spec['uid']}:{spec['gid']}"
    command = [
        *_build_tether_prefix(signal.SIGINT, account),
        spec["postgres"],
        "-D",
        str(data),
        "-p",
        str(spec["postgres_port"]),
    ]
    command += [part for name, value in spec["settings"].items() for part in ("-c", f"{name}={value}")]

    def start() -> subprocess.Popen[bytes]:
        return subprocess.Popen(command, cwd="/", env=ENVIRONMENT, stdin=subprocess.DEVNULL, stdout=sys.stderr)

    def up() -> bool:
        try:
            return pid_file.read_text().splitlines()[7].strip() == "ready"
        except (FileNotFoundError, IndexError):
            return False

    return Server(start=start, up=up, stop=signal.SIGINT)


def _valkey(spec: Spec) -> Server:
    port = spec["valkey_port"]
    config = "\n".join(
        (
            "bind 127.0.0.1",
            f"port {port}",
            f"requirepass {spec['valkey_password']}",
            f'dir "{Path(spec["data_dir"], "valkey")}"',
            "save 60 1",
            "stop-writes-on-bgsave-error no",
            "daemonize no",
            "loglevel warning",
        )
    )

    def start() -> subprocess.Popen[bytes]:
        command = [*_build_tether_prefix(signal.SIGTERM), spec["valkey"], "-"]
        process = subprocess.Popen(command, env=ENVIRONMENT, stdin=subprocess.PIPE, stdout=sys.stderr)
        if process.stdin is not None:
            process.stdin.write(config.encode())
            process.stdin.close()
        return process

    def up() -> bool:
        """Return whether it is ours that answers there: somebody else's may have come first."""
        try:
            with socket.create_connection(("127.0.0.1", port), timeout=1) as tried:
                tried.sendall(f"AUTH {spec['valkey_password']}\r\n".encode())
                return tried.recv(5) == b"+OK\r\n"
        except OSError:
            return False

    return Server(start=start, up=up, stop=signal.SIGTERM)


def _build_tether_prefix(with_signal: signal.Signals, account: str = "-") -> list[str]:
    """Return what to put before a command so that it ends when this process is killed."""
    return [sys.executable, "-I", "-S", str(TETHER), str(os.getpid()), str(int(with_signal)), account]


def _end_leftover(pid_file: Path) -> None:
    """End a PostgreSQL whose keeper was killed and that may still be ending, and wait until it is gone."""
    until = time.monotonic() + STOP_WITHIN_S
    while time.monotonic() < until:
        try:
            pid = int(pid_file.read_text().splitlines()[0])
            name = Path(f"/proc/{pid}/comm").read_text().strip()
        except (FileNotFoundError, ProcessLookupError, IndexError, ValueError):
            return
        if name != "postgres":
            return
        os.kill(pid, signal.SIGINT)
        time.sleep(0.1)


def _is_unused(in_use: int) -> bool:
    try:
        fcntl.flock(in_use, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _take(name: str) -> int:
    """Open one of the data directory's lock files, which stays open."""
    return os.open(name, os.O_RDWR | os.O_CREAT, 0o600)


def _hold(servers: list[Server], spec: Spec, asked: Event) -> None:
    """Say where the servers are once they answer; then keep them up until asked to end or unused."""
    in_use, running, fresh = _take("in-use"), Path("servers.json"), Path("servers.json.new")
    try:
        for server in servers:
            server.wait_until_up()
        ports = {"postgres_port": spec["postgres_port"], "valkey_port": spec["valkey_port"]}
        fresh.write_text(json.dumps({"pid": os.getpid(), **ports}))
        fresh.replace(running)
        sys.stdout.write("ready\n")
        sys.stdout.flush()
        os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
        while not asked.wait(LOOK_EVERY_S) and not _is_unused(in_use):
            for server in servers:
                server.watch()
    finally:
        running.unlink(missing_ok=True)
        for server in servers:
            server.stop()


def main() -> int:
    """Run both servers until asked to end or unused. Exit 1 if one did not start."""
    os.umask(0o077)
    spec: Spec = json.load(sys.stdin)
    os.chdir(spec["data_dir"])
    asked = Event()
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, lambda *_: asked.set())
    fcntl.flock(_take("keeper"), fcntl.LOCK_EX)
    try:
        _hold([_valkey(spec), _postgres(spec)], spec, asked)
    except ServerStartFailed:
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
