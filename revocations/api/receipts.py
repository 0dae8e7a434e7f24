"""Receipts in: RFC 8935, with the partner as the transmitter."""

from django.http import HttpResponse, JsonResponse
from django.utils import timezone
from django.views.decorators.http import require_POST

from partners.api.access import ClientRequest, client_required
from revocations.actions.receipts import record_receipt
from revocations.domain.receipts import ReceiptRefused

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
            token=request.body.decode("ascii", "replace").strip(), party=request.client.party, at=timezone.now()
        )
    except ReceiptRefused as error:
        return refusal(400, error.err, str(error))
    return HttpResponse(status=202)
