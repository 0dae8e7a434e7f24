"""`import_notices FILE`."""

from disclosures.feeds.releases import NoticesFeed
from partners.feeds.command import Feed, FeedCommand


class Command(FeedCommand):
    """Take in delayed-notice orders (NDJSON): rows to hide until a moment, or to show again."""

    feed_name = "notices"
    fields = (
        "disclosure_id, suppressed_until (null: until further order); optional order_ref, awaited (true: the release is"
        " still to arrive, hide it then). Without it an unknown id is rejected (disclosure_unknown) and hides nothing."
    )

    def feed(self) -> Feed:
        return NoticesFeed()
