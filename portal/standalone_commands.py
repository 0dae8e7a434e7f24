"""Commands that need nothing but the files they are given: no server is started for them."""

import os
from argparse import ArgumentParser
from base64 import urlsafe_b64encode
from collections.abc import Sequence
from pathlib import Path

NOWHERE = "127.0.0.1:9"
PROJECT = Path(__file__).resolve().parent.parent
# Keys as they are published, and as they lie in what a subscriber downloads, seen from a receipt.
BESIDE = ("jwks-archive.json", "jwks.json", "../data/keys.json")


def prepare(argv: Sequence[str]) -> None:
    """If this is `verify_receipt`, and our own database is not asked for keys, name servers that are never reached.

    It is asked where no published keys are named, none lie beside the receipt, and there is a database already.
    """
    if argv[1:2] != ["verify_receipt"]:
        return
    parser = ArgumentParser(add_help=False)
    parser.add_argument("file", nargs="?", type=Path)
    parser.add_argument("--jwks")
    given, _others = parser.parse_known_args(list(argv[2:]))
    if not given.jwks and not (given.file and keys_beside(file=given.file)) and _has_database():
        return
    os.environ["DATABASE_URL"] = f"postgresql://nobody@{NOWHERE}/nothing"
    os.environ["REDIS_URL"] = f"redis://{NOWHERE}/0"
    os.environ.setdefault("BASE_URL", "http://localhost")
    os.environ.setdefault("SECRET_KEY", os.urandom(32).hex())
    os.environ.setdefault("FIELD_ENCRYPTION_KEYS", urlsafe_b64encode(os.urandom(32)).decode())


def keys_beside(*, file: Path) -> Path | None:
    """Return the published keys that somebody saved beside a receipt, or None."""
    found = (file.parent / name for name in BESIDE)
    return next((one for one in found if one.is_file()), None)


def is_offline() -> bool:
    """Return whether this command has no database of ours."""
    return NOWHERE in os.environ.get("DATABASE_URL", "")


def _has_database() -> bool:
    """Return whether one is named, or the embedded one was made before: none is made for a look at a file."""
    data_dir = Path(os.environ.get("DATA_DIR") or PROJECT / ".data")
    return bool(os.environ.get("DATABASE_URL")) or (data_dir / "postgres").is_dir()
