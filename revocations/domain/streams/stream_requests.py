"""What a partner may want of its stream, in the shape in which it says so."""

from typing import Annotated, Any, Literal

import msgspec
from msgspec import UNSET, UnsetType

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
