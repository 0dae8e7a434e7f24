"""The schemas: the published files, the structs that requests are read by, and what only the carrier's side gets.

What authorised agents send and are told is that of the Data Rights Protocol 1.0.
"""

import json
from pathlib import Path
from typing import Any

import msgspec
from django.conf import settings

from consent.domain.agents import DETAILS, OPT_OUT, VERSION
from consent.feeds.lines import ReportedLine
from consent.labels import REASONS, UNAVAILABLE
from consent.schemas.decisions import Evaluation, Evaluations
from consent.schemas.texts import IncomingText
from disclosures.feeds.releases import FILLED, ReportedRelease
from partners.models import AgentRequest
from support.feeds import IncomingMailMessage
from support.schemas import LoggedByPhone

Status, Reason = AgentRequest.Status, AgentRequest.Reason
TEXT: dict[str, Any] = {"type": "string"}
INSTANT: dict[str, Any] = {"type": "string", "format": "date-time"}
# Which reason may stand beside which status; beside any other there is none.
BESIDE = {
    Status.IN_PROGRESS: (Reason.NEED_USER_VERIFICATION,),
    Status.DENIED: tuple(one for one in Reason if one != Reason.NEED_USER_VERIFICATION),
}
ENVELOPE = {
    "agent-id": {"type": "string", "description": "Your id in the protocol's directory."},
    "business-id": {"type": "string", "description": "Ours."},
    "issued-at": {**INSTANT, "description": "With an offset; at most two minutes ahead of our clock."},
    "expires-at": {**INSTANT, "description": "At most an hour after `issued-at`."},
    "drp.version": {"const": VERSION},
}


def _build_message_schema(about: str, required: tuple[str, ...] = (), **more: object) -> dict[str, Any]:
    return {
        "type": "object", "description": about, "required": [*ENVELOPE, *required], "properties": {**ENVELOPE, **more},
    }  # fmt: skip


def _build_signed_schema(schema: str) -> dict[str, Any]:
    return {
        "type": "string",
        "contentEncoding": "base64",
        "contentMediaType": "application/json",
        "contentSchema": {"$ref": f"#/components/schemas/{schema}"},
        "description": f"Base64 of an Ed25519 signature (64 bytes) and, behind it, the text that it signs: `{schema}`.",
    }


def _beside() -> list[dict[str, Any]]:
    open_one = {"required": ["reason", "processing_details", "user_verification_url"]}
    closed = {"required": ["reason", "processing_details"]}
    return [
        {
            "if": {"properties": {"status": {"const": str(status)}}},
            "then": {
                **(open_one if status == Status.IN_PROGRESS else closed),
                "properties": {"reason": {"enum": [str(one) for one in reasons]}},
            },
        }
        for status, reasons in BESIDE.items()
    ] + [
        {
            "if": {"properties": {"status": {"enum": [str(one) for one in Status if one not in BESIDE]}}},
            "then": {"properties": {"reason": False, "processing_details": False}},
        }
    ]


AGENTS: dict[str, Any] = {
    "drp-sign-in": _build_message_schema("It names no right."),
    "drp-signed-sign-in": _build_signed_schema("drp-sign-in"),
    "drp-request": _build_message_schema(
        "What else the protocol has of the person (name, e-mail and so on) is not looked at and not kept.",
        ("exercise", "phone_number"),
        exercise={
            "type": "string",
            "maxLength": 40,
            "description": f"{' or '.join(sorted(OPT_OUT))}; all else is denied.",
        },
        phone_number={"type": "string", "description": "Whose it is: the person is asked there, by text."},
        status_callback={"type": "string", "maxLength": 1000, "description": "https, on a host registered for you."},
        **{"agent-request-id": {"type": "string", "maxLength": 200, "description": "Yours; comes back as it was."}},
    ),
    "drp-signed-request": _build_signed_schema("drp-request"),
    "drp-taking-back": _build_message_schema("Nothing more is needed."),
    "drp-signed-taking-back": _build_signed_schema("drp-taking-back"),
    "drp-token": {"type": "object", "required": ["agent-id", "token"], "properties": {"agent-id": TEXT, "token": TEXT}},
    "drp-token-counts": {"type": "object", "maxProperties": 0},
    "drp-status": {
        "type": "object",
        "description": "The same words for a number that is no line of ours, to the end.",
        "required": ["request_id", "status", "received_at", "expected_by", "expires_at"],
        "properties": {
            "request_id": {"type": "string", "format": "uuid"},
            "status": {"enum": [str(one) for one in Status]},
            "reason": {
                "enum": [str(one) for one in Reason],
                "description": " ".join(f"`{reason}`: {said}" for reason, said in DETAILS.items()),
            },
            "processing_details": {"type": "string", "description": "The reason in words."},
            "user_verification_url": {
                "type": "string",
                "format": "uri",
                "description": "Says where the person answers.",
            },
            "agent_request_id": TEXT,
            "received_at": INSTANT,
            "expected_by": INSTANT,
            "expires_at": INSTANT,
        },
        "additionalProperties": False,
        "allOf": _beside(),
    },
    "drp-error": {
        "type": "object",
        "required": ["code", "message"],
        "properties": {
            "code": {"type": "string", "description": "The status, as text."},
            "message": TEXT,
            "fatal": {"type": "boolean", "description": "Whether the same message would be refused again."},
        },
        "additionalProperties": False,
    },
}


