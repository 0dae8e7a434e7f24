"""What a machine door does with a body of another kind, with one that nests too deep, and with one that is no text."""

import hmac
import json
from base64 import b64encode, urlsafe_b64encode
from collections.abc import Callable, Iterator
from datetime import timedelta
from gzip import compress
from hashlib import sha256
from typing import Any
from urllib.parse import urlencode

import pytest
from django.test import Client as Http
from django.utils import timezone
from joserfc.jwk import ECKey
from pytest_django import Settings

from audit.models import AuditEvent
from partners.actions.clients import register_client
from partners.actions.sign_in import ASSERTION_TYPE, issue_access_token
from partners.clients import http as client
from partners.domain import keysets
from partners.models import AgentRequest
from partners.models import Client as Machine
from partners.policies.identifiers import SCOPES
from portal.wsgi import whole_product
from revocations.workers.delivery.verdicts import judge
from tests.agents import Agent
from tests.consent.gate_requests import send
from tests.factories import NOW, a_contract, a_party
from tests.partners.outside import Answer, Outside
from tests.portal.spoiled import with_a_nul

pytestmark = pytest.mark.usefixtures("db", "no_broker")

JSON, NDJSON, CSV = "application/json", "application/x-ndjson", "text/csv"
FORM, SECEVENT = "application/x-www-form-urlencoded", "application/secevent+jwt"
PNG = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\1\0\0\0\1\x08\6\0\0\0"
# Method, the kind of client, its scope, and the kinds of content that are taken.
DOORS: dict[str, tuple[str, Machine.Kind, str, tuple[str, ...]]] = {
    "/api/v1/approvals": ("POST", Machine.Kind.AGGREGATOR, "approvals:write", (JSON, NDJSON)),
    "/api/v1/disclosures": ("POST", Machine.Kind.GATEWAY, "disclosures:write", (NDJSON,)),
    "/api/v1/lines": ("POST", Machine.Kind.FEED, "lines:write", (NDJSON, CSV)),
    "/consent-info/v0.2/retrieve": ("POST", Machine.Kind.AGGREGATOR, "consent-info:retrieve", (JSON,)),
    "/ssf/digest": ("PUT", Machine.Kind.AGGREGATOR, "receipts:write", (JSON,)),
    "/ssf/poll": ("POST", Machine.Kind.AGGREGATOR, "ssf.read", (JSON,)),
    "/ssf/status": ("POST", Machine.Kind.AGGREGATOR, "ssf.manage", (JSON,)),
    "/ssf/streams": ("POST", Machine.Kind.AGGREGATOR, "ssf.manage", (JSON,)),
    "/ssf/verify": ("POST", Machine.Kind.AGGREGATOR, "ssf.manage", (JSON,)),
}
# The gate's own doors, which know no 415.
GATES = dict.fromkeys(
    ("/access/v1/evaluation", "/access/v1/evaluations"), ("POST", Machine.Kind.GATEWAY, "decisions:read", (JSON,))
)
BY_LINE = ("/api/v1/approvals", "/api/v1/disclosures", "/api/v1/lines")
SECRET = "s" * 32
SIGNED = {
    "/api/v1/texts": ("X-Text-Signature", "SMS_INBOUND_SECRETS"),
    "/api/v1/calls": ("X-Call-Signature", "CALL_LOG_SECRETS"),
    "/api/v1/mail": ("X-Mail-Signature", "MAIL_INBOUND_SECRETS"),
}
SIGNED_BODIES: dict[str, dict[str, Any]] = {
    "/api/v1/texts": {"id": "t-1", "from": "+12065550142", "text": "STOP LOCATION 123456", "on_network": True},
    "/api/v1/calls": {"id": "c-1", "to": "+12065550142", "answered_at": "2026-11-20T12:00:00Z", "by": "agent-7"},
    "/api/v1/mail": {
        "to": "help@carrier.example", "from": "ada@home.example", "subject": "Who?", "text": "Who asked?",
        "message_id": "<1@home.example>", "auto_submitted": "no",
    },
}  # fmt: skip
# Deeper than anything that we are sent, less deep and deeper than where a parser's recursion ends.
DEPTHS = (40, 900, 5000)


def nested(levels: int) -> str:
    return "[" * levels + "]" * levels


