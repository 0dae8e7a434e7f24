"""The OpenAPI document, and its rows as a page shows them."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from http import HTTPStatus
from typing import Any

from django.conf import settings

from partners.policies.identifiers import SCOPES
from portal.api_errors import Form, as_camara, as_drp, as_oauth, as_problem, as_secevent, form_of
from portal.openapi.examples import CLOSED, EXAMPLES, PUSHED, Example
from portal.openapi.operations import JSON, OPERATIONS, PROBLEM, SECEVENT, Content, Operation
from portal.openapi.shapes import AT, schemas

REFUSED: dict[Form, Content] = {
    as_problem: (PROBLEM, "problem"),
    as_camara: (JSON, "consent-info-error"),
    as_drp: (JSON, "drp-error"),
    as_oauth: (JSON, "oauth-error"),
    as_secevent: (JSON, "error"),
}
# By the name of the example: the kind of content ("": the first) and the body.
type Bodies = Mapping[str, tuple[str, object]]
PLACE = re.compile(r"\{(\w+)\}")


@cache
def document() -> dict[str, Any]:
    """OpenAPI 3.1: every machine address with its schemas and its refusals."""
    paths: dict[str, dict[str, Any]] = {}
    for operation in OPERATIONS:
        paths.setdefault(operation.path, {})[operation.method.lower()] = _operation(operation)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Whereabouts",
            "version": "1",
            "description": "What machines may call. Guides: gateway.md, partners.md and agents.md in docs/guides.",
        },
        "servers": [{"url": settings.BASE_URL}],
        "paths": paths,
        "webhooks": {"event": {"post": _build_push_webhook()}, "drp-status": {"post": _build_callback_webhook()}},
        "components": {
            "schemas": schemas(),
            "securitySchemes": {
                "agents": {"type": "http", "scheme": "bearer", "description": "An authorized agent's newest token."},
                "oauth2": {
                    "type": "oauth2",
                    "flows": {
                        "clientCredentials": {
                            "tokenUrl": f"{settings.BASE_URL}/oauth/token",
                            "scopes": dict.fromkeys(sorted(frozenset[str]().union(*SCOPES.values())), ""),
                        }
                    },
                },
            },
        },
    }


def _operation(operation: Operation) -> dict[str, Any]:
    examples = EXAMPLES[f"{operation.method} {operation.path}"]
    said: dict[str, Any] = {
        "summary": operation.summary,
        "description": operation.about,
        "parameters": _parameters(operation, examples),
    }
    if operation.scope:
        said["security"] = [{"oauth2": [operation.scope]}]
    if operation.agents:
        said["security"] = [{"agents": []}]
    if operation.takes:
        sent = {one.name: (one.takes, one.sends) for one in examples if one.sends is not None}
        said["requestBody"] = {"required": True, "content": _content(operation.takes, sent)}
    said["responses"] = _responses(operation, examples)
    return said


def _responses(operation: Operation, examples: Sequence[Example]) -> dict[str, Any]:
    answers = {status: _answer(status, contents) for status, contents in operation.answers.items()}
    told = {one.name: (one.gives, one.answers) for one in examples if one.answers is not None}
    first = min(operation.answers)
    answers[first] = _answer(first, operation.answers[first], told)
    for status in operation.refusals:
        answers[status] = _answer(status, _refusal(operation.path, status))
    return {str(status): answers[status] for status in sorted(answers)}


def _refusal(path: str, status: int) -> tuple[Content, ...]:
    """Return the kind and the schema of a refusal. The Data Rights Protocol's 403 has no body."""
    form = form_of(path)
    if form is as_drp and status == HTTPStatus.FORBIDDEN:
        return ()
    # RFC 8935 has no word for a failure of ours.
    return (REFUSED[as_problem if form is as_secevent and status >= 500 else form],)


def _parameters(operation: Operation, examples: Sequence[Example]) -> list[dict[str, Any]]:
    places = [("path", name, "") for name in PLACE.findall(operation.path)]
    asked = [("query", *one) for one in operation.query.items()]
    headers = [("header", *one) for one in operation.headers.items()]
    values = {name: value for one in examples for name, value in one.values.items()}
    return [
        {"name": name, "in": where, "required": where == "path", "description": what, "schema": {"type": "string"}}
        | ({"example": values[name]} if name in values else {})
        for where, name, what in (*places, *asked, *headers)
    ]


