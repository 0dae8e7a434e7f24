"""Machines get problems they can read: for a wrong address, a wrong method, and a body that is no text at all."""

import base64
import json
import re
from datetime import timedelta
from typing import Any

import psycopg
import pytest
from django.db import OperationalError
from django.http import HttpResponse
from django.test import Client as Http
from django.utils import timezone
from joserfc.jwk import ECKey
from psycopg.errors import DeadlockDetected, LockNotAvailable, SerializationFailure
from pytest_django import Settings

from partners.actions.clients import register_client
from partners.actions.sign_in import ASSERTION_TYPE, issue_access_token
from partners.models import Client as Machine
from tests.factories import NOW, a_contract, a_party
from tests.feeds import line_row, release_row
from tests.portal.spoiled import with_a_nul

pytestmark = pytest.mark.usefixtures("db", "no_broker")

NO_TEXTS = {
    "not UTF-8": b'{"ack": ["\xff"], "subject": {"type": "\xff", "id": "\xff"}, "description": "\xff"}',
    "half a character": b'{"subject": {"type": "\\ud800", "id": "\\ud800"}, "description": "\\ud800"}',
    "NUL": b'{"ack": ["\\u0000"], "subject": {"type": "\\u0000", "id": "\\u0000"}, "description": "\\u0000"}',
    "nothing": b"", "no JSON": b"{", "bare bytes": b"\xff\xfe\x00", "too deep": b"[" * 100_000,
    "too deep inside": b'{"a":' * 100_000, "a huge number": b'{"description": 1, "maxEvents": ' + b"9" * 5000 + b"}",
}  # fmt: skip
GATEWAY, AGGREGATOR, FEED = Machine.Kind.GATEWAY, Machine.Kind.AGGREGATOR, Machine.Kind.FEED
DOORS = {
    "/access/v1/evaluation": (GATEWAY, "decisions:read"),
    "/access/v1/evaluations": (GATEWAY, "decisions:read"),
    "/api/v1/approvals": (AGGREGATOR, "approvals:write"),
    "/api/v1/disclosures": (GATEWAY, "disclosures:write"),
    "/api/v1/lines": (FEED, "lines:write"),
    "/consent-info/v0.2/retrieve": (AGGREGATOR, "consent-info:retrieve"),
    "/ssf/digest": (AGGREGATOR, "receipts:write"),
    "/ssf/poll": (AGGREGATOR, "ssf.read"),
    "/ssf/receipts": (AGGREGATOR, "receipts:write"),
    "/ssf/status": (AGGREGATOR, "ssf.manage"),
    "/ssf/streams": (AGGREGATOR, "ssf.manage"),
    "/ssf/verify": (AGGREGATOR, "ssf.manage"),
}
KINDS = {
    "/api/v1/disclosures": "application/x-ndjson", "/api/v1/lines": "application/x-ndjson",
    "/ssf/receipts": "application/secevent+jwt",
}  # fmt: skip
# They may be read line by line, and answer for each.
BY_LINE = ("/api/v1/approvals", "/api/v1/disclosures", "/api/v1/lines")
QUESTION = {
    "subject": {"type": "partner", "id": "a", "properties": {"on_behalf_of": "b", "campaign": "CMP-1"}},
    "action": {"name": "location-retrieval:read", "properties": {"purpose": "dpv:X", "precision_m": 1000}},
    "resource": {"type": "line", "id": "L1"},
}
# A body of each door with every text that it may hold.
WHOLE: dict[str, dict[str, Any]] = {
    "/access/v1/evaluation": QUESTION,
    "/access/v1/evaluations": {"evaluations": [QUESTION], "options": {"evaluations_semantic": "execute_all"}},
    "/api/v1/approvals": {
        "id": "c-1", "campaign": "CMP-1", "method": "web", "captured_at": "2026-11-24T21:58:03Z", "captured_by": "b",
        "wording": "Yes.", "language": "en", "evidence_ref": "ev", "msisdn": "+12065550142", "subject_ref": "k1.x",
        "expires_at": "2094-05-24T00:00:00Z",
    },
    "/api/v1/disclosures": release_row(),
    "/api/v1/lines": line_row(),
    "/consent-info/v0.2/retrieve": {
        "phoneNumber": "+12065550142", "scopes": ["location-retrieval:read"], "purpose": "dpv:X",
        "requestCaptureUrl": True, "callbackUrl": "https://a.example/", "campaign": "CMP-1",
    },
    "/ssf/digest": {
        "run": "6f0a1b2c-0000-4000-8000-000000000000", "as_of": NOW.isoformat(),
        "buckets": {"0a3f": [{
            "sub": "k1.x", "agreement": "a", "epoch": 1, "version": 1, "recipient": "b", "purpose": "dpv:X",
            "scope": "s", "except": ["c"],
        }]},
    },
    "/ssf/poll": {
        "ack": ["j"], "setErrs": {"k": {"err": "invalid_key", "description": "d"}}, "since": "2026-11-24T21:58:03Z",
        "returnImmediately": True,
    },
    "/ssf/status": {"stream_id": "x", "status": "paused", "reason": "Due"},
    "/ssf/streams": {
        "stream_id": "x", "description": "d", "events_requested": ["e"], "signing_alg": "ES256",
        "delivery": {
            "method": "urn:ietf:rfc:8935", "endpoint_url": "https://a.example/", "authorization_header": "Bearer b",
        },
    },
    "/ssf/verify": {"stream_id": "x", "state": "s"},
}  # fmt: skip


