"""`import_choices FILE`. It stands here, above all that it touches: what it brings may change past judgements."""

import os
from argparse import ArgumentParser
from datetime import datetime
from typing import Any

from django.core.management.base import CommandError

from consent.feeds.choices import ChoicesFeed, import_choices
from disclosures import actions
from partners.feeds.command import Feed, FeedCommand, Progress, Tally
from partners.feeds.reading import Readable
from partners.feeds.worker_pool import WorkerGone


class Command(FeedCommand):
    """Take in choices from an earlier system (NDJSON); the person's own always outrank them."""

    help = "Take in choices from an earlier system (NDJSON); the person's own always outrank them."
    feed_name = "choices"
    fields = (
        "id, msisdn, made_at, kind (stop|allow|pause), scope (all|party|purpose|campaign), channel; ref unless scope is"
        " all; until for a pause; optional program."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        super().add_arguments(parser)
        parser.add_argument(
            "--workers",
            type=int,
            default=(os.cpu_count() or 1) + 1,
            help="processes that take a large file in, each over a connection of its own (%(default)s)",
        )

    def feed(self) -> Feed:
        return ChoicesFeed()

    def take_all(self, *, stream: Readable, progress: Progress, tally: Tally) -> dict[str, int]:
        pierced = 0
        try:
            for taken in import_choices(lines=self.read_rows(stream=stream, progress=progress), workers=self.workers):
                tally.add_counted(counts=taken.counts, judged={}, refused=taken.refused)
                progress.count_lines(taken.lines)
                pierced += taken.pierced
        except WorkerGone as error:
            raise CommandError(f"{error}: run it again to go on") from error
        return {"file_stops_pierced": pierced}

    def handle(self, *args: object, **options: Any) -> None:
        self.workers = options["workers"]
        super().handle(*args, **options)

    def afterwards(self, *, at: datetime) -> dict[str, int]:
        actions.catch_up(cause=self.feed_name, at=at)
        return {}
