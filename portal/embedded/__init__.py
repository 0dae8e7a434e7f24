"""PostgreSQL and Valkey from wheels, for a machine that has neither.

`ensure` is called by every process that finds neither DATABASE_URL nor REDIS_URL. The first one starts the servers
under a keeper (`keeper.py`), makes the two roles and the database, and migrates; the others find them running. Who
uses them holds a shared lock on DATA_DIR/in-use; whoever is last has them stopped and waits for that.
"""

import atexit
import fcntl
import hashlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

from django.core.exceptions import ImproperlyConfigured

from portal.embedded import cluster
from portal.embedded.cluster import Keys, keys

PROJECT = Path(__file__).resolve().parent.parent.parent
KEEPER = Path(__file__).with_name("keeper.py")
# These look after the migrations themselves, also when there is one that does not run yet.
LEFT_TO_MIGRATE = ("migrate", "makemigrations", "squashmigrations")


class ServersFailed(ImproperlyConfigured):
    """The embedded servers, or the migrations on them, could not be brought up."""


@dataclass(frozen=True)
class Use:
    """That this process uses the servers of a data directory: an open file that holds the shared lock."""

    data_dir: Path
    lock: int
    pid: int


_uses: dict[Path, Use] = {}
_keepers: list[subprocess.Popen[str]] = []


def ensure(*, data_dir: Path) -> dict[str, str]:
    """Start what is not running yet and return the environment that finds it.

    Names that the environment already has (keys, say) are left out. The servers stay while this process lives.
    """
    data_dir.mkdir(parents=True, exist_ok=True)
    kept = keys(data_dir=data_dir)
    if data_dir not in _uses:
        lock = os.open(data_dir / "in-use", os.O_RDWR | os.O_CREAT, 0o600)
        fcntl.flock(lock, fcntl.LOCK_SH)
        _uses[data_dir] = Use(data_dir, lock, os.getpid())
        atexit.register(release, data_dir=data_dir)
    with _exclusive_lock(data_dir / "starting"):
        ports = _running(data_dir) or _start(data_dir, kept)
        found = {
            "DATABASE_URL": cluster.url(role=cluster.APP, password=kept.app_password, port=ports["postgres_port"]),
            "DATABASE_OWNER_URL": cluster.url(
                role=cluster.OWNER, password=kept.owner_password, port=ports["postgres_port"]
            ),
            "REDIS_URL": f"redis://:{kept.valkey_password}@127.0.0.1:{ports['valkey_port']}/0",
            "SECRET_KEY": kept.secret_key,
            "FIELD_ENCRYPTION_KEYS": kept.field_encryption_key,
            "METRICS_TOKEN": kept.metrics_token,
            "DATA_DIR": str(data_dir),
            "BASE_URL": "http://localhost:8000",
        }
        found = {name: value for name, value in found.items() if not os.environ.get(name)}
        if not os.environ.get("EMBEDDED_WITHOUT_MIGRATIONS"):
            _migrate(data_dir, found)
    return found


