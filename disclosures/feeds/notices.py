"""The notices feed: delayed-notice orders."""

from collections.abc import Sequence
from datetime import datetime

import msgspec

from disclosures import actions
from partners.feeds.checking import (
    Fate,
    FreeText,
    Instant,
    RowRefused,
    Text,
    build_accepted_fate,
    build_rejected_fate,
    build_repeated_fate,
    instant_or_none,
    read,
)
from partners.feeds.reading import NumberedLine, Record


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

    def take(self, *, lines: Sequence[NumberedLine | Record], at: datetime) -> list[Fate]:
        return [self._one(line, at) for line in lines]

    def _one(self, line: NumberedLine | Record, at: datetime) -> Fate:
        try:
            notice = read(line, NOTICE_DECODER, ReportedNotice)
            until = instant_or_none("suppressed_until", notice.suppressed_until)
            new = actions.record_notice(
                source_id=notice.disclosure_id, suppressed_until=until, order_ref=notice.order_ref, at=at
            )
        except RowRefused as refused:
            return build_rejected_fate(line.number, refused.field, refused.reason)
        if new is None:
            return build_rejected_fate(line.number, "disclosure_id", "disclosure_unknown")
        return build_accepted_fate(line.number) if new else build_repeated_fate(line.number)

    def finish(self, *, at: datetime) -> list[Fate]:
        del at
        return []

    def extra(self) -> dict[str, int]:
        return {}
