"""Answers that may not leave before a moment (`accounts.views.access.same_time`), for servers with a thread a request.

On an event loop nobody's thread waits (`portal.wsgi_bridge`).
"""

import time
from collections.abc import Callable, Iterable
from typing import Any
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from accounts.views.access import ANSWER_AT
from portal.wsgi_bridge import seconds_left


def waiting_in_its_thread(application: WSGIApplication) -> WSGIApplication:
    """The application, whose thread waits where its answer has to."""

    def wrapped(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        def start(status: str, headers: list[tuple[str, str]], *failure: Any) -> Callable[[bytes], object]:
            if left := seconds_left(environ.get(ANSWER_AT)):
                time.sleep(left)
            return start_response(status, headers, *failure)

        return application(environ, start)

    return wrapped
