"""How each partner receives its events: by its stream, or, while it has none, pushed to its contract's address.

A partner is told everything, whatever its stream's status: while it is paused or disabled, its events are kept.
"""

import uuid
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

import msgspec
from django.conf import settings
from django.db import connection
from msgspec import UNSET, UnsetType

import audit.actions
from accounts.primitives.sealing import unseal
from partners.clients import http
from partners.models import Contract, Party
from partners.policies.identifiers import events_address_of, hosts_of, on_list
from revocations.domain.wire import StreamClaims, event_type
from revocations.models import Stream, StreamEvent, StreamHealth

type Text = Annotated[str, msgspec.Meta(pattern=r"^[^\x00]*$")]
type Description = Text | None
type Address = Annotated[str, msgspec.Meta(max_length=1000, pattern=r"\A[\x21-\x7e]*\Z")] | None
type Header = Annotated[str, msgspec.Meta(max_length=4000, pattern=r"\A[\x20-\x7e]*\Z")] | None
type EventType = Annotated[str, msgspec.Meta(max_length=1000, pattern=r"^[^\x00]*$")]
type EventTypes = Annotated[tuple[EventType, ...], msgspec.Meta(max_length=100)]


class Delivery(msgspec.Struct, frozen=True):
    """How a partner wants its events (SSF 1.0, 6.1): pushed to its address, with a header of its own, or polled."""

    method: Stream.Method
    endpoint_url: Address = None
    authorization_header: Header | UnsetType = UNSET


POLLED = Delivery(Stream.Method.POLL)


class RequestedStream(msgspec.Struct, frozen=True):
    """What a partner wants of its stream (SSF 1.0, 8.1.1), and what it says of the members that are ours.

    `signing_alg` is a member of our own: RS256 for a receiver that checks nothing else.
    """

    stream_id: str | UnsetType = UNSET
    delivery: Delivery | UnsetType = UNSET
    events_requested: EventTypes | UnsetType = UNSET
    description: Description | UnsetType = UNSET
    signing_alg: Literal["ES256", "RS256"] | UnsetType = UNSET
    iss: Any = UNSET
    aud: Any = UNSET
    events_supported: Any = UNSET
    events_delivered: Any = UNSET
    min_verification_interval: Any = UNSET


# Seconds between two verifications that a partner asks for.
MIN_VERIFICATION_INTERVAL = 30


def events_not_declined() -> list[str]:
    """Return the event types that every stream carries, whatever it asks for: a stop may not be declined."""
    return [event_type("consent-change"), event_type("cohort-revoked")]


def events_supported() -> list[str]:
    """Return the event types that a stream may carry."""
    return [*events_not_declined(), event_type("evidence-request")]


def configuration_of(*, stream: Stream, party: Party) -> dict[str, object]:
    """The stream as SSF 1.0 (8.1.1) shows it. The header for pushes is not shown: it is the partner's own secret."""
    pushed = stream.method == Stream.Method.PUSH
    return {
        "stream_id": str(stream.id),
        "iss": settings.BASE_URL,
        "aud": party.uri,
        "delivery": {
            "method": stream.method,
            "endpoint_url": stream.endpoint_url if pushed else f"{settings.BASE_URL}/ssf/poll",
        },
        "events_supported": events_supported(),
        **({"events_requested": stream.events_requested} if stream.events_requested else {}),
        "events_delivered": [
            name for name in events_supported() if not stream.events_requested or name in stream.events_requested
        ],
        "min_verification_interval": MIN_VERIFICATION_INTERVAL,
        **({"description": stream.description} if stream.description else {}),
        "signing_alg": stream.algorithm,
    }


def stream_of(*, party_id: int, stream_id: str | None = None) -> Stream | None:
    """Return the partner's stream, if it has one and, where an id is given, that is its."""
    stream = Stream.objects.filter(party_id=party_id).first()
    return stream if stream is not None and stream_id in (None, str(stream.id)) else None


def status_of(*, stream: Stream) -> dict[str, str]:
    """Its status as SSF 1.0 (8.1.2) shows it."""
    reason = {"reason": stream.status_reason} if stream.status_reason else {}
    return {"stream_id": str(stream.id), "status": stream.status, **reason}


ENDS = """
SELECT party_id, method, endpoint_url, authorization_sealed, status, algorithm FROM revocations_stream
WHERE party_id = ANY (%s::bigint[])
"""


@dataclass(frozen=True)
class Endpoint:
    """`url` "": the contract's own. `authorization`: the header to send, "" for none. `algorithm`: ES256 or RS256."""

    pushed: bool = True
    url: str = ""
    authorization: str = ""
    enabled: bool = True
    algorithm: str = "ES256"


CONTRACTS_OWN = Endpoint()


def endpoints(*, party_ids: Collection[int]) -> Mapping[int, Endpoint]:
    """Return the end of each partner's stream, in one statement; a partner without a stream has its contract's own."""
    with connection.cursor() as cursor:
        cursor.execute(ENDS, [list(party_ids)])
        found = {
            party_id: Endpoint(
                pushed=method == Stream.Method.PUSH,
                url=url,
                authorization=unseal(authorization) if authorization else "",
                enabled=status == Stream.Status.ENABLED,
                algorithm=algorithm,
            )
            for party_id, method, url, authorization, status, algorithm in cursor.fetchall()
        }
    return {party_id: found.get(party_id, CONTRACTS_OWN) for party_id in party_ids}


