"""The bare server once more, with the gate's own pipeline as its driver: beside it shows what our statement costs."""

from collections.abc import Awaitable, Callable
from importlib import import_module
from typing import Any

from portal.wsgi import application as pages

ROW = b"SELECT version FROM consent_linegate WHERE line_id = $1::text::bigint"
# What needs settings can be known only once the pages have read them.
ceiling, gate = import_module("tools.bench.ceiling"), import_module("consent.gate.pipeline")
whole_product, pipeline = pages, gate.Pipeline()


async def application(scope: dict[str, Any], _: object, send: Callable[[object], Awaitable[None]]) -> None:
    """Answer after reading the line in the query string."""
    await pipeline.run(ROW, [scope["query_string"].decode()])
    await send({"type": "http.response.start", "status": 200, "headers": ceiling.HEADERS})
    await send({"type": "http.response.body", "body": ceiling.ANSWER})
