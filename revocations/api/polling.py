"""Orders out by polling: RFC 8936."""

from datetime import timedelta
from uuid import UUID

from django.http import HttpResponse, JsonResponse
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from accounts.primitives.json_reader import Unreadable, decode_json
from partners.api.access import JSON, ClientRequest, client_required, problem, refuse_unsupported_type
from revocations import schemas
from revocations.actions import redelivery
from revocations.actions.cohorts import ManifestExpired, NoSuchManifest, fetch_manifest
from revocations.api.receipts import refusal, refuse_unauthenticated
from revocations.workers.delivery.polling import LONGEST_WAIT


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
        wait=timedelta(0) if asked.return_immediately else LONGEST_WAIT,
        since=asked.since,
    )
    response = JsonResponse({"sets": dict(found.sets), "moreAvailable": found.more})
    response["Cache-Control"] = "no-store"
    return response


@require_safe
@client_required("ssf.read")
def manifest(request: ClientRequest, cohort_id: UUID, number: int) -> HttpResponse:
    """Part 0 is the index, a JWS; from 1 the shards, as they were packed. Only for the partner whose lines they are."""
    try:
        fetched = fetch_manifest(party=request.client.party, cohort_id=cohort_id, number=number, at=timezone.now())
    except NoSuchManifest:
        return problem(404, "Not found", "There is no such manifest of yours.")
    except ManifestExpired:
        return problem(410, "Gone", "This manifest has expired.")
    response = HttpResponse(fetched.content, content_type=fetched.content_type)
    response["Cache-Control"] = "no-store"
    return response
