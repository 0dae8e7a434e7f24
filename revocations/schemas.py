"""What partners send us that is not signed."""

from datetime import datetime
from typing import Annotated

import msgspec

from revocations.domain.streams import RequestedStream
from revocations.models import Stream

MOST_EVENTS = 1000

type Jti = Annotated[str, msgspec.Meta(max_length=200, pattern=r"^[^\x00]*$")]


class SetError(msgspec.Struct, frozen=True):
    """Why a token was refused, in RFC 8935's codes."""

    err: Annotated[str, msgspec.Meta(max_length=100, pattern=r"^[^\x00]*$")]
    description: Annotated[str, msgspec.Meta(max_length=1000, pattern=r"^[^\x00]*$")] = ""


class Poll(msgspec.Struct, frozen=True, rename="camel"):
    """A poll request (RFC 8936, 2.2). `ack` and `setErrs` speak of earlier answers.

    `since` is our own: what was queued from then on is offered once more. A partner that lost its store names it once.
    """

    max_events: Annotated[int, msgspec.Meta(ge=0)] = 100
    return_immediately: bool = False
    ack: Annotated[tuple[Jti, ...], msgspec.Meta(max_length=MOST_EVENTS)] = ()
    set_errs: Annotated[dict[Jti, SetError], msgspec.Meta(max_length=MOST_EVENTS)] = msgspec.field(default_factory=dict)
    since: Annotated[datetime, msgspec.Meta(tz=True)] | None = None


poll = msgspec.json.Decoder(Poll)


class RequestedStatus(msgspec.Struct, frozen=True):
    """SSF 1.0, 8.1.2.2."""

    stream_id: str
    status: Stream.Status
    reason: Annotated[str, msgspec.Meta(pattern=r"^[^\x00]*$")] | None = None


class Verification(msgspec.Struct, frozen=True):
    """SSF 1.0, 8.1.4.2. `state` comes back as it was sent."""

    stream_id: str
    state: Annotated[str, msgspec.Meta(max_length=1000, pattern=r"^[^\x00]*$")] | None = None


stream = msgspec.json.Decoder(RequestedStream)
status = msgspec.json.Decoder(RequestedStatus)
verification = msgspec.json.Decoder(Verification)
