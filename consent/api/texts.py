"""The door of the carrier's message gateway: texts from phones, signed, fresh, each taken once."""

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.utils import timezone
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from accounts.primitives.json_reader import Unreadable, decode_json
from consent.actions.without_account import handle_text
from consent.schemas.texts import DECODER, parse_text
from partners.api.access import FRESH_S, JSON, is_signed, problem, refuse_unsupported_type

HEADER = "X-Text-Signature"


@csrf_exempt
@require_POST
def texts(request: HttpRequest) -> HttpResponse:
    """One text. 202 whether it did something, was repeated, or came from a number that is no line of ours."""
    if not settings.SMS_INBOUND_SECRETS:
        raise Http404
    now = timezone.now()
    if not is_signed(request, header=HEADER, secrets=settings.SMS_INBOUND_SECRETS, at=now):
        return problem(401, "Not signed", f"{HEADER} must sign this very body, no longer than {FRESH_S} seconds ago.")
    if (refusal := refuse_unsupported_type(request, JSON)) is not None:
        return refusal
    try:
        texted = decode_json(request.body, DECODER)
    except Unreadable:
        return problem(400, "Not a text", "The body must be JSON with id, from, text and on_network.")
    said = parse_text(text=texted.text)
    handle_text(
        text_id=texted.id,
        msisdn=texted.msisdn,
        wish=said.wish,
        code=said.code,
        on_network=texted.on_network,
        at=now,
    )
    return HttpResponse(status=202)
