"""Start the demo's child processes, show their output with their name, and end them all together.

Static files are collected only when they changed. What `manage.py demo` is told is read before Django's settings are:
they depend on it.
"""

import ctypes
import hashlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from argparse import ArgumentParser
from collections.abc import Mapping, Sequence
from http.client import HTTPConnection, HTTPException
from ipaddress import ip_address
from pathlib import Path
from threading import Lock, Thread
from urllib.parse import urlsplit

from django.conf import settings
from django.contrib.staticfiles.finders import get_finders
from django.core.exceptions import ImproperlyConfigured

from portal import embedded
from portal.embedded.cluster import keys

TETHER = Path(embedded.__file__).with_name("tether.py")
END_WITHIN_S = 8.0
START_AGAIN_AFTER_S = 1.0
PR_SET_CHILD_SUBREAPER = 36
UVICORN = (
    "--loop", "uvloop", "--http", "httptools", "--ws", "none", "--lifespan", "off", "--no-access-log",
    "--no-proxy-headers", "--no-server-header", "--log-level", "error",
)  # fmt: skip
CELERY = {
    "worker": ("worker", "--concurrency", "2", "--without-gossip", "--without-mingle"),
    "beat": ("beat", "--pidfile", ""),
}


class DidNotStart(Exception):
    """A process of the demo did not answer in time."""


class Child:
    """One named process in a session of its own, so that Ctrl-C reaches only the demo itself."""

    def __init__(self, name: str, command: Sequence[str], environment: Mapping[str, str], says: Lock) -> None:
        self.name = name
        self._command, self._environment, self._says = command, environment, says
        self._ended_at = 0.0
        self._process = self._start()

    def _start(self) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            build_tethered_command(*self._command),
            env=self._environment,
            cwd=PROJECT,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            start_new_session=True,
        )
        Thread(target=self._show, args=(process,), daemon=True).start()
        return process

    def _show(self, process: subprocess.Popen[str]) -> None:
        if process.stdout is None:
            return
        with process.stdout as lines:
            for line in lines:
                with self._says:
                    sys.stdout.write(f"{self.name:<10} | {line}")
                    sys.stdout.flush()

    @property
    def running(self) -> bool:
        return self._process.poll() is None

    def watch(self) -> None:
        """Start the process again a second after it ended by itself."""
        if self.running:
            self._ended_at = 0.0
        elif not self._ended_at:
            self._ended_at = time.monotonic()
        elif time.monotonic() - self._ended_at > START_AGAIN_AFTER_S:
            self._ended_at = 0.0
            self._process = self._start()

    def ask_to_end(self) -> None:
        if self.running:
            self._process.terminate()

    def end(self, until: float) -> None:
        """Wait for it until that moment of the monotonic clock; then end it and all that it started."""
        try:
            self._process.wait(max(0.0, until - time.monotonic()))
        except subprocess.TimeoutExpired:
            self._kill_group()
            self._process.wait()
        self._kill_group()
        self._wait_for_group()

    def _kill_group(self) -> None:
        try:
            os.killpg(self._process.pid, signal.SIGKILL)
        except ProcessLookupError:
            return

    def _wait_for_group(self) -> None:
        """Wait for killed pool workers: they live on for a moment, and would hold the servers past the demo's end."""
        try:
            while True:
                os.waitpid(-self._process.pid, 0)
        except ChildProcessError:
            return


class Processes:
    """All children of one demo, as a context: whatever happens inside, none outlives it."""

    def __init__(self) -> None:
        self._children: list[Child] = []
        self._says = Lock()

    def __enter__(self) -> "Processes":
        if sys.platform == "linux":
            # What a child leaves behind becomes a child of ours, so that its end can be waited for.
            ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1)
        return self

    def __exit__(self, *_: object) -> None:
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, signal.SIG_IGN)
        for child in self._children:
            child.ask_to_end()
        until = time.monotonic() + END_WITHIN_S
        for child in self._children:
            child.end(until)

    def start(self, name: str, *command: str, environment: Mapping[str, str] | None = None) -> None:
        """Start a process; what it prints appears with its name in front."""
        whole = {**os.environ, "PYTHONUNBUFFERED": "1", **(environment or {})}
        self._children.append(Child(name, command, whole, self._says))

    def watch(self) -> None:
        """Start again what ended by itself."""
        for child in self._children:
            child.watch()

    def wait_for(self, *, port: int, path: str, within_s: float = 60.0) -> None:
        """Return when something answers at this loopback port and path; raise DidNotStart if nothing does."""
        until = time.monotonic() + within_s
        while not answers(port=port, path=path):
            gone = [child.name for child in self._children if not child.running]
            if gone or time.monotonic() > until:
                raise DidNotStart(", ".join(gone) or f"port {port}")
            time.sleep(0.05)