def _answer(status: int, contents: tuple[Content, ...], told: Bodies | None = None) -> dict[str, Any]:
    content = {"content": _content(contents, told or {})} if contents else {}
    return {"description": HTTPStatus(status).phrase, **content}


def _content(contents: tuple[Content, ...], examples: Bodies) -> dict[str, Any]:
    """By kind of content; where several schemas have the same kind, any of them. Examples are of the first kind."""
    by_kind: dict[str, list[dict[str, str]]] = {}
    for kind, schema in contents:
        by_kind.setdefault(kind, []).append({"$ref": f"{AT}{schema}"})
    content: dict[str, Any] = {
        kind: {"schema": refs[0] if len(refs) == 1 else {"anyOf": refs}} for kind, refs in by_kind.items()
    }
    for name, (kind, value) in examples.items():
        content[kind or contents[0][0]].setdefault("examples", {})[name] = {"value": value}
    return content


def _build_push_webhook() -> dict[str, Any]:
    return {
        "summary": "What a partner is pushed: one signed event (RFC 8935).",
        "description": "Answer 202 with an empty body once the event is on your disk; nothing else counts as received."
        " Refuse with 400 in the form of RFC 8935. docs/guides/partners.md says what each event asks.",
        "requestBody": {"required": True, "content": _content(((SECEVENT, "text"),), {"an order": ("", PUSHED)})},
        "responses": {"202": {"description": "Stored."}, "400": _answer(400, ((JSON, "error"),))},
    }


def _build_callback_webhook() -> dict[str, Any]:
    return {
        "summary": "What an agent is told at its `status_callback` once a request is closed.",
        "description": "Nothing is signed: believe what GET says. It is tried twelve times, with growing waits.",
        "requestBody": {"required": True, "content": _content(((JSON, "drp-status"),), {"closed": ("", CLOSED)})},
        "responses": {"200": {"description": "Taken: it is not told again."}},
    }


@dataclass(frozen=True)
class Body:
    """A kind of content and the names of its schemas. `status`: of an answer, "" for a request."""

    status: str
    kind: str
    schemas: Sequence[str]


@dataclass(frozen=True)
class DocumentedOperation:
    """One operation. `parameters`: where, name, what it is. `examples`: by name, what is sent and what is answered."""

    method: str
    path: str
    summary: str
    description: str
    scopes: Sequence[str]
    parameters: Sequence[tuple[str, str, str]]
    takes: Sequence[Body]
    answers: Sequence[Body]
    examples: Mapping[str, Sequence[str]]


def list_documented_operations() -> tuple[list[DocumentedOperation], dict[str, str]]:
    """Return all operations, and every schema's text by its name."""
    whole = document()
    operations = [
        _document_operation(method, path, one)
        for path, methods in whole["paths"].items()
        for method, one in methods.items()
    ]
    texts = {name: json.dumps(schema, indent=1) for name, schema in whole["components"]["schemas"].items()}
    return operations, texts


def _document_operation(method: str, path: str, one: Mapping[str, Any]) -> DocumentedOperation:
    return DocumentedOperation(
        method=method.upper(),
        path=path,
        summary=one["summary"],
        description=one["description"],
        scopes=[scope for needed in one.get("security", []) for scope in needed.get("oauth2", ())],
        parameters=[(each["in"], each["name"], each["description"]) for each in one["parameters"]],
        takes=_bodies("", one.get("requestBody", {})),
        answers=[body for status, answer in one["responses"].items() for body in _bodies(status, answer)],
        examples=_examples(one.get("requestBody", {}), *one["responses"].values()),
    )


def _bodies(status: str, said: dict[str, Any]) -> list[Body]:
    bodies = [Body(status, kind, _names(one["schema"])) for kind, one in said.get("content", {}).items()]
    return bodies or ([Body(status, "", ())] if status else [])


def _names(schema: dict[str, Any]) -> list[str]:
    return [one["$ref"].removeprefix(AT) for one in schema.get("anyOf", [schema])]


def _examples(*bodies: dict[str, Any]) -> dict[str, list[str]]:
    """By their names, each as text: what is sent, then what is answered, where there is any."""
    found = dict[str, list[str]]()
    for body in bodies:
        for content in body.get("content", {}).values():
            for name, example in content.get("examples", {}).items():
                value = example["value"]
                text = value if isinstance(value, str) else json.dumps(value, indent=1, ensure_ascii=False)
                found.setdefault(name, []).append(text)
    return found
