"""`import_lines FILE`. It stands here, above all that it touches: what it brings may change past judgements."""

from datetime import datetime

from consent.feeds.lines import LinesFeed
from disclosures import actions
from partners.feeds.command import Feed, FeedCommand


class Command(FeedCommand):
    """Take in lines (CSV or NDJSON): activations, ends, new numbers, SIMs, roles, states, holders."""

    feed_name = "lines"
    fields = (
        "line_id, msisdn (E.164), account_id, holder_name, user_role (holder|user|minor), state, language,"
        " activated_at, deactivated_at (empty while active); optional sim_changed_at, number_changed_at,"
        " forwarding_changed_at, continues_line_id."
    )

    def feed(self) -> Feed:
        return LinesFeed()

    def afterwards(self, *, at: datetime) -> dict[str, int]:
        actions.catch_up(cause=self.feed_name, at=at)
        return {}
