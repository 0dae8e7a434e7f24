"""The most that this server can do: a constant, after one row read by its primary key with the same driver."""

import os
from collections.abc import Iterable
from threading import local
from wsgiref.types import StartResponse, WSGIEnvironment

import psycopg

ROW = "SELECT version FROM consent_linegate WHERE line_id = %s"
ANSWER = b'{"decision":false}'
HEADERS = [("Content-Type", "application/json"), ("Content-Length", str(len(ANSWER)))]
of_thread = local()


def application(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    """The line to read is the query string."""
    if not hasattr(of_thread, "connection"):
        of_thread.connection = psycopg.connect(os.environ["DATABASE_URL"], autocommit=True, prepare_threshold=0)
    of_thread.connection.execute(ROW, [int(environ["QUERY_STRING"])]).fetchone()
    start_response("200 OK", HEADERS)
    return [ANSWER]
