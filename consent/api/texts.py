"""The door of the carrier's message gateway: texts from phones, signed, fresh, each taken once."""

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from audit.queries import database_clock
from consent.actions.without_account import handle_text
from consent.schemas.texts import DECODER, parse_text
from partners.api.access import read_signed

UNREADABLE = ("Not a text", "The body must be JSON with id, from, text and on_network.")


@csrf_exempt
@require_POST
def texts(request: HttpRequest) -> HttpResponse:
    """One text. 202 whether it did something, was repeated, or came from a number that is no line of ours."""
    now, secrets = timezone.now(), settings.SMS_INBOUND_SECRETS
    texted = read_signed(
        request, header="X-Text-Signature", secrets=secrets, decoder=DECODER, unreadable=UNREADABLE, at=now
    )
    if isinstance(texted, HttpResponse):
        return texted
    said = parse_text(text=texted.text)
    handle_text(
        text_id=texted.id, msisdn=texted.msisdn, wish=said.wish, code=said.code, on_network=texted.on_network,
        at=database_clock(),
    )  # fmt: skip
    return HttpResponse(status=202)
