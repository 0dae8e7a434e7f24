"""No database, no disclosure: with nothing where the database was, the gate's doors still answer, and say no."""

import http.client
import json
from collections.abc import Iterator
from contextlib import closing

import pytest
from pytest_django import Settings

from partners.models import Client
from tests.faults.fixtures import Server, a_token, opened
from tests.faults.programs import QUESTION, Programs, free_port

DENIED = {"decision": False, "context": {"decision_id": "", "reason": "unavailable"}}


@pytest.fixture
def orphan(committed_db: None, settings: Settings) -> Iterator[Programs]:
    """A web server whose database is gone: nobody listens at its address."""
    # Outside the demo pages are served without collecting what belongs to them.
    more = {"CARRIER_PHONE": "1-800-555-0100", "WHEREABOUTS_DEMO": ""}
    programs = Programs.usual(database=f"127.0.0.1:{free_port()}", more=more)
    settings.BASE_URL = programs.base_url
    try:
        programs.web().wait()
        yield programs
    finally:
        programs.end()


def test_the_gate_says_no_and_people_and_programs_are_told_that_the_records_are_away(orphan: Programs) -> None:
    token, server = a_token(Client.Kind.GATEWAY, "decisions:read"), Server(orphan.web_port)
    one = server.ask("/access/v1/evaluation", json.dumps(QUESTION).encode(), "application/json", token)
    assert (one.status, one.told) == (200, DENIED)
    asked = json.dumps({"evaluations": [QUESTION] * 3}).encode()
    many = server.ask("/access/v1/evaluations", asked, "application/json", token)
    assert (many.status, many.told) == (200, {"evaluations": [DENIED] * 3})
    for path in ("/stop/", "/transparency/"):
        status, head, told = opened(orphan.base_url, path)
        assert (path, status, head["Retry-After"]) == (path, 503, "30")
        for sentence in (
            "We can't reach our records right now.",
            "Until we can, we tell no company where a phone is. Every stop you made before is in force.",
            "Try again in a few minutes.",
            "If you just pressed Stop, press it again then. A second stop does no harm.",
            "Or ask us by phone to stop location sharing. Call us at 1-800-555-0100 .",
        ):
            assert sentence in told
    assert "En este momento no podemos acceder a nuestros registros." in opened(orphan.base_url, "/stop/", "es")[2]
    with closing(http.client.HTTPConnection("127.0.0.1", orphan.web_port, timeout=30)) as connection:
        connection.request("POST", "/leave/", headers={"Cookie": "sessionid=abcdefghijklmnopqrstuvwxyz012345"})
        left = connection.getresponse()
        assert (left.status, left.getheader("Location")) == (303, "/away/"), "whoever leaves quickly leaves"
        assert 'sessionid=""' in str(left.getheader("Set-Cookie"))
    status, head, told = opened(orphan.base_url, "/.well-known/jwks.json")
    assert (status, head["Content-Type"], head["Retry-After"]) == (503, "application/problem+json", "30")
    assert json.loads(told)["detail"] == "Our database could not do this now. Send it again in half a minute."
