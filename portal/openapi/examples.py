"""Examples for every operation: what is sent and what is answered, as one small carrier and its partners would say it.

They tell one story, as of 25 November 2026, 12:00 UTC. `tests/portal/test_openapi_examples.py` sets it up and runs each
of them, with real keys, ids and signatures in the place of those that stand here.
"""

import json
from base64 import b64encode, urlsafe_b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from django.conf import settings

BASE = settings.BASE_URL
NOON = "2026-11-25T12:00:00Z"
AGGREGATOR, PROVIDER = "https://locagg.example", "https://lbs-a.example"
AGREEMENT, CAMPAIGN, PHONE = f"{BASE}/agreements/AGR-2026-0042", "CMP-2026-0007", "+12535550101"
FRAUD, READ = "dpv:FraudPreventionAndDetection", "location-retrieval:read"
YES = "a6611890fef000.4be1f6d2a0c38e57b9147ad0c6f2e813"
NO = "d6611890fef000.9c05e7b11d4f4a6e8a2b3c4d5e6f7081"
STREAM, COHORT = "0f4c8c5e-6f0e-4d0b-9a56-2d8a4f7c1e90", "0192f6c1-6a20-4c55-8f10-2b8a9d3e4c70"
JTI, SUBJECT = "7c1e0b9d0f2b4c0aa1d5a5f0b6b0d1c2", "k1.9fJ0sQ2vYwB1n7ZkQxT4aLrM"
RUN, REQUEST = "3f2504e0-4f89-41d3-9a0c-0305e82c3301", "6b1c9a52-7d0e-4f0e-9d5c-3f1d0f6a9b21"
EVENTS = f"{BASE}/schemas/secevent/consent/event-type/"


@dataclass(frozen=True)
class Example:
    """One request with its answer. `values`: of what stands in its path, its query and its headers.

    `takes` and `gives`: the kinds of content, where the operation has others before them.
    """

    name: str
    sends: object = None
    answers: object = None
    takes: str = ""
    gives: str = ""
    values: Mapping[str, str] = field(default_factory=dict)


def _jws(typ: str, claims: Mapping[str, object]) -> str:
    """Return a token in compact form, with a signature by nobody."""
    parts = (json.dumps(part).encode() for part in ({"typ": typ, "alg": "ES256", "kid": "your-key"}, claims))
    return ".".join(urlsafe_b64encode(part).decode().rstrip("=") for part in (*parts, bytes(64)))


def _signed_by_agent(**said: str) -> str:
    """Return an authorised agent's message, with a signature by nobody."""
    envelope = {"agent-id": "SLIP", "business-id": "CARRIER", "drp.version": "1.0", "issued-at": NOON,
                "expires-at": "2026-11-25T12:10:00Z"}  # fmt: skip
    return b64encode(bytes(64) + json.dumps(envelope | said).encode()).decode()


def _question(phone: str = PHONE) -> dict[str, object]:
    return {
        "subject": {"type": "partner", "id": AGGREGATOR,
                    "properties": {"on_behalf_of": PROVIDER, "campaign": CAMPAIGN}},
        "action": {"name": READ, "properties": {"purpose": FRAUD, "precision_m": 500}},
        "resource": {"type": "msisdn", "id": phone},
    }  # fmt: skip


def _allow(decision_id: str = YES) -> dict[str, object]:
    return {
        "decision": True,
        "context": {
            "decision_id": decision_id,
            "consent": {"epoch": 1, "version": 0, "record_id": "urn:uuid:5c0f4a6b-2f3d-5e19-9d0a-1b2c3d4e5f60"},
            "basis": "approval",
            "subject_ref": SUBJECT,
            "obligations": [
                {"id": "record_disclosure"}, {"id": "max_precision_m", "value": 500},
                {"id": "use_within_s", "value": 2},
            ],
        },
    }  # fmt: skip


def _deny(reason: str) -> dict[str, object]:
    return {"decision": False, "context": {"decision_id": NO, "reason": reason}}


