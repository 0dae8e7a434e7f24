"""Answer a question from what was found, by rules that read nothing; and make ids by which an answer is known again.

An id proves itself: the gate writes nothing down.
"""

import hmac
from collections.abc import Callable, Collection, Sequence
from datetime import UTC, datetime, timedelta
from hashlib import blake2s, sha1
from uuid import UUID

import msgspec

from accounts.primitives.sealing import derived_secret
from consent.gate.shapes import NOTHING, Line, Question, Terms, pauses_in, stops_in

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)
RECORDS = UUID("6b1c9a52-7d0e-4f0e-9d5c-3f1d0f6a9b21").bytes
# What stands where a UUID names its variant, by what stood there (RFC 9562, section 4.1).
VARIANTS = {digit: "89ab"[int(digit, 16) & 3] for digit in "0123456789abcdef"}


def decision_ids(*, campaign: str, allowed: bool, at_us: int) -> Callable[[int], str]:
    """Make the ids of lines that were given one answer about one campaign at one moment, of which a batch is full.

    An id is `a` or `d`, the moment, and a MAC over line, campaign, answer and moment, by which it proves itself. The
    MAC is keyed BLAKE2 (RFC 7693): as good as HMAC, in a third of the time.
    """
    key, head = derived_secret("decision-id"), f"{'a' if allowed else 'd'}{at_us:x}"
    told = f"{campaign}|{head}".encode()

    def id_of(line_id: int) -> str:
        return f"{head}.{blake2s(b'%d|%b' % (line_id, told), key=key, digest_size=16).hexdigest()}"

    return id_of


def allowed_at(*, decision_id: str, line_id: int, campaign: str) -> datetime | None:
    """Return when this id was given with an allow for this line and campaign; None for any other or forged id."""
    at_us = _claimed_us(decision_id)
    if at_us is None:
        return None
    expected = decision_ids(campaign=campaign, allowed=True, at_us=at_us)(line_id)
    if not hmac.compare_digest(expected.encode(), decision_id.encode()):
        return None
    return EPOCH + at_us * MICROSECOND


def get_claimed_time(*, decision_id: str) -> datetime | None:
    """Return when this id claims to have been given with an allow, proved or not; None where it claims none."""
    at_us = _claimed_us(decision_id)
    try:
        return None if at_us is None else EPOCH + at_us * MICROSECOND
    except OverflowError:
        return None


def _claimed_us(decision_id: str) -> int | None:
    head, _, _ = decision_id.partition(".")
    try:
        return int(head[1:], 16) if head[:1] == "a" else None
    except ValueError:
        return None


def record_id_for(*, line_id: int, version: int) -> str:
    """Name one state of a line's record: a UUID of version 5, as `uuid.uuid5` makes it in thrice the time."""
    d = sha1(b"%b%d.%d" % (RECORDS, line_id, version), usedforsecurity=False).hexdigest()
    return f"urn:uuid:{d[:8]}-{d[8:12]}-5{d[13:16]}-{VARIANTS[d[16]]}{d[17:20]}-{d[20:32]}"


EMPTY = (NOTHING, None)
NARROWEST_FIRST = ("campaign", "purpose", "party", "all")


def moment_of(terms: Terms, line: Line) -> int:
    """Return the moment that the gate answers for: the later of the database's clock and the line's newest record."""
    return terms.now if line.newest_at is None else line.newest_at


