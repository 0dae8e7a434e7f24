"""What `manage.py demo` is told, read before Django's settings are: they depend on it."""

import os
import shutil
import socket
import sys
from argparse import ArgumentParser
from collections.abc import Sequence
from ipaddress import ip_address
from pathlib import Path
from urllib.parse import urlsplit

from django.core.exceptions import ImproperlyConfigured

from portal import embedded
from portal.embedded.cluster import keys

# A carrier that there is not.
CARRIER = {
    "CARRIER_NAME": "Cascade Wireless",
    "CARRIER_PHONE": "1-800-555-0100",
    "CARRIER_HOURS": "every day, 8 a.m. to 8 p.m. Pacific",
}
PROJECT = Path(__file__).resolve().parent.parent.parent
# All that a data directory holds; `--fresh` removes these and nothing else that may lie beside them.
OURS = (
    "postgres", "valkey", "static", "feeds", "checkpoints", "keys", "sandbox", "demo.json", "demo-texts.ndjson",
    "demo-ports.json", "people.json", "keys.json", "ports.json", "provisioned", "migrated", "servers.log",
    "static-files.sha256",
    "beat-schedule",
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
        _clear(data_dir, ask=not options.no_input)
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


def _clear(data_dir: Path, *, ask: bool) -> None:
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
