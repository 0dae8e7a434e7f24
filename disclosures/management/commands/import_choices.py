"""`import_choices FILE`. It stands here, above all that it touches: what it brings may change past judgements."""

from datetime import datetime

from consent.feeds import ChoicesFeed
from disclosures import actions
from partners.feeds.command import Feed, FeedCommand


class Command(FeedCommand):
    """Take in choices from an earlier system (NDJSON); the person's own always outrank them."""

    help = "Take in choices from an earlier system (NDJSON); the person's own always outrank them."
    feed_name = "choices"
    fields = (
        "id, msisdn, made_at, kind (stop|allow|pause), scope (all|party|purpose|campaign), channel; ref unless scope is"
        " all; until for a pause; optional program."
    )

    def feed(self) -> Feed:
        return ChoicesFeed()

    def afterwards(self, *, at: datetime) -> dict[str, int]:
        actions.catch_up(cause=self.feed_name, at=at)
        return {}