def _release(number: int, **changed: object) -> dict[str, object]:
    return {
        "id": f"rel-2026-11-25-{number:06}", "occurred_at": NOON, "msisdn": PHONE, "aggregator": AGGREGATOR,
        "path": [AGGREGATOR, PROVIDER], "campaign": CAMPAIGN, "purpose": FRAUD, "scope": READ, "precision_m": 500,
        "basis": "approval", "outcome": "released", "decision_id": YES, **changed,
    }  # fmt: skip


def _report(outcome: str, result: Mapping[str, object], **counts: object) -> dict[str, object]:
    taken = {"outcome": outcome, "lines": 1, "accepted": 0, "repeated": 0, "rejected": 0}
    return taken | counts | {"results": [{"line": 1, **result}]}


def _build_release_report(result: Mapping[str, object], *, completed: int = 0, **judged: int) -> dict[str, object]:
    return _report("all_taken", {"status": "accepted", **result}, accepted=1, judged=judged, paths_completed=completed)


STREAM_MADE = {
    "stream_id": STREAM, "iss": BASE, "aud": AGGREGATOR,
    "delivery": {"method": "urn:ietf:rfc:8936", "endpoint_url": f"{BASE}/ssf/poll"},
    "events_supported": [f"{EVENTS}{name}" for name in ("consent-change", "cohort-revoked", "evidence-request")],
    "events_delivered": [f"{EVENTS}{name}" for name in ("consent-change", "cohort-revoked", "evidence-request")],
    "min_verification_interval": 30, "signing_alg": "ES256",
}  # fmt: skip
ASKED = {
    "request_id": REQUEST, "status": "in_progress", "reason": "need_user_verification",
    "processing_details": "The person is asked by a text to the phone itself, by day.",
    "user_verification_url": f"{BASE}/authorized/{REQUEST}/", "received_at": NOON,
    "expected_by": "2026-12-02T12:00:00Z", "expires_at": "2026-12-02T12:00:00Z",
}  # fmt: skip
CLOSED = {
    "request_id": REQUEST, "status": "fulfilled", "received_at": NOON, "expected_by": "2026-12-02T12:00:00Z",
    "expires_at": "2026-12-02T12:00:00Z",
}  # fmt: skip
PUSHED = _jws("secevent+jwt", {
    "iss": BASE, "aud": AGGREGATOR, "jti": JTI, "iat": 1795608000, "toe": 1795608000,
    "txn": "tx-1b0a7c2f5d3e4f6a8b9c0d1e2f3a4b5c", "sub_id": {"format": "iss_sub", "iss": BASE, "sub": SUBJECT},
    "events": {f"{EVENTS}consent-change": {
        "event_timestamp": 1795608000, "initiating_entity": "user",
        "reason_admin": {"en": "Permission changed. See the current state."}, "agreement": AGREEMENT, "epoch": 1,
        "version": 1, "snapshot": True, "changes": [
            {"scopes": [READ], "purpose": FRAUD, "recipient": PROVIDER, "from": "granted", "to": "withdrawn"}],
        "state": [], "default": "denied", "required_actions": ["stop_use", "delete_held", "notify_downstream"],
        "duties": [{"action": one, "scope": {"all": True}, "since": NOON}
                   for one in ("delete_held", "notify_downstream", "stop_use")],
        "consent_record_id": "urn:uuid:5c0f4a6b-2f3d-4e19-9d0a-1b2c3d4e5f61",
        "stop_by": "2026-11-25T12:15:00Z", "complete_by": "2026-12-05T12:00:00Z"}},
})  # fmt: skip
CLAIM = {
    "id": "claim-2026-000017", "campaign": CAMPAIGN, "msisdn": PHONE, "method": "web",
    "captured_at": "2026-11-24T21:58:03Z", "captured_by": PROVIDER, "wording": "Check my payments. I agree.",
    "language": "en", "evidence_ref": "ev-88213",
}  # fmt: skip
DONE = [{"action": one, "status": "completed", "at": NOON} for one in ("stop_use", "delete_held", "notify_downstream")]
RECEIPT = {
    "iss": AGGREGATOR, "aud": BASE, "jti": "rcpt-7b0d5d3e", "iat": 1795608000, "toe": 1795608000,
    "txn": "tx-1b0a7c2f5d3e4f6a8b9c0d1e2f3a4b5c", "sub_id": {"format": "jwt_id", "iss": BASE, "jti": JTI},
    "events": {f"{EVENTS}revocation-receipt": {
        "event_timestamp": 1795608000, "status": "completed", "applied": {"epoch": 1, "version": 1}, "actions": DONE,
        "downstream": []}},
}  # fmt: skip
KEY = {"kty": "EC", "crv": "P-256", "x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
       "y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0", "use": "sig", "alg": "ES256",
       "kid": "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs"}  # fmt: skip
