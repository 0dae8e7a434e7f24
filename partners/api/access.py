"""Which machine is calling, and may it: access tokens checked, scopes held to."""

import hashlib
import hmac
import re
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from functools import wraps
from threading import Lock
from typing import Concatenate

import msgspec
from django.conf import settings
from django.db.models import Exists
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.utils import timezone
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_safe

from accounts.primitives.json_reader import Unreadable, decode_json
from partners import queries
from partners.domain import keys
from partners.models import Client, SigningKey
from partners.primitives import tokens
from partners.primitives.tokens import BadToken

MOST_REMEMBERED = 4096
JSON, NDJSON, CSV = "application/json", "application/x-ndjson", "text/csv"
NO_BODY = (None, "", "0", 0)
UTF_8 = frozenset({"", "utf-8", "utf8"})
AS_IT_IS = ("", "identity")
# What a gateway of the carrier's own signs a request with: when, and an HMAC.
SIGNATURE = re.compile(r"t=([0-9]{1,12}),v1=([0-9a-f]{64})")
FRESH_S = 300


class ClientRequest(HttpRequest):
    """A request whose caller is known."""

    client: Client


type View[**P] = Callable[Concatenate[ClientRequest, P], HttpResponse]
type Refuse = Callable[[int, str, str], HttpResponse]


@dataclass(frozen=True)
class Grant:
    """What a checked access token says: good until `expires_at` (seconds since 1970) for these scopes.

    `kid`: the key that signed it. `bound_to`: the certificate without which it is nothing, "" for none. `key_since`:
    since when its client had signed in as it did; one that signs in otherwise since has other tokens.
    """

    client_id: str
    scopes: frozenset[str]
    expires_at: int
    kid: str
    bound_to: str
    key_since: str


@dataclass
class _TokenCache:
    """Tokens already checked, by digest: a signature is checked once, its expiry and its client every time."""

    grants: dict[bytes, Grant] = field(default_factory=dict)
    lock: Lock = field(default_factory=Lock)

    def put(self, digest: bytes, grant: Grant) -> None:
        with self.lock:
            if len(self.grants) >= MOST_REMEMBERED:
                self.grants.clear()
            self.grants[digest] = grant


_remembered = _TokenCache()


def is_json(content_type: str, *, encoding: str = "") -> bool:
    """Whether a `Content-Type` header says JSON, which is UTF-8 and nothing else. `encoding`: `Content-Encoding`."""
    kind, _, parameters = content_type.partition(";")
    charset = parameters.lower().partition("charset=")[2].strip(' "')
    return kind.strip().lower() == JSON and charset in UTF_8 and encoding.lower() in AS_IT_IS


def refuse_unsupported_type(
    request: HttpRequest, *kinds: str, refuse: Refuse | None = None, packed: Collection[str] = ()
) -> HttpResponse | None:
    """Refuse a body of another kind of content than these, before it is read (RFC 9110, 15.5.16). None: it is one.

    No body at all is of no kind: that it is missing is the address's own to say.
    refuse(status, error, detail): makes the answer in a standard's own form. packed: as what it may be compressed.
    """
    refusing, title = refuse or problem, "Unsupported Media Type"
    if request.headers.get("Content-Encoding", "").lower() not in {*AS_IT_IS, *packed}:
        refusal = refusing(415, title, f"Content-Encoding must be {' or '.join((*packed, 'left out'))}.")
        refusal["Accept-Encoding"] = ", ".join(packed) or "identity"
        return refusal
    if _is_of_kind(request, kinds):
        return None
    refusal = refusing(415, title, f"Content-Type must be {' or '.join(kinds)}.")
    refusal["Accept"] = ", ".join(kinds)
    return refusal


def _is_of_kind(request: HttpRequest, kinds: Collection[str]) -> bool:
    charset = request.content_params.get("charset", "") if request.content_params else ""
    if request.content_type in kinds and charset.lower() in UTF_8:
        return True
    return not request.content_type and request.META.get("CONTENT_LENGTH") in NO_BODY


def problem(status: int, error: str, detail: str) -> HttpResponse:
    """An RFC 9457 refusal."""
    body = {"type": "about:blank", "title": error, "status": status, "detail": detail}
    return JsonResponse(body, status=status, content_type="application/problem+json")


def is_signed(request: HttpRequest, *, header: str, secrets: Iterable[str], at: datetime) -> bool:
    """Whether one of the secrets signed the time and this very body, and lately: by HMAC-SHA256 over both."""
    found = SIGNATURE.fullmatch(request.headers.get(header, ""))
    if found is None or abs(at.timestamp() - int(found[1])) > FRESH_S:
        return False
    signed = f"{found[1]}.".encode() + request.body
    return any(
        hmac.compare_digest(hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest(), found[2])
        for secret in secrets
    )


def read_signed[T](
    request: HttpRequest,
    *,
    header: str,
    secrets: Collection[str],
    decoder: msgspec.json.Decoder[T],
    unreadable: tuple[str, str],
    at: datetime,
    takes_nul: bool = False,
) -> T | HttpResponse:
    """Return what a gateway of the carrier's own sent, or its refusal: not signed lately, not JSON, of another shape.

    unreadable: the error and the detail of the last. takes_nul: as `decode_json` has it. Raises Http404 where there are
    no secrets.
    """
    if not secrets:
        raise Http404
    if not is_signed(request, header=header, secrets=secrets, at=at):
        return problem(401, "Not signed", f"{header} must sign this very body, no longer than {FRESH_S} seconds ago.")
    if (refusal := refuse_unsupported_type(request, JSON)) is not None:
        return refusal
    try:
        return decode_json(request.body, decoder, takes_nul=takes_nul)
    except Unreadable:
        return problem(400, *unreadable)


