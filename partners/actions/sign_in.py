"""Let a machine sign in: its assertion for an access token."""

import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache

from django.conf import settings
from django.db import transaction
from joserfc.jwk import ECKey, RSAKey

from partners.domain import keys
from partners.models import Client, SigningKey, UsedAssertion
from partners.policies.identifiers import SCOPES
from partners.primitives import tokens
from partners.primitives.tokens import BadToken, Claims, Json, ParsedToken

ACCESS_LIFETIME = timedelta(minutes=10)
ASSERTION_LIFETIME = 60
# A client's clock may be this far ahead of ours.
CLOCK_SKEW = 5
ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
ASSERTION_TYPS = ("", "jwt", "client-authentication+jwt")
LONGEST_JTI = 200


class TokenRefused(Exception):
    """Why no token is given, in RFC 6749's words: `error` for programs, the message for people."""

    def __init__(self, error: str, detail: str) -> None:
        super().__init__(detail)
        self.error = error


@dataclass(frozen=True)
class IssuedToken:
    """An access token, what it is good for, and for how many seconds."""

    token: str
    scopes: tuple[str, ...]
    seconds: int


def issue_access_token(*, client: Client, scopes: Iterable[str], lifetime: timedelta, at: datetime) -> IssuedToken:
    """Sign an access token (`at+jwt`) for this client. Raises TokenRefused (`invalid_scope`)."""
    asked = tuple(sorted(set(scopes)))
    may = SCOPES[client.kind]
    if not asked or not may.issuperset(asked):
        raise TokenRefused("invalid_scope", f"A client of kind {client.kind} may have {' '.join(sorted(may))}.")
    issued_at = int(at.timestamp())
    seconds = int(lifetime.total_seconds())
    bound = {"cnf": {"x5t#S256": client.certificate_sha256}} if settings.MTLS_CLIENT_CERTIFICATES else {}
    token = keys.sign(
        use=SigningKey.Use.ACCESS,
        claims={
            **bound,
            "iss": settings.BASE_URL,
            "aud": settings.BASE_URL,
            "sub": client.client_id,
            "client_id": client.client_id,
            "iat": issued_at,
            "exp": issued_at + seconds,
            "jti": secrets.token_urlsafe(16),
            "scope": " ".join(asked),
            # With another key or certificate than now this token is nothing.
            "key_since": str(client.changed_at or ""),
        },
    )
    return IssuedToken(token=token, scopes=asked, seconds=seconds)


def sign_in(
    *, assertion: str, scopes: Iterable[str], at: datetime, client_id: str = "", certificate: str = ""
) -> IssuedToken:
    """Client credentials by `private_key_jwt` (RFC 7523). Raises TokenRefused.

    An assertion that is good is used up, also where it asks for scopes that its client may not have. No scopes asked:
    all that the client's kind may have. `client_id`: if the form named one, it must be the assertion's. `certificate`:
    the thumbprint of the caller's, for tokens bound to it (RFC 8705).
    """
    client = _who_asserts(assertion, client_id, certificate, at)
    return issue_access_token(
        client=client, scopes=tuple(scopes) or SCOPES[client.kind], lifetime=ACCESS_LIFETIME, at=at
    )


@transaction.atomic
def _who_asserts(assertion: str, client_id: str, certificate: str, at: datetime) -> Client:
    """The client that this assertion signs in, which is used up by it: committed before anything else is looked at."""
    try:
        client, claims = _authenticate(assertion)
        _check_surroundings(client, client_id, certificate)
        jti, ends = _timely(claims, at.timestamp())
    except BadToken as error:
        raise TokenRefused("invalid_client", str(error)) from error
    _, first = UsedAssertion.objects.get_or_create(
        client=client, jti=jti, defaults={"expires_at": datetime.fromtimestamp(ends, UTC)}
    )
    if not first:
        raise TokenRefused("invalid_client", "this assertion was used before")
    return client


def _authenticate(assertion: str) -> tuple[Client, Claims]:
    """Return the client that signed this assertion, and its claims.

    Until the signature was found good, the answer and the work done for it are the same whether or not the client is
    registered: a stranger's assertion, and one by another kind of key than the client's, is checked by a key of ours
    that signs nothing.
    """
    opened = tokens.parse_unverified(assertion)
    claims = opened.claims
    client_id = _client_named(opened)
    client = Client.objects.filter(client_id=client_id, disabled_at__isnull=True).first()
    fits = client is not None and opened.alg == tokens.ALGORITHMS.get(client.public_jwk.get("kty", ""))
    jwk = client.public_jwk if client and fits else _make_unknown_key(opened.alg)
    tokens.check_signature(assertion, tokens.read_jwk(jwk))
    if client is None or not fits:
        raise BadToken(tokens.BAD_SIGNATURE)
    if claims.get("aud") not in (settings.BASE_URL, [settings.BASE_URL]):
        raise BadToken("aud must be our issuer and nothing else")
    return client, claims


def _client_named(opened: ParsedToken) -> str:
    """The client that an assertion is of, by its own word. Raises BadToken for what is no assertion."""
    if opened.typ not in ASSERTION_TYPS or opened.alg not in tokens.ALGORITHMS.values():
        raise BadToken("the assertion's typ or alg is not one for signing in")
    client_id = opened.claims.get("iss")
    if not isinstance(client_id, str) or opened.claims.get("sub") != client_id:
        raise BadToken("iss and sub must both be the client_id")
    return client_id


@cache
def _make_unknown_key(alg: str) -> Json:
    """Return a public key for this algorithm whose private half was thrown away, as a JWK."""
    key = ECKey.generate_key("P-256") if alg == tokens.ALGORITHMS["EC"] else RSAKey.generate_key(2048)
    return {name: str(value) for name, value in key.as_dict(private=False).items()}


def _check_surroundings(client: Client, client_id: str, certificate: str) -> None:
    """That the form and the connection around the assertion speak of the same client."""
    if client_id and client_id != client.client_id:
        raise BadToken("client_id is not that of the assertion")
    if settings.MTLS_CLIENT_CERTIFICATES and not certificate == client.certificate_sha256 != "":
        raise BadToken("the connection does not carry this client's certificate")


def _timely(claims: Claims, now: float) -> tuple[str, float]:
    """The assertion's `jti` and `exp`, if it lives a minute at most and is alive."""
    jti, ends = claims.get("jti"), tokens.numeric_date(claims, "exp")
    made = tokens.numeric_date({"iat": now, **claims}, "iat")
    if not isinstance(jti, str) or not 0 < len(jti) <= LONGEST_JTI:
        raise BadToken(f"jti must be a text of 1 to {LONGEST_JTI} characters")
    if tokens.numeric_date({"nbf": made, **claims}, "nbf") > now + CLOCK_SKEW:
        raise BadToken("the assertion is not yet valid")
    if ends <= now:
        raise BadToken("the assertion has expired")
    if made > now + CLOCK_SKEW or ends - made > ASSERTION_LIFETIME or ends - now > ASSERTION_LIFETIME + CLOCK_SKEW:
        raise BadToken(f"an assertion lives {ASSERTION_LIFETIME} s at most, from iat to exp")
    return jti, ends
