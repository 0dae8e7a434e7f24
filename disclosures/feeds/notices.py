"""The notices feed: delayed-notice orders."""

from collections.abc import Sequence
from datetime import datetime

import msgspec

from disclosures import actions
from partners.feeds.checking import (
    Fate,
    FreeText,
    Instant,
    Refused,
    Text,
    accepted,
    instant_or_none,
    read,
    rejected,
    repeated,
)
from partners.feeds.reading import Numbered, Record


class ReportedNotice(msgspec.Struct, frozen=True):
    """One line of a notices file. `suppressed_until` null: until further order."""

    disclosure_id: Text
    suppressed_until: Instant | None
    order_ref: FreeText = ""


NOTICE_DECODER = msgspec.json.Decoder(ReportedNotice)


class NoticesFeed:
    """Takes delayed-notice orders in."""

    name = "notices"
    header = "disclosure_id"
    chunk = 1000

    def take(self, *, lines: Sequence[Numbered | Record], at: datetime) -> list[Fate]:
        return [self._one(line, at) for line in lines]

    def _one(self, line: Numbered | Record, at: datetime) -> Fate:
        try:
            notice = read(line, NOTICE_DECODER, ReportedNotice)
            until = instant_or_none("suppressed_until", notice.suppressed_until)
            new = actions.record_notice(
                source_id=notice.disclosure_id, suppressed_until=until, order_ref=notice.order_ref, at=at
            )
        except Refused as refused:
            return rejected(line.number, refused.field, refused.reason)
        if new is None:
            return rejected(line.number, "disclosure_id", "disclosure_unknown")
        return accepted(line.number) if new else repeated(line.number)

    def finish(self, *, at: datetime) -> list[Fate]:
        del at
        return []

    def extra(self) -> dict[str, int]:
        return {}
