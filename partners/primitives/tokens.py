"""Read and check signed tokens, and the certificate that a TLS terminator hands on, whoever made them.

Knows no table, no setting and no clock.
"""

import hashlib
from base64 import b64decode, urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import unquote

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, RSAKey
from joserfc.jws import JWSRegistry, extract_compact

from accounts.primitives.json_reader import read_json

# A token that names another algorithm is refused before any key is looked for: never `none`, never HS*.
ALGORITHMS = {"EC": "ES256", "RSA": "RS256"}
LARGEST_TOKEN = 200_000
# In the year 2242.
LATEST = 2**33
BAD_SIGNATURE = "the signature does not fit the key"

type PublicKey = ECKey | RSAKey
type Json = bool | int | float | str | list[Json] | dict[str, Json] | None
type Claims = dict[str, Json]
LONGEST_CERTIFICATE = 16_000


class BadToken(ValueError):
    """The token is not one, or not what it claims to be. The message is fit for the caller to read."""


class UnknownKey(BadToken):
    """No key by which this token could be checked is known."""


@dataclass(frozen=True)
class ParsedToken:
    """A token taken apart but not yet believed."""

    typ: str
    alg: str
    kid: str
    claims: Claims


def parse_unverified(token: str) -> ParsedToken:
    """Take a compact JWS apart without believing it. Raises BadToken if it is no JWT with an object of claims."""
    if len(token) > LARGEST_TOKEN:
        raise BadToken("the token is too long")
    header, claims = _read_parts(token)
    # A list or a text that has "alg" is a header to the library.
    if not isinstance(claims, dict) or not isinstance(header, dict) or not isinstance(alg := header.get("alg"), str):
        raise BadToken("this is not a JWT")
    if "crit" in header:
        raise BadToken("the token needs extensions (crit) that are not known here")
    if not storable(claims) or not storable(header.get("kid")):
        raise BadToken("a text in the token holds a NUL or half a surrogate pair")
    return ParsedToken(
        typ=media_type(_text_or_nothing(header.get("typ"))),
        alg=alg,
        kid=_text_or_nothing(header.get("kid")),
        claims=claims,
    )


def _read_parts(token: str) -> tuple[Json, Json]:
    try:
        signature = extract_compact(token.encode(), registry=_registry())
        # The library's own reader hears the last of two that have one name.
        header = read_json(urlsafe_b64decode(f"{token.partition('.')[0]}==="), max_bytes=LARGEST_TOKEN)
        return header, read_json(signature.payload, max_bytes=LARGEST_TOKEN)
    except (JoseError, ValueError, RecursionError) as error:
        raise BadToken("this is not a compact JWS with JSON claims") from error


def _text_or_nothing(value: object) -> str:
    return value if isinstance(value, str) else ""


def storable(value: Json) -> bool:
    """Return whether the database takes every text in `value`: JSON's escapes can spell a NUL and half a character."""
    if isinstance(value, str):
        return _is_storable_text(value)
    if isinstance(value, list):
        return all(storable(one) for one in value)
    return not isinstance(value, dict) or all(storable(name) and storable(one) for name, one in value.items())


def _is_storable_text(text: str) -> bool:
    return "\x00" not in text and not any("\ud800" <= letter <= "\udfff" for letter in text)


def numeric_date(claims: Claims, name: str) -> float:
    """Return a NumericDate (RFC 7519, section 2): seconds since 1970, with a fraction or without. Raises BadToken."""
    value = claims.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < LATEST:
        raise BadToken(f"{name} must be seconds since 1970")
    return value


def check_signature(token: str, key: PublicKey) -> None:
    """Raise BadToken unless `key` signed `token`, by the one algorithm that keys of this kind use here."""
    try:
        jwt.decode(token, key, algorithms=[ALGORITHMS[key.key_type]], registry=_registry())
    except (JoseError, ValueError, KeyError, RecursionError) as error:
        raise BadToken(BAD_SIGNATURE) from error


def is_signed_by(token: str, key: PublicKey) -> bool:
    """Return whether `key` signed `token`."""
    try:
        check_signature(token, key)
    except BadToken:
        return False
    return True


def read_jwk(value: Json) -> PublicKey:
    """Read a public EC P-256 or RSA (2048 bits or more) key from its JWK. Raises BadToken for anything else."""
    if not isinstance(value, dict):
        raise BadToken("a JWK is a JSON object")
    if value.get("use", "sig") != "sig" or value.get("alg") not in (None, *ALGORITHMS.values()):
        raise BadToken("the JWK is not for signatures by ES256 or RS256")
    parts = {name: part for name, part in value.items() if isinstance(part, str)}
    try:
        key = _import_key(parts)
    except (JoseError, ValueError, KeyError) as error:
        raise BadToken("the JWK does not make a key") from error
    if key is None:
        raise BadToken("only EC P-256 and RSA keys of 2048 bits or more are used")
    return key


def _import_key(parts: Mapping[str, str]) -> PublicKey | None:
    """The key of a JWK's parts; None for a kind or size that is not used."""
    if parts.get("kty") == "EC" and parts.get("crv") == "P-256":
        return ECKey.import_key({name: parts[name] for name in ("kty", "crv", "x", "y")})
    if parts.get("kty") == "RSA":
        key = RSAKey.import_key({name: parts[name] for name in ("kty", "n", "e")})
        if key.public_key.key_size >= 2048:
            return key
    return None


def public_part(jwk: Json) -> dict[str, str]:
    """Return the public half of a key, as a JWK with nothing beside it. Raises BadToken for what `read_jwk` refuses."""
    return {name: str(part) for name, part in read_jwk(jwk).as_dict(private=False).items()}


def thumbprint(jwk: Json) -> str:
    """RFC 7638's name for a key, by its SHA-256: 43 characters. Raises BadToken for what `read_jwk` refuses."""
    return str(read_jwk(jwk).thumbprint())


def media_type(typ: str) -> str:
    """Return a `typ` header in its one form: lower case, without "application/" (RFC 7515, 4.1.9)."""
    return typ.lower().removeprefix("application/")


def _registry() -> JWSRegistry:
    registry = JWSRegistry()
    registry.max_payload_length = LARGEST_TOKEN
    return registry


class NoCertificate(ValueError):
    """This is no certificate. The message is fit for people to read."""


def certificate_thumbprint(pem: str) -> str:
    """Compute RFC 8705's `x5t#S256` of a certificate in PEM: 43 characters. Raises NoCertificate."""
    try:
        return _digest(x509.load_pem_x509_certificate(pem.encode("ascii")).public_bytes(Encoding.DER))
    except ValueError as error:
        raise NoCertificate("this is no certificate in PEM") from error


def thumbprint_in_header(header: str) -> str:
    """Compute it for a header's certificate: RFC 9440's `:base64 of DER:`, or PEM with %-escapes as nginx writes it.

    "" where there is none, or anything else.
    """
    try:
        if not header or len(header) > LONGEST_CERTIFICATE:
            return ""
        if header.startswith("-----BEGIN"):
            return certificate_thumbprint(unquote(header))
        if header[0] == header[-1] == ":":
            der = b64decode(header[1:-1], validate=True)
            return _digest(x509.load_der_x509_certificate(der).public_bytes(Encoding.DER))
    except ValueError:
        return ""
    return ""


def _digest(der: bytes) -> str:
    return urlsafe_b64encode(hashlib.sha256(der).digest()).rstrip(b"=").decode()
