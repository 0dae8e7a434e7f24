"""The schemas of what authorised agents send and are told (Data Rights Protocol 1.0)."""

from typing import Any

from consent.domain.agents import DETAILS, OPT_OUT, VERSION
from partners.models import AgentRequest

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
