"""Serve a partner its own stream (SSF 1.0, section 8.1) and take its receipts (RFC 8935).

Each partner has one stream. For receipts the partner is the transmitter.
"""

from collections.abc import Callable
from functools import wraps
from typing import Concatenate
from uuid import UUID

from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils import timezone
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.primitives.json_reader import Unreadable, decode_json
from accounts.views.access import delay_response
from partners.api.access import JSON, ClientRequest, client_required, document, problem, refuse_unsupported_type
from partners.domain.keysets import KeysOnTheirWay
from partners.models import Party
from revocations import schemas
from revocations.actions import redelivery
from revocations.actions import streams as streams_actions
from revocations.actions.cohorts import ManifestExpired, NoSuchManifest, fetch_manifest
from revocations.actions.receipts import record_receipt
from revocations.actions.streams import (
    HasOne,
    NoSuchStream,
    NotAllowed,
    StreamRefused,
    TooSoon,
    Unfit,
    change_stream,
    set_status,
    verify_stream,
)
from revocations.domain.receipts import ReceiptRefused
from revocations.domain.streams import MIN_VERIFICATION_INTERVAL, configuration_of, status_of, stream_of

ERRORS = {401: "authentication_failed", 403: "access_denied", 415: "invalid_request"}


def refusal(status: int, err: str, description: str) -> HttpResponse:
    """RFC 8935's form of a refusal."""
    response = JsonResponse({"err": err, "description": description}, status=status)
    response["Content-Language"] = "en"
    return response


def refuse_unauthenticated(status: int, error: str, description: str) -> HttpResponse:
    """The same for a caller that may not pass, or whose body is of another kind."""
    return refusal(status, ERRORS[status], description)


SECEVENT = "application/secevent+jwt"
LARGEST_RECEIPT = 200_000


@require_POST
@client_required("receipts:write", refuse=refuse_unauthenticated)
def receipts(request: ClientRequest) -> HttpResponse:
    """A partner's signed receipt: 202 once it is kept, 400 with the reason where it does not count."""
    if request.content_type != SECEVENT:
        return refusal(400, "invalid_request", f"Content-Type must be {SECEVENT}")
    if len(request.body) > LARGEST_RECEIPT or request.client.party is None:
        return refusal(400, "invalid_request", "The receipt is too long.")
    try:
        record_receipt(
            token=request.body.decode("ascii", "replace").strip(),
            party=request.client.party,
            at=timezone.now(),
            client_id=request.client.client_id,
        )
    except ReceiptRefused as error:
        if error.answer_at:
            delay_response(request, due=error.answer_at)
        return refusal(400, error.err, str(error))
    except KeysOnTheirWay:
        later = refusal(503, "invalid_key", "The keys are being fetched. Submit the same bytes again.")
        later["Retry-After"] = "1"
        return later
    return HttpResponse(status=202)


STATUSES: dict[type[StreamRefused], int] = {Unfit: 400, NotAllowed: 403, NoSuchStream: 404, HasOne: 409, TooSoon: 429}

WITH_A_BODY = ("POST", "PUT", "PATCH")

type Door[**P] = Callable[Concatenate[ClientRequest, Party, P], HttpResponse]


def for_partners(scope: str, *, also: str = "") -> Callable[[Door[[]]], Callable[..., HttpResponse]]:
    """Let in a partner's machine and say no in RFC 8935's form. Nothing that is answered may be stored."""

    def decorate(door: Door[[]]) -> Callable[..., HttpResponse]:
        @client_required(scope, also=also, refuse=refuse_unauthenticated)
        @wraps(door)
        def wrapper(request: ClientRequest) -> HttpResponse:
            if request.client.party is None:
                return refusal(403, "access_denied", "Only a partner has a stream.")
            if request.method in WITH_A_BODY and (
                refused := refuse_unsupported_type(request, JSON, refuse=refuse_unauthenticated)
            ):
                return refused
            try:
                response = door(request, request.client.party)
            except Unreadable as error:
                response = refusal(400, "invalid_request", str(error))
            except StreamRefused as error:
                status = STATUSES[type(error)]
                response = refusal(status, "access_denied" if status == 403 else "invalid_request", str(error))
                if status == 429:
                    response["Retry-After"] = str(MIN_VERIFICATION_INTERVAL)
            response["Cache-Control"] = "no-store"
            return response

        return wrapper

    return decorate


@for_partners("ssf.manage", also="ssf.read")
def read_stream(request: ClientRequest, party: Party) -> HttpResponse:
    """One stream by its id, or, without an id, the list of all, which is one or none."""
    if "stream_id" not in request.GET:
        only = stream_of(party_id=party.pk)
        return JsonResponse([configuration_of(stream=only, party=party)] if only else [], safe=False)
    stream = stream_of(party_id=party.pk, stream_id=request.GET["stream_id"])
    return JsonResponse(configuration_of(stream=stream, party=party)) if stream else _unknown()


@for_partners("ssf.manage")
def create_stream(request: ClientRequest, party: Party) -> HttpResponse:
    """201 with the new stream; 409 where there is one."""
    wanted = decode_json(request.body, schemas.stream)
    made = streams_actions.create_stream(party=party, wanted=wanted, client_id=request.client.pk, at=timezone.now())
    return JsonResponse(made, status=201)


