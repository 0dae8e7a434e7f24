"""The ASGI application of the gate's own process: questions on its event loop, all else in threads."""

import gc
import sys
from collections.abc import Iterable
from importlib import import_module
from typing import TYPE_CHECKING, Any
from urllib.parse import quote
from wsgiref.types import StartResponse, WSGIEnvironment

from a2wsgi import WSGIMiddleware

from portal import wsgi

if TYPE_CHECKING:
    from consent.api.on_a_loop import Application, Message, Receive, Scope, Send

# Between turns of Python's threads: the event loop waits so long at most for a thread that works at something else.
sys.setswitchinterval(0.0005)

ASCII = "".join(map(chr, range(0x21, 0x7F)))
# For whatever is not in every way as it should be.
THREADS = 16
# While one connection's rows are read, PostgreSQL looks for the other's.
FOR_BATCHES = 2


def whole_product(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    """What the other processes serve. The bridge gives it bodies that end, and does not say so."""
    environ["wsgi.input_terminated"] = True
    return wsgi.whole_product(environ, start_response)


# As it is known to the standard library; the bridge has types of its own for the same.
bridged: Any = whole_product
in_threads: Any = WSGIMiddleware(bridged, workers=THREADS)


async def otherwise(scope: "Scope", receive: "Receive", send: "Send") -> None:
    """The whole product, for which each request has a thread of its own."""

    # The bridge wants a coroutine, and servers hand on what is merely awaitable.
    async def received() -> "Message":
        return await receive()

    await in_threads(_plain(scope), received, send)


def _plain(scope: "Scope") -> "Scope":
    """The request as WSGI can say it.

    There `X_Name` and `X-Name` are one header, so that a caller could write what only the proxy may; a query is ASCII.
    """
    if scope["type"] != "http":
        return scope
    headers = [(name, value) for name, value in scope["headers"] if b"_" not in name]
    return {**scope, "headers": headers, "query_string": quote(scope["query_string"], safe=ASCII).encode()}


on_a_loop, gate = import_module("consent.api.on_a_loop"), import_module("consent.gate")
application: "Application" = on_a_loop.gate_on_a_loop(
    otherwise, gate.Pipelines(gate.Pipeline(), [gate.Pipeline() for _ in range(FOR_BATCHES)])
)

# What was made so far stays: the collector of cycles need not look at it again and again while somebody waits.
gc.collect()
gc.freeze()
