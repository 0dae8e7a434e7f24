"""The most that this server can do: a constant, after one row read by its primary key with the same driver."""

import os
from collections.abc import Awaitable, Callable
from typing import Any

import psycopg

ROW = "SELECT version FROM consent_linegate WHERE line_id = %s"
ANSWER = b'{"decision":false}'
HEADERS = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(ANSWER))]
free: list[psycopg.AsyncConnection[Any]] = []


async def application(scope: dict[str, Any], _: object, send: Callable[[object], Awaitable[None]]) -> None:
    """Answer after reading the line in the query string. Each request under way has a connection of its own."""
    connection = free.pop() if free else await _open_connection()
    await (await connection.execute(ROW, [int(scope["query_string"])])).fetchone()
    free.append(connection)
    await send({"type": "http.response.start", "status": 200, "headers": HEADERS})
    await send({"type": "http.response.body", "body": ANSWER})


async def _open_connection() -> psycopg.AsyncConnection[Any]:
    return await psycopg.AsyncConnection.connect(os.environ["DATABASE_URL"], autocommit=True, prepare_threshold=0)
