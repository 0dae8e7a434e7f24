"""The straight way to the gate: it answers as the long way does, and leaves to that whatever is not as it should be."""

import json
from collections.abc import Iterable
from itertools import product
from wsgiref.types import StartResponse, WSGIEnvironment

import pytest
from django.db import connection, connections, transaction
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from accounts.models import Line
from consent.actions.choices import stop
from consent.api.decisions import gate_fast_path
from partners.models import Campaign, SigningKey
from partners.models import Client as Machine
from partners.workers import rotation
from portal.wsgi import application
from tests.consent.gate_requests import MANY, ONE, a_new_key, a_token, asked, send, without_ids
from tests.factories import a_campaign, a_line, an_approval

pytestmark = pytest.mark.usefixtures("committed_db", "no_broker")


class Way:
    """One way through the server: `call` sends a request, `sent_on` holds the bodies that went the long way."""

    def __init__(self) -> None:
        self.sent_on: list[bytes] = []
        self.straight = gate_fast_path(self._long)

    def _long(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        self.sent_on.append(environ["wsgi.input"].read())
        start_response("599 The long way", [])
        return [b""]

    def call(self, path: str, body: bytes, **changed: str | None) -> tuple[str, dict[str, str], bytes]:
        return send(self.straight, path, body, **changed)


def test_it_answers_what_the_long_way_answers(client: Client, line: Line, campaign: Campaign) -> None:
    stopped = a_line(msisdn="+12065550178")
    an_approval(stopped, campaign)
    stop(line_id=stopped.pk, scope="all", actor="subscriber:1", channel="web")
    way, token = Way(), f"Bearer {a_token()}"
    whole = asked(line, campaign)
    batch = {**whole, "evaluations": [{"resource": {"type": "msisdn", "id": f"+1206555017{n}"}} for n in (7, 8, 9, 7)]}
    semantics = [{**batch, "options": {"evaluations_semantic": one}} for one in ("execute_all", "deny_on_first_deny")]
    for path, body in [
        (ONE, whole), (ONE, asked(stopped, campaign)), (ONE, asked(line, campaign, type="line", id="L-none")),
        (MANY, whole), (MANY, batch), *((MANY, one) for one in semantics),
    ]:  # fmt: skip
        text = json.dumps(body).encode()
        status, headers, content = way.call(path, text, HTTP_AUTHORIZATION=token, HTTP_X_REQUEST_ID="req-7")
        long = client.post(path, text, content_type="application/json", headers={"Authorization": token})
        assert (status, long.status_code) == ("200 OK", 200)
        assert without_ids(content) == without_ids(long.content)
        assert headers == {
            "Content-Type": "application/json", "X-Content-Type-Options": "nosniff", "X-Request-ID": "req-7",
            "Content-Length": str(len(content)),
        }  # fmt: skip
    assert way.sent_on == []


def test_one_statement_answers_and_it_is_planned_once(line: Line, campaign: Campaign) -> None:
    way, token, body = Way(), f"Bearer {a_token()}", json.dumps(asked(line, campaign)).encode()
    way.call(ONE, body, HTTP_AUTHORIZATION=token)
    with connection.cursor() as cursor:
        runs = "SELECT generic_plans, custom_plans FROM pg_prepared_statements WHERE name = 'consent_gate_0'"
        cursor.execute(runs)
        before = cursor.fetchall()
        for _ in range(3):
            way.call(ONE, body, HTTP_AUTHORIZATION=token)
        cursor.execute(runs)
        assert cursor.fetchall() == [(before[0][0] + 3, 0)]


def test_what_was_prepared_and_dropped_is_prepared_again(line: Line, campaign: Campaign) -> None:
    way, token, body = Way(), f"Bearer {a_token()}", json.dumps(asked(line, campaign)).encode()
    for _ in range(2):
        assert way.call(ONE, body, HTTP_AUTHORIZATION=token)[0] == "200 OK"
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("DEALLOCATE ALL")


NOT_RIGHT: tuple[dict[str, str | None], ...] = (
    {"REQUEST_METHOD": "GET"}, {"HTTP_HOST": "evil.example"}, {"HTTP_HOST": None}, {"CONTENT_LENGTH": None},
    {"CONTENT_LENGTH": "-1"}, {"CONTENT_LENGTH": "2621441"}, {"HTTP_AUTHORIZATION": None},
    {"HTTP_AUTHORIZATION": "Bearer forged"}, {"HTTP_AUTHORIZATION": "Basic eDp5"},
    {"PATH_INFO": "/access/v1/evaluation/"},
)  # fmt: skip


def test_what_is_not_right_goes_the_long_way(line: Line, campaign: Campaign) -> None:
    body, token = json.dumps(asked(line, campaign)).encode(), f"Bearer {a_token()}"
    for changed in NOT_RIGHT:
        way = Way()
        status, _, _ = way.call(ONE, body, **{"HTTP_AUTHORIZATION": token, **changed})
        assert (status, way.sent_on) == ("599 The long way", [body]), changed
    for wrong, path in product((b"", b"{", b"{}", b"\xff", b'{"evaluations": [{}]}', b"[" * 100_000), (ONE, MANY)):
        way = Way()
        way.call(path, wrong, HTTP_AUTHORIZATION=token)
        assert way.sent_on == [wrong]


@pytest.mark.parametrize("withdrawn", ["client", "its key", "our key"])
def test_another_scope_or_a_withdrawn_key_goes_long(line: Line, campaign: Campaign, withdrawn: str) -> None:
    way, body = Way(), json.dumps(asked(line, campaign)).encode()
    way.call(ONE, body, HTTP_AUTHORIZATION=f"Bearer {a_token('disclosures:write')}")
    assert way.sent_on == [body]
    token = f"Bearer {a_token()}"
    assert way.call(ONE, body, HTTP_AUTHORIZATION=token)[0] == "200 OK"
    if withdrawn == "client":
        Machine.objects.update(disabled_at=timezone.now())
    elif withdrawn == "its key":
        a_new_key()
    else:
        rotation.replace(
            uses=[SigningKey.Use.ACCESS], emergency=True, actor="officer:1", reason="laptop stolen", now=timezone.now()
        )
    for path in (ONE, MANY):
        assert way.call(path, body, HTTP_AUTHORIZATION=token)[0] == "599 The long way"


def test_the_long_way_refuses_in_its_own_words(line: Line, campaign: Campaign) -> None:
    body = json.dumps(asked(line, campaign)).encode()
    status, headers, content = send(application, ONE, body)
    assert (status, headers["Content-Type"]) == ("401 Unauthorized", "application/problem+json")
    assert json.loads(content)["title"] == "invalid_token"
    status, headers, _ = send(application, ONE, body, REQUEST_METHOD="PUT")
    assert (status, headers["Allow"]) == ("405 Method Not Allowed", "POST")


def test_by_http_where_https_is_due_goes_the_long_way(line: Line, campaign: Campaign, settings: Settings) -> None:
    settings.SECURE_SSL_REDIRECT, settings.SECURE_PROXY_SSL_HEADER = True, ("HTTP_X_FORWARDED_PROTO", "https")
    way, token, body = Way(), f"Bearer {a_token()}", json.dumps(asked(line, campaign)).encode()
    assert way.call(ONE, body, HTTP_AUTHORIZATION=token)[0] == "599 The long way"
    plain = way.call(ONE, body, HTTP_AUTHORIZATION=token, HTTP_X_FORWARDED_PROTO="http")
    forwarded = way.call(ONE, body, HTTP_AUTHORIZATION=token, HTTP_X_FORWARDED_PROTO="https")
    assert (plain[0], forwarded[0]) == ("599 The long way", "200 OK")


def test_where_tokens_are_bound_to_certificates_all_go_long_way(
    line: Line, campaign: Campaign, settings: Settings
) -> None:
    token, body = f"Bearer {a_token()}", json.dumps(asked(line, campaign)).encode()
    settings.MTLS_CLIENT_CERTIFICATES = True
    assert Way().call(ONE, body, HTTP_AUTHORIZATION=token)[0] == "599 The long way"


def test_a_connection_that_was_lost_costs_no_answer() -> None:
    line = a_line()
    campaign = a_campaign()
    an_approval(line, campaign)
    token, body = f"Bearer {a_token()}", json.dumps(asked(line, campaign)).encode()
    for _ in range(2):
        status, _, content = send(application, ONE, body, HTTP_AUTHORIZATION=token)
        assert (status, json.loads(content)["decision"]) == ("200 OK", True)
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_backend_pid()")
            (backend,) = cursor.fetchone()
        with connections["owner"].cursor() as cursor:
            cursor.execute("SELECT pg_terminate_backend(%s, 5000)", [backend])


def test_answers_are_counted_by_reason(client: Client, line: Line, campaign: Campaign, settings: Settings) -> None:
    settings.METRICS_TOKEN = "scrape"

    def counted() -> dict[str, float]:
        page = client.get("/metrics", headers={"Authorization": "Bearer scrape"}).content.decode()
        rows = (row.rpartition(" ") for row in page.splitlines() if row.startswith("whereabouts_decisions_total{"))
        return {name.split('"')[1]: float(value) for name, _, value in rows}

    before = counted()
    token, whole = f"Bearer {a_token()}", asked(line, campaign)
    Way().call(ONE, json.dumps(whole).encode(), HTTP_AUTHORIZATION=token)
    batch = {**whole, "evaluations": [{}, {"resource": {"type": "line", "id": "L-none"}}, {}]}
    Way().call(MANY, json.dumps(batch).encode(), HTTP_AUTHORIZATION=token)
    after = counted()
    assert {name: after[name] - before.get(name, 0) for name in ("allow", "line_unknown")} == {
        "allow": 3,
        "line_unknown": 1,
    }


def test_too_much_at_once_is_refused_clearly(line: Line, campaign: Campaign) -> None:
    whole, token = asked(line, campaign), f"Bearer {a_token()}"
    full = {**whole, "evaluations": [{} for _ in range(1000)]}
    status, _, content = send(application, MANY, json.dumps(full).encode(), HTTP_AUTHORIZATION=token)
    assert (status, len(json.loads(content)["evaluations"])) == ("200 OK", 1000)
    over = {**whole, "evaluations": [{} for _ in range(1001)]}
    status, headers, content = send(application, MANY, json.dumps(over).encode(), HTTP_AUTHORIZATION=token)
    assert (status, headers["Content-Type"]) == ("400 Bad Request", "application/problem+json")
    assert json.loads(content)["detail"] == "Expected `array` of length <= 1000 - at `$.evaluations`"
    large = json.dumps({**whole, "more": "x" * 2_700_000}).encode()
    status, headers, content = send(application, MANY, large, HTTP_AUTHORIZATION=token)
    assert (status, headers["Content-Type"]) == ("413 Content Too Large", "application/problem+json")
    assert json.loads(content)["detail"] == "At most 2,621,440 bytes go into one request."
