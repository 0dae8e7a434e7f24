"""A partner's receipt taken apart and believed: who signed it, for whom, about which order, and what it says.

Looks at the token and at published keys alone. What it means for the order is for `actions.record_receipt`.
"""

import hashlib
import time
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Annotated, Literal

import msgspec
from django.conf import settings

from accounts.primitives.reasons import has_visible_text
from partners.clients import http
from partners.domain import keysets
from partners.models import Party, ReceiptKey
from partners.primitives import tokens
from partners.primitives.tokens import BadToken, Claims, Json, UnknownKey
from revocations.domain import wire

# A partner's clock may run this far ahead of ours.
CLOCK_SKEW = timedelta(seconds=5)

# So long takes what is checked beside a fetch of keys, at most.
TO_CHECK_S = 1.0

TYP = "secevent+jwt"
MOST_DOWNSTREAM = 500

EARLIEST = datetime(1970, 1, 1, tzinfo=UTC)
LATEST = datetime(9000, 1, 1, tzinfo=UTC)

type Instant = Annotated[datetime, msgspec.Meta(tz=True)]
type Short = Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
type Uri = Annotated[str, msgspec.Meta(min_length=1, max_length=1000)]
NO_NUL = r"^[^\x00]*$"
type Words = Annotated[str, msgspec.Meta(max_length=1000, pattern=NO_NUL)]
type Count = Annotated[int, msgspec.Meta(ge=0, le=2**53)]
type Status = Literal["in_progress", "completed", "rejected"]
UNREGISTERED = "no key with this kid is registered to iss"
NOT_BY_ITS_KEY = "no key that is registered to iss signed it"
# What an index entry of the database holds, with room for the rest of its key.
MOST_BYTES = 2000


class ReceiptRefused(Exception):
    """Why a receipt does not count, in RFC 8935's codes and a sentence for the partner's engineer.

    `answer_at` (`time.monotonic`): before that the answer would tell by its time which companies we know. 0: at once.
    """

    def __init__(self, err: str, description: str, *, answer_at: float = 0.0) -> None:
        super().__init__(description)
        self.err, self.answer_at = err, answer_at


class AppliedOrder(msgspec.Struct, frozen=True):
    """The newest order that the partner had taken when it signed."""

    epoch: int
    version: int


class CompletedAction(msgspec.Struct, frozen=True):
    """One required action, and when it was done."""

    action: Short
    status: Status
    at: Instant
    records: Count | None = None


class DownstreamEntry(msgspec.Struct, frozen=True):
    """A company below the partner: `receipt` is what it signed itself."""

    recipient: Uri
    status: Status
    at: Instant
    receipt: str = ""

    def __post_init__(self) -> None:
        """Refuse a time that, once kept, could not be read back: beyond the calendar by its offset from UTC."""
        if not EARLIEST <= self.at <= LATEST:
            raise ValueError("at must be a time of our age")


class Root(msgspec.Struct, frozen=True):
    """The order of ours from which a nested receipt springs."""

    iss: str
    jti: str


class ReceiptEvent(msgspec.Struct, frozen=True):
    """The event of a receipt. `acted_on` and `list_sha256` speak of the list of an ended agreement.

    Who rejects an order says why: the person is shown it.
    """

    status: Status
    applied: AppliedOrder | None = None
    actions: tuple[CompletedAction, ...] = ()
    downstream: Annotated[tuple[DownstreamEntry, ...], msgspec.Meta(max_length=MOST_DOWNSTREAM)] = ()
    reason: Annotated[str, msgspec.Meta(max_length=1000)] = ""
    root: Root | None = None
    acted_on: Count | None = None
    list_sha256: Annotated[str, msgspec.Meta(max_length=43)] = ""

    def __post_init__(self) -> None:
        """Refuse a rejection without a reason."""
        if self.status == "rejected" and not has_visible_text(http.readable(self.reason)):
            raise ValueError("reason must say why the order is rejected")


class Evidence(msgspec.Struct, frozen=True):
    """The event of an answer to an evidence-request. Without proof nothing but `answer` "none" is said."""

    answer: Literal["evidence", "none"]
    method: Literal["", "sms", "ivr", "web", "app", "paper"] = ""
    captured_at: Instant | None = None
    wording: Words = ""
    language: Annotated[str, msgspec.Meta(max_length=40, pattern=NO_NUL)] = ""
    evidence_ref: Words = ""

    def __post_init__(self) -> None:
        """Refuse a time that, once kept, could not be read back."""
        if self.captured_at is not None and not EARLIEST <= self.captured_at <= LATEST:
            raise ValueError("captured_at must be a time of our age")


