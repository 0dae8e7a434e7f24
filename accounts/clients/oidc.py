"""Sign-in by the carrier's own OpenID providers: code flow with PKCE, one-use state, nonce, checked signature.

There are two at most, and the portal speaks to no other: one for staff (STAFF_OIDC_ISSUER), one for subscribers
(OIDC_ISSUER). Each may stand on a private network. What one says counts only signed, fresh, for this portal alone, and
for the door that asked.
"""

import hashlib
import secrets
from base64 import urlsafe_b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlencode, urlsplit

from allauth.socialaccount.adapter import get_adapter
from allauth.socialaccount.internal import statekit
from django.conf import settings
from django.http import HttpRequest
from django.urls import reverse
from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, Key, KeySet, RSAKey

from accounts.primitives.json_reader import Unreadable, read_json
from accounts.primitives.slots import SlotPool

ALGORITHMS = ["ES256", "RS256", "PS256"]
SMALLEST_RSA = 2048
SECONDS = 10
# A provider that hangs keeps so many of a process's threads and no more, and none of the other provider's: the rest
# are there for stops.
AT_ONCE = 8
asking = SlotPool()
LARGEST_ANSWER = 200_000
# A provider's clock may be this far from ours, and a token this old.
SKEW_S = 60
FRESH_S = 600
LONGEST_SUBJECT = 190
LONGEST_LINE = 100
# OpenID Connect Core 5.1: its own claims for a number, and whether the provider checked it.
NUMBER_CLAIM = "phone_number"


class OidcRefused(Exception):
    """Why the provider's word does not count; for the log, without anything of the person's."""


@dataclass(frozen=True)
class Identity:
    """Whom the provider vouches for: `subject` is its own name for them, `email` is verified by it."""

    issuer: str
    subject: str
    email: str
    roles: frozenset[str] | None


@dataclass(frozen=True)
class ClaimedLine:
    """Which line the carrier's provider says is this person's: by the carrier's id of it, or by a verified number.

    `subject` is its own name for them. `strong`: they proved themselves there as it takes to see here.
    """

    issuer: str
    subject: str
    line_id: str
    msisdn: str
    strong: bool


@dataclass(frozen=True)
class Kind:
    """One of the two doors: its settings, what it asks for, where its provider sends back to, its page of a refusal."""

    prefix: str
    scope: str
    back: str
    refused: str

    def get_setting(self, name: str) -> str:
        """Return a setting of this door."""
        return str(getattr(settings, f"{self.prefix}_{name}"))


STAFF = Kind("STAFF_OIDC", "openid email", "sign-in-staff-oidc-back", "account/not_vouched.html")
CARRIER = Kind("OIDC", "openid", "sign-in-carrier-back", "account/carrier_refused.html")


def has_provider(kind: Kind) -> bool:
    """Return whether the operator named a provider for this door."""
    return bool(kind.get_setting("ISSUER"))


def start_sign_in(*, kind: Kind, request: HttpRequest, then: str) -> str:
    """Return the address at the provider to send a browser to. Raises OidcRefused where the provider can't be asked."""
    provider = _provider(kind)
    nonce, verifier = secrets.token_urlsafe(24), secrets.token_urlsafe(48)
    state = statekit.stash_state(
        request, provider_id=kind.prefix, state={"nonce": nonce, "verifier": verifier, "then": then}
    )
    asked = {
        "response_type": "code",
        "client_id": kind.get_setting("CLIENT_ID"),
        "redirect_uri": _back(kind),
        "scope": kind.scope,
        "state": state,
        "nonce": nonce,
        "code_challenge": urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode(),
        "code_challenge_method": "S256",
    }
    return f"{_endpoint(kind, provider, 'authorization_endpoint')}?{urlencode(asked)}"


def has_answer(*, kind: Kind, request: HttpRequest) -> bool:
    """Return whether this is the provider's answer, not read yet, to a sign-in that this browser began."""
    asked = statekit.get_states(request).get(request.GET.get("state", ""))
    return asked is not None and asked[-1] == kind.prefix and bool(request.GET.get("code"))


