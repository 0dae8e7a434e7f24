"""The portal's own processes, for tests that kill them: web server, worker, broker, partners, each started for real."""

import atexit
import contextlib
import fcntl
import itertools
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from threading import Event
from typing import Any, Self

from django.conf import settings

from portal.embedded import cluster
from tests import forks
from tools.demo.processes import UVICORN, answers

PROJECT = Path(__file__).resolve().parents[2]
START_WITHIN_S = 30.0
LOWEST_PORT, PORTS_EACH, WORKERS = 12_000, 500, 40
# So many servers that have loaded our programs are kept for tests of the same environments.
LOADED_KEPT = 3


@dataclass
class Program:
    """A process that can be killed and started again, always the same. `forked`: by whom, if it is a Python.

    `code`: the folder of the project that it runs. `gives_up`: it may have ended by itself before it is killed.
    """

    name: str
    command: Sequence[str]
    environment: Mapping[str, str]
    log: Path
    port: int = 0
    kills: int = 0
    process: subprocess.Popen[bytes] | forks.Forked | None = None
    forked: str = ""
    code: Path = PROJECT
    gives_up: bool = False

    def start(self) -> None:
        with self.log.open("ab") as log:
            if self.forked:
                self.process = forks.Forked(
                    self.command, server=self.forked, cwd=self.code, env=self.environment, stdin=subprocess.DEVNULL,
                    stdout=log, stderr=log, start_new_session=True,
                )  # fmt: skip
            else:
                self.process = subprocess.Popen(
                    self.command, cwd=self.code, env=self.environment, stdout=log, stderr=log, start_new_session=True
                )

    def send(self, number: signal.Signals) -> None:
        assert self.process is not None
        os.killpg(self.process.pid, number)

    def kill(self) -> None:
        """SIGKILL to it and all that it started, at whatever instruction they are."""
        assert self.process is not None
        if not (self.gives_up and self.process.poll() is not None):
            self.send(signal.SIGKILL)
        self.process.wait()
        self.kills += 1

    def keep_up(self) -> None:
        """Start it again where it has given up, as its unit does."""
        if self.gives_up and self.process is not None and self.process.poll() is not None:
            self.start()

    def end(self) -> None:
        if self.process is not None and self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()

    def wait(self) -> None:
        """Until its port answers."""
        until(lambda: listening(self.port), START_WITHIN_S, lambda: self.log.read_text(errors="replace")[-2000:])


@dataclass
class Programs:
    """All that run in one test, with one environment and one folder. `database`: where it is, if not at the tests'.

    `more`: settings of this test's own. `code`: where the web server and the worker come from; partners are ours.
    """

    folder: Path
    web_port: int
    broker_port: int
    database: str = ""
    more: dict[str, str] = field(default_factory=dict)
    code: Path = PROJECT
    all: list[Program] = field(default_factory=list)
    _holds: list[forks.Loaded] = field(default_factory=list)

    @classmethod
    def usual(cls, *, database: str = "", more: Mapping[str, str] | None = None, code: Path = PROJECT) -> Self:
        """With the same ports and the same folder, emptied, for every test: what is loaded for one serves the next."""
        folder, web_port, broker_port = _usual_place()
        shutil.rmtree(folder)
        folder.mkdir(mode=0o700)
        return cls(folder, web_port, broker_port, database, dict(more or {}), code)

    @property
    def environment(self) -> dict[str, str]:
        return {
            # pytest tells each test's name.
            **{name: value for name, value in os.environ.items() if name != "PYTEST_CURRENT_TEST"},
            "DATABASE_URL": database_url("default", at=self.database),
            "REDIS_URL": f"redis://127.0.0.1:{self.broker_port}/0",
            "CELERY_BROKER_URL": f"redis://127.0.0.1:{self.broker_port}/0",
            "BASE_URL": self.base_url,
            "ALLOWED_HOSTS": "localhost,127.0.0.1",
            "SECRET_KEY": settings.SECRET_KEY,
            "FIELD_ENCRYPTION_KEYS": ",".join(settings.FIELD_ENCRYPTION_KEYS),
            "WHEREABOUTS_DEMO": "1",
            "DOOR_OUT_LOOPBACK": "1",
            "DATA_DIR": str(self.folder),
            # Its line would stop among those that are counted.
            "CANARY": "0",
            "PYTHONUNBUFFERED": "1",
            "PYTHONPATH": str(self.code),
            **self.more,
        }

    @property
    def base_url(self) -> str:
        return f"http://127.0.0.1:{self.web_port}"

    def add(self, name: str, *command: str, port: int = 0, forked: str = "", code: Path | None = None) -> Program:
        log = self.folder / f"{name}.log"
        program = Program(name, command, self.environment, log, port, forked=forked, code=code or self.code)
        self.all.append(program)
        program.start()
        return program

    def web(self) -> Program:
        """It answers the gate's questions too: the gate's own process is of the same application."""
        uvicorn = ("-m", "uvicorn", *UVICORN)
        where = ("--host", "127.0.0.1", "--port", str(self.web_port), "portal.asgi:application")
        return self.add("web", sys.executable, *uvicorn, *where, port=self.web_port, forked=self.loaded())

    def broker(self) -> Program:
        options = ("--port", str(self.broker_port), "--bind", "127.0.0.1", "--save", "", "--dir", str(self.folder))
        return self.add("broker", str(cluster.valkey_binary()), *options, port=self.broker_port)

    def worker(self, name: str = "worker") -> Program:
        options = ("worker", "--beat", "--concurrency", "2")
        quiet = ("--without-gossip", "--without-mingle", "--without-heartbeat", "--loglevel", "error")
        command = (sys.executable, "-m", "celery", "--app", "portal", *options, *quiet)
        program = self.add(name, *command, forked=self.loaded())
        # Celery 5.7 ends where the next broker goes away while it takes its leave of the last one. Whoever keeps it up
        # starts it again, as the units in docs/running do.
        program.gives_up = True
        return program

    def partner(self, name: str, uri: str, *options: str) -> Program:
        port = free_port()
        identity = ("--name", name, "--port", str(port), "--issuer", uri, "--transmitter", self.base_url)
        state = ("--state-dir", str(self.folder / name))
        command = (sys.executable, "-m", "tools.sandbox", *identity, *state, *options)
        return self.add(name, *command, port=port, forked=forks.everybodys(), code=PROJECT)

    def list_ended(self) -> list[str]:
        """The programs that run no longer, and how each ended: nobody reads in a log that a process crashed."""
        ways = {program.name: program.process.poll() for program in self.all if program.process is not None}
        return [f"{name} ({way})" for name, way in ways.items() if way is not None]

    def end(self) -> None:
        for program in reversed(self.all):
            program.end()
        while self._holds:
            self._holds.pop().held -= 1

    def loaded(self) -> str:
        """The address of a server that forks our programs, each from one that has read this very environment.

        None has read code that is not ours, or tells of traces, which takes a thread: such programs have their
        libraries alone.
        """
        if self.code != PROJECT or "OTEL_EXPORTER_OTLP_ENDPOINT" in self.more:
            return forks.everybodys()
        server = _load(self.environment)
        if server not in self._holds:
            self._holds.append(server)
            server.held += 1
        return server.address


