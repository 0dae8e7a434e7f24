"""The gate on an event loop: it answers as the long way does, many at once on one connection, and survives its loss."""

import asyncio
import json
import threading
from typing import Any

import pytest
from django.db import DatabaseError
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from accounts.models import Line
from consent.actions.choices import stop
from consent.api import asgi
from consent.api.asgi import DOOR, Message
from consent.api.decisions import caller_of
from consent.gate import pipeline as pipelines
from consent.gate.look_up import Caller
from consent.gate.pipeline import Pipeline
from consent.schemas.decisions import parse_question
from partners.api import access
from partners.models import Campaign, SigningKey
from partners.models import Client as Machine
from partners.workers import rotation
from tests.consent.gate_requests import a_new_key, a_token, asked, without_ids
from tests.consent.gate_way import Way, a_seen_token, answer_to, in_one, question_about, stopped_elsewhere, told
from tests.factories import a_line, an_approval

pytestmark = pytest.mark.usefixtures("committed_db", "no_broker")

OWN_PID = b"SELECT pg_backend_pid()"
LOCK, UNLOCK = b"SELECT pg_advisory_lock(7)", b"SELECT pg_advisory_unlock(7)"
PLANS = b"SELECT generic_plans, custom_plans FROM pg_prepared_statements WHERE name = 'consent_gate_0'"


