"""A WSGI application on an event loop: each request has a thread until its answer is made, and whoever waits has none.

The answer comes back to the loop whole, in one step, and leaves from there when it may
(`accounts.views.access.pad_response_time`). Forms that hash passwords for anybody, however many come, are taken one at
a time and wait here as well (`TAKEN_IN_TURN`). What is made bit by bit keeps its thread until it has gone out, or until
whoever asked has hung up. On servers with a thread for each request, that thread waits (`delay_in_thread`).
"""

import asyncio
import sys
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from io import BytesIO
from typing import Any
from urllib.parse import quote
from wsgiref.types import InputStream, StartResponse, WSGIApplication, WSGIEnvironment

from django.conf import settings
from django.core.exceptions import PermissionDenied
from django.core.handlers.wsgi import WSGIRequest
from django.utils.http import parse_header_parameters

from accounts.primitives import browsers
from accounts.primitives.slots import Turns
from accounts.views.access import ANSWER_AT
from consent.api.asgi import Application, Message, Receive, Scope, Send

ASCII = "".join(map(chr, range(0x21, 0x7F)))
# Headers that CGI calls otherwise.
NAMED = {b"content-length": "CONTENT_LENGTH", b"content-type": "CONTENT_TYPE"}
# No limit may close them to the rightful person, and each form costs some hashes: more at once would take the processor
# from every other page. To sign in without a code of an app there are limits besides.
TAKEN_IN_TURN = frozenset({"/stop/ended/", "/accounts/login/ended/", "/accounts/login/staff/"})
LONGEST_FORM = 10_000
# Times ANSWER_SECONDS: how long a turn lasts at least in which something was looked up. It takes a third of that, right
# or wrong; a turn as long as the work would tell whoever waits next whether there was something to stop.
TURN_TAKES = 8

type Head = tuple[str, list[tuple[str, str]]]


class Utf8Request(WSGIRequest):
    """A request in UTF-8, whatever character set its `Content-Type` names: doors refuse others themselves.

    Django would decode the query by that too, and refuse what it can't read of the header, while it makes the request:
    nobody could answer a caller who names `hex`, which is a codec but not of texts.
    """

    def _set_content_type_params(self, meta: WSGIEnvironment) -> None:
        said = meta.get("CONTENT_TYPE", "")
        try:
            self.content_type, self.content_params = parse_header_parameters(said)
        except (ValueError, LookupError):
            self.content_type, self.content_params = said.lower(), {}


def run_in_threads(application: WSGIApplication, *, threads: int) -> Application:
    """Return the application for an event loop, with so many threads at most."""
    answers = _Threads(application, threads)

    async def on_the_loop(scope: Scope, receive: Receive, send: Send) -> None:
        first = await receive()
        if first["type"] == "http.disconnect":
            return
        out = _Out(asyncio.get_running_loop(), receive, send)
        if scope["method"] == "POST" and scope["path"] in TAKEN_IN_TURN:
            # Whole before it waits, so that nobody keeps others waiting by sending it slowly.
            await answers.give_in_turn(_environ(scope, BytesIO(await out.form(first))), out)
        else:
            body = _Body(first, out) if first.get("more_body") else BytesIO(first.get("body", b""))
            await answers.give(_environ(scope, body), out)

    return on_the_loop


class _Threads:
    """An application in so many threads."""

    def __init__(self, application: WSGIApplication, threads: int) -> None:
        self._application, self._turns = application, Turns()
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="page")

    async def give(self, environ: WSGIEnvironment, out: "_Out") -> None:
        await out.whole(await self._make(environ, out), environ)

    async def give_in_turn(self, environ: WSGIEnvironment, out: "_Out") -> None:
        """Nobody whose connection is closed has a turn. How long one lasts doesn't tell what its answer keeps quiet."""
        gone = asyncio.ensure_future(out.hung_up())
        try:
            if await self._turns.take(_network(environ), gone=gone):
                over = out.loop.time() + TURN_TAKES * settings.ANSWER_SECONDS
                try:
                    answer = await self._make(environ, out)
                finally:
                    left = over - out.loop.time() if ANSWER_AT in environ else 0
                    out.loop.call_later(max(0, left), self._turns.release)
                await out.whole(answer, environ)
        finally:
            gone.cancel()

    async def _make(self, environ: WSGIEnvironment, out: "_Out") -> tuple[Head, bytes] | None:
        return await out.loop.run_in_executor(self._pool, _run_application, self._application, environ, out)


