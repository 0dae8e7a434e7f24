"""What a stop asks of the database is planned once for each connection, and what reading asks is not."""

import pytest
from django.db import connection
from django.db.backends.postgresql.base import Cursor, ServerBindingCursor
from django.http import HttpRequest, HttpResponse
from django.test import RequestFactory

from consent.middleware import planned_stops

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("path", "cursor"),
    [
        ("/stop/", ServerBindingCursor),
        ("/stop/code/", ServerBindingCursor),
        ("/stop/progress/Zm9v/", ServerBindingCursor),
        ("/choices/stop/", ServerBindingCursor),
        ("/choices/pause/", ServerBindingCursor),
        ("/choices/dispute/", ServerBindingCursor),
        ("/choices/allow/", Cursor),
        ("/choices/", Cursor),
        ("/home/", Cursor),
        ("/desk/stop/", Cursor),
    ],
)
def test_a_stop_has_its_plans_kept_and_reading_has_not(path: str, cursor: type[object]) -> None:
    used: list[type[object]] = []

    def page(request: HttpRequest) -> HttpResponse:
        connection.ensure_connection()
        used.append(connection.connection.cursor_factory)
        return HttpResponse(request.path)

    answer = planned_stops(page)(RequestFactory().get(path))
    assert (answer.content.decode(), used) == (path, [cursor])
    assert connection.connection.cursor_factory is Cursor