def a_token(kind: Machine.Kind, scope: str) -> str:
    key = json.loads(json.dumps(ECKey.generate_key("P-256").as_dict(private=False)))
    party = a_contract(a_party()).aggregator if kind == AGGREGATOR else None
    machine = register_client(
        client_id=f"test-{kind}", kind=kind, public_jwk=key, party=party, actor="system:test", at=NOW
    )
    return issue_access_token(client=machine, scopes=[scope], lifetime=timedelta(minutes=5), at=timezone.now()).token


def send(door: str, body: bytes, token: str) -> HttpResponse:
    kind = KINDS.get(door, "application/json")
    method = "PUT" if door == "/ssf/digest" else "POST"
    headers = {"Authorization": f"Bearer {token}"}
    answer = Http(raise_request_exception=False).generic(method, door, body, content_type=kind, headers=headers)
    assert isinstance(answer, HttpResponse)
    return answer


@pytest.mark.parametrize("door", DOORS)
def test_a_body_that_is_no_text_is_the_callers_mistake(door: str) -> None:
    token = a_token(*DOORS[door])
    for name, body in NO_TEXTS.items():
        answer = send(door, body, token)
        expected = {200, 400} if door in BY_LINE else {400}
        assert (name, answer.status_code in expected) == (name, True), answer.status_code
        assert "json" in answer.headers["Content-Type"]
        assert json.loads(answer.content).get("accepted", 0) == 0


@pytest.mark.parametrize("door", WHOLE)
def test_a_name_given_twice_is_the_callers_mistake(door: str) -> None:
    """At any level: a body that says two things is taken as neither."""
    token, whole = a_token(*DOORS[door]), json.dumps(WHOLE[door])
    firsts = list(re.finditer(r'\{("\w+": )', whole))
    assert firsts
    for first in firsts:
        _, end = json.JSONDecoder().raw_decode(whole, first.end())
        answer = send(door, f"{whole[:end]}, {first[1]}{whole[first.end() :]}".encode(), token)
        said, is_whole = answer.content.decode(), "evaluations" in first[1] or not door.endswith("evaluations")
        assert "twice" in said, first[1]
        assert answer.status_code == (400 if is_whole and door not in BY_LINE[1:] else 200), first[1]
        assert '"accepted": 1' not in said
        assert '"decision":true' not in said