def a_token(kind: Machine.Kind) -> str:
    key = json.loads(json.dumps(ECKey.generate_key("P-256").as_dict(private=False)))
    party = a_contract(a_party()).aggregator if kind == Machine.Kind.AGGREGATOR else None
    machine = register_client(
        client_id=f"test-{kind}", kind=kind, public_jwk=key, party=party, actor="system:test", at=NOW
    )
    scopes = sorted(SCOPES[kind])
    return issue_access_token(client=machine, scopes=scopes, lifetime=timedelta(minutes=5), at=timezone.now()).token


def sender(door: str) -> Callable[[bytes, str], Any]:
    """What sends a body of a kind to this door, with a token for it."""
    method, kind, _, _ = (DOORS | GATES)[door]
    headers = {"Authorization": f"Bearer {a_token(kind)}"}

    def send(body: bytes, content_type: str) -> Any:
        return Http(raise_request_exception=False).generic(
            method, door, body, content_type=content_type, headers=headers
        )

    return send


def signed(door: str, body: bytes, content_type: str = JSON) -> Any:
    moment = int(timezone.now().timestamp())
    mac = hmac.new(SECRET.encode(), f"{moment}.".encode() + body, sha256).hexdigest()
    headers = {SIGNED[door][0]: f"t={moment},v1={mac}"}
    return Http(raise_request_exception=False).post(door, body, content_type=content_type, headers=headers)


@pytest.fixture
def open_doors(settings: Settings) -> None:
    for _, name in SIGNED.values():
        setattr(settings, name, [SECRET])
    settings.DRP_BUSINESS_ID = "CARRIER"


@pytest.mark.parametrize("door", DOORS)
def test_a_body_of_another_kind_is_refused_before_it_is_read(door: str) -> None:
    send, taken = sender(door), DOORS[door][3]
    before = AuditEvent.objects.count()
    others = {JSON, NDJSON, CSV, "image/png", "application/octet-stream", f"{taken[0]}; charset=latin-1"} - {*taken}
    for kind in sorted(others):
        answer = send(b"{}", kind)
        assert (kind, answer.status_code) == (kind, 415)
        assert answer.headers["Accept"] == ", ".join(taken)
        assert "Content-Type must be" in answer.content.decode()
        assert "json" in answer.headers["Content-Type"]
    assert AuditEvent.objects.count() == before
    # A poll that does not say so waits for as long as it may.
    assert send(b'{"returnImmediately": true}', f"{taken[0]};charset=UTF-8").status_code != 415


@pytest.mark.parametrize("door", DOORS)
def test_a_compressed_body_is_refused_where_nobody_unpacks_it(door: str) -> None:
    method, kind, _, taken = DOORS[door]
    bearer, said = {"Authorization": f"Bearer {a_token(kind)}"}, "gzip or " if door == "/ssf/digest" else ""
    for encoding in ("br", "deflate", "gzip, br", *(() if said else ("gzip", "GZIP"))):
        headers = {**bearer, "Content-Encoding": encoding}
        answer = Http().generic(method, door, compress(b"{}"), content_type=taken[0], headers=headers)
        assert (encoding, answer.status_code) == (encoding, 415)
        assert answer.headers["Accept-Encoding"] == ("gzip" if said else "identity")
        assert f"Content-Encoding must be {said}left out." in answer.content.decode()
    headers = {**bearer, "Content-Encoding": "identity"}
    whole = b'{"returnImmediately": true}'
    assert Http().generic(method, door, whole, content_type=taken[0], headers=headers).status_code != 415


@pytest.mark.parametrize("door", GATES)
def test_a_compressed_question_is_no_question(door: str) -> None:
    headers = {"Authorization": f"Bearer {a_token(Machine.Kind.GATEWAY)}", "Content-Encoding": "gzip"}
    answer = Http().post(door, b"{}", content_type=JSON, headers=headers)
    assert (answer.status_code, answer.json()["detail"]) == (400, "Content-Encoding must be left out.")


@pytest.mark.usefixtures("open_doors")
@pytest.mark.parametrize("door", SIGNED)
def test_a_signed_body_of_another_kind_is_refused(door: str) -> None:
    assert signed(door, b"{}", "text/plain").status_code == 415
    assert signed(door, b"{}").status_code == 400


NOTHING: dict[str, bytes] = {
    "an image": PNG, "nothing": b"", "blank lines": b"\n \r\n\n", "a list": b'[\n {\n  "id": 1\n }\n]\n',
    "a list in one line": b'[{"id": 1}]', "CSV": b"id,occurred_at\nr-1,2026-11-24T21:58:03Z\n", "text": b"hello\n",
    "UTF-16": '{"id": 1}\n'.encode("utf-16"),
}  # fmt: skip


