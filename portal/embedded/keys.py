"""The secrets of a data directory: made once, kept in one file that only its owner can read."""

import json
import os
import secrets
from dataclasses import asdict, dataclass
from pathlib import Path

from cryptography.fernet import Fernet


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
