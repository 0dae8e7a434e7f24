"""No database, no disclosure: with nothing where the database was, the gate's doors still answer, and say no."""

import http.client
import json
from collections.abc import Iterator
from contextlib import closing
from urllib.parse import urlencode

import pytest
from pytest_django import Settings

from partners.models import Client
from tests.faults.fixtures import Server, a_token, opened, words
from tests.faults.programs import QUESTION, Programs, free_port
from tests.walks.addresses import addresses

CSRF, SESSION = "a" * 32, "sessionid=abcdefghijklmnopqrstuvwxyz012345"
FORM = {
    "number": "+12065550142", "password": "rain on the tarn", "login": "officer@carrier.example", "code": "123456",
    "scope": "all", "csrfmiddlewaretoken": CSRF,
}  # fmt: skip
# What takes a form of whoever comes, before anything of theirs is known.
OPEN_TO_ALL = {"/stop/", "/stop/ended/", "/accounts/login/", "/accounts/login/ended/", "/accounts/login/staff/"}
# And what goes on from there, in the session that the database no longer has.
STEPS = {
    "/stop/code/",
    "/stop/again/",
    "/stop/all/",
    "/accounts/login/code/",
    "/accounts/login/again/",
    "/choices/stop/",
}
AWAY_IN_SPANISH = (
    "En este momento no podemos acceder a nuestros registros.",
    "Si acaba de pulsar Detener, es posible que eso aún no esté en vigor.",
    "Vuelva a pulsarlo entonces: hacerlo dos veces no causa ningún problema.",
    "1-800-555-0100",
)
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
            "Where we can't look up a person's choices, we tell no company where their phone is.",
            "Every stop you made before is in force.",
            "Try again in a few minutes.",
            "If you just pressed Stop, that stop may not be in force yet.",
            "Press it again then. A second stop does no harm.",
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


def sent(orphan: Programs, path: str, cookies: str, method: str = "POST") -> tuple[int, str]:
    """What a browser is answered that sends a form from a page of ours: the status, the words."""
    head = {"Cookie": cookies, "Content-Type": "application/x-www-form-urlencoded", "Accept-Language": "es"}
    with closing(http.client.HTTPConnection("127.0.0.1", orphan.web_port, timeout=30)) as connection:
        connection.request(method, path, urlencode(FORM) if method == "POST" else None, head)
        answer = connection.getresponse()
        return answer.status, words(answer.read().decode())


def test_whatever_form_is_sent_its_person_reads_what_to_do(orphan: Programs) -> None:
    fresh, known = f"csrftoken={CSRF}", f"csrftoken={CSRF}; {SESSION}"
    found = {path: sent(orphan, path, fresh) for path in addresses()}
    assert [path for path, (status, _words) in found.items() if status >= 500 and status != 503] == []
    assert {path for path, (status, _words) in found.items() if status == 503} >= OPEN_TO_ALL
    assert [path for path, (status, told) in found.items() if not told and status not in {302, 303, 405}] == []
    for status, told in [found[path] for path in OPEN_TO_ALL] + [
        sent(orphan, path, known) for path in OPEN_TO_ALL | STEPS
    ]:
        assert (status, [one for one in AWAY_IN_SPANISH if one not in told]) == (503, [])


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_whoever_was_signed_in_reads_so_at_every_door(orphan: Programs, method: str) -> None:
    """Subscribers', the desk's and the console's. Who only leaves quickly leaves."""
    known = f"csrftoken={CSRF}; {SESSION}"
    doors = sorted({*addresses(console=True)} - {"/leave/"})
    found = {path: sent(orphan, path, known, method) for path in doors}
    assert {status for status, _words in found.values()} == {503}
    for_people = {path: told for path, (_status, told) in found.items() if not told.startswith("{")}
    assert [path for path, told in for_people.items() if AWAY_IN_SPANISH[0] not in told] == []
    assert {"/home/", "/choices/stop/", "/desk/", "/admin/", "/admin/incidents/"} <= for_people.keys()
