"""The list of an ended agreement, out: its signed index and its shards."""

from uuid import UUID

from django.http import HttpResponse
from django.utils import timezone
from django.views.decorators.http import require_safe

from partners.api.access import ClientRequest, client_required, problem
from revocations.actions.cohorts import ManifestExpired, NoSuchManifest, fetch_manifest


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
