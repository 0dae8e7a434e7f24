"""What the telephone system tells of a call."""

from datetime import datetime
from typing import Annotated

import msgspec


class LoggedByPhone(msgspec.Struct, frozen=True):
    """One call of ours that was answered. `answered_at`: RFC 3339, with its offset. `by`: see `LoggedCall`."""

    id: Annotated[str, msgspec.Meta(min_length=1, max_length=80)]
    msisdn: Annotated[str, msgspec.Meta(pattern=r"^\+[1-9][0-9]{6,14}\Z")] = msgspec.field(name="to")
    answered_at: Annotated[datetime, msgspec.Meta(tz=True)]
    by: Annotated[str, msgspec.Meta(max_length=40, pattern=r"^[^\x00]*\Z")] = ""


DECODER = msgspec.json.Decoder(LoggedByPhone)