def allows(*, url: str, party_id: int) -> bool:
    """Return whether events may be pushed to this host: one that any of the partner's agreements lists.

    Where the door out may speak to this very machine, in the demo and in tests, any of its ports will do.
    """
    if http.loopback_allowed() and http.is_loopback(urlsplit(url).hostname or ""):
        return True
    contracts = Contract.objects.filter(aggregator_id=party_id, is_draft=False)
    return any(on_list(url=url, hosts=hosts_of(contract)) for contract in contracts)


def queue_event(
    *,
    party_id: int,
    kind: StreamEvent.Kind,
    sub_id: Mapping[str, object],
    event: Mapping[str, object],
    at: datetime,
    contract_id: int | None = None,
    cohort_id: uuid.UUID | None = None,
) -> StreamEvent:
    """Queue one event for one partner in the transaction of what it tells; it is delivered before orders.

    `sub_id` and `event` are the SET's subject and the body of its one event; `cohort_id`: the end that it tells of. The
    sweep finds the event; whoever wants it delivered at once also calls `nudge`.
    """
    return StreamEvent.objects.create(
        id=uuid.uuid4(),
        party_id=party_id,
        contract_id=contract_id,
        cohort_id=cohort_id,
        kind=kind,
        jti=uuid.uuid4().hex,
        claims=StreamClaims(txn=f"tx-{uuid.uuid4().hex}", sub_id=sub_id, event=event).as_json(),
        queued_at=at,
        next_attempt_at=at,
    )


def subject_of(*, stream: Stream) -> dict[str, object]:
    """Return a stream as the subject of an event."""
    return {"format": "opaque", "id": str(stream.id)}


PARTNER = "partner:"
# Our workers, who pause a stream because its partner answered that it is gone.
DELIVERY = "system:delivery"


def is_imposed(*, stream: Stream) -> bool:
    """Return whether somebody other than the partner keeps the stream from being enabled."""
    return stream.status != Stream.Status.ENABLED and not stream.status_by.startswith(PARTNER)


def is_set_by_officer(*, stream: Stream) -> bool:
    """Whether the partner may not enable it: an officer's word. What the partner's own 410 brought about, it may."""
    return is_imposed(stream=stream) and stream.status_by != DELIVERY


def standing_stream(*, party_id: int, by: str, at: datetime) -> Stream:
    """The partner's stream, locked. One that never had any gets the one it has in effect: its contract's address."""
    url = events_address_of(party_id=party_id)
    Stream.objects.get_or_create(
        party_id=party_id,
        defaults={
            "id": uuid.uuid4(),
            "method": Stream.Method.PUSH if url else Stream.Method.POLL,
            "endpoint_url": url,
            "status_by": by,
            "status_at": at,
            "created_at": at,
        },
    )
    health_of(party_id=party_id, at=at)
    return Stream.objects.select_for_update().get(party_id=party_id)


def change_status(
    *, stream: Stream, status: Stream.Status, reason: str, by: str, client_id: str = "", at: datetime
) -> bool:
    """Set a locked stream's status. Returns whether that changed it. Audited; the partner hears of what we changed.

    `status_at` keeps saying since when the stream is not enabled, from one such status to another.
    """
    reason = http.readable(reason)
    is_its_own = _is_partners_own(stream, status, by)
    if (stream.status, stream.status_reason, stream.status_by) == (status, reason, by):
        return False
    before, stream.status, stream.status_reason, stream.status_by = stream.status, status.value, reason, by
    if Stream.Status.ENABLED in (before, status) and before != status:
        stream.status_at = at
        if not is_its_own:
            restart_verification(party_id=stream.party_id, at=at)
    stream.save(update_fields=["status", "status_reason", "status_by", "status_at"])
    audit.actions.record(
        action=f"stream.{status.value}", actor=by, target=f"stream:{stream.id}", at=at, reason=reason,
        detail={"before": before} | audit.actions.name_client(client_id),
    )  # fmt: skip
    if before != status and not by.startswith(PARTNER):
        _tell_status(stream, status, reason, at)
    return True


def _is_partners_own(stream: Stream, status: Stream.Status, by: str) -> bool:
    """Tell whether the partner did this itself, which gives it no more time to answer."""
    return by.startswith(PARTNER) and (status != Stream.Status.ENABLED or stream.status_by.startswith(PARTNER))


def _tell_status(stream: Stream, status: Stream.Status, reason: str, at: datetime) -> None:
    queue_event(
        party_id=stream.party_id,
        kind=StreamEvent.Kind.STREAM_UPDATED,
        sub_id=subject_of(stream=stream),
        event={"status": status.value, **({"reason": reason} if reason else {})},
        at=at,
    )


def health_of(*, party_id: int, at: datetime) -> StreamHealth:
    """Get how the partner's verifications went, or begin to count them now."""
    health, _ = StreamHealth.objects.get_or_create(party_id=party_id, defaults={"counts_from": at})
    return health


def restart_verification(*, party_id: int, at: datetime) -> None:
    """Count from now: earlier questions no longer wait for an answer; those it let pass stay counted."""
    StreamHealth.objects.update_or_create(party_id=party_id, defaults={"counts_from": at})