@for_partners("ssf.manage")
def update_stream(request: ClientRequest, party: Party) -> HttpResponse:
    """Change what the body names."""
    wanted = decode_json(request.body, schemas.stream)
    client_id = request.client.pk
    return JsonResponse(change_stream(party=party, wanted=wanted, whole=False, client_id=client_id, at=timezone.now()))


@for_partners("ssf.manage")
def replace_stream(request: ClientRequest, party: Party) -> HttpResponse:
    """Put the body's configuration in the place of the whole."""
    wanted = decode_json(request.body, schemas.stream)
    client_id = request.client.pk
    return JsonResponse(change_stream(party=party, wanted=wanted, whole=True, client_id=client_id, at=timezone.now()))


@for_partners("ssf.manage")
def delete_stream(request: ClientRequest, party: Party) -> HttpResponse:
    """204; the partner is told by its contract's address again."""
    stream_id = request.GET.get("stream_id", "")
    streams_actions.delete_stream(party=party, stream_id=stream_id, client_id=request.client.pk, at=timezone.now())
    return HttpResponse(status=204)


@for_partners("ssf.manage", also="ssf.read")
def read_status(request: ClientRequest, party: Party) -> HttpResponse:
    """Whether the stream is enabled, and if not, why."""
    stream = stream_of(party_id=party.pk, stream_id=request.GET.get("stream_id", ""))
    return JsonResponse(status_of(stream=stream)) if stream else _unknown()


@for_partners("ssf.manage")
def update_status(request: ClientRequest, party: Party) -> HttpResponse:
    """The partner's own word; 403 for what an officer paused."""
    wanted = decode_json(request.body, schemas.status)
    return JsonResponse(
        set_status(
            party=party,
            stream_id=wanted.stream_id,
            status=wanted.status,
            reason=wanted.reason or "",
            client_id=request.client.pk,
            at=timezone.now(),
        )
    )


@require_POST
@for_partners("ssf.manage")
def verify(request: ClientRequest, party: Party) -> HttpResponse:
    """204; a verification event with the same `state` is on its way."""
    wanted = decode_json(request.body, schemas.verification)
    verify_stream(party=party, stream_id=wanted.stream_id, state=wanted.state, at=timezone.now())
    return HttpResponse(status=204)


CONFIGURATION = {
    "GET": read_stream,
    "HEAD": read_stream,
    "POST": create_stream,
    "PATCH": update_stream,
    "PUT": replace_stream,
    "DELETE": delete_stream,
}
STATUS = {"GET": read_status, "HEAD": read_status, "POST": update_status}


@csrf_exempt
@require_http_methods(list(CONFIGURATION))
def streams(request: HttpRequest) -> HttpResponse:
    """The configuration endpoint."""
    return CONFIGURATION[request.method or "GET"](request)


@csrf_exempt
@require_http_methods(list(STATUS))
def status(request: HttpRequest) -> HttpResponse:
    """The status endpoint."""
    return STATUS[request.method or "GET"](request)


def _unknown() -> HttpResponse:
    return refusal(404, "invalid_request", "You have no stream of this id.")


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


@require_POST
@client_required("ssf.read", refuse=refuse_unauthenticated)
def poll(request: ClientRequest) -> HttpResponse:
    """Settle what the partner names and give it what waits; where nothing does, wait for it, if it wants that."""
    if request.client.party is None:
        return refusal(403, "access_denied", "Only a partner has orders to fetch.")
    if (refused := refuse_unsupported_type(request, JSON, refuse=refuse_unauthenticated)) is not None:
        return refused
    try:
        asked = decode_json(request.body, schemas.poll)
    except Unreadable as error:
        return refusal(400, "invalid_request", str(error))
    found = redelivery.poll(
        party=request.client.party,
        limit=min(asked.max_events, schemas.MOST_EVENTS),
        acknowledged=asked.ack,
        errors={jti: (error.err, error.description) for jti, error in asked.set_errs.items()},
        at=timezone.now(),
        waits=not asked.return_immediately,
        since=asked.since,
        client_id=request.client.pk,
    )
    response = JsonResponse({"sets": dict(found.sets), "moreAvailable": found.more})
    response["Cache-Control"] = "no-store"
    return response


@require_safe
@client_required("ssf.read")
def manifest(request: ClientRequest, cohort_id: UUID, number: int) -> HttpResponse:
    """Part 0 is the index, a JWS; from 1 the shards, as they were packed. Only for the partner whose lines they are."""
    try:
        party, client_id = request.client.party, request.client.pk
        fetched = fetch_manifest(
            party=party, cohort_id=cohort_id, number=number, client_id=client_id, at=timezone.now()
        )
    except NoSuchManifest:
        return problem(404, "Not found", "There is no such manifest of yours.")
    except ManifestExpired:
        return problem(410, "Gone", "This manifest has expired.")
    response = HttpResponse(fetched.content, content_type=fetched.content_type)
    response["Cache-Control"] = "no-store"
    return response