@pytest.mark.parametrize("door", BY_LINE)
def test_a_body_of_which_no_line_can_be_read_is_a_bad_request(door: str) -> None:
    send, before = sender(door), AuditEvent.objects.count()
    for name, body in NOTHING.items():
        answer = send(body, NDJSON)
        assert (name, answer.status_code) == (name, 400)
        assert answer.headers["Content-Type"] == "application/problem+json"
        assert answer.json()["title"] == "Nothing can be read"
    assert AuditEvent.objects.count() == before


def test_csv_without_its_header_is_a_bad_request() -> None:
    send = sender("/api/v1/lines")
    row = b"L1,+12065550142,A1,Ada,holder,WA,en,2025-01-01T00:00:00Z,\n"
    for body in (row, PNG, b"id;name\n" + row):
        answer = send(body, CSV)
        assert answer.status_code == 400
        assert answer.json()["detail"] == "The first line must be a header that names line_id."
    answer = send(b"line_id,msisdn\n", CSV)
    assert (answer.status_code, answer.json()["detail"]) == (400, "The body holds no line.")


@pytest.mark.parametrize("door", BY_LINE)
def test_the_answer_says_in_one_word_whether_all_was_taken(door: str) -> None:
    send = sender(door)
    answer = send(b'{}\n{"id": 7}\nbroken\n', NDJSON)
    assert answer.status_code == 200
    head = dict(list(answer.json().items())[:5])
    assert head == {"outcome": "all_rejected", "lines": 3, "accepted": 0, "repeated": 0, "rejected": 3}
    assert [one["status"] for one in answer.json()["results"]] == ["rejected"] * 3


@pytest.mark.parametrize("door", [*DOORS, *GATES])
def test_json_that_nests_too_deep_is_a_bad_request(door: str) -> None:
    send, kind = sender(door), (DOORS | GATES)[door][3][0]
    for levels in DEPTHS:
        for body in (f'{{"id": "a", "x": {nested(levels)}}}', nested(levels), f'{{"evaluations": [{nested(levels)}]}}'):
            answer = send(body.encode(), kind)
            assert (levels, answer.status_code) == (levels, 400), body[:80]


@pytest.mark.usefixtures("open_doors")
@pytest.mark.parametrize("door", SIGNED)
def test_signed_json_that_nests_too_deep_is_a_bad_request(door: str) -> None:
    for levels in DEPTHS:
        assert signed(door, f'{{"id": "a", "x": {nested(levels)}}}'.encode()).status_code == 400


@pytest.mark.usefixtures("open_doors")
def test_an_agents_signed_json_that_nests_too_deep_is_refused() -> None:
    agent = an_agent()
    for levels in DEPTHS:
        plain = f'{json.dumps(agent.envelope(exercise="sale:opt_out"))[:-1]}, "x": {nested(levels)}}}'.encode()
        assert (levels, statuses(agent, plain)) == (levels, [400, 403])


@pytest.mark.usefixtures("open_doors")
@pytest.mark.parametrize("name", ["exercise", "agent-request-id", "status_callback", "phone_number", "agent-id"])
def test_a_nul_in_an_agents_signed_message_is_the_agents_mistake(name: str) -> None:
    agent = an_agent()
    said = agent.envelope(exercise="sale:opt_out", phone_number="+12065550142")
    for text in ("\0", f"{said.get(name, 'https://agent.example/')}\0"):
        assert statuses(agent, json.dumps({**said, name: text}).encode()) == [400, 403]
    assert not AgentRequest.objects.exists()


@pytest.mark.usefixtures("open_doors")
@pytest.mark.parametrize("door", SIGNED)
def test_a_nul_in_a_signed_body_is_never_a_failure(door: str) -> None:
    for body in with_a_nul(SIGNED_BODIES[door]):
        status, is_named = (
            signed(door, json.dumps(body).encode()).status_code,
            body.keys() == SIGNED_BODIES[door].keys(),
        )
        # Whoever writes a mail may write anything: what can't be kept of it is left out.
        assert status in ({202} if is_named and door == "/api/v1/mail" else {202, 400}), body


def an_agent() -> Agent:
    agent = Agent("SLIP")
    agent.register()
    agent.sign_in()
    return agent


