"""Every operation of every machine address: what it takes, what it answers, and in which form it refuses."""

from collections.abc import Mapping
from dataclasses import dataclass, field

JSON, NDJSON, CSV = "application/json", "application/x-ndjson", "text/csv"
SECEVENT, PROBLEM, FORM = "application/secevent+jwt", "application/problem+json", "application/x-www-form-urlencoded"
TEXT, GZIP, JWS = "text/plain", "application/x-ndjson+gzip", "application/jwt"
WRITING = ("POST", "PUT", "PATCH")
# What another kind of content is told by these addresses' own standards: 400.
KNOWS_NO_415 = ("/access/v1/evaluation", "/access/v1/evaluations", "/oauth/token", "/ssf/receipts")

type Content = tuple[str, str]


@dataclass(frozen=True)
class Operation:
    """`takes` and `answers` name a kind of content and its schema. `refuses`: statuses beside those that all have.

    `about`: what whoever calls it must know beside the summary.

    `query` and `headers`: names that may be sent, with what they are. `agents`: it takes an authorised agent's token.
    """

    method: str
    path: str
    summary: str
    about: str
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


def _document(path: str, summary: str, about: str, kind: str = JSON, schema: str = "document") -> Operation:
    return Operation("GET", path, summary, about, answers={200: ((kind, schema),)})


STREAM_ID = {"stream_id": "The stream's id."}
REQUEST_ID = {"X-Request-ID": "Comes back as it was sent."}
CONFIGURATION, STATUS = (JSON, "stream-configuration"), (JSON, "stream-status")