def finish_staff_sign_in(*, request: HttpRequest, at: datetime) -> tuple[Identity, str]:
    """Return whom of staff their provider vouches for in this browser's answer, and where they wanted to go.

    Raises OidcRefused. The state is used up, whatever comes of it.
    """
    claims, then = _exchange_code(STAFF, request, at)
    return _identity(claims), then


def finish_line_sign_in(*, request: HttpRequest, at: datetime) -> tuple[ClaimedLine, str]:
    """Which line the carrier's provider names, and where its person wanted to go; else as for staff."""
    claims, then = _exchange_code(CARRIER, request, at)
    return _parse_claimed_line(claims), then


def _exchange_code(kind: Kind, request: HttpRequest, at: datetime) -> tuple[dict[str, Any], str]:
    """What the provider says in this browser's answer, checked, and where they wanted to go."""
    state = statekit.unstash_state(request, provider_id=kind.prefix, state_id=request.GET.get("state", ""))
    if state is None:
        raise OidcRefused("the answer belongs to no question of this browser's")
    # RFC 9207: whoever names himself in the answer must be the one who was asked.
    if request.GET.get("iss", kind.get_setting("ISSUER")) != kind.get_setting("ISSUER"):
        raise OidcRefused("another provider answers")
    code = request.GET.get("code", "")
    if not code:
        raise OidcRefused("the provider said no")
    provider = _provider(kind)
    answer = _request_json(
        kind,
        "POST",
        _endpoint(kind, provider, "token_endpoint"),
        {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": _back(kind),
            "client_id": kind.get_setting("CLIENT_ID"),
            "client_secret": kind.get_setting("CLIENT_SECRET"),
            "code_verifier": state["verifier"],
        },
    )
    token = answer.get("id_token")
    if not isinstance(token, str):
        raise OidcRefused("there is no id_token")
    claims = _claims(token, _request_json(kind, "GET", _endpoint(kind, provider, "jwks_uri"), None))
    _check(kind, claims, nonce=state["nonce"], now=int(at.timestamp()))
    return claims, str(state["then"])