def _load(environment: Mapping[str, str]) -> forks.Loaded:
    """A server that has read this environment, and stays for the next test. The one asked for last stands last."""
    server = next((one for one in _loaded if one.environment == environment), None)
    if server is None:
        for one in [one for one in _loaded if one.held == 0][: len(_loaded) + 1 - LOADED_KEPT]:
            _loaded.remove(one)
            one.end()
        server = forks.Loaded("tests.faults.loaded", environment)
    else:
        _loaded.remove(server)
    _loaded.append(server)
    return server


_loaded: list[forks.Loaded] = []


@atexit.register
def end_loaded() -> None:
    """End the servers that have loaded our programs."""
    while _loaded:
        _loaded.pop().end()


@cache
def _usual_place() -> tuple[Path, int, int]:
    folder = Path(tempfile.mkdtemp(prefix="programs-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder, free_port(), free_port()


def database_url(alias: str, *, at: str = "", name: str = "") -> str:
    """The address of a database as this role comes to it. `at`: host:port, if not the tests'; `name`: likewise."""
    known = settings.DATABASES[alias]
    password = f":{known['PASSWORD']}" if known["PASSWORD"] else ""
    where = at or f"{known['HOST']}:{known['PORT'] or 5432}"
    return f"postgresql://{known['USER']}{password}@{where}/{name or known['NAME']}"


def free_port() -> int:
    """A port of which nothing makes use, nor will while a program of ours is away from it between two starts.

    It lies below those that the system gives to connections that go out, in a range of this test worker's own. Other
    test runs on this machine leave it to this process until its end.
    """
    LOCKS.mkdir(exist_ok=True)
    for port in PORTS:
        lock = os.open(LOCKS / str(port), os.O_CREAT | os.O_RDWR)
        with socket.socket() as tried, contextlib.suppress(OSError):
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            tried.bind(("127.0.0.1", port))
            return port
        os.close(lock)
    raise AssertionError("no port is free")


def _ports() -> Iterator[int]:
    worker = os.environ.get("PYTEST_XDIST_WORKER", "").removeprefix("gw")
    first = LOWEST_PORT + PORTS_EACH * (int(worker or 0) % WORKERS)
    return (first + n % PORTS_EACH for n in itertools.count(os.getpid()))


PORTS = _ports()
LOCKS = Path(tempfile.gettempdir()) / f"whereabouts-ports-{os.getuid()}"


def listening(port: int) -> bool:
    with socket.socket() as tried:
        tried.settimeout(1)
        return tried.connect_ex(("127.0.0.1", port)) == 0


def get(url: str) -> Any:
    with urllib.request.urlopen(url, timeout=10) as answer:
        return json.load(answer)


def until(condition: Callable[[], bool], seconds: float, why: Callable[[], str] = lambda: "") -> None:
    """Wait until a condition holds that only looking can tell."""
    end, pause = time.monotonic() + seconds, Event()
    while not condition():
        assert time.monotonic() < end, why()
        pause.wait(0.05)


NDJSON = "application/x-ndjson"


def answering(program: Program) -> None:
    until(lambda: answers(port=program.port, path="/healthz"), START_WITHIN_S)


QUESTION = {
    "subject": {"type": "partner", "id": "a", "properties": {"on_behalf_of": "b", "campaign": "c"}},
    "action": {"name": "location-retrieval:read", "properties": {"purpose": "p", "precision_m": 500}},
    "resource": {"type": "line", "id": "l"},
}
