"""The gateway's doors, in AuthZEN's words, with a real token."""

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import msgspec
import pytest
from django.test import Client
from django.utils import timezone

from accounts.models import Line
from accounts.primitives.json_reader import decode_json
from consent.actions.choices import stop
from consent.gate.rules import allowed_at
from consent.schemas.decisions import parse_batch
from partners.models import Campaign
from partners.models import Client as Machine
from tests.consent.gate_requests import a_token, asked

pytestmark = pytest.mark.django_db


def post(client: Client, path: str, body: object, token: str | None = None) -> Any:
    headers = {"X-Request-ID": "req-7"} | ({"Authorization": f"Bearer {token}"} if token else {})
    data = body if isinstance(body, bytes) else json.dumps(body)
    return client.post(path, data, content_type="application/json", headers=headers)


def test_an_allow_carries_its_obligations_and_proves_itself(client: Client, line: Line, campaign: Campaign) -> None:
    response = post(client, "/access/v1/evaluation", asked(line, campaign), a_token())
    assert (response.status_code, response["X-Request-ID"]) == (200, "req-7")
    said = response.json()
    assert said["decision"] is True
    assert said["context"]["basis"] == "approval"
    # No order was ever written about the line.
    assert said["context"]["consent"]["version"] == 0
    assert [one["id"] for one in said["context"]["obligations"]] == [
        "record_disclosure",
        "max_precision_m",
        "use_within_s",
    ]
    decision_id = said["context"]["decision_id"]
    given = allowed_at(decision_id=decision_id, line_id=line.pk, campaign=campaign.ref)
    assert given is not None
    assert abs(given - timezone.now()) < timedelta(minutes=1)
    assert allowed_at(decision_id=decision_id, line_id=line.pk + 1, campaign=campaign.ref) is None
    assert allowed_at(decision_id=decision_id, line_id=line.pk, campaign="CMP-other") is None
    assert allowed_at(decision_id=decision_id[:-1] + "x", line_id=line.pk, campaign=campaign.ref) is None


def test_deny_is_http_200_names_its_reason_and_no_subject(client: Client, line: Line, campaign: Campaign) -> None:
    stop(line_id=line.pk, scope="all", actor="subscriber:1", channel="web")
    response = post(client, "/access/v1/evaluation", asked(line, campaign, type="msisdn", id="+12065550177"), a_token())
    assert response.status_code == 200
    said = response.json()
    assert (said["decision"], said["context"]["reason"]) == (False, "stopped_all")
    assert set(said["context"]) == {"decision_id", "reason"}
    denied = said["context"]["decision_id"]
    assert allowed_at(decision_id=denied, line_id=line.pk, campaign=campaign.ref) is None


def test_many_are_answered_in_order(client: Client, line: Line, campaign: Campaign) -> None:
    whole, token = asked(line, campaign), a_token()
    known, unknown = {"resource": whole["resource"]}, {"resource": {"type": "line", "id": "L-none"}}
    named = {"subject": whole["subject"], "action": whole["action"], "evaluations": [known, unknown, known]}
    # A fault settles a batch as a deny does.
    faulty: dict[str, object] = {"evaluations": [whole, {}, {}]}
    for semantic, of_named, of_faulty in (
        ("execute_all", [True, False, True], [True, False, False]),
        ("deny_on_first_deny", [True, False], [True, False]), ("permit_on_first_permit", [True], [True]),
    ):  # fmt: skip
        for body, decisions in ((named, of_named), (faulty, of_faulty)):
            sent = {**body, "options": {"evaluations_semantic": semantic}}
            said = post(client, "/access/v1/evaluations", sent, token).json()
            assert [one["decision"] for one in said["evaluations"]] == decisions, semantic
    # Without evaluations the batch door answers one.
    assert post(client, "/access/v1/evaluations", whole, token).json()["decision"] is True
    said = post(client, "/access/v1/evaluations", {"evaluations": [{}, 7]}, token).json()["evaluations"]
    assert [one["decision"] for one in said] == [False, False]


def broken(place: str, **wrong: object) -> dict[str, object]:
    """A whole question with one part of it put wrong."""
    whole: dict[str, dict[str, object]] = {
        "subject": {"type": "partner", "id": "x"},
        "action": {"name": "a"},
        "resource": {"type": "line", "id": "x"},
    }
    whole[place] |= wrong
    return dict(whole)


