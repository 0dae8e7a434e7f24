"""Who signs here: the partner, the companies it passes data on to, and the key it signs in with."""

import json
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from joserfc import jwt
from joserfc.jwk import ECKey

ALGORITHM = "ES256"
PREVIOUS = "key-previous.json"


@dataclass(frozen=True)
class Signer:
    """One company and its private key."""

    uri: str
    key: ECKey

    @property
    def kid(self) -> str:
        return self.key.thumbprint()

    def sign(self, *, typ: str, claims: Mapping[str, object]) -> str:
        """Return the compact JWS of these claims."""
        return jwt.encode({"typ": typ, "alg": ALGORITHM, "kid": self.kid}, dict(claims), self.key)

    def jwks(self) -> dict[str, list[dict[str, object]]]:
        """Return the public half, as it is published."""
        public = self.key.as_dict(private=False)
        return {"keys": [{**public, "kid": self.kid, "alg": ALGORITHM, "use": "sig"}]}


class Identity:
    """The partner, and the companies below it by their slug. The partner's key may be replaced while it runs."""

    def __init__(self, *, uri: str, downstream: Mapping[str, Signer], folder: Path) -> None:
        self.uri = uri
        self.downstream = downstream
        self._folder = folder
        self._partner = Signer(uri, load_or_create_key(folder / "key.json"))

    @property
    def partner(self) -> Signer:
        """Who signs from now on."""
        return self._partner

    def jwks(self) -> dict[str, list[dict[str, object]]]:
        """Return the partner's keys as they are published: the one that signs, and the one before it."""
        before = self._folder / PREVIOUS
        earlier = [Signer(self.uri, load_or_create_key(before)).jwks()["keys"]] if before.exists() else []
        return {"keys": [*self._partner.jwks()["keys"], *(key for keys in earlier for key in keys)]}

    def rotate(self) -> str:
        """Sign by a new key from now on, the old one still published. The new `kid`."""
        (self._folder / "key.json").rename(self._folder / PREVIOUS)
        self._partner = Signer(self.uri, load_or_create_key(self._folder / "key.json"))
        return self._partner.kid


def slug(text: str) -> str:
    """Return a URI or name as one path segment: `https://lbs-a.example` is `lbs-a.example`."""
    return re.sub(r"[^a-z0-9.-]+", "-", text.lower().rpartition("://")[2]).strip("-.") or "partner"


def load(*, uri: str, downstream: Sequence[str], folder: Path) -> Identity:
    """Read the keys kept in `folder`, making those that are missing."""
    return Identity(
        uri=uri,
        folder=folder,
        downstream={
            slug(one): Signer(one, load_or_create_key(folder / f"downstream-{slug(one)}.json")) for one in downstream
        },
    )


def load_or_create_key(path: Path) -> ECKey:
    """The P-256 key in a file (JWK or PEM); made there, readable by its owner alone, if there is no such file."""
    try:
        # O_EXCL: of two that start at once, one makes the key and the other reads it.
        file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        text = path.read_text()
        return ECKey.import_key(json.loads(text) if text.lstrip().startswith("{") else text)
    key = ECKey.generate_key("P-256")
    with os.fdopen(file, "w") as opened:
        json.dump(key.as_dict(private=True), opened)
        opened.flush()
        os.fsync(opened.fileno())
    return key
