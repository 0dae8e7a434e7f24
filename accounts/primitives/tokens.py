"""What is kept of recovery codes once their person has seen them: hashes, from which nobody gets them back.

allauth makes ten codes of eight digits from a seed, which is sealed until they were shown, once. Then the seed goes,
and in its place stand slow salted hashes, in the list that allauth has for codes of other systems: sealed, as whatever
else allauth keeps, which older code can read too (to it they are codes that nobody types). What somebody types is
hashed before allauth compares it (`accounts.forms`), so that a hash that was read somewhere opens nothing.
"""

import hashlib
import secrets

from allauth.mfa.app_settings import RECOVERY_CODE_DIGITS, TOTP_DIGITS
from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet

from accounts.models import User
from accounts.primitives.sealing import seal

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
