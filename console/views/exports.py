"""Files for the annual certificate."""

from django.http import Http404, HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.utils import timezone

import audit.actions
from accounts.policies.permissions import actor_of
from accounts.views.access import PersonRequest, few_at_once
from console.views.site import show
from support.queries.exports import EXPORTS, as_csv

FIRST_YEAR = 2020


def index(request: PersonRequest) -> HttpResponse:
    """What can be taken away, by year."""
    year = timezone.now().year
    years = [year - n for n in range(4)]
    return show(request, "exports.html", title="Exports", exports=list(EXPORTS.items()), years=years)


@few_at_once
def download(request: PersonRequest, name: str, year: int) -> HttpResponseBase:
    """One file, streaming; that it was taken is written into the trail."""
    at = timezone.now()
    if name not in EXPORTS or not FIRST_YEAR <= year <= at.year:
        raise Http404
    audit.actions.record(
        action="export.taken", actor=actor_of(request.user), target=f"export:{name}", at=at, detail={"year": year}
    )
    response = StreamingHttpResponse(
        as_csv(export=EXPORTS[name], year=year, at=at), content_type="text/csv; charset=utf-8"
    )
    response.headers["Content-Disposition"] = f'attachment; filename="whereabouts-{name}-{year}.csv"'
    return response
