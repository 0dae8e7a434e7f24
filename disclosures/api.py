"""The carrier's own doors: what its gateway released and refused, and what becomes of its lines."""

from collections.abc import Callable
from functools import partial
from typing import Any

import msgspec
from django.http import HttpResponse
from django.views.decorators.http import require_POST

import audit.queries
from disclosures.feeds.reports import MOST_BYTES, MOST_REPORTED, TooManyLines, receive_lines, receive_report
from partners.api.access import CSV, NDJSON, ClientRequest, client_required, problem, refuse_unsupported_type
from partners.feeds.checking import NothingReadable


@require_POST
@client_required("disclosures:write")
def disclosures(request: ClientRequest) -> HttpResponse:
    """NDJSON, up to 10,000 lines; tells what became of each. The same lines again change nothing."""
    return refuse_unsupported_type(request, NDJSON) or _import_request(request, receive_report)


@require_POST
@client_required("lines:write")
def lines(request: ClientRequest) -> HttpResponse:
    """NDJSON or CSV with a header, up to 10,000 lines; tells what became of each. The same again changes nothing."""
    take = partial(receive_lines, is_csv=request.content_type == CSV)
    return refuse_unsupported_type(request, NDJSON, CSV) or _import_request(request, take)


def _import_request(request: ClientRequest, take: Callable[..., dict[str, Any]]) -> HttpResponse:
    try:
        report = take(stream=request, client_id=request.client.pk, at=audit.queries.database_clock())
    except TooManyLines:
        return problem(
            413, "Too many lines", f"At most {MOST_REPORTED:,} lines and {MOST_BYTES:,} bytes go into one request."
        )
    except NothingReadable as error:
        return problem(400, "Nothing can be read", str(error))
    return HttpResponse(msgspec.json.encode(report), content_type="application/json")