UNREADABLE: list[tuple[object, str]] = [
    (b"{", "not JSON"), ({}, "subject"), (broken("subject", type=7), "$.subject.type"),
    (broken("resource", type=None), "$.resource.type"),
    (broken("action", properties={"precision_m": -1}), "$.action.properties.precision_m"),
    (broken("resource", properties=7), "$.resource.properties"), ({**broken("action"), "context": [1]}, "$.context"),
    ({**broken("action"), "context": "x"}, "$.context"),
]  # fmt: skip


def test_a_question_that_can_t_be_read_says_where(client: Client, line: Line, campaign: Campaign) -> None:
    token, nul = a_token(), "Expected a text without NUL - at "
    for body, where in UNREADABLE:
        response = post(client, "/access/v1/evaluation", body, token)
        assert (response.status_code, response["Content-Type"]) == (400, "application/problem+json")
        assert where in response.json()["detail"]
    nuls: list[tuple[str, Callable[[dict[str, Any]], None]]] = [
        ("$.subject.id", lambda body: body["subject"].update(id="a\0b")),
        ("$.subject.properties.recipient", lambda body: body["subject"]["properties"].update(recipient="\0")),
        ("$.action.name", lambda body: body["action"].update(name="\0read")),
        ("$.resource.id", lambda body: body["resource"].update(id="line\0")),
    ]
    for place, put in nuls:
        whole = asked(line, campaign)
        put(whole)
        one = post(client, "/access/v1/evaluation", whole, token)
        assert (one.status_code, one.json()["detail"]) == (400, f"{nul}`{place}`")
    faults: tuple[dict[str, object], ...] = (
        {"evaluations": {}}, {"evaluations": [], "subject": 7}, {"evaluations": [{}] * 1001}, {"subject": 7},
        {"options": {"evaluations_semantic": "any"}}, {"subject": {"type": "partner", "id": "\0"}},
    )  # fmt: skip
    for wrong in faults:
        batch: dict[str, object] = {"evaluations": [asked(line, campaign)], **wrong}
        assert post(client, "/access/v1/evaluations", batch, token).status_code == 400, wrong
    # Hostile text is only text.
    whole = asked(line, campaign)
    whole["subject"]["id"] = "'; DROP TABLE consent_choice; --\u202e"
    response = post(client, "/access/v1/evaluation", whole, token)
    assert (response.status_code, response.json()["context"]["reason"]) == (200, "no_approval")


def others(line: Line, campaign: Campaign) -> list[tuple[object, str]]:
    """Items that are no questions, each with what is said about it in a batch where it is the second."""
    whole = asked(line, campaign)
    return [
        ({"subject": whole["subject"]}, "evaluations[1] has no action, and there is no default"),
        ({}, "evaluations[1] has no subject, and there is no default"),
        (7, "Expected `object`, got `int`"),
        ({**whole, "resource": {"type": "line"}}, "missing required field `id` - at `$.evaluations[1].resource`"),
        ({**whole, "subject": {**whole["subject"], "id": "\0"}}, "NUL - at `$.evaluations[1].subject.id`"),
        ({**whole, "action": {"name": "x", "properties": {"precision_m": -1}}}, "`$.evaluations[1].action.properties"),
        ({**whole, "context": "noon"}, "`$.evaluations[1].context`"),
    ]


def test_an_item_that_is_no_question_fails_alone(client: Client, line: Line, campaign: Campaign) -> None:
    token, whole = a_token(), asked(line, campaign)
    for item, said in others(line, campaign):
        response = post(client, "/access/v1/evaluations", {"evaluations": [whole, item, whole]}, token)
        assert response.status_code == 200
        first, second, third = response.json()["evaluations"]
        assert (first["decision"], second["decision"], third["decision"]) == (True, False, True)
        assert second["context"].keys() == {"error", "decision_id", "reason"}
        assert (second["context"]["error"]["status"], second["context"]["decision_id"]) == (400, "")
        assert (second["context"]["reason"], said in second["context"]["error"]["message"]) == ("invalid_request", True)


