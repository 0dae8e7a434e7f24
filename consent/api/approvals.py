"""The partners' door for claims: who agreed to which campaign, by their word. It allows nothing."""

import time

import msgspec
from django.conf import settings
from django.http import HttpResponse
from django.views.decorators.http import require_POST

import audit.queries
from accounts.views.access import delay_response
from consent.feeds import claims
from partners.api.access import JSON, NDJSON, ClientRequest, client_required, problem, refuse_unsupported_type
from partners.feeds.checking import NothingReadable

# More than one claim takes to write: the time of an answer must not tell which of the phones are ours.
SECONDS_A_CLAIM = 0.005


@require_POST
@client_required("approvals:write", closed_when_suspended=True)
def approvals(request: ClientRequest) -> HttpResponse:
    """One claim as JSON, or up to 1,000 as NDJSON; tells what became of each. The same again changes nothing."""
    if (refusal := refuse_unsupported_type(request, JSON, NDJSON)) is not None:
        return refusal
    started, single = time.monotonic(), request.content_type == JSON
    if request.client.party is None:
        return problem(403, "Not for this client", "Only a partner has claims.")
    try:
        found = claims.receive_claims(
            stream=request,
            single=single,
            party=request.client.party,
            client_id=request.client.client_id,
            at=audit.queries.database_clock(),
        )
    except claims.TooManyLines:
        most = f"At most {claims.MOST_CLAIMED:,} lines and {claims.MOST_BYTES:,} bytes go into one request."
        return problem(413, "Too many lines", most)
    except NothingReadable as error:
        return problem(400, "Nothing can be read", str(error))
    except claims.VerifiedByIsOurs:
        return problem(400, "verified_by is not yours to say", "We ask the person. Nothing of this request was taken.")
    response = _one(found[0]) if single else _many(found)
    if settings.ANSWER_SECONDS:
        delay_response(request, due=started + settings.ANSWER_SECONDS + len(found) * SECONDS_A_CLAIM)
    return response


def _many(found: list[claims.ClaimFate]) -> HttpResponse:
    return HttpResponse(msgspec.json.encode(claims.report(fates=found)), content_type=JSON)


def _one(found: claims.ClaimFate) -> HttpResponse:
    told = claims.answer_claim(one=found)
    if found.fate.status != "rejected":
        return HttpResponse(msgspec.json.encode(told), content_type=JSON)
    status = 409 if found.fate.reason == "id_conflict" else 400
    body = {"type": "about:blank", "title": "The claim can't be taken", "status": status}
    detail = f"{found.fate.field}: {found.fate.reason}" if found.fate.field else found.fate.reason
    told = {name: value for name, value in told.items() if name in {"field", "reason"}}
    return HttpResponse(
        msgspec.json.encode({**body, "detail": detail, **told}), status=status, content_type="application/problem+json"
    )
