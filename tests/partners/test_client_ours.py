"""What fails in our own house is told apart from what fails at the other side."""

import errno
import socket

import pytest
from pytest_django import Settings

from partners.clients import http
from revocations.workers.delivery.verdicts import judge
from tests.partners.outside import Outside


def leads_nowhere(*_: object, **__: object) -> str:
    raise socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution")


@pytest.fixture
def no_names(monkeypatch: pytest.MonkeyPatch) -> None:
    """A partner's name that can't be looked up."""
    monkeypatch.setattr("partners.clients.http.filter_host", leads_nowhere)


@pytest.mark.usefixtures("no_names")
def test_a_name_that_leads_nowhere_is_the_other_side_s_while_our_own_is_found() -> None:
    reply = http.get(url="https://partner.example/jwks.json")
    assert (reply.status, reply.ours, judge(reply=reply).outcome) == (None, False, "no_connection")


@pytest.mark.usefixtures("no_names")
def test_it_is_our_own_failure_where_not_even_our_own_name_is_found(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.BASE_URL = "https://privacy.carrier.example"
    monkeypatch.setattr("socket.getaddrinfo", leads_nowhere)
    reply = http.get(url="https://partner.example/jwks.json")
    assert (reply.status, reply.detail, reply.ours) == (None, "ConnectionError", True)
    verdict = judge(reply=reply)
    assert (verdict.outcome, verdict.state, verdict.failed) == ("ours", None, False)


@pytest.mark.parametrize(
    ("number", "ours"),
    [(errno.EMFILE, True), (errno.ENETDOWN, True), (errno.ECONNREFUSED, False), (errno.ENETUNREACH, False)],
)
def test_a_machine_out_of_files_or_network_is_ours_and_a_refusal_is_not(
    outside: Outside, monkeypatch: pytest.MonkeyPatch, number: int, ours: bool
) -> None:
    def fails(*_: object, **__: object) -> socket.socket:
        raise OSError(number, "no")

    monkeypatch.setattr("urllib3.util.connection.create_connection", fails)
    reply = http.post(url=f"{outside.url}/events", body=b"x", content_type="text/plain")
    assert (reply.status, reply.ours) == (None, ours)