@pytest.mark.parametrize("door", WHOLE)
def test_a_nul_in_any_field_is_the_callers_mistake(door: str) -> None:
    token = a_token(*DOORS[door])
    found = {json.dumps(body): send(door, json.dumps(body).encode(), token) for body in with_a_nul(WHOLE[door])}
    assert len(found) > 5
    assert {body: answer.status_code for body, answer in found.items() if answer.status_code >= 500} == {}
    taken = [body for body, answer in found.items() if answer.content and json.loads(answer.content).get("accepted")]
    # A field whose name is unknown is passed over, as every unknown field; what is said with a NUL never is.
    assert [body for body in taken if not any(name.endswith("\0") for name in json.loads(body))] == []


def test_a_form_that_is_no_text_is_no_sign_in() -> None:
    http = Http(raise_request_exception=False)
    for value in (b"%00", b"%ff", b"\xff\xfe", b"a" * 10_000):
        body = (
            b"grant_type=client_credentials&client_assertion_type=urn%3Aietf%3Aparams%3Aoauth%3A"
            b"client-assertion-type%3Ajwt-bearer&client_assertion=" + value
        )
        answer = http.post("/oauth/token", body, content_type="application/x-www-form-urlencoded")
        assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client")


@pytest.mark.parametrize("text", ["\x00", "\ud800"])
def test_a_client_whose_name_is_no_text_is_no_client(text: str) -> None:
    said = base64.urlsafe_b64encode(json.dumps({"iss": text, "sub": text}).encode()).rstrip(b"=").decode()
    head = base64.urlsafe_b64encode(b'{"alg":"ES256","typ":"JWT"}').rstrip(b"=").decode()
    token = f"{head}.{said}.AAAA"
    answer = Http(raise_request_exception=False).post(
        "/oauth/token",
        f"grant_type=client_credentials&client_assertion_type={ASSERTION_TYPE}&client_assertion={token}",
        content_type="application/x-www-form-urlencoded",
    )
    assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client")


# Which form an address of each kind says no in: the members of its body, and its kind of content.
PROBLEM = ({"type", "title", "status", "detail"}, "application/problem+json")
SECEVENT, OAUTH, CAMARA = (
    (members, "application/json")
    for members in ({"err", "description"}, {"error", "error_description"}, {"status", "code", "message"})
)
FORMS = {
    "/oauth/token": OAUTH, "/consent-info/v0.2/retrieve": CAMARA, "/ssf/poll": SECEVENT, "/ssf/receipts": SECEVENT,
    "/ssf/status": SECEVENT, "/ssf/streams": SECEVENT, "/ssf/verify": SECEVENT, "/ssf/digest": PROBLEM,
    "/access/v1/evaluation": PROBLEM, "/access/v1/evaluations": PROBLEM, "/api/v1/approvals": PROBLEM,
    "/api/v1/disclosures": PROBLEM, "/api/v1/lines": PROBLEM,
}  # fmt: skip
FORM = "application/x-www-form-urlencoded"


def form_of(answer: Any) -> tuple[set[str], str]:
    return {*json.loads(answer.content)}, answer.headers["Content-Type"]


@pytest.mark.parametrize("path", ["/access/", "/access/v2/no", "/api/v1/no", "/ssf/no", "/oauth/no", "/.well-known/no"])
def test_an_address_that_is_not_there_is_a_problem(path: str) -> None:
    for answer in (Http().get(path), Http().post(path)):
        assert (answer.status_code, answer.headers["Content-Type"]) == (404, "application/problem+json")
        assert answer.json() == {
            "type": "about:blank", "title": "Not Found", "status": 404, "detail": "There is nothing at this address.",
        }  # fmt: skip


def test_another_version_of_camara_s_is_not_found_in_its_own_words() -> None:
    answer = Http().post("/consent-info/v1/no", headers={"x-correlator": "abc"})
    assert (answer.status_code, answer.json()["code"], answer["x-correlator"]) == (404, "NOT_FOUND", "abc")


@pytest.mark.parametrize("path", FORMS)
def test_a_method_that_is_not_taken_is_told_in_the_address_s_own_form(path: str) -> None:
    answer = Http().generic("PROPFIND", path)
    assert (answer.status_code, form_of(answer)) == (405, FORMS[path])
    allowed = {
        "/ssf/digest": "PUT",
        "/ssf/status": "GET, HEAD, POST",
        "/ssf/streams": "GET, HEAD, POST, PATCH, PUT, DELETE",
    }
    assert answer.headers["Allow"] == allowed.get(path, "POST")
    if FORMS[path] == CAMARA:
        assert answer.json()["code"] == "METHOD_NOT_ALLOWED"
        assert re.fullmatch("[0-9a-f-]{36}", answer["x-correlator"])