def _network(environ: WSGIEnvironment) -> str:
    with suppress(PermissionDenied, ValueError):
        return browsers.get_network(Utf8Request(environ))
    return ""


def seconds_left(due: object) -> float:
    """Return how long an answer still has to wait; 0 for one that need not."""
    return max(0.0, due - time.monotonic()) if isinstance(due, float) else 0.0


class _Out:
    """The way to whoever asked. Its threads' side is `goes`."""

    def __init__(self, loop: asyncio.AbstractEventLoop, receive: Receive, send: Send) -> None:
        self.loop, self._receive, self._send = loop, receive, send
        self.is_gone = False

    async def begin(self, head: Head, due: object) -> None:
        """Send the head, but not before its moment."""
        if left := seconds_left(due):
            await asyncio.sleep(left)
        status, headers = head
        said = [(name.strip().lower().encode("latin-1"), value.strip().encode("latin-1")) for name, value in headers]
        await self._send({"type": "http.response.start", "status": int(status[:3]), "headers": said})

    async def whole(self, answer: tuple[Head, bytes] | None, environ: WSGIEnvironment) -> None:
        """Send an answer that was made in one step; nothing where it has gone out bit by bit."""
        if answer is not None:
            await self.begin(answer[0], environ.get(ANSWER_AT))
            await self._part(answer[1], more=False)

    async def form(self, first: Message) -> bytes:
        """Return a form's body, or as much of it as any of ours has."""
        body, message = bytearray(first.get("body", b"")), first
        while message.get("more_body") and len(body) < LONGEST_FORM:
            message = await self._receive()
            body += message.get("body", b"")
        return bytes(body)

    async def hung_up(self) -> None:
        """Return when whoever asked hangs up."""
        while (await self._receive())["type"] != "http.disconnect":
            pass

    def stream(self, head: Head, parts: Iterable[bytes], due: object) -> None:
        """Send it bit by bit, from a thread, as fast as it is taken."""
        self._run_on_loop(self.begin(head, due))
        watch = asyncio.run_coroutine_threadsafe(self._notice(), self.loop)
        try:
            for part in parts:
                if self.is_gone:
                    return
                self._run_on_loop(self._part(part, more=True))
            self._run_on_loop(self._part(b"", more=False))
        finally:
            watch.cancel()

    def message(self) -> Message:
        """Return what comes next from whoever asks, for a thread that waits for it."""

        async def receive_message() -> Message:
            return await self._receive()

        return asyncio.run_coroutine_threadsafe(receive_message(), self.loop).result()

    async def _part(self, part: bytes, *, more: bool) -> None:
        await self._send({"type": "http.response.body", "body": part, "more_body": more})

    async def _notice(self) -> None:
        """Notice when the client hangs up: the server would send on into nothing."""
        await self.hung_up()
        self.is_gone = True

    def _run_on_loop(self, work: Any) -> None:
        asyncio.run_coroutine_threadsafe(work, self.loop).result()


class _Body:
    """A body that is still coming, for a thread that reads it."""

    def __init__(self, first: Message, out: _Out) -> None:
        self._kept, self._out, self._more = bytearray(first.get("body", b"")), out, True

    def read(self, size: int = -1, /) -> bytes:
        while self._more and (size < 0 or len(self._kept) < size):
            self._take()
        return self._take_bytes(len(self._kept) if size < 0 else size)

    def readline(self, size: int = -1, /) -> bytes:
        while self._more and b"\n" not in self._kept and (size < 0 or len(self._kept) < size):
            self._take()
        end = self._kept.find(b"\n") + 1 or len(self._kept)
        return self._take_bytes(end if size < 0 else min(end, size))

    def readlines(self, _hint: int = -1, /) -> list[bytes]:
        return list(self)

    def __iter__(self) -> Any:
        return iter(self.readline, b"")

    def _take(self) -> None:
        message = self._out.message()
        if message["type"] == "http.disconnect":
            raise OSError("whoever sent it has hung up")
        self._kept += message.get("body", b"")
        self._more = bool(message.get("more_body"))

    def _take_bytes(self, size: int) -> bytes:
        given = bytes(self._kept[:size])
        del self._kept[:size]
        return given