def test_a_subject_of_another_kind_is_denied(client: Client, line: Line, campaign: Campaign) -> None:
    whole, token = asked(line, campaign), a_token()
    for kind in ("user", "Partner", "service"):
        for properties in (whole["subject"]["properties"], {"campaign": 7, "department": ["Sales"]}):
            body = {**whole, "subject": {"type": kind, "id": whole["subject"]["id"], "properties": properties}}
            one = post(client, "/access/v1/evaluation", body, token)
            assert (one.status_code, one.json()["decision"]) == (200, False)
            assert one.json()["context"]["reason"] == "no_approval"
            many = post(client, "/access/v1/evaluations", {"evaluations": [body, whole]}, token).json()["evaluations"]
            assert [each["decision"] for each in many] == [False, True]


def test_a_default_of_another_kind_denies_what_it_stands_for_alone(
    client: Client, line: Line, campaign: Campaign
) -> None:
    whole, token = asked(line, campaign), a_token()
    others: dict[str, object] = {
        "subject": {"type": "user", "id": "alice", "properties": {"campaign": 7, "department": ["Sales"]}},
        "resource": {"type": "account", "id": "123", "properties": {"owner": {}}},
    }
    for name, other in others.items():
        beside = {**whole, name: other}
        many = post(client, "/access/v1/evaluations", {**beside, "evaluations": [{}, whole, 7]}, token)
        assert many.status_code == 200
        reasons = [each["context"].get("reason") for each in many.json()["evaluations"]]
        assert reasons == ["no_approval" if name == "subject" else "line_unknown", None, "invalid_request"]
        # A batch without `evaluations` is one question.
        assert post(client, "/access/v1/evaluations", beside, token).json()["decision"] is False


def test_a_default_with_wrong_properties_fails_where_it_counts(client: Client, line: Line, campaign: Campaign) -> None:
    whole, token = asked(line, campaign), a_token()
    wrong = {**whole, "action": {"name": whole["action"]["name"], "properties": {"purpose": 7}}}
    body = {**wrong, "evaluations": [{}, {"action": whole["action"]}, {"resource": {"type": "line"}}]}
    response = post(client, "/access/v1/evaluations", body, token)
    assert response.status_code == 200
    first, second, third = response.json()["evaluations"]
    said = "Expected `str`, got `int` - at `$.action.properties.purpose`"
    assert (first["decision"], first["context"]["error"]) == (False, {"status": 400, "message": said})
    assert second["decision"] is True
    assert third["context"]["error"]["message"].startswith("Expected `str`, got `int` - at `$.action")


@pytest.mark.parametrize("properties", [{}, {"purpose": 7}])
def test_a_default_is_read_once_however_many_items_it_stands_for(
    line: Line, campaign: Campaign, properties: dict[str, object], monkeypatch: pytest.MonkeyPatch
) -> None:
    whole, read = asked(line, campaign), [0]
    long = {**whole, "action": {**whole["action"], "properties": {**properties, "unread": ["x" * 9] * 70_000}}}
    body = json.dumps({**long, "context": {"note": "x" * 100_000}, "evaluations": [*[{}] * 999, 7]}).encode()

    def count(content: bytes, decoder: msgspec.json.Decoder[Any], **how: bool) -> Any:
        read[0] += len(content)
        return decode_json(content, decoder, **how)

    monkeypatch.setattr("consent.schemas.decisions.decode_json", count)
    batch = parse_batch(body)
    assert (len(batch.items), len(batch.questions)) == (1000, 0 if properties else 999)
    assert read[0] < 6 * len(body)


def test_a_resource_of_another_kind_is_no_line_of_ours(client: Client, line: Line, campaign: Campaign) -> None:
    body = {**asked(line, campaign), "resource": {"type": "account", "id": "123", "properties": {"owner": {}}}}
    assert post(client, "/access/v1/evaluation", body, a_token()).json()["context"]["reason"] == "line_unknown"
    example = {
        "subject": {"type": "user", "id": "alice@acmecorp.com", "properties": {"ip_address": "172.217.22.14"}},
        "resource": {"type": "account", "id": "123"},
        "action": {"name": "can_read", "properties": {"method": "GET"}},
        "context": {"time": "1985-10-26T01:22-07:00"},
    }
    assert post(client, "/access/v1/evaluation", example, a_token()).json()["decision"] is False


