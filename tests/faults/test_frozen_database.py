"""No database, no disclosure, also where it is there and says nothing: the gate's doors wait a moment and say no.

People are told on a page, in words.
"""

import json
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from pytest_django import Settings

from consent.gate.execution import PATIENCE_S
from consent.middleware import STAFF_PAGE_PATIENCE_S
from partners.models import Client
from tests.factories import a_line
from tests.faults.fixtures import Server, a_token, opened
from tests.faults.programs import Programs
from tests.faults.relay import Relay, relay_to

# Twice as long as a gate and a new connection may take: the machine is not ours alone.
AT_MOST_S = 2 * (PATIENCE_S + 3)


@dataclass(frozen=True)
class Asked:
    """A web server that reaches its database through a relay, and a gateway's token for it."""

    relay: Relay
    server: Server
    token: str
    line: str
    base_url: str

    def reasons(self, *, questions: int = 0) -> list[str]:
        """Why one question is refused, or, for more than none, each of so many in one request."""
        question = {
            "subject": {"type": "partner", "id": "a", "properties": {"on_behalf_of": "b", "campaign": "c"}},
            "action": {"name": "location-retrieval:read", "properties": {"purpose": "p", "precision_m": 500}},
            "resource": {"type": "line", "id": self.line},
        }
        path, body = "/access/v1/evaluation", question
        if questions:
            path, body = "/access/v1/evaluations", {"evaluations": [question] * questions}
        answer = self.server.ask(path, json.dumps(body).encode(), "application/json", self.token)
        assert answer.status == 200
        told: list[dict[str, Any]] = answer.told["evaluations"] if questions else [answer.told]
        assert [one for one in told if one["decision"]] == []
        return [one["context"]["reason"] for one in told]


@pytest.fixture
def asked(committed_db: None, settings: Settings) -> Iterator[Asked]:
    database = settings.DATABASES["default"]
    with relay_to(database["HOST"], int(database["PORT"] or 5432)) as relay:
        # Outside the demo pages are served without collecting what belongs to them.
        programs = Programs.usual(database=f"127.0.0.1:{relay.port}", more={"WHEREABOUTS_DEMO": ""})
        settings.BASE_URL = programs.base_url
        try:
            programs.web().wait()
            token = a_token(Client.Kind.GATEWAY, "decisions:read")
            yield Asked(relay, Server(programs.web_port), token, str(a_line().carrier_id), programs.base_url)
        finally:
            relay.flowing.set()
            programs.end()


def test_a_frozen_database_is_a_no_soon_and_a_thawed_one_is_asked_again(asked: Asked) -> None:
    for _ in range(8):  # each of the server's threads has its connection and its statement
        assert asked.reasons() == ["no_approval"]
    asked.relay.flowing.clear()
    for questions in (3, 0):
        began = time.monotonic()
        assert set(asked.reasons(questions=questions)) == {"unavailable"}
        assert time.monotonic() - began < AT_MOST_S
    asked.relay.flowing.set()
    assert asked.reasons() == ["no_approval"]
    assert asked.reasons(questions=3) == ["no_approval"] * 3


def test_whoever_waits_at_a_page_is_told_soon_that_the_records_are_away(asked: Asked) -> None:
    paths = ("/stop/", "/transparency/", "/desk/", "/admin/")
    for path in paths * 4:  # each of the server's threads has its connection
        assert opened(asked.base_url, path)[0] == 200
    asked.relay.flowing.clear()
    for path in paths:
        began = time.monotonic()
        status, head, told = opened(asked.base_url, path)
        assert (path, status, head["Retry-After"]) == (path, 503, "30")
        assert "We can't reach our records right now." in told
        assert time.monotonic() - began < 2 * (STAFF_PAGE_PATIENCE_S + 3)
    asked.relay.flowing.set()
    for path in paths:
        assert opened(asked.base_url, path)[0] == 200
