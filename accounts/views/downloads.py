"""Downloads: how many a person has at once, and none by staff who view pages as another role."""

from collections.abc import Callable, Iterable
from functools import wraps
from http import HTTPStatus
from typing import Concatenate

from django.core.exceptions import PermissionDenied
from django.http import HttpResponseBase, StreamingHttpResponse
from django.shortcuts import render

from accounts.domain import view_as
from accounts.primitives.slots import SlotPool, hold_until_sent
from accounts.views.access import Door, PersonRequest, PersonView, SubscriberRequest

DOWNLOADS_AT_ONCE = 2
TRY_AGAIN_AFTER_S = 30

downloads = SlotPool()


def csv_file(*, lines: Iterable[str], name: str) -> StreamingHttpResponse:
    """Send these lines as a CSV file, as they come. `name`: of the file, without its ending."""
    response = StreamingHttpResponse(lines, content_type="text/csv; charset=utf-8")
    response.headers["Content-Disposition"] = f'attachment; filename="{name}.csv"'
    return response


def limit_downloads[R: SubscriberRequest | PersonRequest, **P](
    view: Callable[Concatenate[R, P], HttpResponseBase],
) -> Door:
    """A download keeps a thread until it has gone out: of those of this process a person has two, and no more."""

    @wraps(view)
    def door(request: R, *args: P.args, **kwargs: P.kwargs) -> HttpResponseBase:
        place = downloads.take(DOWNLOADS_AT_ONCE, whose=request.user.pk)
        if place is None:
            refused = render(request, "pages/downloading.html", status=HTTPStatus.TOO_MANY_REQUESTS)
            refused.headers["Retry-After"] = str(TRY_AGAIN_AFTER_S)
            return refused
        try:
            return hold_until_sent(view(request, *args, **kwargs), place)
        except BaseException:
            place.release()
            raise

    return door


def staff_download[**P](view: PersonView[P]) -> Door:
    """Refuse a download to an officer who is viewing pages as another role; else do as `limit_downloads`.

    The file would be taken in the officer's own name, and recorded so.
    """
    limited = limit_downloads(view)

    @wraps(view)
    def door(request: PersonRequest, *args: P.args, **kwargs: P.kwargs) -> HttpResponseBase:
        if view_as.get_viewed_role(request):
            raise PermissionDenied
        return limited(request, *args, **kwargs)

    return door
