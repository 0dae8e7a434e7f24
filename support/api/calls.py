"""The door of the telephone system: calls of ours that were answered, signed, fresh, each good once."""

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.utils import timezone
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from accounts.primitives.json_reader import Unreadable, decode_json
from partners.api.access import FRESH_S, JSON, is_signed, problem, refuse_unsupported_type
from support.actions.incoming import CallInFuture, hear_canary, log_call
from support.schemas import DECODER

HEADER = "X-Call-Signature"


@csrf_exempt
@require_POST
def calls(request: HttpRequest) -> HttpResponse:
    """One call. 202 whether it is kept, was told before, or went to a number that is no line of ours."""
    if not settings.CALL_LOG_SECRETS:
        raise Http404
    now = timezone.now()
    if not is_signed(request, header=HEADER, secrets=settings.CALL_LOG_SECRETS, at=now):
        return problem(401, "Not signed", f"{HEADER} must sign this very body, no longer than {FRESH_S} seconds ago.")
    if (refusal := refuse_unsupported_type(request, JSON)) is not None:
        return refusal
    try:
        call = decode_json(request.body, DECODER)
    except Unreadable:
        return problem(
            400, "Not a call", "The body must be JSON with id, to and answered_at, RFC 3339 with its offset."
        )
    try:
        log_call(call_ref=call.id, msisdn=call.msisdn, answered_at=call.answered_at, by=call.by, at=now)
    except CallInFuture:
        return problem(400, "Not yet", "answered_at is later than now.")
    return HttpResponse(status=202)


LARGEST_EVENT = 200_000


@csrf_exempt
@require_POST
def canary_events(request: HttpRequest) -> HttpResponse:
    """An event pushed by ourselves: 202. Anything else: 400."""
    whole = len(request.body) <= LARGEST_EVENT
    if whole and hear_canary(token=request.body.decode("ascii", "replace").strip(), at=timezone.now()):
        return HttpResponse(status=202)
    refused = {"err": "invalid_request", "description": "This is no event of ours for our own trial."}
    return JsonResponse(refused, status=400, headers={"Content-Language": "en"})
