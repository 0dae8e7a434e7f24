"""Every operation of every machine address: what it takes, what it answers, and in which form it refuses."""

from collections.abc import Mapping
from dataclasses import dataclass, field

JSON, NDJSON, CSV = "application/json", "application/x-ndjson", "text/csv"
SECEVENT, PROBLEM, FORM = "application/secevent+jwt", "application/problem+json", "application/x-www-form-urlencoded"
TEXT, GZIP, JWS = "text/plain", "application/gzip", "application/jose"
WRITING = ("POST", "PUT", "PATCH")
# What another kind of content is told by these addresses' own standards: 400.
KNOWS_NO_415 = ("/access/v1/evaluation", "/access/v1/evaluations", "/oauth/token", "/ssf/receipts")

type Content = tuple[str, str]


@dataclass(frozen=True)
class Operation:
    """`takes` and `answers` name a kind of content and its schema. `refuses`: statuses beside those that all have.

    `query` and `headers`: names that may be sent, with what they are. `agents`: it takes an authorised agent's token.
    """

    method: str
    path: str
    summary: str
    scope: str = ""
    takes: tuple[Content, ...] = ()
    answers: Mapping[int, tuple[Content, ...]] = field(default_factory=dict)
    refuses: tuple[int, ...] = ()
    query: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    agents: bool = False

    @property
    def refusals(self) -> list[int]:
        """Every status by which it says no."""
        found = {405, 500, *self.refuses}
        found |= {401, 403} if self.scope else set()
        found |= {403} if self.agents else set()
        found |= {400, 411, 413} if self.method in WRITING or self.takes else set()
        found |= {415} if self.takes and self.path not in KNOWS_NO_415 else set()
        return sorted(found)


def _document(path: str, summary: str, kind: str = JSON, schema: str = "document") -> Operation:
    return Operation("GET", path, summary, answers={200: ((kind, schema),)})


STREAM_ID = {"stream_id": "The stream's id."}
REQUEST_ID = {"X-Request-ID": "Comes back as it was sent."}
CONFIGURATION, STATUS = (JSON, "stream-configuration"), (JSON, "stream-status")

