"""Our own signing keys: sign, check what we signed, publish. `partners.workers.rotation` replaces them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property, lru_cache
from itertools import pairwise

import msgspec
from django.db import connection
from django.db.models import Q
from joserfc.util import urlsafe_b64encode

from partners.models import SigningKey
from partners.primitives import sealing, tokens
from partners.primitives.sealing import PrivateKey
from partners.primitives.tokens import ALGORITHMS, BadToken, Claims, PublicKey

ALGORITHM = "ES256"
KEY_TYPES = {algorithm: key_type for key_type, algorithm in ALGORITHMS.items()}
# A key that signs no more stays published this long, for what it signed last.
PUBLISHED_AFTER = timedelta(days=7)
# The use of a key that is published for one trial of a partner's end: it signs nothing real, and goes without a week.
TRIAL = "trial"
# The key in use; without a moment (`at`) by the database's own clock.
IN_USE = """
SELECT kid, private_sealed FROM partners_signingkey
WHERE use = %(use)s AND public_jwk ->> 'kty' = %(kty)s
    AND used_from <= coalesce(%(at)s::timestamptz, statement_timestamp())
    AND (retired_at IS NULL OR retired_at > coalesce(%(at)s::timestamptz, statement_timestamp()))
ORDER BY used_from DESC, kid LIMIT 1
"""


class NoSigningKey(Exception):
    """There is no key for this use yet: `manage.py migrate` and `rotation.ensure` make them."""


@dataclass(frozen=True)
class Signer:
    """The key now in use for one kind of token, ready to sign many. `key` may be this process's or a KMS's."""

    use: str
    kid: str
    key: PrivateKey
    algorithm: str = ALGORITHM

    def sign(self, claims: Mapping[str, object]) -> str:
        """Sign these claims as a compact JWS."""
        message = b".".join((self._header, _encode_part(claims)))
        return b".".join((message, urlsafe_b64encode(self.key.sign(message)))).decode()

    @cached_property
    def _header(self) -> bytes:
        return _encode_part({"typ": self.use, "alg": self.algorithm, "kid": self.kid})


def signer(*, use: SigningKey.Use, algorithm: str = ALGORITHM, at: datetime | None = None) -> Signer:
    """Return the newest key of this use and algorithm whose time has come. Raises NoSigningKey.

    One small query each time. `at`: None is the database's clock, so that every process changes over at the same
    moment.
    """
    with connection.cursor() as cursor:
        cursor.execute(IN_USE, {"use": use.value, "kty": KEY_TYPES[algorithm], "at": at})
        found = cursor.fetchone()
    if found is None:
        raise NoSigningKey(f"{use.value} {algorithm}")
    kid, handle = found
    return Signer(use=use.value, kid=kid, key=_open_key(bytes(handle)), algorithm=algorithm)


def sign(*, use: SigningKey.Use, claims: Mapping[str, object]) -> str:
    """Sign one token. Its header carries this use's own `typ`. Raises NoSigningKey."""
    return signer(use=use).sign(claims)


def verify_own(*, use: SigningKey.Use, token: str) -> Claims:
    """Return the claims of a token that we signed for exactly this use.

    Raises BadToken (a ValueError) for anything else. Says nothing of `exp` or `aud`: the caller judges those. Old keys
    verify for ever, but no longer let anybody in.
    """
    opened = tokens.parse_unverified(token)
    if opened.typ != use.value:
        raise BadToken(f"this is not a token of type {use.value}")
    key = _public(opened.kid, use)
    if opened.alg != ALGORITHMS[key.key_type]:
        raise BadToken("this key signs by another algorithm")
    tokens.check_signature(token, key)
    return opened.claims


def jwks(*, at: datetime) -> dict[str, list[dict[str, object]]]:
    """Return our public keys as a JWK Set: the coming, those in use, and for a week those that were."""
    rows = SigningKey.objects.filter(published_at__lte=at).filter(Q(retired_at__isnull=True) | Q(retired_at__gt=at))
    return {"keys": [_jwk(row) for row in rows.order_by("use", "published_at", "kid")]}


def archive(*, at: datetime) -> dict[str, list[dict[str, object]]]:
    """Return every public key that was ever published, with the members of OpenID Federation's historical keys.

    `iat`: in use from, `exp`: retired, `revoked`: retired at once, because others may have known its private half.
    """
    rows = list(SigningKey.objects.filter(published_at__lte=at).order_by("use", "used_from", "kid"))
    withdrawn = _withdrawn(rows)
    return {
        "keys": [
            {
                **_jwk(row),
                "iat": int(row.used_from.timestamp()),
                **({"exp": int(row.retired_at.timestamp())} if row.retired_at else {}),
                **(
                    {"revoked": {"revoked_at": int(row.retired_at.timestamp()), "reason": "compromised"}}
                    if row.retired_at and row.kid in withdrawn
                    else {}
                ),
            }
            for row in rows
        ]
    }


def algorithm_of(row: SigningKey) -> str:
    """ES256 or RS256, by the kind of the key."""
    return ALGORITHMS[row.public_jwk["kty"]]


def _withdrawn(rows: Sequence[SigningKey]) -> set[str]:
    """The keys that did not get their last week: only an emergency takes a key away before. `rows`: by used_from."""
    found = {row.kid for row in rows if row.retired_at is not None and row.use != TRIAL}
    for use, algorithm in {(row.use, algorithm_of(row)) for row in rows}:
        found -= _list_succeeded_keys([row for row in rows if (row.use, algorithm_of(row)) == (use, algorithm)])
    return found


def _list_succeeded_keys(own: Sequence[SigningKey]) -> set[str]:
    """Of keys for one use, those that another one had taken over from before they were retired."""
    return {
        row.kid
        for row, newer in pairwise(own)
        if row.retired_at is not None and row.retired_at >= newer.used_from + PUBLISHED_AFTER
    }


def _jwk(row: SigningKey) -> dict[str, object]:
    return {**row.public_jwk, "kid": row.kid, "alg": algorithm_of(row), "use": "sig"}


def _encode_part(part: Mapping[str, object]) -> bytes:
    return urlsafe_b64encode(msgspec.json.encode(part))


@lru_cache(maxsize=64)
def _open_key(handle: bytes) -> PrivateKey:
    return sealing.vault().open(handle=handle)


def _public(kid: str, use: SigningKey.Use) -> PublicKey:
    rows = SigningKey.objects.filter(kid=kid, use=use)
    if use == SigningKey.Use.ACCESS:
        rows = rows.filter(retired_at__isnull=True)
    jwk = rows.values_list("public_jwk", flat=True).first()
    if jwk is None:
        raise BadToken("this is not one of our keys for this use")
    return tokens.read_jwk(jwk)
