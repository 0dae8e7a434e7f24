"""The gate's doors on an event loop as a server calls them, and its questions on one connection."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

from django.db import connection
from django.utils import timezone

from accounts.models import Line
from consent.actions.choices import stop
from consent.api.asgi import DOOR, Message, Receive, Scope, Send, build_gate_application
from consent.gate.deciding import evaluate_in
from consent.gate.look_up import Caller
from consent.gate.pipeline import Pipeline, Pipelines
from consent.gate.shapes import Answer, Question
from consent.schemas import decisions
from partners.api import access
from partners.models import Campaign
from tests.consent.gate_requests import a_token, asked


def a_seen_token() -> bytes:
    """The header of a gateway whose token this process has seen before."""
    token = f"Bearer {a_token()}"
    assert access.grant_of(token, now=int(timezone.now().timestamp())) is not None
    return token.encode()


class Way:
    """The door as a server calls it; `sent_on` holds the bodies that went the long way."""

    def __init__(self) -> None:
        self.sent_on: list[bytes] = []
        self.pipelines = Pipelines(Pipeline(), [Pipeline(), Pipeline()])
        self.hears: Send | None = None
        self.application = build_gate_application(self._long, self.pipelines)

    async def _long(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.sent_on.append((await receive())["body"])
        await send({"type": "http.response.start", "status": 599, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    async def ask(self, *asked: Any, **more: Any) -> tuple[int, dict[bytes, bytes], bytes]:
        """The one answer of its time: its connections are closed then."""
        try:
            return await self.heard(*asked, **more)
        finally:
            self.close()

    def close(self) -> None:
        for pipeline in (self.pipelines.single, *self.pipelines.batches):
            pipeline.close()

    async def heard(
        self,
        body: bytes,
        *more: tuple[bytes, bytes],
        headers: Mapping[str, bytes | None],
        parts: Sequence[Message] = (),
        **changed: str,
    ) -> tuple[int, dict[bytes, bytes], bytes]:
        """A POST with the usual headers, as `headers` changes them (None: without it), and `more` after them.

        `parts`: what of the body comes in which message; after the last of them nothing comes.
        """
        usual = {"host": b"localhost", "content-length": b"%d" % len(body), "content-type": b"application/json"}
        named = [(name.encode(), value) for name, value in {**usual, **headers}.items() if value is not None]
        scope: Scope = {"type": "http", "method": "POST", "path": DOOR, "scheme": "http", "headers": [*named, *more]}
        scope.update(changed)
        said: list[Message] = []

        coming = list(parts or [{"body": body, "more_body": False}])

        async def receive() -> Message:
            return coming.pop(0) if coming else await asyncio.Future[Message]()

        async def send(message: Message) -> None:
            said.append(message)

        await self.application(scope, receive, self.hears or send)
        start, content = said
        return start["status"], dict(start["headers"]), content["body"]


def told(way: Way, body: bytes, *more: tuple[bytes, bytes], **asked: Any) -> tuple[int, dict[bytes, bytes], bytes]:
    return asyncio.run(way.ask(body, *more, **asked))


def in_one(*asks: Callable[[Pipeline], Awaitable[Any]]) -> list[Any]:
    """What each comes to, one after another, on one pipeline; errors as they are."""

    async def run() -> list[Any]:
        pipeline = Pipeline()
        try:
            return [(await asyncio.gather(ask(pipeline), return_exceptions=True))[0] for ask in asks]
        finally:
            pipeline.close()

    return asyncio.run(run())


def question_about(line: Line, campaign: Campaign) -> Question:
    return decisions.parse_question(json.dumps(asked(line, campaign)).encode())


async def answer_to(pipeline: Pipeline, question: Question, caller: Caller) -> Answer:
    (answer,) = await evaluate_in(pipeline=pipeline, caller=caller, questions=[question])
    return answer


def stopped_elsewhere(line: Line) -> None:
    """A stop by another thread, which keeps no connection."""
    try:
        stop(line_id=line.pk, scope="all", actor="subscriber:1", channel="web")
    finally:
        connection.close()
