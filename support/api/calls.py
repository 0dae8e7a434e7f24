"""The door of the telephone system: calls of ours that were answered, signed, fresh, each good once."""

import hmac
import re
from datetime import datetime
from hashlib import sha256

import msgspec
from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.utils import timezone
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from partners.access import problem
from support.actions.calls import NotYet, log_call
from support.schemas import DECODER

HEADER = "X-Call-Signature"
SIGNATURE = re.compile(r"t=([0-9]{1,12}),v1=([0-9a-f]{64})")
FRESH_S = 300


@csrf_exempt
@require_POST
def calls(request: HttpRequest) -> HttpResponse:
    """One call. 202 whether it is kept, was told before, or went to a number that is no line of ours."""
    if not settings.CALL_LOG_SECRETS:
        raise Http404
    now = timezone.now()
    if not _is_signed(request, now):
        return problem(401, "Not signed", f"{HEADER} must sign this very body, no longer than {FRESH_S} seconds ago.")
    try:
        call = DECODER.decode(request.body)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return problem(
            400, "Not a call", "The body must be JSON with id, to and answered_at, RFC 3339 with its offset."
        )
    try:
        log_call(call_ref=call.id, msisdn=call.msisdn, answered_at=call.answered_at, by=call.by, at=now)
    except NotYet:
        return problem(400, "Not yet", "answered_at is later than now.")
    return HttpResponse(status=202)


def _is_signed(request: HttpRequest, now: datetime) -> bool:
    """Whether one of the secrets signed the time and the body, and lately."""
    found = SIGNATURE.fullmatch(request.headers.get(HEADER, ""))
    if found is None or abs(now.timestamp() - int(found[1])) > FRESH_S:
        return False
    signed = f"{found[1]}.".encode() + request.body
    return any(
        hmac.compare_digest(hmac.new(secret.encode(), signed, sha256).hexdigest(), found[2])
        for secret in settings.CALL_LOG_SECRETS
    )