OPERATIONS = (
    Operation("POST", "/oauth/token", "Sign in: an assertion for an access token (RFC 6749, RFC 7523).",
              takes=((FORM, "token-request"),), answers={200: ((JSON, "token-answer"),)}, refuses=(401,)),
    Operation("POST", "/access/v1/evaluation", "May this partner have this line's location, now? (OpenID AuthZEN)",
              "decisions:read", takes=((JSON, "Evaluation"),), answers={200: ((JSON, "decision"),)},
              headers=REQUEST_ID),
    Operation("POST", "/access/v1/evaluations", "Many questions at once, answered in request order.",
              "decisions:read", takes=((JSON, "Evaluations"),), answers={200: ((JSON, "decisions"),)},
              headers=REQUEST_ID),
    Operation("POST", "/api/v1/disclosures", "What the gateway released and refused: up to 10,000 lines.",
              "disclosures:write", takes=((NDJSON, "ReportedRelease"),), answers={200: ((JSON, "report"),)}),
    Operation("POST", "/api/v1/lines", "What became of lines: up to 10,000 of them.", "lines:write",
              takes=((NDJSON, "ReportedLine"), (CSV, "text")), answers={200: ((JSON, "report"),)}),
    Operation("POST", "/api/v1/approvals", "Who agreed, by a partner's word: one claim, or up to 1,000 lines.",
              "approvals:write", takes=((JSON, "claim"), (NDJSON, "claim")),
              answers={200: ((JSON, "claim-answer"), (JSON, "claims-answer"))}, refuses=(409,)),
    Operation("POST", "/api/v1/texts", "A text from a phone, from the carrier's message gateway, signed by it.",
              takes=((JSON, "TextedUs"),), answers={202: ()}, refuses=(401, 404),
              headers={"X-Text-Signature": "t=<seconds>,v1=<HMAC-SHA256 over t, a dot and the body, in hex>"}),
    Operation("POST", "/api/v1/calls", "A call of ours that was answered, from the carrier's telephone system.",
              takes=((JSON, "LoggedByPhone"),), answers={202: ()}, refuses=(401, 404),
              headers={"X-Call-Signature": "t=<seconds>,v1=<HMAC-SHA256 over t, a dot and the body, in hex>"}),
    Operation("POST", "/api/v1/mail", "A mail to us, from the carrier's mail gateway, signed by it.",
              takes=((JSON, "MailedUs"),), answers={202: ()}, refuses=(401, 404),
              headers={"X-Mail-Signature": "t=<seconds>,v1=<HMAC-SHA256 over t, a dot and the body, in hex>"}),
    Operation("POST", "/consent-info/v0.2/retrieve", "How a number stands to a use (CAMARA Consent Info).",
              "consent-info:retrieve", takes=((JSON, "consent-info-request"),),
              answers={200: ((JSON, "consent-info-answer"),)}, refuses=(422, 429),
              headers={"x-correlator": "Comes back as it was sent."}),
    Operation("POST", "/ssf/receipts", "A signed receipt (RFC 8935): 202 once it is kept.", "receipts:write",
              takes=((SECEVENT, "text"),), answers={202: ()}),
    Operation("POST", "/ssf/poll", "Fetch events and settle those fetched before (RFC 8936).", "ssf.read",
              takes=((JSON, "poll-request"),), answers={200: ((JSON, "poll-answer"),)}),
    Operation("GET", "/ssf/streams", "Read your stream; without an id, a list of one or none.", "ssf.read",
              answers={200: (CONFIGURATION, (JSON, "stream-configurations"))}, refuses=(404,), query=STREAM_ID),
    Operation("POST", "/ssf/streams", "Make your stream.", "ssf.manage", takes=((JSON, "stream-request"),),
              answers={201: (CONFIGURATION,)}, refuses=(409,)),
    Operation("PATCH", "/ssf/streams", "Change what is named of your stream.", "ssf.manage",
              takes=((JSON, "stream-request"),), answers={200: (CONFIGURATION,)}, refuses=(404,)),
    Operation("PUT", "/ssf/streams", "Replace your stream's configuration.", "ssf.manage",
              takes=((JSON, "stream-request"),), answers={200: (CONFIGURATION,)}, refuses=(404,)),
    Operation("DELETE", "/ssf/streams", "Go back to your contract's address.", "ssf.manage", answers={204: ()},
              refuses=(404,), query=STREAM_ID),
    Operation("GET", "/ssf/status", "Whether your stream is enabled.", "ssf.read", answers={200: (STATUS,)},
              refuses=(404,), query=STREAM_ID),
    Operation("POST", "/ssf/status", "Pause or enable your stream.", "ssf.manage", takes=(STATUS,),
              answers={200: (STATUS,)}, refuses=(404,)),
    Operation("POST", "/ssf/verify", "Ask for a verification event.", "ssf.manage",
              takes=((JSON, "verify-request"),), answers={204: ()}, refuses=(404, 429)),
    Operation("PUT", "/ssf/digest", "Compare books: a digest of all, then entries.", "receipts:write",
              takes=((JSON, "digest-request"),), answers={200: ((JSON, "digest-answer"),)}, refuses=(404, 409, 429)),
    Operation("GET", "/ssf/manifests/{cohort_id}/{number}", "The list of an ended agreement: 0 the index, then shards.",
              "ssf.read", answers={200: ((JWS, "text"), (GZIP, "bytes"))}, refuses=(404, 410)),
    Operation("GET", "/drp/v1/agent/{agent_id}", "Whether your token still counts (Data Rights Protocol 1.0).",
              answers={200: ((JSON, "drp-token-counts"),)}, refuses=(404,), agents=True),
    Operation("POST", "/drp/v1/agent/{agent_id}", "Sign in as an authorized agent: the token before ends.",
              takes=((TEXT, "drp-signed-sign-in"),), answers={200: ((JSON, "drp-token"),)}, refuses=(403, 404)),
    Operation("POST", "/drp/v1/data-rights-request", "Ask for an opt-out in somebody's name. The person is asked.",
              takes=((TEXT, "drp-signed-request"),), answers={200: ((JSON, "drp-status"),)}, refuses=(404,),
              agents=True),
    Operation("GET", "/drp/v1/data-rights-request/{request_id}", "How a request of yours stands.",
              answers={200: ((JSON, "drp-status"),)}, refuses=(404,), agents=True),
    Operation("DELETE", "/drp/v1/data-rights-request/{request_id}", "Take back a request that is still open.",
              takes=((TEXT, "drp-signed-taking-back"),), answers={200: ((JSON, "drp-status"),)}, refuses=(404, 409),
              agents=True),
    _document("/.well-known/oauth-authorization-server", "Where and how a machine signs in (RFC 8414)."),
    _document("/.well-known/jwks.json", "Our public keys (RFC 7517)."),
    _document("/.well-known/jwks-archive.json", "Every public key that we ever signed with."),
    _document("/.well-known/ssf-configuration", "What this transmitter offers (SSF 1.0)."),
    _document("/.well-known/authzen-configuration", "Where questions are answered (OpenID AuthZEN)."),
    _document("/.well-known/gpc.json", "That Global Privacy Control is honoured."),
    _document("/.well-known/security.txt", "Where to report a weakness (RFC 9116).", TEXT, "text"),
    _document("/api/v1/openapi.json", "This document."),
    _document("/api/v1/docs", "The same for people.", "text/html", "text"),
    _document("/healthz", "Whether this process answers.", TEXT, "text"),
    Operation("GET", "/readyz", "Whether it can do its work: the database, the broker, the oldest due order and more.",
              answers={200: ((JSON, "document"),), 503: ((JSON, "document"),)}),
    Operation("GET", "/metrics", "Figures for Prometheus, with their own token.", answers={200: ((TEXT, "text"),)},
              refuses=(401, 404)),
)  # fmt: skip