class Approval(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A yes to the campaign, as in a gate row: since when, until when (None: without end) and of which origin."""

    since: int
    until: int | None
    origin: str

    def counts_against(self, origin: str) -> bool:
        """Return whether it counts against a denial of this origin: a file never outranks the person."""
        return self.origin == "person" or origin == "file"

    def alive(self, at: int, denials: Collection[tuple[int, str]]) -> bool:
        """Return whether it has not ended: neither by its own end nor by a covering stop or running pause."""
        return self.lasts(at) and all(
            self.since > denied_at and self.counts_against(origin) for denied_at, origin in denials
        )

    def lasts(self, at: int) -> bool:
        """Return whether it has not come to its own end."""
        return self.until is None or at < self.until

    def end_at_change(self, number_changed_at: int) -> "Approval":
        """Return what is left of it: one that is older than a change of number ended at that change."""
        if self.since >= number_changed_at:
            return self
        until = number_changed_at if self.until is None else min(self.until, number_changed_at)
        return Approval(self.since, until, self.origin)


approvals_in = msgspec.json.Decoder(list[Approval]).decode


class WeighedChoices(msgspec.Struct, frozen=True, gc=False):
    """What stands for and against one request: approvals; covering stops (moment, scope, origin); running pauses.

    `living`: the approvals that have not ended.
    """

    approvals: Sequence[Approval] = ()
    living: Sequence[Approval] = ()
    stops: Sequence[tuple[int, str, str]] = ()
    pauses: Sequence[tuple[int, str]] = ()

    def is_overridden(self, denied_at: int, origin: str) -> bool:
        """Return whether a newer approval that counts against a denial of this origin stands against it."""
        return any(approval.since > denied_at and approval.counts_against(origin) for approval in self.approvals)

    def ends_at(self) -> datetime | None:
        """Return when the longest of the living approvals ends; None: not by itself."""
        known = [approval.until for approval in self.living if approval.until is not None]
        return None if len(known) < len(self.living) or not known else EPOCH + max(known) * MICROSECOND


def weigh(terms: Terms, line: Line, at: int) -> WeighedChoices:
    """Weigh what this line's row says for and against such a request at this moment."""
    approvals = _approvals_of(line)
    if line.stops in EMPTY and line.pauses in EMPTY:
        return WeighedChoices(approvals, [approval for approval in approvals if approval.lasts(at)])
    stops = _covering_stops(terms, line)
    pauses = _running_pauses(terms, line, at)
    denials = [(denied_at, origin) for denied_at, _, origin in stops] + pauses
    return WeighedChoices(approvals, [approval for approval in approvals if approval.alive(at, denials)], stops, pauses)


def _approvals_of(line: Line) -> Sequence[Approval]:
    approvals = [] if line.approvals is None else approvals_in(line.approvals)
    if line.number_changed_at is not None:
        approvals = [approval.end_at_change(line.number_changed_at) for approval in approvals]
    return approvals


def _covering_stops(terms: Terms, line: Line) -> list[tuple[int, str, str]]:
    stops_by_key = stops_in(line.stops or NOTHING)
    return [
        (denied_at, key.partition(":")[0], origin)
        for key in stops_by_key.keys() & terms.covered_by
        for origin, denied_at in stops_by_key[key].items()
    ]


def _running_pauses(terms: Terms, line: Line, at: int) -> list[tuple[int, str]]:
    pauses_by_key = pauses_in(line.pauses or NOTHING)
    return [
        (since, origin)
        for key in pauses_by_key.keys() & terms.covered_by
        for since, until, origin in pauses_by_key[key]
        if since <= at < until
    ]


def reason_for(question: Question, terms: Terms, line: Line, weighed: WeighedChoices) -> str:
    """Return the first of the rules that says no in their order, or ""."""
    if line.line_id is None or not line.active:
        return "line_unknown"
    if terms.suspended is not None:
        return "partner_unhealthy" if terms.suspended else "partner_suspended"
    denied = _denial_reason(weighed)
    if denied:
        return denied
    if terms.campaign is None:
        return "no_approval"
    return _campaign_reason(question, terms, line, weighed)


def _denial_reason(weighed: WeighedChoices) -> str:
    standing = [
        (denied_at, scope) for denied_at, scope, origin in weighed.stops if not weighed.is_overridden(denied_at, origin)
    ]
    if standing:
        newest = max(denied_at for denied_at, _ in standing)
        return "stopped_" + min((scope for since, scope in standing if since == newest), key=NARROWEST_FIRST.index)
    return "paused" if _is_paused(weighed) else ""


def _is_paused(weighed: WeighedChoices) -> bool:
    return any(not weighed.is_overridden(since, origin) for since, origin in weighed.pauses)


def _campaign_reason(question: Question, campaign: Terms, line: Line, weighed: WeighedChoices) -> str:
    if not line.contract_in_force:
        return "contract_not_in_force"
    if not line.campaign_in_force:
        return "campaign_not_in_force"
    if line.prohibited_within_m is not None and (question.precision_m or 0) <= line.prohibited_within_m:
        return "jurisdiction_prohibits"
    return _approval_reason(line, weighed) or _precision_reason(question, campaign)


def _approval_reason(line: Line, weighed: WeighedChoices) -> str:
    if not weighed.approvals:
        return "approval_unverified" if line.claimed else "no_approval"
    return "" if weighed.living else "approval_expired"


def _precision_reason(question: Question, campaign: Terms) -> str:
    if (question.precision_m or 0) < campaign.precision_m:
        return "precision_exceeded"
    return ""