@pytest.fixture
def connected(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """One entry for each connection that a pipeline opened."""
    opened: list[int] = []
    connect = pipelines._open_connection

    def counted() -> object:
        opened.append(1)
        return connect()

    monkeypatch.setattr(pipelines, "_open_connection", counted)
    return opened


@pytest.fixture
def token() -> bytes:
    """One that this process has seen before."""
    return a_seen_token()


def test_it_answers_what_the_long_way_answers(client: Client, line: Line, campaign: Campaign, token: bytes) -> None:
    stopped = a_line(msisdn="+12065550178")
    an_approval(stopped, campaign)
    stop(line_id=stopped.pk, scope="all", actor="subscriber:1", channel="web")
    whole = asked(line, campaign)
    named = {**whole["subject"], "properties": {**whole["subject"]["properties"], "recipient": "https://x.example"}}
    reasons = []
    for body in [
        whole, asked(stopped, campaign), {**whole, "subject": named}, asked(line, campaign, type="line", id="L-none"),
        asked(line, campaign, type="line", id=line.carrier_id), {**whole, "action": {"name": "another"}},
    ]:  # fmt: skip
        way, text = Way(), json.dumps(body).encode()
        status, headers, content = told(way, text, (b"x-request-id", b"req-7"), headers={"authorization": token})
        long = client.post(DOOR, text, content_type="application/json", headers={"Authorization": token.decode()})
        assert (status, long.status_code, way.sent_on) == (200, 200, [])
        assert without_ids(content) == without_ids(long.content)
        reasons.append(json.loads(content)["context"].get("reason"))
        assert headers == {
            b"content-type": b"application/json", b"x-content-type-options": b"nosniff", b"x-request-id": b"req-7",
            b"content-length": b"%d" % len(content),
        }  # fmt: skip
    assert reasons == [None, "stopped_all", None, "line_unknown", None, "no_approval"]


NOT_RIGHT: tuple[dict[str, Any], ...] = (
    {"method": "GET"}, {"path": "/access/v1/evaluation/"}, {"path": "/access/v1/evaluations/"},
    {"headers": {"host": b"evil.example"}}, {"headers": {"host": None}}, {"headers": {"content-length": None}},
    {"headers": {"content-length": b"-1"}}, {"headers": {"content-length": b"7"}},
    {"headers": {"content-length": b"2621441"}}, {"headers": {"authorization": None}},
    {"headers": {"authorization": b"Bearer forged"}}, {"headers": {"authorization": b"Basic eDp5"}},
)  # fmt: skip


def test_what_is_not_right_goes_the_long_way(line: Line, campaign: Campaign, token: bytes) -> None:
    body = json.dumps(asked(line, campaign)).encode()
    for changed in NOT_RIGHT:
        way, headers = Way(), {"authorization": token, **changed.get("headers", {})}
        status, _, _ = told(way, body, **{**changed, "headers": headers})
        assert (status, way.sent_on) == (599, [body]), changed
    # A header that is said twice is not weighed here.
    for more in ((b"authorization", token), (b"host", b"evil.example"), (b"content-length", b"1")):
        way = Way()
        assert told(way, body, more, headers={"authorization": token})[0] == 599
        assert way.sent_on == [body]
    # Nor is what is no question, or comes with a token that was never seen here or is for another thing.
    for wrong in (b"", b"{", b"{}", b"\xff", b"[" * 100_000):
        way = Way()
        assert told(way, wrong, headers={"authorization": token})[0] == 599
        assert way.sent_on == [wrong]
    other = f"Bearer {a_token('disclosures:write')}"
    access.grant_of(other, now=int(timezone.now().timestamp()))
    for unfit in (f"Bearer {a_token()}", other):
        way = Way()
        assert told(way, body, headers={"authorization": unfit.encode()})[0] == 599
        assert way.sent_on == [body]


@pytest.mark.parametrize("withdrawn", ["client", "its key", "our key"])
def test_disabled_client_and_withdrawn_key_go_long_way_at_once(
    line: Line, campaign: Campaign, token: bytes, withdrawn: str
) -> None:
    way, body = Way(), json.dumps(asked(line, campaign)).encode()
    assert told(way, body, headers={"authorization": token})[0] == 200
    if withdrawn == "client":
        Machine.objects.update(disabled_at=timezone.now())
    elif withdrawn == "its key":
        a_new_key()
    else:
        rotation.replace(
            uses=[SigningKey.Use.ACCESS], emergency=True, actor="officer:1", reason="laptop stolen", now=timezone.now()
        )
    assert told(Way(), body, headers={"authorization": token})[0] == 599


def test_by_http_where_https_is_due_goes_the_long_way(
    line: Line, campaign: Campaign, token: bytes, settings: Settings
) -> None:
    settings.SECURE_SSL_REDIRECT, settings.SECURE_PROXY_SSL_HEADER = True, ("HTTP_X_FORWARDED_PROTO", "https")
    body = json.dumps(asked(line, campaign)).encode()
    statuses = [
        told(Way(), body, *more, headers={"authorization": token})[0]
        for more in ([], [(b"x-forwarded-proto", b"http")], [(b"x_forwarded_proto", b"https")],
                     [(b"x-forwarded-proto", b"https")])
    ]  # fmt: skip
    assert statuses == [599, 599, 599, 200]


def test_by_https_itself_it_may_be_asked_where_no_proxy_is(
    line: Line, campaign: Campaign, token: bytes, settings: Settings
) -> None:
    settings.SECURE_SSL_REDIRECT, settings.SECURE_PROXY_SSL_HEADER = True, None
    body = json.dumps(asked(line, campaign)).encode()
    assert told(Way(), body, headers={"authorization": token})[0] == 599
    assert told(Way(), body, headers={"authorization": token}, scheme="https")[0] == 200


def test_where_tokens_are_bound_to_certificates_all_go_long_way(
    line: Line, campaign: Campaign, token: bytes, settings: Settings
) -> None:
    settings.MTLS_CLIENT_CERTIFICATES = True
    way, body = Way(), json.dumps(asked(line, campaign)).encode()
    assert told(way, body, headers={"authorization": token})[0] == 599
    assert way.sent_on == [body]


@pytest.fixture
def machine(token: bytes) -> Caller:
    grant = access.remembered_grant_of(token.decode(), now=int(timezone.now().timestamp()))
    assert grant is not None
    return caller_of(grant)


def test_a_thousand_at_once_each_get_their_own_answer(line: Line, campaign: Campaign, machine: Caller) -> None:
    stopped = a_line(msisdn="+12065550178")
    an_approval(stopped, campaign)
    stop(line_id=stopped.pk, scope="all", actor="subscriber:1", channel="web")
    kinds = {
        "": question_about(line, campaign), "stopped_all": question_about(stopped, campaign),
        "line_unknown": parse_question(json.dumps(asked(line, campaign, type="line", id="L-none")).encode()),
        "no_approval": parse_question(json.dumps({**asked(line, campaign), "action": {"name": "another"}}).encode()),
    }  # fmt: skip
    wanted = [list(kinds)[number % 4] for number in range(1000)]

    async def all_at_once(pipeline: Pipeline) -> tuple[list[str], int]:
        (before,) = await pipeline.run(OWN_PID, [])
        answers = await asyncio.gather(*(answer_to(pipeline, kinds[reason], machine) for reason in wanted))
        (after,) = await pipeline.run(OWN_PID, [])
        assert before == after
        return [answer.reason for answer in answers], len({answer.decision_id for answer in answers})

    ((reasons, different),) = in_one(all_at_once)
    assert reasons == wanted
    assert different == 1000


def test_each_statement_is_planned_once_for_all(line: Line, campaign: Campaign, machine: Caller) -> None:
    question = question_about(line, campaign)

    async def ask_thrice(pipeline: Pipeline) -> object:
        for _ in range(3):
            await answer_to(pipeline, question, machine)
        return await pipeline.run(PLANS, [])

    assert in_one(ask_thrice) == [[(3, 0)]]


def test_question_sent_after_stop_was_committed_is_answered_with_it(
    line: Line, campaign: Campaign, machine: Caller
) -> None:
    question = question_about(line, campaign)

    async def before_and_after(pipeline: Pipeline) -> list[str]:
        flying = [asyncio.ensure_future(answer_to(pipeline, question, machine)) for _ in range(50)]
        first = await answer_to(pipeline, question, machine)
        await asyncio.to_thread(stopped_elsewhere, line)
        after = await asyncio.gather(*(answer_to(pipeline, question, machine) for _ in range(50)))
        await asyncio.gather(*flying)
        return [first.reason, *{answer.reason for answer in after}]

    assert in_one(before_and_after) == [["", "stopped_all"]]


def test_questions_on_a_lost_connection_are_asked_again(line: Line, campaign: Campaign, machine: Caller) -> None:
    question = question_about(line, campaign)

    async def lose(pipeline: Pipeline) -> tuple[object, ...]:
        other = Pipeline()
        ((first,),) = await pipeline.run(OWN_PID, [])
        await other.run(LOCK, [])
        held_up = asyncio.ensure_future(pipeline.run(LOCK, []))
        behind = [asyncio.ensure_future(answer_to(pipeline, question, machine)) for _ in range(20)]
        await other.run(b"SELECT pg_terminate_backend(%d)" % first, [])
        await other.run(UNLOCK, [])
        await held_up
        answers = await asyncio.gather(*behind)
        ((last,),) = await pipeline.run(OWN_PID, [])
        other.close()
        return first != last, {answer.reason for answer in answers}

    assert in_one(lose) == [(True, {""})]


def test_what_is_lost_with_full_socket_is_asked_again_too() -> None:
    long = "x" * 400_000

    async def lose(pipeline: Pipeline) -> object:
        other = Pipeline()
        ((first,),) = await pipeline.run(OWN_PID, [])
        await other.run(LOCK, [])
        held_up = asyncio.ensure_future(pipeline.run(LOCK, []))
        behind = [asyncio.ensure_future(pipeline.run(b"SELECT length($1::text)", [long])) for _ in range(40)]
        await other.run(b"SELECT pg_terminate_backend(%d)" % first, [])
        await other.run(UNLOCK, [])
        await held_up
        found = await asyncio.gather(*behind)
        other.close()
        return found

    assert in_one(lose) == [[[(400_000,)]] * 40]


def test_whoever_has_no_more_time_leaves_connection_to_the_others() -> None:
    async def tire(pipeline: Pipeline) -> object:
        other = Pipeline()
        first = await pipeline.run(OWN_PID, [])
        await other.run(LOCK, [])
        soon = asyncio.get_running_loop().time() + 0.05
        (tired,) = await asyncio.gather(pipeline.run(LOCK, [], until=soon), return_exceptions=True)
        behind = asyncio.ensure_future(pipeline.run(OWN_PID, []))
        await other.run(UNLOCK, [])
        other.close()
        return isinstance(tired, DatabaseError), await behind == first

    assert in_one(tire) == [(True, True)]


def test_a_question_whose_body_comes_in_parts_is_answered_here(line: Line, campaign: Campaign, token: bytes) -> None:
    way, body = Way(), json.dumps(asked(line, campaign)).encode()
    parts = [{"body": body[:9], "more_body": True}, {"body": body[9:], "more_body": False}]
    assert told(way, body, headers={"authorization": token}, parts=parts)[0] == 200
    assert way.sent_on == []


def test_a_body_that_never_ends_is_waited_for_so_long(token: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(asgi, "BODY_WITHIN_S", 0.05)
    way = Way()
    assert told(way, b"{}", headers={"authorization": token}, parts=[{"body": b"{", "more_body": True}])[0] == 408
    assert way.sent_on == []


def test_a_statement_that_fails_is_an_error(line: Line, campaign: Campaign, machine: Caller) -> None:
    async def fail(pipeline: Pipeline) -> object:
        return await pipeline.run(b"SELECT 1 / 0", [])

    async def ask(pipeline: Pipeline) -> str:
        return (await answer_to(pipeline, question_about(line, campaign), machine)).reason

    failed, answered = in_one(fail, ask)
    assert isinstance(failed, DatabaseError)
    assert "division by zero" in str(failed)
    assert answered == ""


@pytest.mark.parametrize(
    ("statement", "said"),
    [
        (b"SELECT 'infinity'::timestamptz", "timestamp too large"),
        (b"SET application_name = 'gate'", "the statement found no rows"),
        (b"SELECT nothing FROM nowhere", 'relation "nowhere" does not exist'),
    ],
    ids=["rows that can't be read", "no rows", "can't be prepared"],
)
def test_what_has_no_rows_to_give_is_error_at_once(statement: bytes, said: str, connected: list[int]) -> None:
    async def fail(pipeline: Pipeline) -> object:
        return await pipeline.run(statement, [])

    (failed,) = in_one(fail)
    assert isinstance(failed, DatabaseError)
    assert said in str(failed)
    assert len(connected) == 2


def test_a_silent_connection_is_given_up(connected: list[int], monkeypatch: pytest.MonkeyPatch) -> None:
    async def ask_a_silent_one(pipeline: Pipeline) -> list[object]:
        other = Pipeline()
        await other.run(LOCK, [])
        monkeypatch.setattr(pipelines, "PATIENCE_S", 0.3)
        found: list[object] = []
        for _ in range(2):
            found += await asyncio.gather(pipeline.run(LOCK, []), return_exceptions=True)
            # As long as it takes until nobody is watched for any more.
            await asyncio.sleep(3 * pipelines.LOOKS_EVERY_S)
        monkeypatch.undo()
        await other.run(UNLOCK, [])
        other.close()
        return found

    (found,) = in_one(ask_a_silent_one)
    assert [str(one) for one in found] == ["the database did not answer in time"] * 2
    assert len(connected) == 3


def test_a_connection_that_was_asked_nothing_for_long_is_not_silent(
    connected: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    async def ask_after_a_rest(pipeline: Pipeline) -> list[object]:
        before = await pipeline.run(OWN_PID, [])
        monkeypatch.setattr(pipelines, "PATIENCE_S", 1.0)
        await asyncio.sleep(1.1)
        # Longer than until it is looked who is silent.
        return [before, await pipeline.run(b"SELECT pg_backend_pid() FROM pg_sleep(0.3)", [])]

    ((before, after),) = in_one(ask_after_a_rest)
    assert before == after
    assert len(connected) == 1


def test_connection_that_does_not_come_is_waited_for_so_long(monkeypatch: pytest.MonkeyPatch) -> None:
    over = threading.Event()

    def never() -> object:
        over.wait(30)
        raise DatabaseError("over")

    async def ask(pipeline: Pipeline) -> tuple[str, bool]:
        (error,) = await asyncio.gather(pipeline.run(OWN_PID, []), return_exceptions=True)
        before = not over.is_set()
        over.set()
        return str(error), before

    monkeypatch.setattr(pipelines, "PATIENCE_S", 0.2)
    monkeypatch.setattr(pipelines, "_open_connection", never)
    assert in_one(ask) == [("the database did not answer in time", True)]


def test_whoever_hung_up_before_end_of_body_costs_no_thread(token: bytes) -> None:
    way = Way()
    parts = [{"type": "http.request", "body": b"{", "more_body": True}, {"type": "http.disconnect"}]
    with pytest.raises(ValueError, match="not enough values to unpack"):
        told(way, b"{}", headers={"authorization": token}, parts=parts)
    assert way.sent_on == []


def test_who_wants_another_protocol_is_refused_before_their_body(token: bytes) -> None:
    way = Way()
    status, headers, _ = told(way, b"{}", (b"upgrade", b"h2c"), headers={"authorization": token}, parts=[{}])
    assert (status, headers[b"connection"], way.sent_on) == (400, b"close", [])


def test_answer_that_nobody_waits_for_any_more_is_no_error(line: Line, campaign: Campaign, token: bytes) -> None:
    async def gone(_: Message) -> None:
        raise RuntimeError("unable to perform operation; the handler is closed")

    way, body = Way(), json.dumps(asked(line, campaign)).encode()
    way.hears = gone
    with pytest.raises(ValueError, match="not enough values to unpack"):
        told(way, body, headers={"authorization": token})
    assert way.sent_on == []
