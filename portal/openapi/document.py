"""The document itself."""

import re
from functools import cache
from http import HTTPStatus
from typing import Any

from django.conf import settings

from partners.access import SCOPES
from portal.machines import Form, as_camara, as_drp, as_oauth, as_problem, as_secevent, form_of
from portal.openapi.operations import JSON, OPERATIONS, PROBLEM, SECEVENT, Content, Operation
from portal.openapi.shapes import AT, schemas

REFUSED: dict[Form, Content] = {
    as_problem: (PROBLEM, "problem"),
    as_camara: (JSON, "consent-info-error"),
    as_drp: (JSON, "drp-error"),
    as_oauth: (JSON, "oauth-error"),
    as_secevent: (JSON, "error"),
}
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
            "description": "What machines may call. See docs/partners.md and docs/agents.md.",
        },
        "servers": [{"url": settings.BASE_URL}],
        "paths": paths,
        "webhooks": {"event": {"post": _pushed()}, "drp-status": {"post": _called_back()}},
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
    said: dict[str, Any] = {"summary": operation.summary, "parameters": _parameters(operation)}
    if operation.scope:
        said["security"] = [{"oauth2": [operation.scope]}]
    if operation.agents:
        said["security"] = [{"agents": []}]
    if operation.takes:
        said["requestBody"] = {"required": True, "content": _content(operation.takes)}
    answers = {status: _answer(status, contents) for status, contents in operation.answers.items()}
    for status in operation.refusals:
        answers[status] = _answer(status, _refusal(operation.path, status))
    said["responses"] = {str(status): answers[status] for status in sorted(answers)}
    return said


def _refusal(path: str, status: int) -> tuple[Content, ...]:
    """The kind and the schema of a refusal. The Data Rights Protocol's 403 has no body."""
    form = form_of(path)
    if form is as_drp and status == HTTPStatus.FORBIDDEN:
        return ()
    # RFC 8935 has no word for a failure of ours.
    return (REFUSED[as_problem if form is as_secevent and status >= 500 else form],)


def _parameters(operation: Operation) -> list[dict[str, Any]]:
    places = [("path", name, "") for name in PLACE.findall(operation.path)]
    asked = [("query", *one) for one in operation.query.items()]
    headers = [("header", *one) for one in operation.headers.items()]
    return [
        {"name": name, "in": where, "required": where == "path", "description": what, "schema": {"type": "string"}}
        for where, name, what in (*places, *asked, *headers)
    ]


def _answer(status: int, contents: tuple[Content, ...]) -> dict[str, Any]:
    return {"description": HTTPStatus(status).phrase, **({"content": _content(contents)} if contents else {})}


def _content(contents: tuple[Content, ...]) -> dict[str, Any]:
    """By kind of content; where several schemas have the same kind, any of them."""
    by_kind: dict[str, list[dict[str, str]]] = {}
    for kind, schema in contents:
        by_kind.setdefault(kind, []).append({"$ref": f"{AT}{schema}"})
    return {kind: {"schema": refs[0] if len(refs) == 1 else {"anyOf": refs}} for kind, refs in by_kind.items()}


def _pushed() -> dict[str, Any]:
    return {
        "summary": "What a partner is pushed: one signed event (RFC 8935).",
        "requestBody": {"required": True, "content": _content(((SECEVENT, "text"),))},
        "responses": {"202": {"description": "Stored."}, "400": _answer(400, ((JSON, "error"),))},
    }


def _called_back() -> dict[str, Any]:
    return {
        "summary": "What an agent is told at its `status_callback` once a request is closed.",
        "requestBody": {"required": True, "content": _content(((JSON, "drp-status"),))},
        "responses": {"200": {"description": "Taken: it is not told again."}},
    }