def document(view: Callable[[HttpRequest], HttpResponse]) -> Callable[[HttpRequest], HttpResponse]:
    """A document for any program: GET and HEAD, and for the rest 405, not a page about forms."""
    return csrf_exempt(require_safe(view))


def client_required[**P](
    scope: str, *, also: str = "", refuse: Refuse = problem, closed_when_suspended: bool = False
) -> Callable[[View[P]], Callable[..., HttpResponse]]:
    """Let in only a live client whose access token carries `scope` (or `also`); the view finds it as `request.client`.

    `refuse(status, error, detail)` makes the answer in a standard's own form. The challenge follows RFC 6750.
    `closed_when_suspended`: 403 `access_denied` for an aggregator none of whose agreements is in force. Orders, polls,
    receipts, manifests and digests stay open to it: it still owes us all that.
    """

    def decorate(view: View[P]) -> Callable[..., HttpResponse]:
        @csrf_exempt
        @wraps(view)
        def wrapper(request: ClientRequest, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
            at = timezone.now()
            grant = grant_of(request.headers.get("Authorization", ""), now=int(at.timestamp()))
            client = _live_client(grant, certificate_of(request)) if grant else None
            if grant is None or client is None:
                refusal = refuse(401, "invalid_token", "A valid access token is needed.")
                return _challenge(refusal, "invalid_token", scope)
            if grant.scopes.isdisjoint({scope, also} - {""}):
                refusal = refuse(403, "insufficient_scope", f"The access token does not carry {scope}.")
                return _challenge(refusal, "insufficient_scope", scope)
            if closed_when_suspended and is_closed(client=client, at=at):
                return refuse(403, "access_denied", "None of your agreements with us is in force.")
            request.client = client
            return view(request, *args, **kwargs)

        return wrapper

    return decorate


def is_closed(*, client: Client, at: datetime) -> bool:
    """Whether this is an aggregator's machine and no agreement with it is in force: suspended, ended or not begun."""
    return client.party_id is not None and not queries.has_contract_in_force(party_id=client.party_id, at=at)


def certificate_of(request: HttpRequest) -> str:
    """The thumbprint of the caller's certificate, as the TLS terminator hands it on; "" unless that is switched on.

    The terminator must drop what callers write there, with "_" for "-" too: to a WSGI server they are one name.
    """
    if not settings.MTLS_CLIENT_CERTIFICATES:
        return ""
    return tokens.thumbprint_in_header(request.headers.get(settings.MTLS_CERTIFICATE_HEADER, ""))


def grant_of(authorization: str, *, now: int) -> Grant | None:
    """What an `Authorization: Bearer` header grants at `now`, or None. Says nothing of the client's own state."""
    token = bearer_token(authorization)
    digest = hashlib.sha256(token.encode()).digest()
    grant = _remembered.grants.get(digest) or (_read(token) if token else None)
    if grant is None or grant.expires_at <= now:
        return None
    _remembered.put(digest, grant)
    return grant


def remembered_grant_of(authorization: str, *, now: int) -> Grant | None:
    """The same, for who may not wait for the database: None also for a token that was not seen in this process yet."""
    grant = _remembered.grants.get(hashlib.sha256(bearer_token(authorization).encode()).digest())
    return grant if grant is not None and now < grant.expires_at else None


def bearer_token(authorization: str) -> str:
    """The bearer token of an `Authorization` header, "" for none (RFC 6750, 2.1)."""
    kind, _, token = authorization.partition(" ")
    return token if kind.lower() == "bearer" else ""


def _read(token: str) -> Grant | None:
    try:
        claims = keys.verify_own(use=SigningKey.Use.ACCESS, token=token)
    except BadToken:
        return None
    client_id, scope, ends = claims.get("client_id"), claims.get("scope"), claims.get("exp")
    since, ours = claims.get("key_since"), claims.get("iss") == claims.get("aud") == settings.BASE_URL
    if not ours or not isinstance(ends, int):
        return None
    if not isinstance(client_id, str) or not isinstance(scope, str) or not isinstance(since, str):
        return None
    confirmation = claims.get("cnf")
    bound_to = confirmation.get("x5t#S256") if isinstance(confirmation, dict) else ""
    return Grant(
        client_id=client_id,
        scopes=frozenset(scope.split()),
        expires_at=ends,
        kid=tokens.parse_unverified(token).kid,
        bound_to=str(bound_to),
        key_since=since,
    )


def _live_client(grant: Grant, certificate: str) -> Client | None:
    """The client behind the token, if neither it nor our own key was withdrawn, and key and certificate are its own."""
    key = SigningKey.objects.filter(kid=grant.kid, retired_at__isnull=True)
    found = Client.objects.select_related("party").filter(client_id=grant.client_id, disabled_at__isnull=True)
    client = found.filter(Exists(key), changed_at=grant.key_since or None).first()
    if client is None:
        return None
    if grant.bound_to or settings.MTLS_CLIENT_CERTIFICATES:
        return client if certificate and certificate == grant.bound_to == client.certificate_sha256 else None
    return client


def _challenge(response: HttpResponse, error: str, scope: str) -> HttpResponse:
    response["WWW-Authenticate"] = f'Bearer realm="{settings.BASE_URL}", error="{error}", scope="{scope}"'
    return response
