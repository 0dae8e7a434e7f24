"""The document of all machine addresses: whole, its references lead somewhere, and each address is as it says."""

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from django.conf import settings
from django.db import OperationalError
from django.test import Client as Http
from django.urls import URLPattern, URLResolver, get_resolver
from jsonschema import Draft202012Validator

from consent.api.decisions import answers, encode_answer
from consent.gate import deciding
from consent.gate.shapes import Question
from consent.labels import REASONS
from portal.api_errors import PREFIXES

pytestmark = pytest.mark.usefixtures("db")
TAKEN_BACK = "/drp/v1/data-rights-request/{request_id}"


@pytest.fixture
def document() -> dict[str, Any]:
    found: dict[str, Any] = Http().get("/api/v1/openapi.json").json()
    return found


def routes(patterns: list[URLPattern | URLResolver], before: str = "/") -> Iterator[str]:
    for one in patterns:
        if isinstance(one, URLResolver):
            yield from routes(one.url_patterns, before + str(one.pattern))
        else:
            yield before + str(one.pattern)


def machines_routes() -> set[str]:
    return {route for route in routes(get_resolver().url_patterns) if route.startswith(PREFIXES)}


def references(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        if isinstance(value.get("$ref"), str):
            yield value["$ref"]
        for one in value.values():
            yield from references(one)
    elif isinstance(value, list):
        for one in value:
            yield from references(one)


def test_every_machine_address_is_in_it_with_its_methods(document: dict[str, Any]) -> None:
    named = {re.sub(r"<\w+:(\w+)>", r"{\1}", route) for route in machines_routes()}
    assert {*document["paths"]} == named
    for path, methods in document["paths"].items():
        address = path.replace("{cohort_id}", "0192f6c1-6a20-4c55-8f10-2b8a9d3e4c70").replace("{number}", "0")
        allowed = {*Http().generic("PROPFIND", address)["Allow"].lower().split(", ")} - {"head"}
        assert ({*methods}, path) == (allowed, path)


def test_each_says_what_it_takes_what_it_answers_and_how_it_refuses(document: dict[str, Any]) -> None:
    for path, methods in document["paths"].items():
        for method, one in methods.items():
            # What takes an agent's request back is signed as well.
            taking = method in {"post", "put", "patch"} or (path, method) == (TAKEN_BACK, "delete")
            assert ("requestBody" in one) == taking, (path, method)
            good = [status for status in one["responses"] if status < "300"]
            assert len(good) == 1, (path, method)
            for status, answer in one["responses"].items():
                bare = status in {"202", "204"} or (path.startswith("/drp/") and status == "403")
                assert ("content" in answer) == (not bare), (path, method, status)
            assert {"405", "500"} <= {*one["responses"]}
            if "security" in one:
                assert ({"403"} if "agents" in one["security"][0] else {"401", "403"}) <= {*one["responses"]}


def test_a_refusal_has_the_form_that_it_says(document: dict[str, Any]) -> None:
    schemas = document["components"]["schemas"]
    for path in document["paths"]:
        address = path.replace("{cohort_id}", "0192f6c1-6a20-4c55-8f10-2b8a9d3e4c70").replace("{number}", "0")
        answer = Http().generic("PROPFIND", address)
        first = next(iter(document["paths"][path].values()))
        ((kind, said),) = first["responses"]["405"]["content"].items()
        assert (answer.status_code, answer["Content-Type"], path) == (405, kind, path)
        whole = {"$ref": said["schema"]["$ref"], "components": {"schemas": schemas}}
        assert [error.message for error in Draft202012Validator(whole).iter_errors(answer.json())] == []


def test_every_reference_leads_somewhere_and_every_schema_is_one(document: dict[str, Any]) -> None:
    assert document["openapi"] == "3.1.0"
    found = {*references(document)}
    assert len(found) > 20
    for reference in found:
        place: Any = document
        for part in reference.removeprefix("#/").split("/"):
            place = place[part]
    for schema in document["components"]["schemas"].values():
        Draft202012Validator.check_schema(schema)


def test_its_schemas_tell_good_from_bad(document: dict[str, Any]) -> None:
    schemas = document["components"]["schemas"]

    def faults(name: str, value: object) -> int:
        whole = {"$ref": f"#/components/schemas/{name}", "components": {"schemas": schemas}}
        return len(list(Draft202012Validator(whole).iter_errors(value)))

    assert faults("poll-request", {"ack": ["a"], "since": "2026-11-24T21:58:03Z"}) == 0
    assert faults("poll-request", {"ack": [""]}) == 1
    assert faults("Evaluation", {"subject": {"type": "partner", "id": "a"}, "action": {"name": "x"},
                                 "resource": {"type": "msisdn", "id": "+1"}}) == 0  # fmt: skip
    assert faults("Evaluation", {"subject": {"type": "person", "id": "a"}}) > 0


def test_the_page_shows_all_of_it_and_needs_nobody_else(document: dict[str, Any]) -> None:
    page = Http().get("/api/v1/docs")
    text = page.content.decode()
    assert page["Content-Type"] == "text/html; charset=utf-8"
    for path, methods in document["paths"].items():
        for method in methods:
            assert f"<code>{method.upper()} {path}</code>" in text
    for name in document["components"]["schemas"]:
        assert f'id="schema-{name}"' in text
    assert {*re.findall(r'href="#schema-([\w-]+)"', text)} <= {*document["components"]["schemas"]}
    assert re.findall(r'(?:src|href)="(?:https?:)?//', text) == []
    assert json.dumps("mailto:") not in text


def test_every_reason_of_a_no_is_in_it_and_in_the_guide_also_that_of_no_database(
    document: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    schemas = document["components"]["schemas"]
    listed = {*schemas["decision"]["properties"]["context"]["properties"]["reason"]["enum"]}
    assert listed == {*REASONS, "unavailable", "invalid_request"}
    guide = (settings.BASE_DIR / "docs" / "guides" / "gateway.md").read_text()
    table = guide.partition("## Reasons")[2].partition("\n\n## Many questions")[0]
    first_cells = [row.split("|")[1] for row in table.splitlines() if row.startswith("| `")][1:]
    assert {name for cell in first_cells for name in re.findall(r"`(\w+)`", cell)} == listed

    def no_database(**_: object) -> None:
        raise OperationalError

    monkeypatch.setattr(deciding, "evaluate", no_database)
    (answer,) = answers([Question(aggregator="a", provider="b", campaign="c", purpose="p", scope="s", line="l")])
    whole = {"$ref": "#/components/schemas/decision", "components": {"schemas": schemas}}
    said = json.loads(encode_answer([answer]))
    assert said == {"decision": False, "context": {"decision_id": "", "reason": "unavailable"}}
    assert [error.message for error in Draft202012Validator(whole).iter_errors(said)] == []
