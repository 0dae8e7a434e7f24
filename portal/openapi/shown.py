"""The document as a page shows it, row by row."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from portal.openapi.document import document
from portal.openapi.shapes import AT


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
    """All operations, and every schema's text by its name."""
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
