"""Take partners' claims of consent, compare their records with ours, and answer CAMARA Consent Info.

A claim (who agreed to which campaign, by the partner's word) allows nothing. A comparison sends a digest of all, then
the entries of the buckets that differ. Consent Info is a thin view over the gate.
"""

import re
import time
import uuid
from collections.abc import Callable
from functools import wraps

import msgspec
from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST

import audit.queries
from accounts.primitives.json_reader import Unreadable, decode_json
from accounts.views.access import delay_response, pad_response_time
from consent.actions.consent_requests import (
    NotOffered,
    StatusRateLimited,
    TooManyQuestions,
    UnlistedReturnAddress,
    retrieve_status,
)
from consent.actions.digests import NoSuchRun, NotDiffering, TooMany, compare_buckets, receive_digest
from consent.feeds import claims, digests
from consent.schemas import consent_info as shapes
from partners.api.access import JSON, NDJSON, ClientRequest, client_required, problem, refuse_unsupported_type
from partners.feeds.checking import NothingReadable
from partners.models import Party

# More than one claim takes to write: the time of an answer must not tell which of the phones are ours.
SECONDS_A_CLAIM = 0.005


@require_POST
@client_required("approvals:write", closed_when_suspended=True)
def approvals(request: ClientRequest) -> HttpResponse:
    """One claim as JSON, or up to 1,000 as NDJSON; tells what became of each. The same again changes nothing."""
    if (refusal := refuse_unsupported_type(request, JSON, NDJSON)) is not None:
        return refusal
    started, single = time.monotonic(), request.content_type == JSON
    if request.client.party is None:
        return problem(403, "Not for this client", "Only a partner has claims.")
    try:
        found = claims.receive_claims(
            stream=request,
            single=single,
            party=request.client.party,
            client_id=request.client.client_id,
            at=audit.queries.database_clock(),
        )
    except claims.TooManyLines:
        most = f"At most {claims.MOST_CLAIMED:,} lines and {claims.MOST_BYTES:,} bytes go into one request."
        return problem(413, "Too many lines", most)
    except NothingReadable as error:
        return problem(400, "Nothing can be read", str(error))
    except claims.VerifiedByIsOurs:
        return problem(400, "verified_by is not yours to say", "We ask the person. Nothing of this request was taken.")
    response = _one(found[0]) if single else _many(found)
    if settings.ANSWER_SECONDS:
        delay_response(request, due=started + settings.ANSWER_SECONDS + len(found) * SECONDS_A_CLAIM)
    return response


def _many(found: list[claims.ClaimFate]) -> HttpResponse:
    return HttpResponse(msgspec.json.encode(claims.report(fates=found)), content_type=JSON)


def _one(found: claims.ClaimFate) -> HttpResponse:
    told = claims.answer_claim(one=found)
    if found.fate.status != "rejected":
        return HttpResponse(msgspec.json.encode(told), content_type=JSON)
    status = 409 if found.fate.reason == "id_conflict" else 400
    body = {"type": "about:blank", "title": "The claim can't be taken", "status": status}
    detail = f"{found.fate.field}: {found.fate.reason}" if found.fate.field else found.fate.reason
    told = {name: value for name, value in told.items() if name in {"field", "reason"}}
    return HttpResponse(
        msgspec.json.encode({**body, "detail": detail, **told}), status=status, content_type="application/problem+json"
    )


GZIP = "gzip"


@require_http_methods(["PUT"])
@client_required("receipts:write")
def digest(request: ClientRequest) -> HttpResponse:
    """A partner's digest, or what it holds of some buckets. A suspended or terminated partner's counts as well."""
    if request.client.party is None:
        return problem(403, "Not for this client", "Only a partner has books to compare.")
    if (unread := refuse_unsupported_type(request, JSON, packed=[GZIP])) is not None:
        return unread
    is_packed = request.headers.get("Content-Encoding", "").lower() == GZIP
    try:
        sent = digests.read(stream=request, is_packed=is_packed, at=timezone.now())
    except digests.DigestRefused as refusal:
        return problem(refusal.status, "The digest can't be taken", str(refusal))
    if isinstance(sent, digests.BucketEntries):
        return _receive_buckets(request.client.party, sent, client_id=request.client.client_id)
    return _receive_digest(request.client.party, sent, client_id=request.client.client_id)


def _receive_digest(party: Party, sent: digests.Digest, *, client_id: str) -> HttpResponse:
    try:
        run = receive_digest(
            party=party,
            entries=sent.entries,
            buckets=sent.buckets,
            as_of=sent.as_of,
            at=timezone.now(),
            client_id=client_id,
        )
    except TooMany:
        refusal = problem(429, "Too many digests", "A day has room for 24 digests.")
        refusal["Retry-After"] = "3600"
        return refusal
    return JsonResponse({"run": str(run.id), "differing": run.differing})


def _receive_buckets(party: Party, sent: digests.BucketEntries, *, client_id: str) -> HttpResponse:
    try:
        done = compare_buckets(
            party=party, run_id=sent.run, buckets=sent.buckets, as_of=sent.as_of, at=timezone.now(), client_id=client_id
        )
    except NoSuchRun:
        return problem(404, "No such run", "No run of yours has this id, or it is over 24 hours old.")
    except NotDiffering:
        return problem(409, "Not one of the differing buckets", "Send only buckets that the run named.")
    return JsonResponse({"run": str(sent.run), "remaining": done.remaining, "findings": dict(done.findings)})


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