@pytest.mark.parametrize("path", [path for path in FORMS if path not in BY_LINE and path != "/oauth/token"])
def test_a_body_that_is_too_long_is_told_in_the_address_s_own_form(path: str) -> None:
    answer = send(path, b'{"a": "' + b"x" * 3_000_000 + b'"}', a_token(*DOORS[path]))
    # A receipt is refused by its own bound, but only where it was read.
    assert (answer.status_code, form_of(answer)) == (413, FORMS[path])
    if FORMS[path] == CAMARA:
        assert re.fullmatch("[0-9a-f-]{36}", answer["x-correlator"])


@pytest.mark.parametrize(
    ("body", "kind", "status"),
    [
        (b"a=" + b"x" * 3_000_000, FORM, 413),
        (b"&".join(b"a%d=b" % n for n in range(2000)), FORM, 400),
        (b"grant_type=client_credentials", f"{FORM}; charset=latin-1", 400),
        # As long as may be, and wrong for another reason.
        (b"a=".ljust(2_621_440, b"x"), f"{FORM}; charset=latin-1", 400),
    ],
)
def test_a_form_that_is_not_read_is_an_invalid_request(body: bytes, kind: str, status: int) -> None:
    answer = Http(raise_request_exception=False).post("/oauth/token", body, content_type=kind)
    assert (answer.status_code, answer.json()["error"]) == (status, "invalid_request")
    assert (answer["Cache-Control"], form_of(answer)) == ("no-store", OAUTH)


@pytest.mark.parametrize("path", FORMS)
def test_a_failure_of_ours_is_told_in_the_address_s_own_form(path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: object, **__: object) -> None:
        raise RuntimeError("broken")

    monkeypatch.setattr("partners.api.access.grant_of", fails)
    monkeypatch.setattr("partners.api.oauth.sign_in", fails)
    body = f"grant_type=client_credentials&client_assertion_type={ASSERTION_TYPE}&client_assertion=x"
    http = Http(raise_request_exception=False, headers={"x-correlator": "abc"})
    answer = http.generic("PUT" if path == "/ssf/digest" else "POST", path, body, content_type=FORM)
    # RFC 8935 has no word for it.
    expected = PROBLEM if FORMS[path] == SECEVENT else FORMS[path]
    assert (answer.status_code, form_of(answer)) == (500, expected)
    said = answer.json()
    assert said.get("code", "INTERNAL") == "INTERNAL"
    assert said.get("error", "server_error") == "server_error"
    assert answer.headers.get("x-correlator") == ("abc" if FORMS[path] == CAMARA else None)


@pytest.mark.parametrize("gave_way", [DeadlockDetected, SerializationFailure, LockNotAvailable])
def test_what_the_database_took_back_for_another_may_be_sent_again(
    gave_way: type[psycopg.Error], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: object, **__: object) -> None:
        raise OperationalError from gave_way()

    monkeypatch.setattr("partners.api.access.grant_of", fails)
    monkeypatch.setattr("accounts.views.sign_in.text_code", fails)
    http = Http(raise_request_exception=False)
    answer = http.post("/api/v1/lines", b"{}", content_type="application/x-ndjson")
    assert (answer.status_code, answer.headers.get("Retry-After"), form_of(answer)) == (503, "30", PROBLEM)
    assert answer.json()["detail"] == "Our database could not do this now. Send it again in half a minute."
    page = http.post("/accounts/login/", {"number": "+12065550142"})
    assert (page.status_code, page["Retry-After"], page["Cache-Control"]) == (503, "30", "no-store")
    assert "Something went wrong on our side." in page.content.decode()


DOCUMENTS = (
    "/.well-known/jwks.json", "/.well-known/jwks-archive.json", "/.well-known/oauth-authorization-server",
    "/.well-known/ssf-configuration", "/.well-known/authzen-configuration", "/.well-known/gpc.json",
    "/.well-known/security.txt",
)  # fmt: skip


