"""What commands do before the settings are read: where Whereabouts is installed, they take those of its services.

`manage.py setup` also writes secret files, and names all that is missing.
"""

import os
import pwd
import secrets
from argparse import ArgumentParser
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from cryptography.fernet import Fernet
from django.core.exceptions import ImproperlyConfigured

from portal.embedded.cluster import APP, DATABASE, OWNER
from portal.environment import environment
from portal.setting_list import SECRETS

CONFIGURATION = Path("/etc/whereabouts")
# As the units and the image have it (docs/running).
STORED = {
    "CHECKPOINT_DIR": "/srv/whereabouts/checkpoints",
    "STOP_ARCHIVE_DIR": "/srv/whereabouts/stop-archive",
    "ATTACHMENTS_DIR": "/srv/whereabouts/attachments",
}
# Secrets that others give: only the operator knows them.
FROM_OTHERS = {
    "EMAIL_URL": "the mail server's address, smtps://user:password@host",
    "SMS_WEBHOOK_TOKEN": "the bearer token of your text gateway",
}
TLS = {"chain.pem": "the certificate with its chain", "key.pem": "its private key"}
EXAMPLE = "carrier.example"
IMAGE_USER = "10001"
# They have data of their own.
WITH_OWN_SERVERS = ("demo", "bench", "sandbox_partner")
# Anyone on the machine may run them: they work without the database.
FOR_ANYONE = ("help", "verify_receipt")
SERVERS = ("DATABASE_URL", "DATABASE_URL_FILE", "REDIS_URL", "REDIS_URL_FILE")


@dataclass(frozen=True)
class Account:
    """The system user as which the processes run."""

    uid: int
    gid: int
    home: str


@dataclass(frozen=True)
class Options:
    """What `setup` was told. `containers`: the database and the broker are the containers of compose.yaml."""

    folder: Path
    containers: bool
    user: str

    @property
    def secrets(self) -> Path:
        return self.folder / "secrets"


def add_options(parser: ArgumentParser) -> None:
    """Add the options that are read before the settings, for the command's help and for `prepare`."""
    parser.add_argument(
        "--folder", type=Path, default=CONFIGURATION, help="holds `settings`, secrets/ and tls/ (/etc/whereabouts)"
    )
    parser.add_argument(
        "--containers", action="store_true", help="for docs/running/compose.yaml: its database and broker"
    )
    parser.add_argument(
        "--user", default="", help="the system user of the processes (whereabouts; in containers 10001)"
    )


def prepare(argv: Sequence[str]) -> None:
    """Let `manage.py setup` write the secret files that are missing; let any command take settings from files.

    Raises ImproperlyConfigured, which lists everything that only the operator can give.
    """
    if {"-h", "--help"} & set(argv):
        return
    if argv[1:2] == ["setup"]:
        _prepare_setup(argv)
    elif argv[1:2] and argv[1] not in WITH_OWN_SERVERS:
        _take_installation(argv[1])


def _take_installation(command: str) -> None:
    """Take what the services of this machine have, unless servers are named: no other database is asked by mistake."""
    if any(os.environ.get(name) for name in SERVERS) or not (CONFIGURATION / "settings").is_file():
        return
    if command in FOR_ANYONE and not os.access(CONFIGURATION / "secrets", os.X_OK):
        return
    _take_settings(CONFIGURATION / "settings")
    _take_secrets(CONFIGURATION / "secrets")
    if not any(os.environ.get(name) for name in SERVERS):
        raise ImproperlyConfigured(
            f"{CONFIGURATION}/secrets has no DATABASE_URL that can be read. Run this as root; or set DATABASE_URL."
        )


def _prepare_setup(argv: Sequence[str]) -> None:
    parser = ArgumentParser(prog="manage.py setup", add_help=False)
    add_options(parser)
    given, _others = parser.parse_known_args(list(argv[2:]))
    options = Options(given.folder, given.containers, given.user)
    _take_settings(options.folder / "settings")
    missing = [*_accounts_missing(options)]
    _write_secrets(options)
    missing += [*_examples_left(options), *_files_missing(options)]
    _take_secrets(options.secrets)
    if options.containers:
        os.environ.setdefault("PLAIN_HOSTS", "postgres,valkey")
    try:
        environment()
    except ImproperlyConfigured as error:
        missing += str(error).splitlines()
    if missing:
        raise ImproperlyConfigured("\n".join(["complete these, then run setup again:", *_as_list(missing)]))


def make_folder(folder: Path, *, mode: int) -> None:
    """Make a folder where there is none. Raises ImproperlyConfigured."""
    try:
        folder.mkdir(mode=mode, parents=True, exist_ok=True)
    except OSError as error:
        raise ImproperlyConfigured(
            f"{folder} can't be made: {error.strerror}. Run setup as root, or name another folder."
        ) from error


