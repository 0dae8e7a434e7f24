"""Answer the gateway's questions on an event loop, past the application: what `gate_fast_path` is among threads.

Only a request that is in every way as it should be is answered here. Whatever is not, or can't be known without
waiting for the database, goes to the other application whole: a token that this process has not seen yet, a client
that was disabled, a body that is no question. A database that fails is a no here too.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, MutableMapping, Sequence
from contextlib import suppress
from functools import cache
from typing import Any

from django.conf import settings
from django.db import Error

from accounts.primitives.json_reader import Unreadable
from consent.api.decisions import (
    SCOPE,
    answer_headers,
    build_unavailable_answers,
    caller_of,
    encode_answer,
    encode_answers,
    is_ours,
)
from consent.gate.deciding import NotLive, evaluate_in
from consent.gate.pipeline import Pipeline, Pipelines
from consent.gate.shapes import Answer, Question
from consent.schemas import decisions
from consent.schemas.decisions import Incomplete
from partners.api.access import Grant, is_json, remembered_grant_of

DOOR, BATCHES = "/access/v1/evaluation", "/access/v1/evaluations"
BODY_WITHIN_S = 15.0
# Of what is no question so much is waited for here, which is more than a form has; whoever takes files reads the rest.
FORM_BYTES = 65_536

# ASGI 3.0, https://asgi.readthedocs.io/en/latest/specs/www.html
type Message = MutableMapping[str, Any]
type Scope = MutableMapping[str, Any]
type Receive = Callable[[], Awaitable[Message]]
type Send = Callable[[Message], Awaitable[None]]
type Application = Callable[[Scope, Receive, Send], Awaitable[None]]


def build_gate_application(otherwise: Application, pipelines: Pipelines) -> Application:
    """The application that answers the gateway's questions itself, and leaves all else to `otherwise`."""

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await otherwise(scope, receive, send)
            return
        headers = dict(scope["headers"])
        # A parser ends such a request with its head: the body would be read as the next one, and answers be mixed up.
        if b"upgrade" in headers:
            await _refuse_and_close(send, 400)
            return
        try:
            async with asyncio.timeout(BODY_WITHIN_S):
                first = await _read_body(receive, most=_get_size_limit(scope["path"]))
        except TimeoutError:
            await _refuse_and_close(send, 408)
            return
        if first is None:
            return
        said = (
            await _answer_request(pipelines, scope["path"], headers, first) if _may_go(scope, headers, first) else None
        )
        if said is None:
            await otherwise(scope, *_stream_remaining_body(first, receive, send))
            return
        await _send_response(send, 200, _answer_headers(headers, said), said)

    return application


async def _refuse_and_close(send: Send, status: int) -> None:
    """A refusal without words, and nothing more on this connection."""
    await _send_response(send, status, [(b"content-length", b"0"), (b"connection", b"close")], b"")


async def _send_response(send: Send, status: int, headers: list[tuple[bytes, bytes]], body: bytes) -> None:
    # Whoever has hung up hears nothing; some servers raise that, as what their event loop says.
    with suppress(RuntimeError, OSError):
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": body})


def _get_size_limit(path: str) -> int:
    return settings.DATA_UPLOAD_MAX_MEMORY_SIZE if path in {DOOR, BATCHES} else FORM_BYTES


async def _read_body(receive: Receive, *, most: int) -> Message | None:
    """The body in one message, or its beginning where it is longer than that; None: its sender has hung up.

    It is waited for here: whoever sends one slowly, or never, keeps no thread from anybody.
    """
    message = await receive()
    body = bytes(message.get("body", b""))
    while message.get("more_body", False) and len(body) <= most:
        message = await receive()
        body += message.get("body", b"")
    if message.get("type") == "http.disconnect":
        return None
    return {"type": "http.request", "body": body, "more_body": message.get("more_body", False)}