def _claims(token: str, keys: Mapping[str, Any]) -> dict[str, Any]:
    try:
        published = [key for jwk in keys["keys"] if (key := _read_key(jwk)) is not None]
        opened = jws.deserialize_compact(token, KeySet(published), algorithms=ALGORITHMS)
        claims = read_json(opened.payload)
    except (JoseError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise OidcRefused(f"the id_token's signature: {type(error).__name__}") from error
    if not isinstance(claims, dict):
        raise OidcRefused("the id_token holds no claims")
    return claims


def _read_key(jwk: Any) -> Key | None:
    """The key of a JWK; None for one that signs nothing here, which spoils no other (RFC 7517, section 5)."""
    if not isinstance(jwk, dict) or jwk.get("use", "sig") != "sig":
        return None
    try:
        if jwk.get("kty") == "EC" and jwk.get("crv") == "P-256":
            return ECKey.import_key(jwk)
        key = RSAKey.import_key(jwk)
    except (JoseError, ValueError, KeyError):
        return None
    return key if key.public_key.key_size >= SMALLEST_RSA else None


def _check(kind: Kind, claims: Mapping[str, Any], *, nonce: str, now: int) -> None:
    """OpenID Connect Core 3.1.3.7. Raises OidcRefused."""
    client = kind.get_setting("CLIENT_ID")
    if claims.get("iss") != kind.get_setting("ISSUER"):
        raise OidcRefused("iss is not the provider")
    if claims.get("aud") not in (client, [client]) or claims.get("azp", client) != client:
        raise OidcRefused("aud is not this portal alone")
    _check_times(claims, now)
    said = claims.get("nonce")
    if not isinstance(said, str) or not secrets.compare_digest(said.encode(), nonce.encode()):
        raise OidcRefused("nonce is not the one sent")


def _check_times(claims: Mapping[str, Any], now: int) -> None:
    ends, made = claims.get("exp"), claims.get("iat")
    if not isinstance(ends, int | float) or not isinstance(made, int | float):
        raise OidcRefused("exp and iat must be numbers")
    if ends <= now - SKEW_S or not now - FRESH_S <= made <= now + SKEW_S:
        raise OidcRefused("the id_token is expired or not fresh")


def _identity(claims: Mapping[str, Any]) -> Identity:
    subject, email = _subject(claims), claims.get("email")
    if not isinstance(email, str) or not email or "\x00" in email or claims.get("email_verified") is not True:
        raise OidcRefused("there is no verified e-mail")
    return Identity(settings.STAFF_OIDC_ISSUER, subject, email, _roles(claims))


def _parse_claimed_line(claims: Mapping[str, Any]) -> ClaimedLine:
    subject, said = _subject(claims), _line_claim(claims)
    is_number = settings.OIDC_LINE_CLAIM == NUMBER_CLAIM
    strong = bool(settings.OIDC_SEEING_ACR) and claims.get("acr") == settings.OIDC_SEEING_ACR
    return ClaimedLine(
        issuer=settings.OIDC_ISSUER,
        subject=subject,
        line_id="" if is_number else said,
        msisdn=said if is_number else "",
        strong=strong,
    )


def _line_claim(claims: Mapping[str, Any]) -> str:
    """The claim that names a line, which the provider must have verified if it is a number."""
    name = settings.OIDC_LINE_CLAIM
    said = claims.get(name)
    if not isinstance(said, str) or not 0 < len(said) <= LONGEST_LINE or "\x00" in said:
        raise OidcRefused("the claim that names a line is missing or too long")
    if name == NUMBER_CLAIM and claims.get(f"{NUMBER_CLAIM}_verified") is not True:
        raise OidcRefused("the number is not verified")
    return said


def _subject(claims: Mapping[str, Any]) -> str:
    subject = claims.get("sub")
    if not isinstance(subject, str) or not 0 < len(subject) <= LONGEST_SUBJECT or "\x00" in subject:
        raise OidcRefused("sub is missing or too long")
    return subject


def _roles(claims: Mapping[str, Any]) -> frozenset[str] | None:
    """The roles that the provider lists; None where the operator named no claim for them."""
    if not settings.STAFF_OIDC_ROLES_CLAIM:
        return None
    said = claims.get(settings.STAFF_OIDC_ROLES_CLAIM, [])
    return frozenset(str(one) for one in (said if isinstance(said, list) else [said]))


def _provider(kind: Kind) -> dict[str, Any]:
    """The provider's own description of itself."""
    issuer = kind.get_setting("ISSUER")
    found = _request_json(kind, "GET", f"{issuer.rstrip('/')}/.well-known/openid-configuration", None)
    if found.get("issuer") != issuer:
        raise OidcRefused("the provider calls itself something else")
    return found


def _endpoint(kind: Kind, provider: Mapping[str, Any], name: str) -> str:
    url = provider.get(name)
    plain = urlsplit(kind.get_setting("ISSUER")).scheme == "http"
    if not isinstance(url, str) or urlsplit(url).scheme not in ({"https", "http"} if plain else {"https"}):
        raise OidcRefused(f"{name} is not an https address")
    return url


def _request_json(kind: Kind, method: str, url: str, form: Mapping[str, str] | None) -> dict[str, Any]:
    provider: Any = get_adapter()
    place = asking.take(AT_ONCE, whose=kind)
    if place is None:
        raise OidcRefused("the provider takes long, and others are waiting for it")
    with provider.get_requests_session() as session:
        try:
            response = session.request(method, url, data=form, timeout=SECONDS, allow_redirects=False)
            body = response.content
        except OSError as error:
            raise OidcRefused(f"the provider does not answer: {type(error).__name__}") from error
        finally:
            place.release()
    if response.status_code != 200 or len(body) > LARGEST_ANSWER:
        raise OidcRefused(f"the provider answers {response.status_code}")
    try:
        found = read_json(body)
    except Unreadable as error:
        raise OidcRefused("the provider's answer is not JSON") from error
    if not isinstance(found, dict):
        raise OidcRefused("the provider's answer is not an object")
    return found


def _back(kind: Kind) -> str:
    return f"{settings.BASE_URL}{reverse(kind.back)}"