AT = "#/components/schemas/"
STRUCTS = (Evaluation, Evaluations, ReportedRelease, ReportedLine, IncomingText, LoggedByPhone, IncomingMailMessage)
# What an item of a batch is told that is no question.
INVALID = "invalid_request"
COUNT: dict[str, Any] = {"type": "integer", "minimum": 0}
RESULT = {
    "type": "object",
    "required": ["line", "status"],
    "properties": {
        "line": {"type": ["integer", "string"], "description": "Counted from 1."},
        "status": {"enum": ["accepted", "repeated", "rejected"]},
        "judgement": {"type": "string", "description": "Of a release by approval: `permitted`, or why not."},
        "path_completed": {
            "type": "array",
            "items": {"enum": sorted({place for places in FILLED.values() for place in places})},
            "description": "The places that the reported path left out, and that we filled.",
        },
        "field": {"type": "string", "description": "What is wrong; left out where it is the line as a whole."},
        "reason": {"type": "string", "description": "Why the line was rejected."},
    },
    "additionalProperties": False,
}
COUNTS = {
    "outcome": {
        "enum": ["all_taken", "some_rejected", "all_rejected"],
        "description": "Whether every line was taken. Read it first.",
    },
    "lines": {"type": "integer", "minimum": 1},
    "accepted": COUNT,
    "repeated": COUNT,
    "rejected": COUNT,
}


def _report(about: str, **more: object) -> dict[str, Any]:
    return {
        "type": "object",
        "description": about,
        "required": [*COUNTS, *more, "results"],
        "properties": {**COUNTS, **more, "results": {"type": "array", "items": RESULT}},
        "additionalProperties": False,
    }


OURS: dict[str, Any] = {
    "text": TEXT,
    "bytes": {"type": "string", "contentEncoding": "binary"},
    "document": {"type": "object", "description": "As its standard has it."},
    "token-request": {
        "type": "object",
        "required": ["grant_type", "client_assertion_type", "client_assertion"],
        "properties": {
            "grant_type": {"const": "client_credentials"},
            "client_assertion_type": {"const": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"},
            "client_assertion": TEXT,
            "scope": {"type": "string", "description": "Names with spaces between; without it, all you may have."},
            "client_id": TEXT,
            "resource": TEXT,
        },
    },
    "stream-configurations": {"type": "array", "maxItems": 1, "items": {"$ref": f"{AT}stream-configuration"}},
    "decision": {
        "type": "object",
        "required": ["decision", "context"],
        "properties": {
            "decision": {"type": "boolean"},
            "context": {
                "type": "object",
                "required": ["decision_id"],
                "properties": {
                    "decision_id": {
                        "type": "string",
                        "description": f"Empty only where `reason` is `{UNAVAILABLE}` or `{INVALID}`.",
                    },
                    "reason": {
                        "enum": [*REASONS, UNAVAILABLE, INVALID],
                        "description": "Why not; only where `decision` is false. "
                        f"`{UNAVAILABLE}`: our database could not be asked; release nothing, and ask again soon. "
                        f"`{INVALID}`: this item of a batch is no question; `error` says why.",
                    },
                    "error": {
                        "type": "object",
                        "required": ["status", "message"],
                        "properties": {"status": {"const": 400}, "message": TEXT},
                    },
                    "consent": {
                        "type": "object",
                        "properties": {"epoch": COUNT, "version": COUNT, "record_id": {"type": ["string", "null"]}},
                    },
                    "basis": {"const": "approval"},
                    "subject_ref": TEXT,
                    "obligations": {
                        "type": "array",
                        "items": {"type": "object", "required": ["id"], "properties": {"id": TEXT, "value": {}}},
                    },
                },
            },
        },
    },
    "decisions": {
        "description": "One answer for each question, or, without `evaluations` in the request, the one.",
        "anyOf": [
            {
                "type": "object",
                "required": ["evaluations"],
                "properties": {"evaluations": {"type": "array", "items": {"$ref": f"{AT}decision"}}},
            },
            {"$ref": f"{AT}decision"},
        ],
    },
    "report": _report(
        "What became of releases.",
        judged={
            "type": "object",
            "additionalProperties": COUNT,
            "description": "How many releases by approval were judged in each way.",
        },
        paths_completed={**COUNT, "description": "How many paths had a place that we filled."},
    ),
    "lines-report": _report("What became of lines."),
}


def schemas() -> dict[str, Any]:
    """Return every schema by its name, their references turned to where they stand in the document."""
    _, of_structs = msgspec.json.schema_components(STRUCTS, ref_template=f"{AT}{{name}}")
    return {**_load_schema_files(settings.BASE_DIR / "docs" / "schemas"), **_portable(of_structs), **OURS, **AGENTS}


def _load_schema_files(folder: Path) -> dict[str, Any]:
    found = {path.stem: json.loads(path.read_text()) for path in sorted(folder.glob("*.json"))}
    return {
        name: _rewrite_refs({key: value for key, value in one.items() if key not in {"$schema", "$id"}}, name)
        for name, one in found.items()
    }


def _rewrite_refs(value: Any, name: str) -> Any:
    """`value`, of the schema `name`, with each `$ref` to a file or to a part of its own turned into the document's."""
    if isinstance(value, list):
        return [_rewrite_refs(one, name) for one in value]
    if not isinstance(value, dict):
        return value
    pointed = {key: _rewrite_refs(one, name) for key, one in value.items()}
    if isinstance(value.get("$ref"), str):
        file, _, part = value["$ref"].partition("#")
        pointed["$ref"] = f"{AT}{file.removesuffix('.json') or name}{part}"
    return pointed


def _portable(value: Any) -> Any:
    """Patterns end with `$`: JSON Schema's own regular expressions know no `\\Z`."""
    if isinstance(value, list):
        return [_portable(one) for one in value]
    if isinstance(value, dict):
        return {key: _portable(one) for key, one in value.items()}
    return value.replace(r"\Z", "$") if isinstance(value, str) else value
