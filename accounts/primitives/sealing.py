"""Sealing what is personal at rest, and the keyed hash by which a number is found again.

FIELD_ENCRYPTION_KEYS lists Fernet keys, the newest first. A key is rotated by putting a new one in front: the newest
seals, every one unseals, and the hashes keep standing because they are derived from the last (the oldest) key.
"""

import hashlib
from collections.abc import Callable
from functools import cache

from cryptography.fernet import Fernet, MultiFernet
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings


def seal(text: str) -> bytes:
    """Encrypt a text for a `*_sealed` column. The same text seals differently each time: never compare sealed bytes."""
    return _fernet(tuple(settings.FIELD_ENCRYPTION_KEYS)).encrypt(text.encode())


def unseal(sealed: bytes | memoryview) -> str:
    """Return the text that `seal` was given, with whichever of the keys it was sealed.

    Raises InvalidToken otherwise.
    """
    return _fernet(tuple(settings.FIELD_ENCRYPTION_KEYS)).decrypt(bytes(sealed)).decode()


def seal_bytes(content: bytes) -> bytes:
    """Encrypt what is no text, as `seal` does."""
    return _fernet(tuple(settings.FIELD_ENCRYPTION_KEYS)).encrypt(content)


def unseal_bytes(sealed: bytes | memoryview) -> bytes:
    """Return what `seal_bytes` was given. Raises InvalidToken otherwise."""
    return _fernet(tuple(settings.FIELD_ENCRYPTION_KEYS)).decrypt(bytes(sealed))


def number_hash(msisdn: str) -> bytes:
    """Compute the 32 bytes by which an E.164 number is found. Without the key nobody can try all numbers against it."""
    return compute_hmac("number-hash", msisdn.encode())


def make_placeholder_id(msisdn: str) -> int:
    """Return what stands for a number that is no line of ours where a line's id is wanted: below zero, as no id is."""
    mac = compute_hmac("stand-in", msisdn.encode())
    return -1 - (int.from_bytes(mac[:8]) >> 1)


def compute_hmac(purpose: str, message: bytes) -> bytes:
    """Compute the HMAC-SHA256 of a message under the secret of this purpose."""
    return keyed_hash(purpose)(message)


def derived_secret(purpose: str) -> bytes:
    """Derive a 32-byte secret of its own for one purpose, the same for as long as the oldest field key is kept."""
    return _derive_key(settings.FIELD_ENCRYPTION_KEYS[-1], purpose)


def keyed_hash(purpose: str) -> Callable[[bytes], bytes]:
    """HMAC-SHA256 under the secret of one purpose, for many short texts: what depends on the key alone is done once."""
    return _build_hmac(settings.FIELD_ENCRYPTION_KEYS[-1], purpose)


@cache
def _build_hmac(key: str, purpose: str) -> Callable[[bytes], bytes]:
    block = _derive_key(key, purpose).ljust(hashlib.sha256().block_size, b"\0")
    inner, outer = (hashlib.sha256(bytes(byte ^ pad for byte in block)) for pad in (0x36, 0x5C))

    def digest(message: bytes) -> bytes:
        inside, around = inner.copy(), outer.copy()
        inside.update(message)
        around.update(inside.digest())
        return around.digest()

    return digest


@cache
def _fernet(keys: tuple[str, ...]) -> MultiFernet:
    return MultiFernet([Fernet(key) for key in keys])


@cache
def _derive_key(key: str, purpose: str) -> bytes:
    return HKDF(algorithm=SHA256(), length=32, salt=None, info=f"whereabouts:{purpose}".encode()).derive(key.encode())