OPERATIONS = (
    Operation("POST", "/oauth/token", "Sign in: an assertion for an access token (RFC 6749, RFC 7523).",
              "The assertion is a JWT signed with your sign-in key: `iss` and `sub` are your client id, `aud` is this"
              " issuer alone, `jti` is new each time, and it lasts at most 60 s. The token lasts ten minutes; sign in"
              " again before it ends.",
              takes=((FORM, "token-request"),), answers={200: ((JSON, "token-answer"),)}, refuses=(401,)),
    Operation("POST", "/access/v1/evaluation", "May this partner have this line's location, now? (OpenID AuthZEN)",
              "Ask before every release. Both answers are 200: release only where `decision` is true, within the "
              "seconds of the obligation `use_within_s`, and report it with its `decision_id`. Any other status, or "
              "no answer, is a no. docs/guides/gateway.md explains every field.",
              "decisions:read", takes=((JSON, "Evaluation"),), answers={200: ((JSON, "decision"),)},
              headers=REQUEST_ID),
    Operation("POST", "/access/v1/evaluations", "Many questions at once, answered in request order.",
              "Up to 1,000 questions. What stands beside `evaluations` is the default of each. An item that is no "
              "question is denied with `error` in its `context`; the others are answered. With `deny_on_first_deny` "
              "or `permit_on_first_permit` the answers end with the first that settles it.",
              "decisions:read", takes=((JSON, "Evaluations"),), answers={200: ((JSON, "decisions"),)},
              headers=REQUEST_ID),
    Operation("POST", "/api/v1/disclosures", "What the gateway released and refused: up to 10,000 lines.",
              "Report every release, and every request that was refused, within a few minutes. Up to 10,000 lines and"
              " 32,000,000 bytes. Send a request again until it is answered: a line that is known already is "
              "`repeated` and changes nothing. Each line is taken or rejected by itself, so read `outcome` first.",
              "disclosures:write", takes=((NDJSON, "ReportedRelease"),), answers={200: ((JSON, "report"),)}),
    Operation("POST", "/api/v1/lines", "What became of lines: up to 10,000 of them.",
              "Report activations, deactivations, new numbers, SIMs, holders and roles, as NDJSON, or as CSV with a "
              "header. The same lines again change nothing. Each line is taken or rejected by itself, so read "
              "`outcome` first.", "lines:write",
              takes=((NDJSON, "ReportedLine"), (CSV, "text")), answers={200: ((JSON, "lines-report"),)}),
    Operation("POST", "/api/v1/approvals", "Who agreed, by a partner's word: one claim, or up to 1,000 lines.",
              "A claim allows nothing: the person is asked, and only their own yes allows. One object as JSON is "
              "answered alone; NDJSON is answered line by line. The same `id` with other content is a conflict (409, "
              "or a rejected line).",
              "approvals:write", takes=((JSON, "claim"), (NDJSON, "claim")),
              answers={200: ((JSON, "claim-answer"), (JSON, "claims-answer"))}, refuses=(409,)),
    Operation("POST", "/api/v1/texts", "A text from a phone, from the carrier's message gateway, signed by it.",
              "Hand on each text that a phone sends us. The answer is 202 whatever came of it, and the same `id` does"
              " nothing twice. Say `on_network` only of a text that came from that very phone over your own network. "
              "Without a secret in `SMS_INBOUND_SECRETS` this address does not exist (404).",
              takes=((JSON, "IncomingText"),), answers={202: ()}, refuses=(401, 404),
              headers={"X-Text-Signature": "t=<seconds>,v1=<HMAC-SHA256 over t, a dot and the body, in hex>"}),
    Operation("POST", "/api/v1/calls", "A call of ours that was answered, from the carrier's telephone system.",
              "Tell of a call of ours that was answered, so that the person finds it in their log. The same `id` "
              "again does nothing twice. Without a secret in `CALL_LOG_SECRETS` this address does not exist (404).",
              takes=((JSON, "LoggedByPhone"),), answers={202: ()}, refuses=(401, 404),
              headers={"X-Call-Signature": "t=<seconds>,v1=<HMAC-SHA256 over t, a dot and the body, in hex>"}),
    Operation("POST", "/api/v1/mail", "A mail to us, from the carrier's mail gateway, signed by it.",
              "Hand on each mail to us that passed your own checks for spam: plain text, files in base64. The answer "
              "is 202 whatever came of it. Without a secret in `MAIL_INBOUND_SECRETS` this address does not exist "
              "(404).",
              takes=((JSON, "IncomingMailMessage"),), answers={202: ()}, refuses=(401, 404),
              headers={"X-Mail-Signature": "t=<seconds>,v1=<HMAC-SHA256 over t, a dot and the body, in hex>"}),
    Operation("POST", "/consent-info/v0.2/retrieve", "How a number stands to a use (CAMARA Consent Info).",
              "CAMARA Consent Info 0.2. `PENDING` is answered alike for a number that is unknown, that you never "
              "dealt with, or that was stopped before. `captureUrl` leads to our own page, where the person is asked."
              " Questions are limited per number (429).",
              "consent-info:retrieve", takes=((JSON, "consent-info-request"),),
              answers={200: ((JSON, "consent-info-answer"),)}, refuses=(422, 429),
              headers={"x-correlator": "Comes back as it was sent."}),
    Operation("POST", "/ssf/receipts", "A signed receipt (RFC 8935): 202 once it is kept.",
              "The body is a Security Event Token of yours: a receipt about an order, or the proof that an `evidence-"
              "request` asks for. The same bytes again are 202 again; other bytes under the same `jti` are refused. "
              "503: the keys it is signed with are being fetched; submit the same bytes again. "
              "docs/guides/partners.md says what makes a receipt count.", "receipts:write",
              takes=((SECEVENT, "text"),), answers={202: ()}),
    Operation("POST", "/ssf/poll", "Fetch events and settle those fetched before (RFC 8936).",
              "Store first, then name what you stored in `ack` of the next request, and what you refuse in `setErrs`."
              " Stops come before allows. Without `returnImmediately` the answer waits up to 30 s for an event.",
              "ssf.read",
              takes=((JSON, "poll-request"),), answers={200: ((JSON, "poll-answer"),)}),
    Operation("GET", "/ssf/streams", "Read your stream; without an id, a list of one or none.",
              "The header that we push with is never shown.", "ssf.read",
              answers={200: (CONFIGURATION, (JSON, "stream-configurations"))}, refuses=(404,), query=STREAM_ID),
    Operation("POST", "/ssf/streams", "Make your stream.",
              "Choose push (RFC 8935) or poll (RFC 8936). You have one stream; where there is one already this is "
              "409. Until you make it, events are pushed to your contract's address.",
              "ssf.manage", takes=((JSON, "stream-request"),),
              answers={201: (CONFIGURATION,)}, refuses=(409,)),
    Operation("PATCH", "/ssf/streams", "Change what is named of your stream.",
              "What the request does not name stays as it is.", "ssf.manage",
              takes=((JSON, "stream-request"),), answers={200: (CONFIGURATION,)}, refuses=(404,)),
    Operation("PUT", "/ssf/streams", "Replace your stream's configuration.",
              "What the request does not name is reset.", "ssf.manage",
              takes=((JSON, "stream-request"),), answers={200: (CONFIGURATION,)}, refuses=(404,)),
    Operation("DELETE", "/ssf/streams", "Go back to your contract's address.",
              "Events are then pushed to your contract's address again. Deadlines run on.",
              "ssf.manage", answers={204: ()},
              refuses=(404,), query=STREAM_ID),
    Operation("GET", "/ssf/status", "Whether your stream is enabled.",
              "`enabled`, `paused` or `disabled`, and why.", "ssf.read", answers={200: (STATUS,)},
              refuses=(404,), query=STREAM_ID),
    Operation("POST", "/ssf/status", "Pause or enable your stream.",
              "Pausing pauses no deadline. What one of our officers paused, you can't enable (403).",
              "ssf.manage", takes=(STATUS,),
              answers={200: (STATUS,)}, refuses=(404,)),
    Operation("POST", "/ssf/verify", "Ask for a verification event.",
              "A verification with your `state` is sent over the stream. At most one in 30 s (429 with `Retry-"
              "After`).", "ssf.manage",
              takes=((JSON, "verify-request"),), answers={204: ()}, refuses=(404, 429)),
    Operation("PUT", "/ssf/digest", "Compare books: a digest of all, then entries.",
              "Once a night. First send `entries` and the digests of all 65,536 `buckets`; the answer names a `run` "
              "and the buckets that differ. Then send the entries of those, with that `run`. docs/guides/digest.md "
              "says how a digest is computed.", "receipts:write",
              takes=((JSON, "digest-request"),), answers={200: ((JSON, "digest-answer"),)}, refuses=(404, 409, 429)),
    Operation("GET", "/ssf/manifests/{cohort_id}/{number}", "The list of an ended agreement: 0 the index, then shards.",
              "The event `cohort-revoked` names the address. Only the partner that it was sent to may read it, until "
              "it expires (410). Check each digest.",
              "ssf.read", answers={200: ((JWS, "text"), (GZIP, "bytes"))}, refuses=(404, 410)),
    Operation("GET", "/drp/v1/agent/{agent_id}", "Whether your token still counts (Data Rights Protocol 1.0).",
              "200 while it counts, otherwise 403.",
              answers={200: ((JSON, "drp-token-counts"),)}, refuses=(404,), agents=True),
    Operation("POST", "/drp/v1/agent/{agent_id}", "Sign in as an authorized agent: the token before ends.",
              "Send a signed message that names no right. One message gives one token.",
              takes=((TEXT, "drp-signed-sign-in"),), answers={200: ((JSON, "drp-token"),)}, refuses=(403, 404)),
    Operation("POST", "/drp/v1/data-rights-request", "Ask for an opt-out in somebody's name. The person is asked.",
              "Only an opt-out is done; every other right is denied. The person is texted and answers there. The same"
              " body again is the same request.",
              takes=((TEXT, "drp-signed-request"),), answers={200: ((JSON, "drp-status"),)}, refuses=(404,),
              agents=True),
    Operation("GET", "/drp/v1/data-rights-request/{request_id}", "How a request of yours stands.",
              "A request of another agent, or one that was made up, is 403.",
              answers={200: ((JSON, "drp-status"),)}, refuses=(404,), agents=True),
    Operation("DELETE", "/drp/v1/data-rights-request/{request_id}", "Take back a request that is still open.",
              "A stop that the person has confirmed stays; a closed request is 409.",
              takes=((TEXT, "drp-signed-taking-back"),), answers={200: ((JSON, "drp-status"),)}, refuses=(404, 409),
              agents=True),
    _document("/.well-known/oauth-authorization-server", "Where and how a machine signs in (RFC 8414).",
              "Read it once at your start: it names the token endpoint, the scopes and the ways to sign in."),
    _document("/.well-known/jwks.json", "Our public keys (RFC 7517).",
              "Keep it an hour. Fetch it again when you meet a `kid` that is not in it, at most every few seconds."),
    _document("/.well-known/jwks-archive.json", "Every public key that we ever signed with.",
              "An old receipt is checked by it, long after its key was replaced."),
    _document("/.well-known/ssf-configuration", "What this transmitter offers (SSF 1.0).",
              "It names the addresses of streams and the ways of delivery."),
    _document("/.well-known/authzen-configuration", "Where questions are answered (OpenID AuthZEN).",
              "It names the addresses of the gate."),
    _document("/.well-known/gpc.json", "That Global Privacy Control is honoured.",
              "For browsers and those who check it."),
    _document("/.well-known/security.txt", "Where to report a weakness (RFC 9116).",
              "Write there, not to a partner's contact.", TEXT, "text"),
    _document("/api/v1/openapi.json", "This document.",
              "OpenAPI 3.1. Each operation has examples, and every one of them is run by our tests."),
    _document("/api/v1/docs", "The same for people.",
              "One page, without scripts and without anything from elsewhere.", "text/html", "text"),
    _document("/healthz", "Whether this process answers.",
              "For a load balancer: nothing beside the process itself is looked at.", TEXT, "text"),
    Operation("GET", "/readyz", "Whether it can do its work: the database, the broker, the oldest due order and more.",
              "503 without the database. What else is wrong is told and leaves it ready, so that people can still "
              "stop.",
              answers={200: ((JSON, "document"),), 503: ((JSON, "document"),)}),
    Operation("GET", "/metrics", "Figures for Prometheus, with their own token.",
              "Send `METRICS_TOKEN` as a bearer token. Without one in the settings this address does not exist (404).",
              answers={200: ((TEXT, "text"),)},
              refuses=(401, 404)),
)  # fmt: skip
