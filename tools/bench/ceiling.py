"""The most that this server can do: a constant, after one row read by its key, or one written, by the same driver."""

import os
from collections.abc import Awaitable, Callable
from typing import Any

import psycopg

ROW = "SELECT version FROM consent_linegate WHERE line_id = %s"
WRITTEN = """
INSERT INTO accounts_browsersession (key_hash, data, expires_at, origin_sealed)
VALUES (sha256(gen_random_uuid()::text::bytea), '', now(), '')
"""
ANSWER = b'{"decision":false}'
HEADERS = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(ANSWER))]
SENT_ON = [(b"location", b"/choices/"), (b"content-length", b"0")]
free: list[psycopg.AsyncConnection[Any]] = []


async def application(scope: dict[str, Any], _: object, send: Callable[[object], Awaitable[None]]) -> None:
    """Answer after reading the line in the query string, or a form after writing a row: one that is over at once.

    Each request under way has a connection of its own.
    """
    connection, is_form = free.pop() if free else await _open_connection(), scope["method"] == "POST"
    if is_form:
        await connection.execute(WRITTEN)
    else:
        await (await connection.execute(ROW, [int(scope["query_string"])])).fetchone()
    free.append(connection)
    status, headers, body = (302, SENT_ON, b"") if is_form else (200, HEADERS, ANSWER)
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


async def _open_connection() -> psycopg.AsyncConnection[Any]:
    return await psycopg.AsyncConnection.connect(os.environ["DATABASE_URL"], autocommit=True, prepare_threshold=0)
