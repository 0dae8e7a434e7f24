"""What a web process is handed by whatever stands in front of it, said back: the headers, and how long the body was."""

import json
from collections.abc import Iterable
from wsgiref.types import StartResponse, WSGIEnvironment

BLOCK = 1_000_000


def application(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    """Everything at every address."""
    length = 0
    while block := environ["wsgi.input"].read(BLOCK):
        length += len(block)
    headers = {name: value for name, value in environ.items() if name.startswith("HTTP_")}
    said = json.dumps({"headers": headers, "length": length, "port": int(environ["SERVER_PORT"])}).encode()
    start_response("200 OK", [("Content-Type", "application/json"), ("Content-Length", str(len(said)))])
    return [said]
