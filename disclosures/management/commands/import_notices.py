"""`import_notices FILE`."""

from disclosures.feeds.releases import NoticesFeed
from partners.feeds.command import Feed, FeedCommand


class Command(FeedCommand):
    """Take in delayed-notice orders (NDJSON): rows to hide until a moment, or to show again."""

    feed_name = "notices"
    fields = "disclosure_id, suppressed_until (null: until further order); optional order_ref."

    def feed(self) -> Feed:
        return NoticesFeed()
