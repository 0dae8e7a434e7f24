"""The partners' door for comparing books: a digest of all, then the entries of the buckets that differ."""

from django.http import HttpResponse, JsonResponse
from django.utils import timezone
from django.views.decorators.http import require_http_methods

from consent.actions.digests import NoSuchRun, NotDiffering, TooMany, compare_buckets, receive_digest
from consent.feeds import digests
from partners.api.access import JSON, ClientRequest, client_required, problem, refuse_unsupported_type
from partners.models import Party

GZIP = "gzip"


@require_http_methods(["PUT"])
@client_required("receipts:write")
def digest(request: ClientRequest) -> HttpResponse:
    """A partner's digest, or what it holds of some buckets. A suspended or terminated partner's counts as well."""
    if request.client.party is None:
        return problem(403, "Not for this client", "Only a partner has books to compare.")
    if (unread := refuse_unsupported_type(request, JSON, packed=[GZIP])) is not None:
        return unread
    is_packed = request.headers.get("Content-Encoding", "").lower() == GZIP
    try:
        sent = digests.read(stream=request, is_packed=is_packed, at=timezone.now())
    except digests.DigestRefused as refusal:
        return problem(refusal.status, "The digest can't be taken", str(refusal))
    if isinstance(sent, digests.BucketEntries):
        return _receive_buckets(request.client.party, sent)
    return _receive_digest(request.client.party, sent)


def _receive_digest(party: Party, sent: digests.Digest) -> HttpResponse:
    try:
        run = receive_digest(
            party=party, entries=sent.entries, buckets=sent.buckets, as_of=sent.as_of, at=timezone.now()
        )
    except TooMany:
        refusal = problem(429, "Too many digests", "A day has room for 24 digests.")
        refusal["Retry-After"] = "3600"
        return refusal
    return JsonResponse({"run": str(run.id), "differing": run.differing})


def _receive_buckets(party: Party, sent: digests.BucketEntries) -> HttpResponse:
    try:
        done = compare_buckets(party=party, run_id=sent.run, buckets=sent.buckets, as_of=sent.as_of, at=timezone.now())
    except NoSuchRun:
        return problem(404, "No such run", "No run of yours has this id, or it is over 24 hours old.")
    except NotDiffering:
        return problem(409, "Not one of the differing buckets", "Send only buckets that the run named.")
    return JsonResponse({"run": str(sent.run), "remaining": done.remaining, "findings": dict(done.findings)})
