"""No database, no disclosure: with nothing where the database was, the gate's doors still answer, and say no."""

import json
from pathlib import Path

import pytest
from pytest_django import Settings

from partners.models import Client
from tests.faults.programs import Programs, free_port
from tests.faults.test_bodies import Server, a_token

QUESTION = {
    "subject": {"type": "partner", "id": "a", "properties": {"on_behalf_of": "b", "campaign": "c"}},
    "action": {"name": "location-retrieval:read", "properties": {"purpose": "p", "precision_m": 500}},
    "resource": {"type": "line", "id": "l"},
}
DENIED = {"decision": False, "context": {"decision_id": "", "reason": "unavailable"}}


@pytest.fixture
def orphan(committed_db: None, settings: Settings, tmp_path: Path) -> Programs:
    """A web server whose database is gone: nobody listens at its address."""
    programs = Programs(tmp_path, free_port(), free_port(), database=f"127.0.0.1:{free_port()}")
    settings.BASE_URL = programs.base_url
    return programs


@pytest.mark.parametrize("by", ["web", "gate"])
def test_the_gate_says_no_to_one_question_and_to_many(orphan: Programs, by: str) -> None:
    token = a_token(Client.Kind.GATEWAY, "decisions:read")
    try:
        (orphan.web() if by == "web" else orphan.gate()).wait()
        server = Server(orphan.web_port)
        one = server.ask("/access/v1/evaluation", json.dumps(QUESTION).encode(), "application/json", token)
        assert (one.status, one.told) == (200, DENIED)
        asked = json.dumps({"evaluations": [QUESTION] * 3}).encode()
        many = server.ask("/access/v1/evaluations", asked, "application/json", token)
        assert (many.status, many.told) == (200, {"evaluations": [DENIED] * 3})
    finally:
        orphan.end()
