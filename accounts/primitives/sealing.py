"""Seal what is personal at rest, and hash what must only be found or compared: numbers, recovery codes.

FIELD_ENCRYPTION_KEYS lists Fernet keys, the newest first. A key is rotated by putting a new one in front: the newest
seals, every one unseals, and the hashes keep standing because they are derived from the last (the oldest) key.

allauth makes ten recovery codes of eight digits from a seed, which is sealed until they were shown, once. Then the seed
goes, and in its place stand slow salted hashes, in the list that allauth has for codes of other systems: sealed, as
whatever else allauth keeps, which older code can read too (to it they are codes that nobody types). What somebody types
is hashed before allauth compares it (`accounts.forms`), so that a hash that was read somewhere opens nothing.
"""

import hashlib
import secrets
from collections.abc import Callable
from functools import cache

from allauth.mfa.app_settings import RECOVERY_CODE_DIGITS, TOTP_DIGITS
from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet

from accounts.models import User


def seal(text: str) -> bytes:
    """Encrypt a text for a `*_sealed` column. The same text seals differently each time: never compare sealed bytes."""
    return _fernet(tuple(settings.FIELD_ENCRYPTION_KEYS)).encrypt(text.encode())


def unseal(sealed: bytes | memoryview) -> str:
    """Return the text that `seal` was given, with whichever of the keys it was sealed.

    Raises InvalidToken otherwise.
    """
    return _fernet(tuple(settings.FIELD_ENCRYPTION_KEYS)).decrypt(bytes(sealed)).decode()


def unseal_to_show(sealed: bytes | memoryview) -> str:
    """Return the same; "" where no key opens it: the row is damaged, or its key is gone. What it is part of goes on."""
    try:
        return unseal(sealed)
    except InvalidToken:
        return ""


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


HASHED, SALT, ROUNDS, COUNT = "migrated_codes", "salt", "rounds", "hashed"
MARK = "pbkdf2-sha256$"
SALT_BYTES = 16


@transaction.atomic
def hash_codes(*, user: User) -> None:
    """Keep hashes alone of this person's recovery codes, if they have any that are not hashed yet."""
    kept = _row(user).select_for_update().first()
    if kept is None or HASHED in kept.data:
        return
    salt, rounds = secrets.token_hex(SALT_BYTES), settings.RECOVERY_CODE_ROUNDS
    codes = RecoveryCodes(kept).get_unused_codes()
    rest = {name: value for name, value in kept.data.items() if name != "seed"}
    hashed = [seal(_hash_code(code, salt, rounds)).decode() for code in codes]
    kept.data = {**rest, HASHED: hashed, SALT: salt, ROUNDS: rounds, COUNT: len(hashed)}
    kept.save(update_fields=["data"])


def is_recovery_code_shape(typed: str) -> bool:
    """Return whether this could be a recovery code, so that it's worth a slow hash."""
    return len(typed) == RECOVERY_CODE_DIGITS and typed.isdecimal()


def is_app_code_shape(typed: str) -> bool:
    """Return whether this could be a code of an authenticator app."""
    return len(typed) == TOTP_DIGITS and typed.isdecimal()


def normalize_recovery_code(*, user: User | None, typed: str) -> str:
    """Return what was typed, as it would stand among this person's recovery codes; "" where they have none.

    It takes as long where there is nobody, or they have none.
    """
    if user is not None:
        hash_codes(user=user)
    kept = _row(user).first() if user is not None else None
    if kept is None:
        _hash_code(typed, "00" * SALT_BYTES, settings.RECOVERY_CODE_ROUNDS)
        return ""
    return _hash_code(typed, kept.data[SALT], kept.data[ROUNDS])


def count_used_codes(kept: Authenticator) -> int:
    """Return how many of these recovery codes were used."""
    before = int(kept.data["used_mask"]).bit_count()
    return before + (kept.data[COUNT] - len(kept.data[HASHED]) if HASHED in kept.data else 0)


def _row(user: User) -> QuerySet[Authenticator]:
    return Authenticator.objects.filter(user=user, type=Authenticator.Type.RECOVERY_CODES)


def _hash_code(code: str, salt: str, rounds: int) -> str:
    return MARK + hashlib.pbkdf2_hmac("sha256", code.encode(), bytes.fromhex(salt), rounds).hex()


def token_hash(*, token: str) -> bytes:
    """Hash the token of a link or an agent: only this is kept of it, so that who reads the database opens nothing."""
    return hashlib.sha256(token.encode()).digest()
