"""The published schemas, as a partner's engineer would use them."""

import json
from functools import cache
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator
from referencing import Registry, Resource

DOCS = Path(__file__).resolve().parents[2] / "docs"
FOLDER = DOCS / "schemas"
NAMES = sorted(path.stem for path in FOLDER.glob("*.json"))


@cache
def schema(name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((FOLDER / f"{name}.json").read_text())
    return found


@cache
def validator(name: str) -> Draft202012Validator:
    resources = [(f"{one}.json", Resource.from_contents(schema(one))) for one in NAMES]
    registry: Registry[Any] = Registry().with_resources(resources)
    return Draft202012Validator(schema(name), registry=registry)


def faults(name: str, value: object) -> list[str]:
    """Why a value is not valid by a schema; nothing if it is."""
    return [f"{error.json_path}: {error.message}" for error in validator(name).iter_errors(value)]
