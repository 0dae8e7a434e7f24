"""A stream as its partner sees it."""

from typing import Annotated, Any, Literal

import msgspec
from django.conf import settings
from msgspec import UNSET, UnsetType

from partners.models import Party
from revocations.domain.wire import event_type
from revocations.models import Stream

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


class StreamWanted(msgspec.Struct, frozen=True):
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
    """The event types that every stream carries, whatever it asks for: a stop may not be declined."""
    return [event_type("consent-change"), event_type("cohort-revoked")]


def events_supported() -> list[str]:
    """The event types that a stream may carry."""
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
    """The partner's stream, if it has one and, where an id is given, that is its."""
    stream = Stream.objects.filter(party_id=party_id).first()
    return stream if stream is not None and stream_id in (None, str(stream.id)) else None


def status_of(*, stream: Stream) -> dict[str, str]:
    """Its status as SSF 1.0 (8.1.2) shows it."""
    reason = {"reason": stream.status_reason} if stream.status_reason else {}
    return {"stream_id": str(stream.id), "status": stream.status, **reason}
