"""Whether FIELD_ENCRYPTION_KEYS are those of this database: others would find nobody by number, and say nothing."""

from cryptography.fernet import InvalidToken
from django.db import connections

from accounts.primitives.sealing import number_hash, unseal

# Of the oldest and of the newest so many: one that is damaged says nothing of the keys.
SOME = 10
NUMBERS = """
(SELECT msisdn_hash, msisdn_sealed FROM accounts_linenumber ORDER BY id LIMIT %(some)s)
UNION ALL (SELECT msisdn_hash, msisdn_sealed FROM accounts_linenumber ORDER BY id DESC LIMIT %(some)s)
"""
MISFIT = (
    "FIELD_ENCRYPTION_KEYS aren't those of this database: {why}. With them nobody is found by their number, and stops"
    " by text reach no line. Bring back the keys that it was used with, the oldest last. Nothing was changed."
)
NOT_OPENED, OTHER_LAST = "they open no number", "the last isn't the one by which numbers are found"


def describe_misfit(*, using: str) -> str:
    """Say what is wrong with the keys; "" where nothing is, or no number is there yet."""
    with connections[using].cursor() as cursor:
        cursor.execute("SELECT to_regclass('accounts_linenumber') IS NOT NULL")
        ((is_there,),) = cursor.fetchall()
        if not is_there:
            return ""
        cursor.execute(NUMBERS, {"some": SOME})
        found = [_why(bytes(known), bytes(sealed)) for known, sealed in cursor.fetchall()]
    return "" if not found or "" in found else MISFIT.format(why=min(found))


def _why(known: bytes, sealed: bytes) -> str:
    try:
        return "" if number_hash(unseal(sealed)) == known else OTHER_LAST
    except InvalidToken:
        return NOT_OPENED