@pytest.mark.parametrize("path", DOCUMENTS)
def test_documents_answer_get_and_head_and_tell_programs_so(path: str) -> None:
    assert (Http().get(path).status_code, Http().head(path).status_code) == (200, 200)
    answer = Http(enforce_csrf_checks=True).post(path)
    assert (answer.status_code, answer["Allow"], form_of(answer)) == (405, "GET, HEAD", PROBLEM)


def test_metrics_ask_for_their_token_in_words(settings: Settings) -> None:
    settings.METRICS_TOKEN = "scrape"
    answer = Http().get("/metrics")
    assert (answer.status_code, answer["WWW-Authenticate"], form_of(answer)) == (401, 'Bearer realm="metrics"', PROBLEM)
    settings.METRICS_TOKEN = ""
    assert form_of(Http().get("/metrics")) == PROBLEM


def test_people_still_get_pages() -> None:
    assert Http().get("/nothing/here/").headers["Content-Type"].startswith("text/html")
    assert Http().get("/accessories/").headers["Content-Type"].startswith("text/html")


MACHINES = (
    "/access/v1/evaluation", "/api/v1/disclosures", "/consent-info/v0.2/retrieve", "/drp/v1/data-rights-request",
    "/oauth/token", "/ssf/poll", "/.well-known/jwks.json", "/canary/events",
)  # fmt: skip


@pytest.mark.parametrize("path", MACHINES)
def test_a_machine_that_asks_by_plain_http_is_refused_and_not_sent_on(settings: Settings, path: str) -> None:
    settings.SECURE_SSL_REDIRECT = True
    for send in (Http().get, Http().post):
        answer = send(path, headers={"Authorization": "Bearer secret"})
        assert (answer.status_code, "Location" in answer.headers) == (403, False)
        if path.startswith("/drp/"):  # its 403 has no body
            assert answer.content == b""
            continue
        assert "https alone" in answer.content.decode()
        assert "json" in answer.headers["Content-Type"]


def test_people_are_sent_on_and_what_watches_is_answered(settings: Settings) -> None:
    settings.SECURE_SSL_REDIRECT = True
    for path in ("/", "/stop/", "/home/", "/accounts/login/"):
        answer = Http().get(path)
        assert (path, answer.status_code, answer.headers["Location"]) == (path, 301, f"https://testserver{path}")
    assert Http().get("/healthz").status_code == 200
    # By https the answer is the address's own.
    assert Http().post("/oauth/token", secure=True).status_code == 400


@pytest.mark.parametrize("host", ["10.20.0.7:8000", "web-2", "127.0.0.1:8000", "no.name.of_ours!"])
def test_what_watches_a_process_asks_it_by_its_machine_s_address(host: str, settings: Settings) -> None:
    settings.BASE_URL, settings.ALLOWED_HOSTS = "https://whereabouts.carrier.example", ["whereabouts.carrier.example"]
    settings.METRICS_TOKEN = "token-of-this-test"
    bearer = {"Authorization": "Bearer token-of-this-test", "Host": host}
    asked = ("/healthz", "/readyz", "/metrics", "/", "/healthz/", "/stop/")
    assert [Http().get(path, headers=bearer).status_code for path in asked] == [200, 200, 200, 400, 400, 400]


@pytest.mark.parametrize(("path", "method", "status"), [
    ("/healthz", "post", 405), ("/readyz", "delete", 405), ("/healthz/", "get", 404), ("/readyz/", "get", 404),
])  # fmt: skip
def test_what_watches_a_process_is_refused_with_a_problem(
    path: str, method: str, status: int, settings: Settings
) -> None:
    settings.SECURE_SSL_REDIRECT = True
    answer = Http().generic(method.upper(), path, secure=status == 404)
    assert (answer.status_code, answer.headers["Content-Type"]) == (status, "application/problem+json")
    assert (answer.json()["status"], answer.headers.get("Allow")) == (status, "GET, HEAD" if status == 405 else None)
