"""The door of the carrier's mail gateway: mail to us, signed, fresh, each taken once."""

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.utils import timezone
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from accounts.primitives.json_reader import Unreadable, decode_json
from partners.api.access import FRESH_S, JSON, is_signed, problem, refuse_unsupported_type
from support.actions import incoming as actions
from support.feeds import DECODER

HEADER = "X-Mail-Signature"


@csrf_exempt
@require_POST
def mail(request: HttpRequest) -> HttpResponse:
    """One mail. 202 whether it went into a case, opened one, was repeated, or was dropped."""
    if not settings.MAIL_INBOUND_SECRETS:
        raise Http404
    now = timezone.now()
    if not is_signed(request, header=HEADER, secrets=settings.MAIL_INBOUND_SECRETS, at=now):
        return problem(401, "Not signed", f"{HEADER} must sign this very body, no longer than {FRESH_S} seconds ago.")
    if (refusal := refuse_unsupported_type(request, JSON)) is not None:
        return refusal
    try:
        came = decode_json(request.body, DECODER)
    except Unreadable:
        return problem(400, "Not a mail", "The body must be JSON with to, from, subject, text and message_id.")
    actions.receive_mail(mail=came.build_incoming_mail(), at=now)
    return HttpResponse(status=202)