def _may_go(scope: Scope, headers: dict[bytes, bytes], first: Message) -> bool:
    """Whether nothing about the request, its body and token aside, needs Django's eyes."""
    return bool(
        scope["path"] in {DOOR, BATCHES}
        and scope["method"] == "POST"
        and is_json(
            headers.get(b"content-type", b"").decode("latin-1"),
            encoding=headers.get(b"content-encoding", b"").decode("latin-1"),
        )
        and len(headers) == len(scope["headers"])  # what is said twice is not this way's to weigh
        and _is_whole(headers, first)
        and is_ours(headers.get(b"host", b"").decode("latin-1"))
        and _is_safe(scope, headers)
    )


def _is_whole(headers: dict[bytes, bytes], first: Message) -> bool:
    """Whether the body came in one piece, as long as it was announced and no longer than may be."""
    return bool(
        headers.get(b"content-length", b"") == b"%d" % len(first["body"])
        and not first["more_body"]
        and len(first["body"]) <= settings.DATA_UPLOAD_MAX_MEMORY_SIZE
    )


def _is_safe(scope: Scope, headers: dict[bytes, bytes]) -> bool:
    """Whether nobody needs to look at a certificate or to lead the client to https."""
    return not settings.MTLS_CLIENT_CERTIFICATES and (not settings.SECURE_SSL_REDIRECT or _is_secure(scope, headers))


async def _answer_request(pipelines: Pipelines, path: str, headers: dict[bytes, bytes], first: Message) -> bytes | None:
    grant = remembered_grant_of(headers.get(b"authorization", b"").decode("latin-1"), now=int(time.time()))
    if grant is None or SCOPE not in grant.scopes or grant.bound_to:
        return None
    try:
        if path == DOOR:
            return encode_answer(await _answers(pipelines.single, grant, [decisions.parse_question(first["body"])]))
        batch = decisions.parse_batch(first["body"])
        return encode_answers(batch, await _answers(pipelines.get_least_busy(), grant, batch.questions))
    except (Unreadable, Incomplete, NotLive):
        return None


async def _answers(pipeline: Pipeline, grant: Grant, questions: Sequence[Question]) -> list[Answer]:
    if not questions:  # the statement that answers is what finds the machine live
        raise NotLive
    try:
        return await evaluate_in(pipeline=pipeline, caller=caller_of(grant), questions=questions)
    except Error:
        return build_unavailable_answers(questions)


def _stream_remaining_body(first: Message, receive: Receive, send: Send) -> tuple[Receive, Send]:
    """Receive what came already and then what comes; send `Connection: close` where the answer begins before all came.

    The server cannot read the next request behind it, and a client that is not told so would send one (RFC 9112).
    """
    waiting, is_whole = [first], not first["more_body"]

    async def receive_rest() -> Message:
        nonlocal is_whole
        if waiting:
            return waiting.pop()
        message = await receive()
        is_whole = not message.get("more_body", False)
        return message

    async def send_closing(message: Message) -> None:
        if message["type"] == "http.response.start" and not is_whole:
            message = {**message, "headers": [*message["headers"], (b"connection", b"close")]}
        await send(message)

    return receive_rest, send_closing


def _is_secure(scope: Scope, headers: dict[bytes, bytes]) -> bool:
    name, value = getattr(settings, "SECURE_PROXY_SSL_HEADER", None) or ("", "")
    if not name:
        return bool(scope["scheme"] == "https")
    return headers.get(_header_of(name)) == value.encode()


@cache
def _header_of(name: str) -> bytes:
    """A header's own name, of that by which WSGI knows it."""
    return name.removeprefix("HTTP_").replace("_", "-").lower().encode()


def _answer_headers(headers: dict[bytes, bytes], said: bytes) -> list[tuple[bytes, bytes]]:
    own = [*_own_headers(), (b"content-length", b"%d" % len(said))]
    if (request_id := headers.get(b"x-request-id")) is not None:
        own.append((b"x-request-id", request_id))
    return own


@cache
def _own_headers() -> tuple[tuple[bytes, bytes], ...]:
    return tuple((name.lower().encode(), value.encode()) for name, value in answer_headers())
