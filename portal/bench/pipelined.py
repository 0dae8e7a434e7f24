"""The bare server once more, with the gate's own pipeline as its driver: beside it shows what our statement costs."""

from collections.abc import Awaitable, Callable
from importlib import import_module
from typing import Any

from portal.bench.ceiling import ANSWER, HEADERS
from portal.wsgi import application as pages

ROW = b"SELECT version FROM consent_linegate WHERE line_id = $1"
# Settings are read with the pages; the gate can be known only then.
whole_product, pipeline = pages, import_module("consent.gate").Pipeline()


async def application(scope: dict[str, Any], _: object, send: Callable[[object], Awaitable[None]]) -> None:
    """The line to read is the query string."""
    await pipeline.run(ROW, [int(scope["query_string"])])
    await send({"type": "http.response.start", "status": 200, "headers": HEADERS})
    await send({"type": "http.response.body", "body": ANSWER})
