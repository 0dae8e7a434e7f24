"""Machine sign-in and our public keys: RFC 6749, 7523, 7517, 8414."""

from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse, QueryDict
from django.utils import timezone
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from partners.actions.sign_in import ASSERTION_TYPE, TokenRefused, sign_in
from partners.api.access import certificate_of, document
from partners.domain import keys
from partners.policies.identifiers import SCOPES
from partners.primitives.tokens import ALGORITHMS


@csrf_exempt
@require_POST
def token(request: HttpRequest) -> HttpResponse:
    """The token endpoint: client credentials, authenticated by `private_key_jwt`, and nothing else."""
    if request.content_type != "application/x-www-form-urlencoded":
        return oauth_error("invalid_request", "Send a form.")
    given = request.POST
    if _repeats_any(given) or not given.get("grant_type"):
        return oauth_error("invalid_request", "Send grant_type, and each parameter once.")
    if given["grant_type"] != "client_credentials":
        return oauth_error("unsupported_grant_type", "grant_type must be client_credentials.")
    if given.get("client_secret") or request.headers.get("Authorization"):
        return oauth_error("invalid_request", "Sign in by client_assertion and nothing else.")
    return _refuse_assertion(given) or _issue(request)


def _repeats_any(given: QueryDict) -> bool:
    return any(len(values) > 1 for name, values in given.lists() if name != "resource")


def _refuse_assertion(given: QueryDict) -> HttpResponse | None:
    if given.get("client_assertion_type") != ASSERTION_TYPE or not given.get("client_assertion"):
        return oauth_error("invalid_client", f"Send client_assertion of type {ASSERTION_TYPE}.")
    if given.getlist("resource") not in ([], [settings.BASE_URL]):
        return oauth_error("invalid_target", f"The one resource is {settings.BASE_URL}.")
    return None


def _issue(request: HttpRequest) -> HttpResponse:
    given = request.POST
    try:
        issued = sign_in(
            assertion=given["client_assertion"],
            scopes=given.get("scope", "").split(),
            client_id=given.get("client_id", ""),
            certificate=certificate_of(request),
            at=timezone.now(),
        )
    except TokenRefused as refusal:
        return oauth_error(refusal.error, str(refusal))
    body = {"access_token": issued.token, "token_type": "Bearer", "expires_in": issued.seconds}
    return _forbid_caching(JsonResponse({**body, "scope": " ".join(issued.scopes)}))


@document
def authorization_server(request: HttpRequest) -> HttpResponse:
    """Where and how a machine signs in (RFC 8414)."""
    bound = settings.MTLS_CLIENT_CERTIFICATES
    mtls = {"mtls_endpoint_aliases": {"token_endpoint": f"{settings.MTLS_BASE_URL}/oauth/token"}}
    about = {
        "issuer": settings.BASE_URL,
        "token_endpoint": f"{settings.BASE_URL}/oauth/token",
        "jwks_uri": f"{settings.BASE_URL}/.well-known/jwks.json",
        "grant_types_supported": ["client_credentials"],
        "response_types_supported": [],
        "token_endpoint_auth_methods_supported": ["private_key_jwt"],
        "token_endpoint_auth_signing_alg_values_supported": sorted(ALGORITHMS.values()),
        "scopes_supported": sorted(frozenset[str]().union(*SCOPES.values())),
        "tls_client_certificate_bound_access_tokens": bound,
        **(mtls if bound and settings.MTLS_BASE_URL else {}),
    }
    return JsonResponse(about)


@document
def jwks(request: HttpRequest) -> HttpResponse:
    """Our public keys: what a partner checks an order with, and anyone a receipt."""
    response = JsonResponse(keys.jwks(at=timezone.now()))
    response["Cache-Control"] = "public, max-age=3600"
    return response


@document
def jwks_archive(request: HttpRequest) -> HttpResponse:
    """Every public key that we ever signed with: what an old receipt is checked with, long after its key retired."""
    response = JsonResponse(keys.archive(at=timezone.now()))
    response["Cache-Control"] = "public, max-age=3600"
    return response


def oauth_error(error: str, detail: str, status: int = 400) -> HttpResponse:
    """RFC 6749's form of a refusal; `invalid_client` is a 401."""
    response = JsonResponse(
        {"error": error, "error_description": detail}, status=401 if error == "invalid_client" else status
    )
    if error == "invalid_client":
        response["WWW-Authenticate"] = f'Bearer realm="{settings.BASE_URL}"'
    return _forbid_caching(response)


def _forbid_caching(response: HttpResponse) -> HttpResponse:
    response["Cache-Control"] = "no-store"
    response["Pragma"] = "no-cache"
    return response