def release(*, data_dir: Path) -> None:
    """Give up this process's use; if it was the last, stop the servers and wait until they are gone."""
    use = _uses.get(data_dir)
    if use is None or use.pid != os.getpid():
        return
    del _uses[data_dir]
    try:
        fcntl.flock(use.lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(use.lock)
        return
    # Held for ourselves now: a newcomer waits here until the servers are down, and then starts them anew.
    running = data_dir / "servers.json"
    if running.exists():
        os.kill(json.loads(running.read_text())["pid"], signal.SIGTERM)
    _wait_for_keeper(data_dir)
    for keeper in _keepers:
        keeper.wait()
    _keepers.clear()
    os.close(use.lock)


def in_use(*, data_dir: Path) -> bool:
    """Return whether any process uses the servers of this directory now."""
    marker = data_dir / "in-use"
    if not marker.exists():
        return False
    lock = os.open(marker, os.O_RDWR)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(lock)
    return False


@contextmanager
def _exclusive_lock(path: Path) -> Iterator[None]:
    lock = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
    finally:
        os.close(lock)


def _running(data_dir: Path) -> dict[str, int] | None:
    """Return the ports of the running servers, or nothing. A keeper that is about to end is waited for."""
    lock = os.open(data_dir / "keeper", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        try:
            ports: dict[str, int] = json.loads((data_dir / "servers.json").read_text())
        except FileNotFoundError:
            fcntl.flock(lock, fcntl.LOCK_SH)
            return None
        return ports
    finally:
        os.close(lock)
    return None


def _wait_for_keeper(data_dir: Path) -> None:
    lock = os.open(data_dir / "keeper", os.O_RDWR | os.O_CREAT, 0o600)
    fcntl.flock(lock, fcntl.LOCK_SH)
    os.close(lock)


def _start(data_dir: Path, kept: Keys) -> dict[str, int]:
    account, throwaway = cluster.account(), bool(os.environ.get("EMBEDDED_THROWAWAY"))
    cluster.initialise(data_dir=data_dir, account=account, password=kept.superuser_password)
    (data_dir / "valkey").mkdir(mode=0o700, exist_ok=True)
    for attempt in range(3):
        ports = cluster.ports(data_dir=data_dir, keep=attempt == 0)
        spec = {
            "data_dir": str(data_dir),
            "postgres": str(cluster.binary("postgres")),
            "valkey": str(cluster.valkey_binary()),
            "valkey_password": kept.valkey_password,
            "uid": account.uid if account else None,
            "gid": account.gid if account else None,
            "settings": cluster.settings(throwaway=throwaway),
            **ports,
        }
        if _keep(data_dir, json.dumps(spec)):
            break
    else:
        raise ServersFailed(f"the embedded servers did not start; see {data_dir / 'servers.log'}")
    cluster.provision(
        data_dir=data_dir,
        port=ports["postgres_port"],
        superuser_password=kept.superuser_password,
        passwords={cluster.OWNER: kept.owner_password, cluster.APP: kept.app_password},
        throwaway=throwaway,
    )
    return ports


def _keep(data_dir: Path, spec: str) -> bool:
    """Start a keeper in a session of its own; true when it says that both servers are ready."""
    with (data_dir / "servers.log").open("ab") as log:
        keeper = subprocess.Popen(
            [sys.executable, "-I", "-S", str(KEEPER)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
            start_new_session=True,
        )
    _keepers.append(keeper)
    if keeper.stdin is None or keeper.stdout is None:
        return False
    with keeper.stdin as given:
        given.write(spec)
    with keeper.stdout as said:
        ready = said.readline() == "ready\n"
    if not ready:
        keeper.wait()
    return ready


def _migrate(data_dir: Path, found: dict[str, str]) -> None:
    if Path(sys.argv[0]).name == "manage.py" and sys.argv[1:2] and sys.argv[1] in LEFT_TO_MIGRATE:
        return
    marker = data_dir / "migrated"
    newest = fingerprint()
    if marker.exists() and marker.read_text() == newest:
        return
    sys.stderr.write("Preparing the database ...\n")
    done = subprocess.run(
        [sys.executable, str(PROJECT / "manage.py"), "migrate", "--no-input", "--skip-checks", "--verbosity", "0"],
        cwd=PROJECT,
        env={**os.environ, **found},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        sys.stderr.write(done.stderr)
        last = (done.stderr.strip().splitlines() or ["no reason given"])[-1]
        raise ServersFailed(f"migrate failed: {last}")
    marker.write_text(newest)


def fingerprint() -> str:
    """Return a digest of all that `migrate` acts on: our migrations, SQL and grants, and the versions of libraries."""
    digest = hashlib.sha256()
    ours = [*PROJECT.glob("*/migrations/*.py"), *PROJECT.glob("*/sql/*.sql"), PROJECT / "portal" / "database_roles.py"]
    for path in sorted(ours):
        digest.update(str(path.relative_to(PROJECT)).encode())
        digest.update(path.read_bytes())
    for library in ("django", "django-allauth"):
        digest.update(metadata.version(library).encode())
    return digest.hexdigest()
