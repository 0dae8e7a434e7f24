"""CAMARA Consent Info: a thin view over the gate, for partners."""

import re
import uuid
from collections.abc import Callable
from functools import wraps

import msgspec
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_POST

import audit.queries
from accounts.primitives.json_reader import Unreadable, decode_json
from accounts.views.access import pad_response_time
from consent.actions.consent_requests import (
    NotOffered,
    StatusRateLimited,
    TooManyQuestions,
    UnlistedReturnAddress,
    retrieve_status,
)
from consent.schemas import consent_info as shapes
from partners.api.access import JSON, ClientRequest, client_required, refuse_unsupported_type

CORRELATOR = re.compile(r"[a-zA-Z0-9\-_:;./<>{}]{0,256}")
PLAIN = re.compile(r"[!-~]+")
CODES = {401: "UNAUTHENTICATED", 403: "PERMISSION_DENIED", 415: "UNSUPPORTED_MEDIA_TYPE"}


def add_correlator(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """Give the caller's `x-correlator` back, or one of our own. One that is not of its form is refused."""

    @wraps(view)
    def door(request: HttpRequest) -> HttpResponse:
        given = request.headers.get("x-correlator", "")
        if CORRELATOR.fullmatch(given):
            response = view(request)
        else:
            given, response = "", build_refusal(400, "INVALID_ARGUMENT", "The x-correlator header is not of its form.")
        response["x-correlator"] = given or str(uuid.uuid4())
        return response

    return door


def build_refusal(status: int, code: str, message: str) -> HttpResponse:
    """CAMARA's form of a refusal."""
    body = shapes.error(status=status, code=code, message=message)
    return HttpResponse(msgspec.json.encode(body), status=status, content_type="application/json")


def _no_token(status: int, error: str, detail: str) -> HttpResponse:
    del error
    return build_refusal(status, CODES[status], detail)


@add_correlator
@require_POST
@client_required("consent-info:retrieve", refuse=_no_token, closed_when_suspended=True)
def retrieve(request: ClientRequest) -> HttpResponse:
    """May this partner use these scopes of this number for this purpose, and where can its person say yes?"""
    if (refusal := refuse_unsupported_type(request, JSON, refuse=_no_token)) is not None:
        return refusal
    try:
        asked = decode_json(request.body, shapes.DECODER)
    except Unreadable as error:
        return build_refusal(400, "INVALID_ARGUMENT", str(error))
    if asked.callback_url and not PLAIN.fullmatch(asked.callback_url):
        return build_refusal(400, "INVALID_ARGUMENT", "callbackUrl is not a URL.")
    if asked.phone_number is msgspec.UNSET:
        return build_refusal(422, "MISSING_IDENTIFIER", "phoneNumber is missing: the access token names no phone.")
    return _answer_request(request, asked, asked.phone_number)


@pad_response_time
def _answer_request(request: ClientRequest, asked: shapes.RetrieveStatus, number: str) -> HttpResponse:
    try:
        found = retrieve_status(
            client_id=request.client.pk,
            party_id=request.client.party_id or 0,
            msisdn=number,
            scopes=asked.scopes,
            purpose=asked.purpose,
            campaign=asked.campaign,
            capture=asked.request_capture_url,
            callback=asked.callback_url,
            at=audit.queries.database_clock(),
        )
    except TooManyQuestions as error:
        response = build_refusal(
            429, "TOO_MANY_REQUESTS", "Too many questions of yours, or too many about this number."
        )
        response["Retry-After"] = str(error.seconds)
        return response
    except NotOffered:
        code = "CONSENT_INFO.NOT_ALLOWED_SCOPES_PURPOSE"
        return build_refusal(403, code, "You have no campaign in force for one of these scopes and this purpose.")
    except UnlistedReturnAddress:
        code = "CONSENT_INFO.INVALID_CALLBACK_URL"
        return build_refusal(403, code, "callbackUrl must be https, on a host that your agreement names.")
    except StatusRateLimited:
        code = "CONSENT_INFO.CAPTURE_FREQUENCY_EXCEEDED"
        return build_refusal(403, code, "You were told of a no, or given as many links for this number as you may.")
    url = f"{settings.BASE_URL}/ask/{found.token}/" if found.token else ""
    body = shapes.response(by_scope=found.by_scope, purpose=asked.purpose, capture_url=url)
    return HttpResponse(msgspec.json.encode(body), content_type="application/json")