def build_celery_command(*, kind: str, log_level: str) -> list[str]:
    """Return the command of a worker or of beat. Running as root is nothing to warn of: it serves this machine only."""
    python = (sys.executable, "-W", "ignore:You're running the worker")
    return [*python, "-m", "celery", "--quiet", "--app", "portal", *CELERY[kind], "--loglevel", log_level]


def build_tethered_command(*command: str) -> list[str]:
    """Return the command, so started that the kernel ends it when this process ends in whatever way."""
    return [sys.executable, "-I", "-S", str(TETHER), str(os.getpid()), str(int(signal.SIGTERM)), "-", *command]


def answers(*, port: int, path: str) -> bool:
    """Return whether a GET on this loopback port and path is answered with 200."""
    connection = HTTPConnection("127.0.0.1", port, timeout=2)
    try:
        connection.request("GET", path)
        return connection.getresponse().status == 200
    except (OSError, HTTPException):
        return False
    finally:
        connection.close()


def takes_calls(*, port: int) -> bool:
    """Return whether somebody listens on this loopback port."""
    with socket.socket() as tried:
        return tried.connect_ex(("127.0.0.1", port)) == 0


def hold_port(wanted: int) -> socket.socket:
    """Return a socket that listens on the wanted loopback port if it is free, else on another.

    Until it is closed nobody else is given that port: two demos that start at one time each have their own partners.
    """
    held = socket.socket()
    held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        held.bind(("127.0.0.1", wanted))
        held.listen()
    except OSError:
        held.close()
        held = socket.create_server(("127.0.0.1", 0))
    return held


def free_port(wanted: int) -> int:
    """Return the wanted loopback port if it is free, else another."""
    with hold_port(wanted) as held:
        port: int = held.getsockname()[1]
    return port


class StaticFiles:
    """Collects in a process of its own, from `begin` on; `end` waits for it and raises CollectingFailed."""

    def __init__(self, *, data_dir: Path) -> None:
        self._stamp = data_dir / "static-files.sha256"
        self._state = _state()
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def due(self) -> bool:
        """Whether some file is not as it was when they were last collected, or none was collected yet."""
        there = (Path(settings.STATIC_ROOT) / "staticfiles.json").exists()
        return not (there and self._stamp.exists() and self._stamp.read_text() == self._state)

    def begin(self) -> None:
        if not self.due:
            return
        command = (str(settings.BASE_DIR / "manage.py"), "collectstatic", "--no-input", "--verbosity", "0")
        self._process = subprocess.Popen(build_tethered_command(sys.executable, *command))

    def end(self) -> None:
        if self._process is None:
            return
        if self._process.wait():
            raise CollectingFailed
        self.note_collected()

    def note_collected(self) -> None:
        """Remember that what was there when this began has been collected."""
        self._stamp.write_text(self._state)


class CollectingFailed(Exception):
    """`collectstatic` ended with an error, which it has printed."""


def _state() -> str:
    """Of every file that would be collected: where it lies, how long it is and when it was last written."""
    found = hashlib.sha256()
    for finder in get_finders():
        for path, storage in sorted(finder.list([]), key=lambda one: str(one[0])):
            at = Path(storage.path(path))
            stat = at.stat()
            found.update(f"{at}\0{stat.st_size}\0{stat.st_mtime_ns}\n".encode())
    return found.hexdigest()


