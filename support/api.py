"""The doors of the carrier's telephone system and mail gateway (signed, fresh, each taken once), and the canary's."""

from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils import timezone
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from partners.api.access import problem, read_signed
from support import feeds, schemas
from support.actions.incoming import CallInFuture, hear_canary, log_call, receive_mail

NOT_A_CALL = ("Not a call", "The body must be JSON with id, to and answered_at, RFC 3339 with its offset.")
NOT_A_MAIL = ("Not a mail", "The body must be JSON with to, from, subject, text and message_id.")
LARGEST_EVENT = 200_000


@csrf_exempt
@require_POST
def calls(request: HttpRequest) -> HttpResponse:
    """One answered call. 202 whether it is kept, was told before, or went to a number that is no line of ours."""
    now, secrets = timezone.now(), settings.CALL_LOG_SECRETS
    call = read_signed(
        request, header="X-Call-Signature", secrets=secrets, decoder=schemas.DECODER, unreadable=NOT_A_CALL, at=now
    )
    if isinstance(call, HttpResponse):
        return call
    try:
        log_call(call_ref=call.id, msisdn=call.msisdn, answered_at=call.answered_at, by=call.by, at=now)
    except CallInFuture:
        return problem(400, "Not yet", "answered_at is later than now.")
    return HttpResponse(status=202)


@csrf_exempt
@require_POST
def mail(request: HttpRequest) -> HttpResponse:
    """One mail to us. 202 whether it went into a case, opened one, was repeated, or was dropped."""
    now, secrets = timezone.now(), settings.MAIL_INBOUND_SECRETS
    came = read_signed(
        request, header="X-Mail-Signature", secrets=secrets, decoder=feeds.DECODER, unreadable=NOT_A_MAIL, at=now,
        takes_nul=True,
    )  # fmt: skip
    if isinstance(came, HttpResponse):
        return came
    receive_mail(mail=came.build_incoming_mail(), at=now)
    return HttpResponse(status=202)


@csrf_exempt
@require_POST
def canary_events(request: HttpRequest) -> HttpResponse:
    """An event pushed by ourselves: 202. Anything else: 400."""
    whole = len(request.body) <= LARGEST_EVENT
    if whole and hear_canary(token=request.body.decode("ascii", "replace").strip(), at=timezone.now()):
        return HttpResponse(status=202)
    refused = {"err": "invalid_request", "description": "This is no event of ours for our own trial."}
    return JsonResponse(refused, status=400, headers={"Content-Language": "en"})
