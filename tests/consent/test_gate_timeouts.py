"""An answer that is seen too late is a no: a process that was halted meanwhile would hand on what no longer holds."""

import asyncio
import json
from collections.abc import Sequence
from importlib import import_module
from typing import Any

import pytest
from django.db import DatabaseError
from django.utils import timezone

from accounts.models import Line
from consent.api.decisions import caller_of
from consent.gate import deciding
from consent.gate.deciding import AT_ONCE, evaluate_in
from consent.gate.pipeline import Pipeline
from consent.gate.shapes import Question
from partners.api import access
from partners.models import Campaign
from portal.wsgi import application
from tests.consent.gate_requests import MANY, ONE, asked, send
from tests.consent.gate_way import a_seen_token, in_one, question_about

pytestmark = pytest.mark.usefixtures("committed_db", "no_broker")
OWN_PID = b"SELECT pg_backend_pid()"
LATE = "the database did not answer in time"


class Halted(list[Question]):
    """Questions whose process stands still for three seconds before the second part of them is answered."""

    def __init__(self, questions: Sequence[Question], monkeypatch: pytest.MonkeyPatch) -> None:
        super().__init__(questions)
        self.monkeypatch = monkeypatch

    def __getitem__(self, place: Any) -> Any:
        if isinstance(place, slice) and place.start:
            loop, clock = asyncio.get_running_loop(), asyncio.get_running_loop().time
            self.monkeypatch.setattr(loop, "time", lambda: clock() + 3.0)
        return super().__getitem__(place)


def test_rows_that_come_after_their_time_are_no_answer() -> None:
    async def ask(pipeline: Pipeline) -> tuple[str, bool]:
        first = await pipeline.run(OWN_PID, [])
        now = asyncio.get_running_loop().time()
        (late,) = await asyncio.gather(pipeline.run(OWN_PID, [], until=now), return_exceptions=True)
        return str(late), await pipeline.run(OWN_PID, []) == first

    assert in_one(ask) == [(LATE, True)]


def test_a_batch_that_took_too_long_is_no_answer(
    line: Line, campaign: Campaign, monkeypatch: pytest.MonkeyPatch
) -> None:
    grant = access.grant_of(a_seen_token().decode(), now=int(timezone.now().timestamp()))
    assert grant is not None
    questions = [question_about(line, campaign)] * (2 * AT_ONCE)

    async def ask(pipeline: Pipeline, asked_for: Sequence[Question]) -> str | int:
        found = evaluate_in(pipeline=pipeline, caller=caller_of(grant), questions=asked_for)
        try:
            return sum(answer.allowed for answer in await found)
        except DatabaseError as error:
            return str(error)

    halted = Halted(questions, monkeypatch)
    said = in_one(lambda pipeline: ask(pipeline, questions), lambda pipeline: ask(pipeline, halted))
    assert said == [2 * AT_ONCE, LATE]


@pytest.mark.parametrize("path", [ONE, MANY])
def test_among_threads_too_what_is_seen_too_late_is_no(
    line: Line, campaign: Campaign, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    token, body = a_seen_token().decode(), json.dumps(asked(line, campaign)).encode()
    assert json.loads(send(application, path, body, HTTP_AUTHORIZATION=token)[2])["decision"] is True
    monkeypatch.setattr(import_module("consent.gate.execution"), "PATIENCE_S", 0.0)
    with pytest.raises(DatabaseError, match=LATE):
        deciding.evaluate(questions=[question_about(line, campaign)], for_release=True)
    # What pages say of the line is nobody's yes, and may come late.
    assert deciding.evaluate(questions=[question_about(line, campaign)])[0].allowed
    status, _, content = send(application, path, body, HTTP_AUTHORIZATION=token)
    said = json.loads(content)
    assert (status, said["decision"], said["context"]["reason"]) == ("200 OK", False, "unavailable")