# A carrier that there is not.
CARRIER = {
    "CARRIER_NAME": "Cascade Wireless",
    "CARRIER_PHONE": "1-800-555-0100",
    "CARRIER_HOURS": (
        "every day, 8 a.m. to 8 p.m. Pacific | es: todos los días, de 8 a. m. a 8 p. m., hora del Pacífico"
        " | vi: mỗi ngày, 8 giờ sáng đến 8 giờ tối, giờ Thái Bình Dương"
        " | zh-hans: 每天，太平洋时间上午 8 点至晚上 8 点 | ar: كل يوم، من 8 صباحًا إلى 8 مساءً بتوقيت المحيط الهادئ"
    ),
}
PROJECT = Path(__file__).resolve().parent.parent.parent
# All that a data directory holds; `--fresh` removes these and nothing else that may lie beside them.
OURS = (
    "postgres", "valkey", "static", "feeds", "checkpoints", "stop-archive", "keys", "sandbox", "demo.json",
    "demo-texts.ndjson", "demo-ports.json", "people.json", "keys.json", "ports.json", "provisioned", "migrated",
    "servers.log", "static-files.sha256", "beat-schedule",
)  # fmt: skip


def add_options(parser: ArgumentParser) -> None:
    """Add the command's options, for its help and for `prepare`. The address is none: it is always loopback."""
    parser.add_argument(
        "--port", type=int, default=8000, help="where the web server listens on loopback (default 8000)"
    )
    parser.add_argument("--data", type=Path, metavar="DIR", help="where everything is kept (default .data)")
    parser.add_argument("--fresh", action="store_true", help="start over: remove what DIR holds from earlier runs")
    parser.add_argument("--no-input", action="store_true", help="ask nothing")


def prepare(argv: Sequence[str]) -> None:
    """If this is `manage.py demo`, set the environment that the settings are read from. Else do nothing."""
    if argv[1:2] != ["demo"] or {"-h", "--help"} & set(argv):
        return
    parser = ArgumentParser(prog="manage.py demo", add_help=False)
    add_options(parser)
    options, _ = parser.parse_known_args(argv[2:])
    data_dir = Path(options.data or os.environ.get("DATA_DIR") or PROJECT / ".data").resolve()
    _check_address(options.port)
    data_dir.mkdir(parents=True, exist_ok=True)
    if options.fresh:
        clear(data_dir, ask=not options.no_input)
    (data_dir / "demo.json").unlink(missing_ok=True)
    os.environ.update(
        DATA_DIR=str(data_dir),
        WHEREABOUTS_DEMO="1",
        DOOR_OUT_LOOPBACK="1",
        BASE_URL=f"http://localhost:{options.port}",
        ALLOWED_HOSTS="localhost,127.0.0.1,[::1]",
        SMS_BACKEND="portal.demo_phone.Backend",
        EMAIL_URL="console://",
    )
    os.environ.update(CARRIER | dict(os.environ))
    if os.environ.get("DATABASE_URL") and os.environ.get("REDIS_URL"):
        kept = keys(data_dir=data_dir)
        os.environ.setdefault("SECRET_KEY", kept.secret_key)
        os.environ.setdefault("FIELD_ENCRYPTION_KEYS", kept.field_encryption_key)
        os.environ.setdefault("METRICS_TOKEN", kept.metrics_token)


def _check_address(port: int) -> None:
    """Raises ImproperlyConfigured where the demo would be seen from outside, or another one runs."""
    given = urlsplit(os.environ.get("BASE_URL", "http://localhost")).hostname or ""
    if given != "localhost" and not _is_loopback(given):
        raise ImproperlyConfigured("the demo serves loopback addresses only, and BASE_URL names another.")
    if _is_taken(port):
        raise ImproperlyConfigured(
            f"port {port} is in use: end the demo that runs there first, or give another with --port."
        )


def clear(data_dir: Path, *, ask: bool) -> None:
    """Remove what an earlier demo kept. Raises ImproperlyConfigured while one runs there."""
    if embedded.in_use(data_dir=data_dir):
        raise ImproperlyConfigured(f"{data_dir} is in use: end the other command first.")
    found = [data_dir / name for name in OURS if (data_dir / name).exists()]
    if found and ask:
        _ask_to_remove(data_dir)
    for path in found:
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink()


def _ask_to_remove(data_dir: Path) -> None:
    sys.stdout.write(f"Everything the demo kept in {data_dir} will be removed. Type yes to go on: ")
    sys.stdout.flush()
    if sys.stdin.readline().strip() != "yes":
        raise ImproperlyConfigured("nothing was removed.")


def _is_taken(port: int) -> bool:
    """Return whether somebody listens there already; two demos on one port would share it without a word."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as trial:
        trial.settimeout(1)
        return trial.connect_ex(("127.0.0.1", port)) == 0


def _is_loopback(address: str) -> bool:
    try:
        return ip_address(address).is_loopback
    except ValueError:
        return False
