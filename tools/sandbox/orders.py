"""An event as it arrives: a signed SET, checked claim by claim (RFC 8417, RFC 8935, docs/guides/partners.md)."""

from collections.abc import Sequence
from dataclasses import dataclass

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jws import JWSRegistry, extract_compact

from tools.sandbox.identity import ALGORITHM
from tools.sandbox.transmitter import Transmitter, UnknownKey

LARGEST_TOKEN = 1_000_000
TYP = "secevent+jwt"
MOST_SHARDS = 10_000
CHANGE = "/schemas/secevent/consent/event-type/consent-change"
COHORT = "/schemas/secevent/consent/event-type/cohort-revoked"
EVIDENCE = "/schemas/secevent/consent/event-type/evidence-request"
EVIDENCE_RESPONSE = "/schemas/secevent/consent/event-type/evidence-response"
RECEIPT = "/schemas/secevent/consent/event-type/revocation-receipt"
VERIFICATION = "https://schemas.openid.net/secevent/ssf/event-type/verification"
STREAM_UPDATED = "https://schemas.openid.net/secevent/ssf/event-type/stream-updated"

type Json = bool | int | float | str | list[Json] | dict[str, Json] | None
type Record = dict[str, Json]


class EventRefused(Exception):
    """A SET that is not taken: `err` is one of RFC 8935's registered codes."""

    def __init__(self, err: str, description: str) -> None:
        super().__init__(description)
        self.err = err


@dataclass(frozen=True)
class Order:
    """One `consent-change`: everything that stands for one subscriber under one agreement."""

    iss: str
    jti: str
    txn: str
    iat: int
    sub: str
    agreement: str
    epoch: int
    version: int
    state: Sequence[Record]
    changes: Sequence[Record]
    required_actions: Sequence[str]
    duties: Sequence[Record]

    @property
    def place(self) -> tuple[str, str, str]:
        """What `(epoch, version)` counts for."""
        return self.iss, self.sub, self.agreement


@dataclass(frozen=True)
class Cohort:
    """One `cohort-revoked`: an agreement, or the part of it that `scope` names, ended for everybody on a list."""

    iss: str
    jti: str
    txn: str
    iat: int
    agreement: str
    epoch: int
    scope: Record
    subject_count: int
    manifest_url: str
    index_sha256: str
    shards: int
    required_actions: Sequence[str]


@dataclass(frozen=True)
class Verification:
    """SSF's own question whether events arrive. Nothing is to be kept of it."""

    jti: str
    state: str


@dataclass(frozen=True)
class StreamUpdated:
    """The transmitter changed the status of our stream."""

    jti: str
    status: str
    reason: str


@dataclass(frozen=True)
class EvidenceRequest:
    """The carrier asks for the proof that one subscriber agreed."""

    iss: str
    jti: str
    txn: str
    recipient: str
    respond_by: str


type Event = Order | Cohort | Verification | StreamUpdated | EvidenceRequest


def read(token: str, *, transmitter: Transmitter, audience: str) -> Event:
    """Return the one event in a SET.

    Raises EventRefused, or Unreachable if the transmitter's keys can't be had just now.
    """
    claims = verify_token(token, transmitter, typ=TYP)
    if claims.get("iss") != transmitter.issuer:
        raise EventRefused("invalid_issuer", "iss is not the transmitter whose events are taken here.")
    if claims.get("aud") not in (audience, [audience]):
        raise EventRefused("invalid_audience", "aud is not this receiver alone.")
    if "sub" in claims or "exp" in claims:
        raise EventRefused("invalid_request", "sub and exp must not be in a SET.")
    events = claims.get("events")
    if not isinstance(events, dict) or len(events) != 1:
        raise EventRefused("invalid_request", "A SET carries exactly one event.")
    ((kind, event),) = events.items()
    if not isinstance(event, dict):
        raise EventRefused("invalid_request", "The event is not an object.")
    return _event(kind.removeprefix(transmitter.issuer), claims, event)


def _event(kind: str, claims: Record, event: Record) -> Event:
    if kind == CHANGE:
        return _order(claims, event)
    if kind == COHORT:
        return _cohort(claims, event)
    if kind == EVIDENCE:
        return EvidenceRequest(
            iss=_text(claims, "iss"),
            jti=_text(claims, "jti"),
            txn=_text(claims, "txn"),
            recipient=_text(event, "recipient"),
            respond_by=_text(event, "respond_by"),
        )
    if kind == VERIFICATION:
        return Verification(jti=_text(claims, "jti"), state=_get_optional_text(event, "state"))
    if kind == STREAM_UPDATED:
        return StreamUpdated(
            jti=_text(claims, "jti"), status=_text(event, "status"), reason=_get_optional_text(event, "reason")
        )
    raise EventRefused("invalid_request", "This type of event is not known here.")


