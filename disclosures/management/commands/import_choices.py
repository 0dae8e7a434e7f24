"""`import_choices FILE`. It stands here, above all that it touches: what it brings may change past judgements."""

from datetime import datetime

from consent.feeds.choices import ChoicesFeed, import_choices
from disclosures import actions
from partners.feeds.command import Feed, ParallelFeedCommand, Progress, Tally
from partners.feeds.reading import Readable


class Command(ParallelFeedCommand):
    """Take in choices from an earlier system (NDJSON); the person's own always outrank them."""

    feed_name = "choices"
    fields = (
        "id, msisdn, made_at, kind (stop|allow|pause), scope (all|party|purpose|campaign), channel; ref unless scope is"
        " all; until for a pause; optional program."
    )

    def feed(self) -> Feed:
        return ChoicesFeed()

    def take_all(self, *, stream: Readable, progress: Progress, tally: Tally) -> dict[str, int]:
        pierced = 0
        for taken in import_choices(lines=self.read_rows(stream=stream, progress=progress), workers=self.workers):
            tally.add_counted(counts=taken.counts, judged={}, refused=taken.refused)
            progress.count_lines(taken.lines)
            pierced += taken.pierced
        return {"file_stops_pierced": pierced}

    def afterwards(self, *, at: datetime) -> dict[str, int]:
        actions.catch_up(cause=self.feed_name, at=at)
        return {}