def test_a_question_of_another_content_type_is_not_answered(client: Client, line: Line, campaign: Campaign) -> None:
    headers = {"Authorization": f"Bearer {a_token()}"}
    body = json.dumps(asked(line, campaign))
    for door in ("/access/v1/evaluation", "/access/v1/evaluations"):
        for kind in ("text/plain", "application/x-ndjson", "application/json; charset=latin-1", "json"):
            answer = client.post(door, body, content_type=kind, headers=headers)
            assert (answer.status_code, answer.json()["detail"]) == (400, "Content-Type must be application/json.")
        answer = client.post(door, body, content_type='application/json; charset="UTF-8"', headers=headers)
        assert (answer.status_code, answer.json()["decision"]) == (200, True)


def test_only_a_gateway_with_its_token_is_answered(client: Client, line: Line, campaign: Campaign) -> None:
    body = asked(line, campaign)
    feed = a_token("lines:write", Machine.Kind.FEED)
    assert post(client, "/access/v1/evaluation", body).status_code == 401
    assert post(client, "/access/v1/evaluation", body, "forged").status_code == 401
    assert post(client, "/access/v1/evaluation", body, feed).status_code == 403
    assert client.get("/access/v1/evaluation").status_code == 405


def test_the_metadata_names_both_doors(client: Client) -> None:
    said = client.get("/.well-known/authzen-configuration").json()
    assert said["access_evaluation_endpoint"].endswith("/access/v1/evaluation")
    assert said["access_evaluations_endpoint"].endswith("/access/v1/evaluations")


def test_only_a_nul_itself_is_refused(client: Client, line: Line, campaign: Campaign) -> None:
    """Not the six letters by which JSON would write one, nor one that stands where nothing is read."""
    body = {**asked(line, campaign), "context": {"note": "\0"}}
    assert post(client, "/access/v1/evaluation", body, a_token()).json()["decision"] is True
    body["resource"] = {"type": "line", "id": r"\u0000"}
    assert post(client, "/access/v1/evaluation", body, a_token()).json()["context"]["reason"] == "line_unknown"
    raw = json.dumps(asked(line, campaign)).encode().replace(b"location-retrieval", b"location-\0")
    assert post(client, "/access/v1/evaluation", raw, a_token()).json()["detail"] == "The body is not JSON."


def test_gateways_name_for_a_request_comes_back_with_every_answer(client: Client) -> None:
    for door in ("/access/v1/evaluation", "/access/v1/evaluations", "/access/v1/nothing"):
        for answer in (post(client, door, {}), client.get(door, headers={"X-Request-ID": "req-7"})):
            assert answer.status_code in {401, 404, 405}
            assert answer.headers["X-Request-ID"] == "req-7"
    assert "X-Request-ID" not in client.get("/api/v1/nothing", headers={"X-Request-ID": "req-7"}).headers


def test_a_name_given_twice_is_no_question(client: Client, line: Line, campaign: Campaign) -> None:
    """Of a batch, only for the item that has it."""
    good = json.dumps(asked(line, campaign))
    bad = good.replace('"resource": {', '"resource": {"id": "L0", ')
    assert bad != good
    fault = "`id` is given twice in one object."
    refused = post(client, "/access/v1/evaluation", bad.encode(), a_token())
    assert (refused.status_code, fault in refused.content.decode()) == (400, True)
    batch = f'{{"evaluations": [{good}, {bad}, {good}]}}'
    said = post(client, "/access/v1/evaluations", batch.encode(), a_token()).json()["evaluations"]
    assert [one["decision"] for one in said] == [True, False, True]
    assert said[1]["context"]["error"] == {"status": 400, "message": fault}
    for twice in (
        f'{{"evaluations": [{bad}], "evaluations": [{good}]}}',
        f'{{"options": {{}}, {batch[1:-1]}, "options": {{}}}}',
    ):
        whole = post(client, "/access/v1/evaluations", twice.encode(), a_token())
        assert (whole.status_code, "is given twice" in whole.content.decode()) == (400, True)
    defaults = f'{{"resource": {{"type": "line", "id": "L0", "id": "L1"}}, "evaluations": [{{}}, {good}]}}'
    said = post(client, "/access/v1/evaluations", defaults.encode(), a_token()).json()["evaluations"]
    assert [one["decision"] for one in said] == [False, True]