@dataclass(frozen=True)
class NestedReceipt:
    """What a company below the partner signed itself, word for word."""

    jti: str
    event: ReceiptEvent
    token: str
    key: ReceiptKey

    @property
    def digest(self) -> bytes:
        """Of the token's bytes."""
        return hashlib.sha256(self.token.encode()).digest()


@dataclass(frozen=True)
class DownstreamStatus:
    """A company below the partner that did its part; `nested` None: only the partner says so."""

    uri: str
    status: str
    at: datetime
    nested: NestedReceipt | None

    @property
    def is_signed(self) -> bool:
        """Whether by its own key."""
        return self.nested is not None


@dataclass(frozen=True)
class VerifiedReceipt:
    """A receipt that is what it claims to be: the partner's own, for us, about the order with this `order_jti`."""

    jti: str
    order_jti: str
    event: ReceiptEvent
    reports: Sequence[DownstreamStatus]
    key: ReceiptKey

    @property
    def keys(self) -> Sequence[ReceiptKey]:
        """By which it was checked, and what is nested in it."""
        return [self.key, *(one.nested.key for one in self.reports if one.nested)]


@dataclass(frozen=True)
class VerifiedEvidence:
    """An answer to an evidence-request that is what it claims to be: the partner's own, for us."""

    jti: str
    request_jti: str
    event: Evidence


@dataclass(frozen=True)
class ParsedReceipt:
    """A token that was taken apart and is not believed yet. `token`: as it came, byte by byte."""

    token: str
    alg: str
    kid: str
    claims: Claims

    @property
    def jti(self) -> str:
        """The id that it gives itself. Raises ReceiptRefused if that is none."""
        return _text(self.claims, "jti")

    @property
    def digest(self) -> bytes:
        """Of the token's bytes."""
        return hashlib.sha256(self.token.encode()).digest()

    @property
    def is_evidence(self) -> bool:
        """Whether it calls itself an answer to an evidence-request."""
        events = self.claims.get("events")
        return isinstance(events, dict) and wire.event_type("evidence-response") in events


def parse_receipt(token: str) -> ParsedReceipt:
    """Take a token apart. Raises ReceiptRefused for one that is no security event token as receipts are."""
    try:
        parsed = tokens.parse_unverified(token)
    except BadToken as error:
        raise ReceiptRefused("invalid_request", str(error)) from error
    if parsed.typ != TYP:
        raise ReceiptRefused("invalid_request", f"typ must be {TYP}")
    if parsed.alg not in tokens.ALGORITHMS.values():
        raise ReceiptRefused("invalid_request", "alg must be ES256 or RS256")
    if "exp" in parsed.claims:
        raise ReceiptRefused("invalid_request", "exp must be absent: what was signed does not stop being so")
    if "sub" in parsed.claims:
        raise ReceiptRefused("invalid_request", "sub must be absent: what the token is about stands in sub_id")
    return ParsedReceipt(token=token, alg=parsed.alg, kid=parsed.kid, claims=parsed.claims)


def verify_evidence(*, parsed: ParsedReceipt, party: Party, at: datetime) -> VerifiedEvidence:
    """Check everything about an answer that can be checked without its question. Raises ReceiptRefused.

    May fetch keys: never inside a transaction.
    """
    claims, _key = _verify_claims(parsed, party, at)
    kind = wire.event_type("evidence-response")
    said = _one_event(claims, kind, Evidence)
    if said.answer == "evidence" and (said.captured_at is None or said.captured_at > at):
        raise ReceiptRefused(
            "invalid_request", "captured_at must say when the person agreed, with an offset, not after now"
        )
    return VerifiedEvidence(jti=parsed.jti, request_jti=_subject(claims), event=said)


