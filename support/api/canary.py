"""The door of the company that our own trial tells: a push receiver (RFC 8935) like a partner's."""

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils import timezone
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from support.actions.incoming import hear_canary

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
