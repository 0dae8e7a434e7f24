"""What this transmitter offers."""

from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse

from partners.api.access import document


@document
def configuration(request: HttpRequest) -> HttpResponse:
    """SSF 1.0, 7.1. Nobody adds or removes subjects: a partner hears of exactly those whose data it got."""
    return JsonResponse(
        {
            "spec_version": "1_0",
            "issuer": settings.BASE_URL,
            "jwks_uri": f"{settings.BASE_URL}/.well-known/jwks.json",
            "delivery_methods_supported": ["urn:ietf:rfc:8935", "urn:ietf:rfc:8936"],
            "configuration_endpoint": f"{settings.BASE_URL}/ssf/streams",
            "status_endpoint": f"{settings.BASE_URL}/ssf/status",
            "verification_endpoint": f"{settings.BASE_URL}/ssf/verify",
            "critical_subject_members": ["group"],
            "default_subjects": "ALL",
            "authorization_schemes": [{"spec_urn": "urn:ietf:rfc:6749"}],
            # Of our own: what a stream's `signing_alg` may be.
            "signing_alg_values_supported": ["ES256", "RS256"],
        }
    )
