"""Where the private halves of our own keys lie: sealed in our database, or behind a KMS or HSM of the same three calls.

`KEY_VAULT` names the class. Whoever calls keeps only a handle: with a KMS the name of its key, here the sealed key.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Protocol

from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from django.conf import settings
from django.utils.module_loading import import_string
from joserfc.jwk import ECKey, RSAKey

from accounts.primitives.sealing import seal, unseal

RSA_BITS = 2048
P256_BYTES = 32
PUBLIC = {"kty", "crv", "x", "y", "n", "e"}


@dataclass(frozen=True)
class NewKey:
    """A new key: its `kid` (RFC 7638), its public JWK, and what to keep to sign with it."""

    kid: str
    public_jwk: Mapping[str, str]
    handle: bytes


class PrivateKey(Protocol):
    """A private key that can be used but not read."""

    def sign(self, message: bytes) -> bytes:
        """Sign these bytes as JWS does (RFC 7518)."""


class Vault(Protocol):
    """Keeps private keys."""

    def make(self, *, algorithm: str) -> NewKey:
        """Make a new key for ES256 or RS256."""

    def open(self, *, handle: bytes) -> PrivateKey:
        """Open the key that `make` gave this handle."""

    def reseal(self, *, handle: bytes) -> bytes:
        """Return the handle to keep from now on, after the keys that protect private keys were changed."""


def vault() -> Vault:
    """Open the vault that the settings name."""
    return _vault(settings.KEY_VAULT)


@cache
def _vault(path: str) -> Vault:
    made: Vault = import_string(path)()
    return made


class SealedKeys:
    """Private keys sealed with FIELD_ENCRYPTION_KEYS: the handle is the sealed key itself."""

    def make(self, *, algorithm: str) -> NewKey:
        key: ECKey | RSAKey
        key = ECKey.generate_key("P-256") if algorithm == "ES256" else RSAKey.generate_key(RSA_BITS)
        public = {name: str(part) for name, part in key.as_dict(private=False).items() if name in PUBLIC}
        return NewKey(key.thumbprint(), public, seal(json.dumps(key.as_dict(private=True))))

    def open(self, *, handle: bytes) -> PrivateKey:
        jwk = json.loads(unseal(handle))
        private = (ECKey.import_key(jwk) if jwk["kty"] == "EC" else RSAKey.import_key(jwk)).private_key
        if isinstance(private, ec.EllipticCurvePrivateKey):
            return _Es256(private)
        if isinstance(private, rsa.RSAPrivateKey):
            return _Rs256(private)
        raise ValueError("the handle holds no private key")

    def reseal(self, *, handle: bytes) -> bytes:
        return seal(unseal(handle))


@dataclass(frozen=True)
class _Es256:
    key: ec.EllipticCurvePrivateKey

    def sign(self, message: bytes) -> bytes:
        r, s = decode_dss_signature(self.key.sign(message, ec.ECDSA(SHA256())))
        return r.to_bytes(P256_BYTES) + s.to_bytes(P256_BYTES)


@dataclass(frozen=True)
class _Rs256:
    key: rsa.RSAPrivateKey

    def sign(self, message: bytes) -> bytes:
        return self.key.sign(message, padding.PKCS1v15(), SHA256())