def verify_receipt(*, parsed: ParsedReceipt, party: Party, at: datetime) -> VerifiedReceipt:
    """Check everything about a receipt that can be checked without its order. Raises ReceiptRefused.

    May fetch keys: never inside a transaction.
    """
    claims, key = _verify_claims(parsed, party, at)
    said = _event(claims, at)
    order_jti = _subject(claims)
    reports = {
        below.recipient: _report(place, below, order_jti=order_jti, partner=party, at=at)
        for place, below in sorted(enumerate(said.downstream), key=lambda placed: bool(placed[1].receipt))
    }
    return VerifiedReceipt(jti=parsed.jti, order_jti=order_jti, event=said, reports=tuple(reports.values()), key=key)


def _verify_claims(parsed: ParsedReceipt, party: Party, at: datetime) -> tuple[Claims, ReceiptKey]:
    """Return the claims of a token that the partner signed, for us, and by which key."""
    claims = parsed.claims
    if claims.get("iss") != party.uri:
        raise ReceiptRefused("invalid_issuer", "iss is not the party that this client signs in for")
    key = _check_signature(parsed, party, at)
    if claims.get("aud") not in (settings.BASE_URL, [settings.BASE_URL]):
        raise ReceiptRefused("invalid_audience", f"aud must be {settings.BASE_URL}")
    _check_dates(claims, at)
    return claims, key


def _check_dates(claims: Claims, at: datetime) -> None:
    """Refuse a token whose `iat`, or `toe` where it has one (RFC 8417, 2.2), is none or still to come."""
    try:
        said = {name: tokens.numeric_date(claims, name) for name in ("iat", "toe") if name == "iat" or name in claims}
    except BadToken as error:
        raise ReceiptRefused("invalid_request", str(error)) from error
    for name, moment in said.items():
        if moment > (at + CLOCK_SKEW).timestamp():
            raise ReceiptRefused("invalid_request", f"{name} must not be after now")


def _subject(claims: Claims) -> str:
    """Return the `jti` of what a token is about."""
    subject = claims.get("sub_id")
    if (
        not isinstance(subject, dict)
        or (subject.get("format"), subject.get("iss")) != ("jwt_id", settings.BASE_URL)
        or not isinstance(jti := subject.get("jti"), str)
    ):
        raise ReceiptRefused("invalid_request", "sub_id must be a jwt_id of an order of ours")
    return jti


def _check_signature(parsed: ParsedReceipt, signer: Party, at: datetime) -> ReceiptKey:
    try:
        key = keysets.key_of(party=signer, kid=parsed.kid, at=at, token=parsed.token)
        if tokens.ALGORITHMS[key.key_type] != parsed.alg:
            raise ReceiptRefused("invalid_key", "alg is not the one this key is for")
        tokens.check_signature(parsed.token, key)
    except UnknownKey as error:
        raise ReceiptRefused("invalid_key", UNREGISTERED) from error
    except BadToken as error:
        raise ReceiptRefused("invalid_key", str(error)) from error
    return keysets.build_receipt_key(party=signer, kid=parsed.kid, key=key)


def _check_signature_below(parsed: ParsedReceipt, recipient: str, partner: Party, at: datetime) -> ReceiptKey:
    """As `_check_signature`, for a company below the partner.

    A company whose keys aren't fetched because we don't know it is refused as late as the slowest fetch, and may be
    asked about as rarely: neither tells which companies we know.
    """
    answer_at = time.monotonic() + http.SECONDS + TO_CHECK_S
    party = Party.objects.filter(uri=recipient).exclude(pk=partner.pk).first()
    if party is not None and not keysets.on_own_host(uri=party.uri, jwks_uri=party.jwks_uri):
        party = None
    if not (party and keysets.has_key(party=party, kid=parsed.kid, token=parsed.token)):
        keysets.look_ups.count(uri=recipient, until=answer_at)
    if party is None:
        raise ReceiptRefused("invalid_key", NOT_BY_ITS_KEY, answer_at=answer_at)
    try:
        return _check_signature(parsed, party, at)
    except ReceiptRefused as error:
        raise ReceiptRefused("invalid_key", NOT_BY_ITS_KEY, answer_at=answer_at) from error


def _event(claims: Claims, at: datetime) -> ReceiptEvent:
    said = _one_event(claims, wire.event_type("revocation-receipt"), ReceiptEvent)
    for deed in said.actions:
        if deed.at > at + CLOCK_SKEW:
            raise _build_misdated(deed.action)
    if any(len(below.recipient.encode()) > MOST_BYTES for below in said.downstream):
        raise ReceiptRefused("invalid_request", f"a recipient has at most {MOST_BYTES} bytes")
    return said


