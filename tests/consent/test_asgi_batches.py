"""Batches on the gate's event loop: answered as on the long way, in order, and nobody's single question behind them."""

import asyncio
import json
from typing import Any

import pytest
from django.db import DatabaseError
from django.test import Client
from django.utils import timezone

from accounts.models import Line
from consent.actions.choices import stop
from consent.api.asgi import BATCHES, DOOR
from consent.gate.deciding import AT_ONCE
from consent.gate.pipeline import Pipeline
from partners.models import Campaign
from partners.models import Client as Machine
from tests.consent.gate_requests import asked, without_ids
from tests.consent.gate_way import Way, a_seen_token, stopped_elsewhere, told
from tests.factories import a_line, an_approval

pytestmark = pytest.mark.usefixtures("committed_db", "no_broker")

LOCK, UNLOCK = b"SELECT pg_advisory_lock(7)", b"SELECT pg_advisory_unlock(7)"


@pytest.fixture
def token() -> bytes:
    return a_seen_token()


@pytest.fixture
def stopped(line: Line, campaign: Campaign) -> Line:
    """Another line with the same yes, whose person then stopped everything."""
    other = a_line(msisdn="+12065550178")
    an_approval(other, campaign)
    stop(line_id=other.pk, scope="all", actor="subscriber:1", channel="web")
    return other


def batch(line: Line, stopped: Line, campaign: Campaign, *, times: int = 1, **more: Any) -> dict[str, Any]:
    """So many times: a yes, a stop, a line that is not ours, another asking, and the yes by the line's own id."""
    whole = asked(line, campaign)
    items = [
        {"resource": whole["resource"]}, {"resource": asked(stopped, campaign)["resource"]},
        {"resource": {"type": "line", "id": "L-none"}},
        {"resource": whole["resource"], "action": {"name": "another"}},
        {"resource": {"type": "line", "id": line.carrier_id}},
    ]  # fmt: skip
    return {"subject": whole["subject"], "action": whole["action"], "evaluations": items * times, **more}


REASONS = [None, "stopped_all", "line_unknown", "no_approval", None]


def reasons_in(content: bytes) -> list[str | None]:
    return [one["context"].get("reason") for one in json.loads(content)["evaluations"]]


@pytest.mark.parametrize(
    "more", [{}, {"options": {"evaluations_semantic": "deny_on_first_deny"}}], ids=["all", "first"]
)
def test_a_batch_is_answered_as_on_the_long_way(
    client: Client, line: Line, stopped: Line, campaign: Campaign, token: bytes, more: dict[str, Any]
) -> None:
    way, text = Way(), json.dumps(batch(line, stopped, campaign, **more)).encode()
    status, headers, content = told(
        way, text, (b"x-request-id", b"req-7"), headers={"authorization": token}, path=BATCHES
    )
    long = client.post(BATCHES, text, content_type="application/json", headers={"Authorization": token.decode()})
    assert (status, long.status_code, way.sent_on) == (200, 200, [])
    assert without_ids(content) == without_ids(long.content)
    assert reasons_in(content) == (REASONS[:2] if more else REASONS)
    assert (headers[b"x-request-id"], headers[b"content-length"]) == (b"req-7", b"%d" % len(content))


def test_batch_of_one_question_named_beside_it_is_that_question(line: Line, campaign: Campaign, token: bytes) -> None:
    way, text = Way(), json.dumps(asked(line, campaign)).encode()
    status, _, content = told(way, text, headers={"authorization": token}, path=BATCHES)
    assert (status, json.loads(content)["decision"], way.sent_on) == (200, True, [])


def test_of_more_than_are_answered_in_one_turn_each_answer_stands_where_its_question_stood(
    line: Line, stopped: Line, campaign: Campaign, token: bytes
) -> None:
    times = AT_ONCE // len(REASONS) * 3 + 1
    text = json.dumps(batch(line, stopped, campaign, times=times)).encode()
    _, _, content = told(Way(), text, headers={"authorization": token}, path=BATCHES)
    assert reasons_in(content) == REASONS * times
    assert len({one["context"]["decision_id"] for one in json.loads(content)["evaluations"]}) == 4


def test_what_is_no_batch_goes_the_long_way_whole(token: bytes) -> None:
    too_many = json.dumps({"evaluations": [{}] * 1001}).encode()
    for body in (b"", b"{", b"\xff", b'{"evaluations": [{}]}', b'{"evaluations": 1}', too_many):
        way = Way()
        assert told(way, body, headers={"authorization": token}, path=BATCHES)[0] == 599
        assert way.sent_on == [body]


def test_a_disabled_client_s_batch_goes_the_long_way(
    line: Line, stopped: Line, campaign: Campaign, token: bytes
) -> None:
    Machine.objects.update(disabled_at=timezone.now())
    way, text = Way(), json.dumps(batch(line, stopped, campaign)).encode()
    assert told(way, text, headers={"authorization": token}, path=BATCHES)[0] == 599
    assert way.sent_on == [text]


def test_without_a_database_all_of_a_batch_are_a_no(
    line: Line, stopped: Line, campaign: Campaign, token: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def gone(self: Pipeline, *_: object, **__: object) -> None:
        raise DatabaseError("gone")

    monkeypatch.setattr(Pipeline, "run", gone)
    way, text = Way(), json.dumps(batch(line, stopped, campaign)).encode()
    status, _, content = told(way, text, headers={"authorization": token}, path=BATCHES)
    assert (status, reasons_in(content), way.sent_on) == (200, ["unavailable"] * 5, [])


def test_a_batch_takes_the_connection_that_is_free(line: Line, stopped: Line, campaign: Campaign, token: bytes) -> None:
    many, one = (json.dumps(body).encode() for body in (batch(line, stopped, campaign), asked(line, campaign)))

    async def beside_some_that_hang() -> list[tuple[int, bool]]:
        way, other = Way(), Pipeline()
        await other.run(LOCK, [])
        hanging, said = [], []
        for pipeline, path, body in zip(way.pipelines.batches, (BATCHES, DOOR), (many, one), strict=True):
            await pipeline.run(b"SELECT 1", [])
            hanging.append(asyncio.ensure_future(pipeline.run(LOCK, [])))
            await asyncio.sleep(0)  # now it is sent
            status, _, _ = await way.heard(body, headers={"authorization": token}, path=path)
            said.append((status, any(lock.done() for lock in hanging)))
        await other.run(UNLOCK, [])
        for lock, pipeline in zip(hanging, way.pipelines.batches, strict=True):
            await lock
            await pipeline.run(UNLOCK, [])
        way.close()
        other.close()
        return said

    assert asyncio.run(beside_some_that_hang()) == [(200, False), (200, False)]


def test_batch_sent_after_stop_was_committed_is_answered_with_it(
    line: Line, stopped: Line, campaign: Campaign, token: bytes
) -> None:
    text = json.dumps(batch(line, stopped, campaign)).encode()

    async def before_and_after() -> list[list[str | None]]:
        way = Way()
        said = []
        for _ in range(2):
            said.append(reasons_in((await way.heard(text, headers={"authorization": token}, path=BATCHES))[2]))
            await asyncio.to_thread(stopped_elsewhere, line)
        way.close()
        return said

    assert asyncio.run(before_and_after()) == [
        REASONS, ["stopped_all", "stopped_all", "line_unknown", "stopped_all", "stopped_all"],
    ]  # fmt: skip
