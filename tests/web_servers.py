"""Web servers of a test's own, each in a thread."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import HTTPServer
from ssl import SSLContext


@contextmanager
def answering[S: HTTPServer](server: S, *, tls: SSLContext | None = None) -> Iterator[S]:
    """Have a server answer for as long as this lasts, over TLS where it is given."""
    if tls is not None:
        server.socket = tls.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
