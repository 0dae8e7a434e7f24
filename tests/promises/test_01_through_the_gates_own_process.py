"""Promise 1 through the door that a gateway uses: no yes of the gate's own process to what was asked after a stop."""

import http.client
import json
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing
from pathlib import Path

import pytest
from pytest_django import Settings

from consent.gate.shapes import Question
from partners.models import Client
from tests.answers import read
from tests.faults.fixtures import a_token
from tests.faults.programs import Programs, free_port
from tests.promises import pairs
from tests.selection import EVERY_CELL
from tools.bench.gateway import authzen

pytestmark = pytest.mark.usefixtures("committed_db", "no_broker")
PAIRS = 300 if EVERY_CELL else 80
# Of those who ask at a time two ask ten questions at once, the others one.
AT_ONCE = (1, 1, 1, 1, 1, 10, 10)


@pytest.fixture
def port(committed_db: None, settings: Settings, tmp_path: Path) -> Iterator[int]:
    programs = Programs(tmp_path, web_port=free_port(), broker_port=free_port())
    settings.BASE_URL = programs.base_url
    try:
        programs.web().wait()
        yield programs.web_port
    finally:
        programs.end()


def through(caller: http.client.HTTPConnection, token: str, *, many: bool) -> pairs.Asks:
    """What asks on a connection that is kept, as a gateway's are."""
    headers = {"Content-Type": "application/json", "Authorization": f"Bearer {token}"}

    def asks(questions: Sequence[Question]) -> Sequence[str]:
        bodies = [authzen(one) for one in questions]
        if many:
            caller.request("POST", "/access/v1/evaluations", json.dumps({"evaluations": bodies}), headers)
        else:
            caller.request("POST", "/access/v1/evaluation", json.dumps(bodies[0]), headers)
        answer = read(caller.getresponse())
        assert answer.status == 200, answer.body
        told = answer.told["evaluations"] if many else [answer.told]
        return ["" if one["decision"] is True else one["context"]["reason"] for one in told]

    return asks


def test_no_check_after_the_commit_of_a_stop_is_allowed(port: int) -> None:
    """Asked over HTTP by seven at a time, singly and in batches, while the lines are stopped by others."""
    asked = pairs.questions(PAIRS)
    token = a_token(Client.Kind.GATEWAY, "decisions:read")
    with ExitStack() as stack:
        callers = [
            stack.enter_context(closing(http.client.HTTPConnection("127.0.0.1", port, timeout=30))) for _ in AT_ONCE
        ]
        asks = [through(caller, token, many=most > 1) for caller, most in zip(callers, AT_ONCE, strict=True)]
        found = pairs.run(asked=asked, asks=asks, at_once=AT_ONCE)
    assert len(found.committed) == PAIRS
    assert {one.reason for one in found.after} == {"stopped_all"}
    assert {one.line for one in found.after} == set(found.committed)
    assert {one.reason for one in found.before} - {"stopped_all"} == {""}
