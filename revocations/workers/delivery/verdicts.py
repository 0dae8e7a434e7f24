"""What a partner's answer means (RFC 8935), and when to try again."""

import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from uuid import UUID

import structlog

from accounts.primitives.json_reader import Unreadable, read_json
from audit.models import Incident
from partners.clients import http
from revocations.models import ResponsibleParty, State

log = structlog.get_logger()

SCHEDULE = tuple(
    timedelta(seconds=seconds) for seconds in (5, 30, 120, 300, 900, 1800, 3600, 2 * 3600, 4 * 3600, 8 * 3600)
)
JITTER_PERCENT = 20
LONGEST_RETRY_AFTER = timedelta(hours=1)
PARKED_FOR = timedelta(minutes=15)
PARKED_FOR_US = timedelta(hours=1)
OUR_FAULT = "invalid_request"
THEIR_KEYS = ("invalid_key", "invalid_issuer", "invalid_audience")


@dataclass(frozen=True)
class Verdict:
    """A reply in our words: what the attempt is called, the order's new state (None: as it was), and when to retry.

    `parked_with`: whose move it is; `incident`: what a person is told of. `failed`: the partner did not do its part, as
    the breaker counts it; a refusal in RFC 8935's words is an answer, whatever is wrong with what we sent.
    """

    outcome: str
    state: State | None
    note: str = ""
    parked_for: timedelta | None = None
    parked_with: ResponsibleParty | None = None
    incident: Incident.Kind | None = None
    failed: bool = True


def judge(*, reply: http.Reply) -> Verdict:
    """Return what this reply makes of the order and of the attempt."""
    if reply.ours:
        return Verdict("ours", None, reply.detail, failed=False)
    if reply.status is None:
        return _judge_silence(reply)
    if reply.status == HTTPStatus.ACCEPTED:
        return _judge_accepted_reply(reply)
    if reply.status == HTTPStatus.GONE:
        note = "the partner closed its stream (410)"
        return Verdict("gone", State.PARKED, note, PARKED_FOR, ResponsibleParty.PARTNER)
    if HTTPStatus.MULTIPLE_CHOICES <= reply.status < HTTPStatus.BAD_REQUEST:
        return Verdict("redirect", State.SENT, f"answered {reply.status}; redirects are not followed")
    if reply.status == HTTPStatus.BAD_REQUEST:
        return _judge_bad_request(reply)
    return Verdict("error", State.SENT, f"answered {reply.status}")


def _judge_silence(reply: http.Reply) -> Verdict:
    if reply.taken:
        return Verdict("no_answer", State.SENT, reply.detail)
    return Verdict("no_connection", None, reply.detail)


def _judge_accepted_reply(reply: http.Reply) -> Verdict:
    """Judge a 202, which may be a proxy's page: that does not say whether the event is on the partner's disk."""
    if reply.body or reply.detail:
        return Verdict("error", State.SENT, f"answered 202, but not empty: {reply.detail or 'with a body'}")
    return Verdict("acknowledged", State.ACKNOWLEDGED, failed=False)


def _judge_bad_request(reply: http.Reply) -> Verdict:
    """RFC 8935: 400 with `err` and `description`, both a stranger's text."""
    try:
        said = read_json(reply.body)
    except Unreadable:
        said = None
    err = said.get("err") if isinstance(said, dict) else None
    description = said.get("description") if isinstance(said, dict) else None
    text = description if isinstance(description, str) else ""
    if not isinstance(err, str):
        return Verdict("error", State.SENT, "answered 400 without a reason")
    return judge_refusal(err=err, description=text)


def judge_refusal(*, err: str, description: str) -> Verdict:
    """Return what a refusal by RFC 8935's codes makes of an order. Both are a stranger's text.

    `authentication_failed` and `access_denied` are tried again as usual: each try reads the stream's header anew.
    """
    note = http.readable(f"{err}: {description}" if description else err)
    if err == OUR_FAULT:
        log.error("a partner calls our order invalid", note=http.readable(err))
        return Verdict(
            "refused", State.PARKED, note, PARKED_FOR_US, ResponsibleParty.US, Incident.Kind.ORDER_REFUSED, failed=False
        )
    if err in THEIR_KEYS:
        log.error("a partner does not accept our key or name", err=http.readable(err))
        return Verdict(
            "refused", State.PARKED, note, PARKED_FOR, ResponsibleParty.BOTH, Incident.Kind.KEYS_REFUSED, failed=False
        )
    return Verdict("refused", State.SENT, note, failed=False)


def retry_wait(*, order_id: UUID, tries: int) -> timedelta:
    """Return how long to wait after so many tries: the schedule's step, 20 % more or less, without end."""
    step = SCHEDULE[min(tries, len(SCHEDULE)) - 1]
    # The jitter comes from the order itself, so that it is spread over orders and the same in every test.
    drawn = int.from_bytes(hashlib.sha256(f"{order_id}{tries}".encode()).digest()[:4]) % (2 * JITTER_PERCENT + 1)
    return step * (100 - JITTER_PERCENT + drawn) / 100


def wait_after(*, row_id: UUID, tries: int, verdict: Verdict, retry_after: str, at: datetime) -> timedelta:
    """How long to wait after this verdict: never less than the schedule says, never for longer than an hour asked."""
    wait = verdict.parked_for or retry_wait(order_id=row_id, tries=max(tries, 1))
    return max(wait, min(_parse_retry_after(retry_after, at), LONGEST_RETRY_AFTER))


def _parse_retry_after(retry_after: str, at: datetime) -> timedelta:
    """Retry-After as RFC 9110 has it, in seconds or as a date; nothing for anything else."""
    if retry_after.isascii() and retry_after.isdecimal():
        return timedelta(seconds=int(retry_after[:9]))
    try:
        until = parsedate_to_datetime(retry_after)
        return until.replace(tzinfo=until.tzinfo or UTC) - at
    except (ValueError, OverflowError):
        return timedelta(0)