def _one_event[T](claims: Claims, kind: str, shape: type[T]) -> T:
    events = claims.get("events")
    if not isinstance(events, dict) or list(events) != [kind]:
        raise ReceiptRefused("invalid_request", f"exactly one event is expected, of type {kind}")
    try:
        return msgspec.convert(events[kind], shape)
    except msgspec.ValidationError as error:
        raise ReceiptRefused("invalid_request", str(error)) from error


def _text(claims: dict[str, Json], name: str) -> str:
    value = claims.get(name)
    if not isinstance(value, str) or not 0 < len(value) <= 200:
        raise ReceiptRefused("invalid_request", f"{name} must be a text of 1 to 200 characters")
    return value


def _report(place: int, below: DownstreamEntry, *, order_jti: str, partner: Party, at: datetime) -> DownstreamStatus:
    """What is said of one company. A receipt of its own that does not count is refused, so that the partner hears it.

    Taken in silence, it would leave the order partial for ever, and nobody would know why.
    """
    if below.at > at + CLOCK_SKEW:
        raise ReceiptRefused("invalid_request", f"downstream[{place}].at must not be after now")
    if not below.receipt:
        return DownstreamStatus(uri=below.recipient, status=below.status, at=below.at, nested=None)
    try:
        nested = _verify_nested_receipt(below, order_jti, partner, at)
    except ReceiptRefused as error:
        raise _of_company(error, place, below.recipient) from error
    return DownstreamStatus(uri=below.recipient, status=below.status, at=below.at, nested=nested)


def build_unregistered_refusal(*, place: int, recipient: str) -> ReceiptRefused:
    """Return how the receipt of a company whose key we do not know is refused. `place`: in `downstream`."""
    return _of_company(ReceiptRefused("invalid_key", NOT_BY_ITS_KEY), place, recipient)


def _of_company(error: ReceiptRefused, place: int, recipient: str) -> ReceiptRefused:
    says = f"downstream[{place}].receipt of {recipient}: {error}"
    return ReceiptRefused(error.err, says, answer_at=error.answer_at)


def _verify_nested_receipt(below: DownstreamEntry, order_jti: str, partner: Party, at: datetime) -> NestedReceipt:
    """Return what the company's own key signed about this very order of ours. Raises ReceiptRefused.

    Whoever does not hold what a company's key signed hears one sentence: which companies we know is not told.
    """
    parsed = parse_receipt(below.receipt)
    if parsed.claims.get("iss") != below.recipient:
        raise ReceiptRefused("invalid_issuer", "iss is not this company")
    key = _check_signature_below(parsed, below.recipient, partner, at)
    if parsed.claims.get("aud") not in (partner.uri, settings.BASE_URL):
        raise ReceiptRefused("invalid_audience", f"aud must be you or {settings.BASE_URL}")
    _check_dates(parsed.claims, at)
    said = _event(parsed.claims, at)
    if said.root != Root(iss=settings.BASE_URL, jti=order_jti):
        raise ReceiptRefused("invalid_request", "root must name the order that this receipt is about")
    if said.status != below.status:
        raise ReceiptRefused("invalid_request", "its status is not the one that you report")
    return NestedReceipt(parsed.jti, said, parsed.token, key)


def check_applied(*, word: VerifiedReceipt, epoch: int, version: int) -> None:
    """Check that the partner had taken this order, or a newer one, when it signed. Raises ReceiptRefused."""
    applied = word.event.applied
    if applied is None or (applied.epoch, applied.version) < (epoch, version):
        raise ReceiptRefused("invalid_request", "applied must be at least the order's (epoch, version)")


def check_required_actions(*, word: VerifiedReceipt, required: Collection[str], ordered_at: datetime) -> None:
    """Check that every required action is there, done since the order. Raises ReceiptRefused."""
    done = {deed.action: deed for deed in word.event.actions if deed.status == "completed"}
    # The partner writes whole seconds; it may have acted within the second of the order.
    since = ordered_at.replace(microsecond=0)
    for action in required:
        if action not in done:
            raise ReceiptRefused("invalid_request", f"the required action {action} is not there as completed")
        if done[action].at < since:
            raise _build_misdated(action)


def _build_misdated(action: str) -> ReceiptRefused:
    return ReceiptRefused("invalid_request", f"{action} must be dated between the order and now")
