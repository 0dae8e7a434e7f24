"""A key service as some carriers have one: it signs, and gives no private key away."""

import itertools
import json
from functools import cache

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from joserfc.jwk import ECKey, RSAKey

from accounts.primitives.sealing import seal
from partners.primitives.sealing import NewKey, SealedKeys


@cache
def service() -> dict[bytes, ECKey]:
    return {}


class Kms:
    def make(self, *, algorithm: str) -> NewKey:
        assert algorithm == "ES256"
        key = ECKey.generate_key("P-256")
        handle = f"kms:{key.thumbprint()}".encode()
        service()[handle] = key
        public = {name: str(part) for name, part in key.as_dict(private=False).items() if name != "kid"}
        return NewKey(key.thumbprint(), public, handle)

    def open(self, *, handle: bytes) -> "Held":
        return Held(handle)

    def reseal(self, *, handle: bytes) -> bytes:
        return handle


@cache
def rsa_keys() -> "itertools.cycle[RSAKey]":
    return itertools.cycle([RSAKey.generate_key(2048) for _ in range(8)])


class Pool(SealedKeys):
    """Makes RSA keys out of eight, because making them takes long."""

    def make(self, *, algorithm: str) -> NewKey:
        if algorithm == "ES256":
            return super().make(algorithm=algorithm)
        key = next(rsa_keys())
        public = {name: str(part) for name, part in key.as_dict(private=False).items() if name in {"kty", "n", "e"}}
        return NewKey(key.thumbprint(), public, seal(json.dumps(key.as_dict(private=True))))


class Held:
    def __init__(self, handle: bytes) -> None:
        self.handle = handle

    def sign(self, message: bytes) -> bytes:
        private = service()[self.handle].private_key
        assert private is not None
        r, s = decode_dss_signature(private.sign(message, ec.ECDSA(SHA256())))
        return r.to_bytes(32) + s.to_bytes(32)