def account(*, user: str, containers: bool) -> Account | None:
    """Return whose files and processes they are; None where we are not root, and can't give anything away."""
    if os.geteuid() != 0:
        return None
    name = user or (IMAGE_USER if containers else "whereabouts")
    if name.isdecimal():
        return Account(int(name), int(name), _home_of(int(name)))
    entry = pwd.getpwnam(name)
    return Account(entry.pw_uid, entry.pw_gid, entry.pw_dir)


def _home_of(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_dir
    except KeyError:
        return "/"


def _as_list(said: Sequence[str]) -> list[str]:
    # A secret whose file is missing is named with its file: once is enough.
    named = {one.partition(":")[0] for one in said}
    return [f"- {one}" for one in dict.fromkeys(said) if one.partition(" is not set")[0] not in named - {one}]


def _accounts_missing(options: Options) -> list[str]:
    try:
        account(user=options.user, containers=options.containers)
    except KeyError:
        name = options.user or "whereabouts"
        return [f"there is no system user {name}. Make it: useradd --system {name}"]
    return []


def _write_secrets(options: Options) -> None:
    """Write each secret that we can make and that has no file yet: as it is given, or else a new one.

    What a file says is never changed, and one that the environment names elsewhere stays the only one.
    """
    make_folder(options.secrets, mode=0o700)
    for name, secret in _own_secrets(options).items():
        if not (os.environ.get(f"{name}_FILE") or (options.secrets / name).exists()):
            _write(options.secrets / name, os.environ.get(name) or secret)
    whose = account(user=options.user, containers=True) if options.containers else None
    if whose is not None:
        # Containers see each file as it is here; systemd reads them as root.
        for path in options.secrets.iterdir():
            os.chown(path, whose.uid, whose.gid)


def _own_secrets(options: Options) -> dict[str, str]:
    """Return new secrets by file name; a broker that has a file keeps the password that it has."""
    host, broker = "127.0.0.1", "redis://127.0.0.1:6379/0"
    if options.containers:
        host, broker = "postgres", f"redis://:{secrets.token_urlsafe(32)}@valkey:6379/0"
    broker = _read_secret(options.secrets, "REDIS_URL") or os.environ.get("REDIS_URL") or broker
    made = {
        "SECRET_KEY": secrets.token_urlsafe(48),
        "FIELD_ENCRYPTION_KEYS": Fernet.generate_key().decode(),
        "METRICS_TOKEN": secrets.token_urlsafe(32),
        "DATABASE_URL": f"postgresql://{APP}:{secrets.token_urlsafe(32)}@{host}:5432/{DATABASE}",
        "DATABASE_OWNER_URL": f"postgresql://{OWNER}:{secrets.token_urlsafe(32)}@{host}:5432/{DATABASE}",
        "REDIS_URL": broker,
    }
    if options.containers:
        made["VALKEY_PASSWORD"] = urlsplit(broker).password or secrets.token_urlsafe(32)
        made["POSTGRES_PASSWORD"] = secrets.token_urlsafe(32)
    return made


def _read_secret(folder: Path, name: str) -> str:
    path = folder / name
    return path.read_text().strip() if path.exists() else ""


def _write(path: Path, secret: str) -> None:
    """Write a secret whole or not at all; a file that somebody made meanwhile stays."""
    new = path.with_name(f".{path.name}.new")
    new.unlink(missing_ok=True)
    new.touch(mode=0o600)
    new.write_text(f"{secret}\n")
    try:
        os.link(new, path)
    finally:
        new.unlink()


def _take_settings(path: Path) -> None:
    """Set what the file says and the environment doesn't. The units' folders go for those that neither names."""
    if path.is_file():
        for line in path.read_text().splitlines():
            name, is_set, value = line.partition("=")
            if is_set and not line.startswith("#"):
                os.environ.setdefault(name.strip(), value.strip().strip("\"'"))
    if os.environ.get("BASE_URL", "").startswith("https://"):
        for name, folder in STORED.items():
            os.environ.setdefault(name, folder)


def _take_secrets(folder: Path) -> None:
    for name in SECRETS:
        if _read_secret(folder, name) and not (os.environ.get(name) or os.environ.get(f"{name}_FILE")):
            os.environ[f"{name}_FILE"] = str(folder / name)


def _files_missing(options: Options) -> list[str]:
    """Say which files only the operator can write."""
    said = [
        f"{name}: write {what}, to {options.secrets / name}"
        for name, what in FROM_OTHERS.items()
        if not (os.environ.get(name) or _read_secret(options.secrets, name))
    ]
    if options.containers:
        return said + _certificates_missing(options.folder / "tls")
    settings = options.folder / "settings"
    return said if settings.is_file() else [f"{settings}: copy docs/running/settings there and adapt it", *said]


def _certificates_missing(folder: Path) -> list[str]:
    return [f"{name}: put {what} at {folder / name}" for name, what in TLS.items() if not (folder / name).is_file()]


def _examples_left(options: Options) -> list[str]:
    """Say which settings still have the example's names."""
    left = sorted(name for name, value in os.environ.items() if EXAMPLE in value)
    return [f"{options.folder / 'settings'} still names {EXAMPLE}: {', '.join(left)}"] if left else []
