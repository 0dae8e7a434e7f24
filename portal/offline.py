"""Commands that need nothing but the files they are given: no server is started for them."""

import os
from base64 import urlsafe_b64encode
from collections.abc import Sequence

NOWHERE = "127.0.0.1:9"


def prepare(argv: Sequence[str]) -> None:
    """If this is `verify_receipt` with the published keys beside it, name servers that are never asked."""
    if argv[1:2] != ["verify_receipt"] or not any(one == "--jwks" or one.startswith("--jwks=") for one in argv):
        return
    os.environ.setdefault("DATABASE_URL", f"postgresql://nobody@{NOWHERE}/nothing")
    os.environ.setdefault("REDIS_URL", f"redis://{NOWHERE}/0")
    os.environ.setdefault("BASE_URL", "http://localhost")
    os.environ.setdefault("SECRET_KEY", os.urandom(32).hex())
    os.environ.setdefault("FIELD_ENCRYPTION_KEYS", urlsafe_b64encode(os.urandom(32)).decode())
