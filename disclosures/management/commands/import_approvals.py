"""`import_approvals FILE`. It stands here, above all that it touches: what it brings may change past judgements."""

from datetime import datetime

from consent.feeds.approvals import ApprovalsFeed
from disclosures import actions
from partners.feeds.command import Feed, FeedCommand


class Command(FeedCommand):
    """Take in approvals and partners' claims (NDJSON); prints how many stops from files they outweigh."""

    feed_name = "approvals"
    fields = (
        "id, msisdn, campaign, method (sms|ivr|web|app|paper), captured_at, captured_by, wording, language,"
        " evidence_ref, verified_by (carrier|partner); optional expires_at."
    )

    def feed(self) -> Feed:
        return ApprovalsFeed()

    def afterwards(self, *, at: datetime) -> dict[str, int]:
        actions.catch_up(cause=self.feed_name, at=at)
        return {}