def statuses(agent: Agent, plain: bytes) -> list[int]:
    """What a request with this signed message is answered, and what a request for a token."""
    body, http = b64encode(agent.key.sign(plain) + plain), Http(raise_request_exception=False)
    return [
        http.post(f"/drp/v1/{path}", body, content_type="text/plain", headers=agent.bearer).status_code
        for path in ("data-rights-request", "agent/SLIP")
    ]


def tokens(levels: int) -> Iterator[str]:
    """Tokens whose claims, or whose header, nest so deep."""
    good, deep = b'{"alg":"ES256","typ":"JWT","kid":"k"}', f'{{"alg":"ES256","x":{nested(levels)}}}'.encode()
    for head, claims in ((good, deep), (deep, b"{}")):
        yield ".".join(urlsafe_b64encode(part).rstrip(b"=").decode() for part in (head, claims, b"s" * 64))


@pytest.mark.parametrize("levels", DEPTHS)
def test_a_token_that_nests_too_deep_is_no_token(levels: int) -> None:
    bearer = {"Authorization": f"Bearer {a_token(Machine.Kind.AGGREGATOR)}"}
    http = Http(raise_request_exception=False)
    for token in tokens(levels):
        form = urlencode({
            "grant_type": "client_credentials", "client_assertion_type": ASSERTION_TYPE,
            "client_assertion": token,
        })  # fmt: skip
        answer = http.post("/oauth/token", form, content_type=FORM)
        assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client")
        answer = http.post("/ssf/receipts", token, content_type=SECEVENT, headers=bearer)
        assert (answer.status_code, answer.json()["err"]) == (400, "invalid_request")
        answer = http.post("/ssf/poll", b"{}", content_type=JSON, headers={"Authorization": f"Bearer {token}"})
        assert answer.status_code == 401


@pytest.mark.parametrize("levels", DEPTHS)
def test_what_a_partner_answers_may_nest_as_it_likes_and_says_nothing_then(outside: Outside, levels: int) -> None:
    outside.documents["/jwks.json"] = f'{{"keys": [], "x": {nested(levels)}}}'.encode()
    assert keysets.fetch_published_keys(url=f"{outside.url}/jwks.json") is None
    outside.always = Answer(400, f'{{"err": "invalid_key", "x": {nested(levels)}}}'.encode())
    reply = client.post(url=outside.url, body=b"{}", content_type=JSON)
    assert judge(reply=reply).note == "answered 400 without a reason"


@pytest.mark.usefixtures("open_doors")
def test_a_moment_with_an_offset_that_the_database_does_not_know_is_that_moment() -> None:
    poll = sender("/ssf/poll")
    for since in ("1052-04-05T17:11:19-21:02", "2026-01-01T00:00:00+23:59", "0001-01-01T00:00:00+23:59"):
        answer = poll(json.dumps({"returnImmediately": True, "since": since}).encode(), JSON)
        assert (since, answer.status_code) == (since, 200), answer.content
    for answered_at, status in (("2026-11-20T12:00:00-20:00", 202), ("9999-12-31T23:59:59-23:59", 400)):
        said = {"id": f"call-{status}", "to": "+12065550101", "answered_at": answered_at}
        assert signed("/api/v1/calls", json.dumps(said).encode()).status_code == status, answered_at


# Codecs that are not of texts or read nothing, and headers that no parser takes apart.
ODD_KINDS = (
    f"{JSON}; charset=hex", f"{JSON}; charset=rot13", f"{JSON}; charset=undefined", f"{JSON}; charset=a\0b",
    f"{JSON}; charset*=zz'en'x", f"{JSON}; {'x' * 10_001}=1", f"{FORM}; charset=hex",
    "multipart/form-data; charset=hex",
)  # fmt: skip


@pytest.mark.parametrize("path", [*DOORS, *GATES, "/oauth/token", "/accounts/login/", "/stop/ended/", "/healthz"])
def test_a_content_type_that_no_parser_takes_is_answered(path: str) -> None:
    """A request is made outside all middleware: what fails there would leave the caller without an answer of ours."""
    for kind in ODD_KINDS:
        status, headers, _ = send(whole_product, path, b"{}", CONTENT_TYPE=kind, QUERY_STRING="stream_id=%41")
        assert (kind, status[0]) == (kind, "4")
        assert "Content-Type" in headers
