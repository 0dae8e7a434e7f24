"""Say `Connection: close` where a request is answered before its body was read (RFC 9112, section 9.3).

A server can't read the next request behind a body that it left unread, and so closes the connection. A client that is
not told so sends its next request on it, and hears nothing.
"""

from collections.abc import Callable, Iterable
from typing import Any
from wsgiref.types import InputStream, StartResponse, WSGIApplication, WSGIEnvironment

CLOSE = ("Connection", "close")


class CountingInput:
    """A request's body that knows how much of it was read."""

    def __init__(self, stream: InputStream) -> None:
        self._stream = stream
        self.size = 0
        self.ended = False

    def read(self, size: int = -1, /) -> bytes:
        return self._count_bytes(self._stream.read(size), size)

    def readline(self, size: int = -1, /) -> bytes:
        return self._count_bytes(self._stream.readline(size), size)

    def readlines(self, hint: int = -1, /) -> list[bytes]:
        return [self._count_bytes(line, -1) for line in self._stream.readlines(hint)]

    def __iter__(self) -> Iterable[bytes]:
        return (self._count_bytes(line, -1) for line in self._stream)

    def _count_bytes(self, piece: bytes, wanted: int) -> bytes:
        self.size += len(piece)
        self.ended = self.ended or (wanted != 0 and not piece)
        return piece


def closing_after_unread(application: WSGIApplication) -> WSGIApplication:
    """The application, which tells the server and the client to close where it did not read the whole body."""

    def wrapped(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        body = environ["wsgi.input"] = CountingInput(environ["wsgi.input"])
        length = environ.get("CONTENT_LENGTH", "")

        def start(status: str, headers: list[tuple[str, str]], *failure: Any) -> Callable[[bytes], object]:
            is_whole = body.size >= int(length) if length.isdecimal() else body.ended or not body.size
            return start_response(status, headers if is_whole else [*headers, CLOSE], *failure)

        return application(environ, start)

    return wrapped
