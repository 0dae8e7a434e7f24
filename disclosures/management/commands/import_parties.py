"""`import_parties FILE`. It stands here, above all that it touches: what it brings may change past judgements."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from django.core.management.base import CommandError

from disclosures.feeds.terms import settle_files
from partners.feeds.command import Feed, FeedCommand, Progress
from partners.feeds.parties import PartiesFeed, Unreadable
from partners.feeds.reading import NumberedLine, Readable, Record

READ_SIZE = 100_000_000


class Command(FeedCommand):
    """Take in parties, contracts and campaigns (JSON). A file may tighten what was agreed, never loosen it."""

    feed_name = "parties"
    fields = (
        "parties[id, name, kind (aggregator|lbs_provider|end_customer), website, about; optional jwks_uri, succeeds[],"
        " same_as[]], contracts[id, aggregator, signed_at, starts_at, ends_at, purposes[], ack_within_s,"
        " complete_within_days, endpoint_url, jwks_uri], campaigns[id, contract, lbs_provider, purpose, description,"
        " consent_flow, scope, precision_m, starts_at, ends_at; optional recipients[], names_recipient, lifeline,"
        " family_tracking, consideration (none|monetary|other), succeeds[]]."
    )

    def feed(self) -> Feed:
        self.taken = PartiesFeed()
        return self.taken

    def read_rows(self, *, stream: Readable, progress: Progress) -> Iterator[NumberedLine | Record]:
        """Yield the whole document as one line."""
        content = b"".join(iter(lambda: stream.read(READ_SIZE), b""))
        progress.read(len(content))
        return iter([NumberedLine(1, content.removeprefix(b"\xef\xbb\xbf"))])

    def handle(self, *args: object, **options: Any) -> None:
        try:
            super().handle(*args, **options)
        except Unreadable as error:
            raise CommandError(f"{options['file']}: {error}") from error

    def afterwards(self, *, at: datetime) -> dict[str, int]:
        return {"file_stops_pierced": settle_files(at=at) or 0, **self._warn()}

    def _warn(self) -> dict[str, int]:
        """Tell of addresses that the door out would refuse, and how many they are: nothing can be sent there."""
        refused, left_out = self.taken.look_at_addresses()
        for line in refused:
            self.stderr.write(line)
        return {"addresses_refused": len(refused), "addresses_not_looked_up": left_out}