def _run_application(application: WSGIApplication, environ: WSGIEnvironment, out: _Out) -> tuple[Head, bytes] | None:
    """In a thread: the answer; None where it has gone out from here, bit by bit."""
    heads: list[Head] = []

    def start(status: str, headers: list[tuple[str, str]], *_failure: Any) -> Callable[[bytes], object]:
        heads[:] = [(status, headers)]
        return _write

    parts = application(environ, start)
    try:
        if isinstance(parts, list) or not getattr(parts, "streaming", True):
            body = b"".join(parts)
            return heads[0], body
        out.stream(heads[0], parts, environ.get(ANSWER_AT))
    finally:
        getattr(parts, "close", _nothing)()
    return None


def _nothing() -> None:
    pass


def _write(_part: bytes) -> object:
    raise NotImplementedError("nothing here writes so; PEP 3333 keeps it for old frameworks")


def _environ(scope: Scope, body: object) -> WSGIEnvironment:
    """Return the request as WSGI says it.

    There `X_Name` and `X-Name` are one header, so that a caller could write what only the proxy may; a query is ASCII.
    """
    name, port = scope.get("server") or ("localhost", 80)
    caller, callers_port = scope.get("client") or ("", 0)
    environ: WSGIEnvironment = {
        "REQUEST_METHOD": scope["method"],
        "SCRIPT_NAME": "",
        "PATH_INFO": scope["path"].encode().decode("latin-1"),
        "QUERY_STRING": quote(scope["query_string"], safe=ASCII),
        "SERVER_PROTOCOL": f"HTTP/{scope['http_version']}",
        "SERVER_NAME": name,
        "SERVER_PORT": str(port or 0),
        "REMOTE_ADDR": caller,
        "REMOTE_PORT": str(callers_port),
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": scope.get("scheme", "http"),
        "wsgi.input": body,
        "wsgi.input_terminated": True,
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": True,
        "wsgi.multiprocess": True,
        "wsgi.run_once": False,
    }
    for header, value in scope["headers"]:
        if b"_" in header:
            continue
        key = NAMED.get(header) or f"HTTP_{header.decode('latin-1').upper().replace('-', '_')}"
        said = value.decode("latin-1")
        environ[key] = f"{environ[key]},{said}" if key in environ else said
    return environ


def delay_in_thread(application: WSGIApplication) -> WSGIApplication:
    """Return the application, whose thread waits where its answer has to."""

    def wrapped(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        def start(status: str, headers: list[tuple[str, str]], *failure: Any) -> Callable[[bytes], object]:
            if left := seconds_left(environ.get(ANSWER_AT)):
                time.sleep(left)
            return start_response(status, headers, *failure)

        return application(environ, start)

    return wrapped


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


def close_after_unread_body(application: WSGIApplication) -> WSGIApplication:
    """Say `Connection: close` where a request is answered before its body was read (RFC 9112, section 9.3).

    A server can't read the next request behind a body that it left unread, and so closes the connection. A client that
    is not told sends its next request on it, and gets no answer.
    """

    def wrapped(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        body = environ["wsgi.input"] = CountingInput(environ["wsgi.input"])
        length = environ.get("CONTENT_LENGTH", "")

        def start(status: str, headers: list[tuple[str, str]], *failure: Any) -> Callable[[bytes], object]:
            is_whole = body.size >= int(length) if length.isdecimal() else body.ended or not body.size
            return start_response(status, headers if is_whole else [*headers, CLOSE], *failure)

        return application(environ, start)

    return wrapped