ASSERTION = {"iss": "gateway-1", "sub": "gateway-1", "aud": BASE, "jti": "0b1f9d3a", "iat": 1795608000,
             "exp": 1795608060}  # fmt: skip
AT_STREAM, AT_REQUEST = {"stream_id": STREAM}, {"request_id": REQUEST}
SIGNED = "t=1795608000,v1=2f1c0e9b7d6a5948372615049382716f5e4d3c2b1a09f8e7d6c5b4a392817060"

EXAMPLES: Mapping[str, Sequence[Example]] = {
    "POST /oauth/token": [Example(
        "signed in",
        {"grant_type": "client_credentials", "client_assertion": _jws("JWT", ASSERTION),
         "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
         "scope": "decisions:read disclosures:write"},
        {"access_token": "eyJ…", "token_type": "Bearer", "expires_in": 600,
         "scope": "decisions:read disclosures:write"},
    )],
    "POST /access/v1/evaluation": [
        Example("allowed", _question(), _allow(), values={"X-Request-ID": "bfe9eb29-ab87"}),
        Example("stopped", _question("+12535550102"), _deny("stopped_all")),
    ],
    "POST /access/v1/evaluations": [
        Example(
            "three lines",
            {**{name: part for name, part in _question().items() if name != "resource"},
             "evaluations": [{"resource": {"type": "msisdn", "id": PHONE}},
                             {"resource": {"type": "msisdn", "id": "+12535550102"}}, {}]},
            {"evaluations": [
                _allow(), _deny("stopped_all"),
                {"decision": False, "context": {"decision_id": "", "reason": "invalid_request", "error": {
                    "status": 400, "message": "evaluations[2] has no resource, and there is no default"}}},
            ]},
        ),
        Example(
            "up to the first no",
            {**{name: part for name, part in _question().items() if name != "resource"},
             "options": {"evaluations_semantic": "deny_on_first_deny"},
             "evaluations": [{"resource": {"type": "msisdn", "id": "+12535550102"}},
                             {"resource": {"type": "msisdn", "id": PHONE}}]},
            {"evaluations": [_deny("stopped_all")]},
        ),
    ],
    "POST /api/v1/disclosures": [
        Example("released", _release(1), _build_release_report({"judgement": "permitted"}, permitted=1)),
        Example("refused", _release(2, outcome="refused", decision_id=NO), _build_release_report({})),
        Example("completed", _release(3, path=[]),
                _build_release_report({"judgement": "permitted", "path_completed": ["aggregator", "lbs_provider"]},
                                      completed=1, permitted=1)),
        Example("unlawful", _release(4, msisdn="+12535550102"),
                _build_release_report({"judgement": "after_stop"}, after_stop=1)),
        Example("emergency", {**_release(5, basis="emergency", authority_ref="PSAP-4711", path=[AGGREGATOR]),
                              "campaign": None, "decision_id": None, "purpose": "dpv:VitalInterest"},
                _build_release_report({})),
        Example("rejected", _release(6, msisdn="+12535550199"),
                _report("all_rejected", {"status": "rejected", "field": "msisdn", "reason": "line_unknown"},
                        rejected=1, judged={}, paths_completed=0)),
    ],
    "POST /api/v1/lines": [Example(
        "activated",
        {"line_id": "L-7730042", "msisdn": "+12535550144", "account_id": "A-20017", "holder_name": "Ada Marsh",
         "user_role": "user", "state": "WA", "language": "en", "activated_at": "2026-11-24T08:30:00-08:00"},
        _report("all_taken", {"status": "accepted"}, accepted=1),
    )],
    "POST /api/v1/approvals": [
        Example("one claim", CLAIM, {"id": CLAIM["id"], "status": "accepted", "subject_ref": SUBJECT}),
        Example("lines", CLAIM | {"id": "claim-2026-000018"},
                _report("all_taken", {"id": "claim-2026-000018", "status": "accepted", "subject_ref": SUBJECT},
                        accepted=1), takes="application/x-ndjson"),
    ],
    "POST /api/v1/texts": [Example(
        "stop", {"id": "mo-9007199", "from": PHONE, "text": "STOP LOCATION", "on_network": True},
        values={"X-Text-Signature": SIGNED},
    )],
    "POST /api/v1/calls": [Example(
        "answered", {"id": "call-20261125-17", "to": PHONE, "answered_at": NOON, "by": "agent-12"},
        values={"X-Call-Signature": SIGNED},
    )],
    "POST /api/v1/mail": [Example(
        "a new case",
        {"to": "help@carrier.example", "from": "Ada Marsh <ada@mail.example>", "subject": "Who asked for my location?",
         "text": "I do not know this company.", "message_id": "<17@mail.example>", "auto_submitted": "no",
         "attachments": [{"name": "screenshot.txt", "content": "c2VlbiBvbiBteSBwaG9uZQ=="}]},
        values={"X-Mail-Signature": SIGNED},
    )],
    "POST /consent-info/v0.2/retrieve": [Example(
        "to be asked",
        {"phoneNumber": "+12535550103", "scopes": [READ], "purpose": FRAUD, "requestCaptureUrl": True,
         "callbackUrl": "https://app.locagg.example/back"},
        {"statusInfo": [{"scopes": [READ], "purpose": FRAUD, "statusValidForProcessing": False,
                         "statusReason": "PENDING"}], "captureUrl": f"{BASE}/ask/k7Qm3v2mSx6bq0VwYB1n7ZkQ/"},
        values={"x-correlator": "b4333c46-49c0-4f62"},
    )],
    "POST /ssf/receipts": [Example("completed", _jws("secevent+jwt", RECEIPT))],
    "POST /ssf/poll": [Example(
        "one order", {"maxEvents": 100, "returnImmediately": True, "ack": [], "setErrs": {}},
        {"sets": {JTI: "eyJ0eXAiOiJzZWNldmVudCtqd3Qi.eyJpc3MiOiJodHRwcz.c2lnbmF0dXJl"}, "moreAvailable": False},
    )],
    "GET /ssf/streams": [Example("yours", answers=STREAM_MADE, values=AT_STREAM)],
    "POST /ssf/streams": [Example("by poll", {"delivery": {"method": "urn:ietf:rfc:8936"}}, STREAM_MADE)],
    "PATCH /ssf/streams": [Example(
        "described", {"stream_id": STREAM, "description": "Production"}, {**STREAM_MADE, "description": "Production"},
    )],
    "PUT /ssf/streams": [Example(
        "replaced", {"stream_id": STREAM, "delivery": {"method": "urn:ietf:rfc:8936"}}, STREAM_MADE,
    )],
    "DELETE /ssf/streams": [Example("deleted", values=AT_STREAM)],
    "GET /ssf/status": [Example("enabled", answers={"stream_id": STREAM, "status": "enabled"}, values=AT_STREAM)],
    "POST /ssf/status": [Example(
        "paused", {"stream_id": STREAM, "status": "paused", "reason": "We move to another host."},
        {"stream_id": STREAM, "status": "paused", "reason": "We move to another host."},
    )],
    "POST /ssf/verify": [Example("asked", {"stream_id": STREAM, "state": "is-it-you-71"})],
    "PUT /ssf/digest": [Example(
        "the entries of a bucket",
        {"run": RUN, "as_of": NOON, "buckets": {"62cc": [
            {"sub": SUBJECT, "agreement": AGREEMENT, "epoch": 1, "version": 7, "recipient": PROVIDER, "purpose": FRAUD,
             "scope": READ}]}},
        {"run": RUN, "remaining": 0, "findings": {"partner_has": 0, "partner_lacks": 0, "same": 0, "unknown": 1}},
    )],
    "GET /ssf/manifests/{cohort_id}/{number}": [
        Example("the index", answers="eyJ…", values={"cohort_id": COHORT, "number": "0"}),
    ],
    "GET /drp/v1/agent/{agent_id}": [Example("it counts", answers={}, values={"agent_id": "SLIP"})],
    "POST /drp/v1/agent/{agent_id}": [Example(
        "signed in", _signed_by_agent(), {"agent-id": "SLIP", "token": "dhCHBJHwz-gNSvtK…"},
        values={"agent_id": "SLIP"},
    )],
    "POST /drp/v1/data-rights-request": [Example(
        "asked", _signed_by_agent(exercise="sale:opt_out", phone_number=PHONE), ASKED,
    )],
    "GET /drp/v1/data-rights-request/{request_id}": [Example("open", answers=ASKED, values=AT_REQUEST)],
    "DELETE /drp/v1/data-rights-request/{request_id}": [Example(
        "taken back", _signed_by_agent(),
        {name: value for name, value in ASKED.items()
         if name not in {"reason", "processing_details", "user_verification_url"}} | {"status": "revoked"},
        values=AT_REQUEST,
    )],
    "GET /.well-known/oauth-authorization-server": [Example("the issuer", answers={
        "issuer": BASE, "token_endpoint": f"{BASE}/oauth/token", "jwks_uri": f"{BASE}/.well-known/jwks.json",
        "grant_types_supported": ["client_credentials"],
        "token_endpoint_auth_methods_supported": ["private_key_jwt"],
    })],
    "GET /.well-known/jwks.json": [Example("keys", answers={"keys": [KEY]})],
    "GET /.well-known/jwks-archive.json": [Example("keys", answers={"keys": [KEY]})],
    "GET /.well-known/ssf-configuration": [Example("the transmitter", answers={
        "spec_version": "1_0", "issuer": BASE, "jwks_uri": f"{BASE}/.well-known/jwks.json",
        "configuration_endpoint": f"{BASE}/ssf/streams",
    })],
    "GET /.well-known/authzen-configuration": [Example("the gate", answers={
        "policy_decision_point": BASE, "access_evaluation_endpoint": f"{BASE}/access/v1/evaluation",
        "access_evaluations_endpoint": f"{BASE}/access/v1/evaluations",
    })],
    "GET /.well-known/gpc.json": [Example("honoured", answers={"gpc": True, "lastUpdate": "2026-11-24"})],
    "GET /.well-known/security.txt": [Example("contact", answers="Contact: …\nExpires: …\n…")],
    "GET /api/v1/openapi.json": [Example("its head", answers={"openapi": "3.1.0"})],
    "GET /api/v1/docs": [Example("the page", answers="<!DOCTYPE html>\n…")],
    "GET /healthz": [Example("it answers", answers="ok\n")],
    "GET /readyz": [Example("ready", answers={"ready": True, "database": "ok", "gate": "open"})],
    "GET /metrics": [Example("figures", answers="# HELP …\n# TYPE …\n…")],
}  # fmt: skip