def verify_token(token: str, transmitter: Transmitter, *, typ: str) -> Record:
    """Return the claims of a token of this `typ` that the transmitter signed."""
    registry = JWSRegistry()
    registry.max_payload_length = LARGEST_TOKEN
    try:
        header = extract_compact(token.encode(), registry=registry).headers()
    except (JoseError, ValueError) as error:
        raise EventRefused("invalid_request", "The body is not a compact JWS.") from error
    kind, kid = header.get("typ"), header.get("kid")
    if not isinstance(kind, str) or kind.lower().removeprefix("application/") != typ:
        raise EventRefused("invalid_request", f"typ is not {typ}.")
    if header.get("alg") != ALGORITHM:
        raise EventRefused("invalid_request", f"alg is not {ALGORITHM}.")
    if not isinstance(kid, str):
        raise EventRefused("invalid_key", "kid is missing.")
    try:
        return jwt.decode(token, transmitter.key(kid), algorithms=[ALGORITHM], registry=registry).claims
    except UnknownKey as error:
        raise EventRefused("invalid_key", "The transmitter publishes no key of this kid.") from error
    except (JoseError, ValueError) as error:
        raise EventRefused("invalid_key", "The signature does not verify.") from error


def _order(claims: Record, event: Record) -> Order:
    subject = claims.get("sub_id")
    if not isinstance(subject, dict) or subject.get("format") != "iss_sub" or subject.get("iss") != claims["iss"]:
        raise EventRefused("invalid_request", "sub_id is not an iss_sub of the transmitter.")
    if event.get("snapshot") is not True or event.get("default") != "denied":
        raise EventRefused("invalid_request", "The event is not a snapshot with default denied.")
    return Order(
        iss=_text(claims, "iss"),
        jti=_text(claims, "jti"),
        txn=_text(claims, "txn"),
        iat=_count(claims, "iat", below=2**33),
        sub=_text(subject, "sub"),
        agreement=_text(event, "agreement"),
        epoch=_count(event, "epoch"),
        version=_count(event, "version"),
        state=_records(event, "state"),
        changes=_records(event, "changes"),
        required_actions=_texts(event, "required_actions"),
        duties=_records(event, "duties") if "duties" in event else [],
    )


def _cohort(claims: Record, event: Record) -> Cohort:
    subject, manifest = claims.get("sub_id"), event.get("manifest")
    group = subject.get("group") if isinstance(subject, dict) and subject.get("format") == "complex" else None
    if not isinstance(group, dict) or group.get("format") != "uri":
        raise EventRefused("invalid_request", "sub_id is not a complex subject of a group.")
    if not isinstance(manifest, dict):
        raise EventRefused("invalid_request", "manifest is not an object.")
    scope = event.get("scope")
    return Cohort(
        iss=_text(claims, "iss"),
        jti=_text(claims, "jti"),
        txn=_text(claims, "txn"),
        iat=_count(claims, "iat", below=2**33),
        agreement=_text(event, "agreement"),
        epoch=_count(event, "epoch"),
        # What is not understood covers everything.
        scope=scope if isinstance(scope, dict) else {"all": True},
        subject_count=_count(event, "subject_count"),
        manifest_url=_text(manifest, "url"),
        index_sha256=_text(manifest, "sha-256"),
        shards=_count(manifest, "shards", below=MOST_SHARDS),
        required_actions=_texts(event, "required_actions"),
    )


def _text(holder: Record, name: str) -> str:
    value = holder.get(name)
    if not isinstance(value, str) or not value:
        raise EventRefused("invalid_request", f"{name} is not a text.")
    return value


def _get_optional_text(holder: Record, name: str) -> str:
    """Return a text that may be left out."""
    value = holder.get(name)
    return value if isinstance(value, str) else ""


def _count(holder: Record, name: str, *, below: int = 2**62) -> int:
    value = holder.get(name)
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value < below:
        raise EventRefused("invalid_request", f"{name} is not a whole number.")
    return value


def _records(holder: Record, name: str) -> list[Record]:
    value = holder.get(name)
    if not isinstance(value, list):
        raise EventRefused("invalid_request", f"{name} is not a list.")
    found = [one for one in value if isinstance(one, dict)]
    if len(found) != len(value):
        raise EventRefused("invalid_request", f"{name} holds something else than objects.")
    return found


def _texts(holder: Record, name: str) -> list[str]:
    value = holder.get(name)
    if not isinstance(value, list):
        raise EventRefused("invalid_request", f"{name} is not a list.")
    found = [one for one in value if isinstance(one, str)]
    if len(found) != len(value):
        raise EventRefused("invalid_request", f"{name} holds something else than texts.")
    return found
