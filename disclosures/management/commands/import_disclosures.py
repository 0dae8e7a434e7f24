"""`import_disclosures FILE`."""

from pathlib import Path
from typing import Any

from disclosures.domain.ingest import chunks
from disclosures.feeds.importing import FileImport
from disclosures.feeds.releases import DisclosuresFeed
from partners.feeds.checking import build_rejected_fate
from partners.feeds.command import Feed, ParallelFeedCommand, Progress, Tally
from partners.feeds.reading import Readable


class Command(ParallelFeedCommand):
    """Take in what left the carrier (NDJSON), each release judged; prints the judgements.

    After an interruption, run it again on the same file: it goes on where it stopped.
    """

    feed_name = "disclosures"
    fields = (
        "id, occurred_at, msisdn, aggregator, path[] (URIs in order: the aggregator, the LBS provider, whoever received"
        " it from there; unknown where a hop is not known), purpose, scope, precision_m, basis"
        " (approval|emergency|legal_process|network), outcome (released|refused); optional campaign, decision_id,"
        " authority_ref, suppressed_until (absent or null: no order; until further order is said by import_notices)."
    )

    def feed(self) -> Feed:
        return DisclosuresFeed()

    def take_all(self, *, stream: Readable, progress: Progress, tally: Tally) -> dict[str, int]:
        completed = 0
        for taken in self.run.import_stream(stream=stream):
            refused = [build_rejected_fate(line, field, reason) for line, field, reason in taken.refused]
            tally.add_counted(counts=taken.counts, judged=taken.judged, refused=refused)
            completed += taken.paths_completed
            if taken.before:
                progress.count_earlier_lines(lines=taken.lines, size=taken.size)
            else:
                progress.read(taken.size)
                progress.count_lines(taken.lines)
        return {"paths_completed": completed}

    def handle(self, *args: object, **options: Any) -> None:
        path = Path(options["file"])
        # A pipe can be read only once: it is not looked into beforehand, and never resumed.
        file = chunks.fingerprint_file(path) if options["file"] != "-" and path.is_file() else None
        with FileImport(file=file, workers=options["workers"]) as self.run:
            super().handle(*args, **options)
            self.run.forget()
